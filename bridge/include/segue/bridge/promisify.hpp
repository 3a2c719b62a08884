// promisify(): an awaitable function of a callback function, once for all calls (Node's util.promisify).
//
//   const auto read_file = promisify<std::string>(error_first, &fs::read_file);   // void read_file(path, callback)
//   std::string text = co_await read_file("notes.txt");
//   const auto count = promisify<void(void*, int)>(&db_count);                    // void db_count(db*, call, data)
//   int rows = co_await count(db);
//   const auto load = promisify(&load_page, &stop_loading);           // job* load_page(url, callback), void
//   stop_loading(job*)
//
// The callback goes where the function takes it: behind the arguments, or else before them. Where that parameter is a
// std::function, or a function pointer beside a `void*`, the values need not be named: promisify(&db_count).
#pragma once

#include <concepts>
#include <functional>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

#include <segue/bridge/c_callback.hpp>
#include <segue/bridge/callback.hpp>

namespace segue::bridge {

namespace bridge_detail {

/// A call of `F` with these arguments and a callback.
template <class F, class... Args>
class PromisifiedCall {
 public:
  template <class... Values>
  explicit PromisifiedCall(const F& function, Values&&... args)
      : function_(function), args_(std::forward<Values>(args)...) {}

  template <class... Callbacks>
    requires std::invocable<F&, Args&..., Callbacks...> || std::invocable<F&, Callbacks..., Args&...> ||
             std::invocable<F&, Args..., Callbacks...>
  decltype(auto) operator()(Callbacks&&... callbacks) {
    return std::apply(
        [&](Args&... args) -> decltype(auto) {
          if constexpr (std::invocable<F&, Args&..., Callbacks...>) {
            return std::invoke(function_, args..., std::forward<Callbacks>(callbacks)...);
          } else if constexpr (std::invocable<F&, Callbacks..., Args&...>) {
            return std::invoke(function_, std::forward<Callbacks>(callbacks)..., args...);
          } else {
            return std::invoke(function_, std::move(args)..., std::forward<Callbacks>(callbacks)...);
          }
        },
        args_);
  }

 private:
  F function_;
  std::tuple<Args...> args_;
};

/// What the parameter of a callback says about its values; nothing where it is of another kind.
template <class Parameter>
struct ValuesOfParameter {};
template <class R, class... Args>
struct ValuesOfParameter<std::function<R(Args...)>> {
  using type = TypeList<std::decay_t<Args>...>;
};
/// The same of a pointer to a C function, which is told from a `void*` beside it.
template <class Parameter>
struct SignatureOfParameter {};
template <class R, class... Args, bool is_noexcept>
struct SignatureOfParameter<R (*)(Args...) noexcept(is_noexcept)> {
  using type = TypeList<R(Args...)>;
};

template <class... Parameters>
struct DeducedValues {};
template <class Parameter>
  requires requires { typename ValuesOfParameter<std::decay_t<Parameter>>::type; }
struct DeducedValues<Parameter> : ValuesOfParameter<std::decay_t<Parameter>> {};
template <class Function, class Data>
  requires std::same_as<std::decay_t<Data>, void*> && requires { typename SignatureOfParameter<Function>::type; }
struct DeducedValues<Function, Data> : SignatureOfParameter<Function> {};
/// Of the last parameters that say something.
template <class First, class Second, class... Rest>
  requires(!requires { typename SignatureOfParameter<First>::type; } || sizeof...(Rest) > 0)
struct DeducedValues<First, Second, Rest...> : DeducedValues<Second, Rest...> {};

/// The same of two callbacks, of which the first brings the values.
template <class... Parameters>
struct DeducedOfTwo {};
template <class First, class... Rest>
struct DeducedOfTwo<First, Rest...> : DeducedOfTwo<Rest...> {};
template <class Succeeded, class Failed>
  requires requires {
    typename ValuesOfParameter<std::decay_t<Succeeded>>::type;
    typename ValuesOfParameter<std::decay_t<Failed>>::type;
  }
struct DeducedOfTwo<Succeeded, Failed> : ValuesOfParameter<std::decay_t<Succeeded>> {};
template <class R, class... Args, bool is_noexcept, class F, class... Error, bool fails_noexcept>
struct DeducedOfTwo<R (*)(Args...) noexcept(is_noexcept), F (*)(Error...) noexcept(fails_noexcept), void*> {
  using type = TypeList<R(Args...), F(Error...)>;
};

template <class How, class... Parameters>
using deduced_for_t = std::conditional_t<std::derived_from<How, success_failure_t>, DeducedOfTwo<Parameters...>,
                                         DeducedValues<Parameters...>>;

template <class How, class F>
struct ValuesOf {};
template <class How, class R, class... Parameters, bool is_noexcept>
struct ValuesOf<How, R (*)(Parameters...) noexcept(is_noexcept)> : deduced_for_t<How, Parameters...> {};
template <class How, class F>
  requires requires { &F::operator(); }
struct ValuesOf<How, F> : ValuesOf<How, decltype(&F::operator())> {};
template <class How, class R, class C, class... Parameters, bool is_noexcept>
struct ValuesOf<How, R (C::*)(Parameters...) const noexcept(is_noexcept)> : deduced_for_t<How, Parameters...> {};
template <class How, class R, class C, class... Parameters, bool is_noexcept>
struct ValuesOf<How, R (C::*)(Parameters...) noexcept(is_noexcept)> : deduced_for_t<How, Parameters...> {};

template <class F, class How>
concept TellsItsValues = requires { typename ValuesOf<How, F>::type; };

}  // namespace bridge_detail

/// What promisify() returns: copies of the functions and of the arguments are kept until the end of the await.
template <class F, class Cancel, class How, class... Values>
class Promisified {
 public:
  explicit Promisified(F function, Cancel cancel) : function_(std::move(function)), cancel_(std::move(cancel)) {}

  template <class... Args>
    requires bridge_detail::Starts<bridge_detail::shape_for_t<How, Values...>,
                                   bridge_detail::PromisifiedCall<F, std::decay_t<Args>...>> &&
             bridge_detail::CancelFor<Cancel, bridge_detail::shape_for_t<How, Values...>,
                                      bridge_detail::PromisifiedCall<F, std::decay_t<Args>...>>
  auto operator()(Args&&... args) const {
    bridge_detail::PromisifiedCall<F, std::decay_t<Args>...> call(function_, std::forward<Args>(args)...);
    if constexpr (std::same_as<Cancel, bridge_detail::NoCancel>) {
      return from_callback<Values...>(How(), std::move(call), std::source_location());
    } else {
      return from_callback<Values...>(How(), std::move(call), cancel_, std::source_location());
    }
  }

 private:
  F function_;
  [[no_unique_address]] Cancel cancel_;
};

namespace bridge_detail {

/// A callback's values without the error that comes first.
template <class How, class List>
struct BesideError {
  using type = List;
};
template <class Error, class... Values>
  requires(!std::is_function_v<Error>)
struct BesideError<error_first_t, TypeList<Error, Values...>> {
  using type = TypeList<Values...>;
};

template <class How, class F, class Cancel, class... Values>
auto promisified_as(TypeList<Values...>, F function, Cancel cancel) {
  return Promisified<F, Cancel, How, Values...>(std::move(function), std::move(cancel));
}

}  // namespace bridge_detail

/// `Values` and `how` are those of from_callback(), and so is `cancel`: what the function returns cancels by its member
/// cancel(), where none is given. Where no value is named, they are those of the function's parameter, if it tells
/// them.
template <class... Values, class How, class F, class Cancel = bridge_detail::NoCancel>
  requires bridge_detail::is_how<How>
auto promisify(How, F function, Cancel cancel = {}) {
  if constexpr (sizeof...(Values) == 0 && bridge_detail::TellsItsValues<F, How>) {
    using Told = typename bridge_detail::BesideError<How, typename bridge_detail::ValuesOf<How, F>::type>::type;
    return bridge_detail::promisified_as<How>(Told(), std::move(function), std::move(cancel));
  } else {
    return bridge_detail::promisified_as<How>(bridge_detail::TypeList<Values...>(), std::move(function),
                                              std::move(cancel));
  }
}
template <class... Values, class F, class Cancel = bridge_detail::NoCancel>
  requires(!bridge_detail::is_how<F>)
auto promisify(F function, Cancel cancel = {}) {
  return promisify<Values...>(once, std::move(function), std::move(cancel));
}

}  // namespace segue::bridge
