// promisify(): an awaitable function of a callback function, once for all calls (Node's util.promisify).
//
//   const auto read_file = promisify<std::string>(error_first, &fs::read_file);   // void read_file(path, callback)
//   std::string text = co_await read_file("notes.txt");
//   const auto count = promisify<void(void*, int)>(&db_count);                    // void db_count(db*, call, data)
//   int rows = co_await count(db);
//
// The callback goes where the function takes it: behind the arguments, or else before them.
#pragma once

#include <concepts>
#include <functional>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

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

}  // namespace bridge_detail

/// What promisify() returns: copies of the function and of the arguments are kept until the end of the await.
template <class F, class How, class... Values>
class Promisified {
 public:
  explicit Promisified(F function) : function_(std::move(function)) {}

  template <class... Args>
    requires bridge_detail::Starts<bridge_detail::shape_for_t<How, Values...>,
                                   bridge_detail::PromisifiedCall<F, std::decay_t<Args>...>>
  auto operator()(Args&&... args) const {
    using Call = bridge_detail::PromisifiedCall<F, std::decay_t<Args>...>;
    return from_callback<Values...>(How(), Call(function_, std::forward<Args>(args)...), std::source_location());
  }

 private:
  F function_;
};

/// `Values` and `how` are those of from_callback(), the cancellation and the errors too.
template <class... Values, class How, class F>
  requires bridge_detail::is_how<How>
Promisified<F, How, Values...> promisify(How, F function) {
  return Promisified<F, How, Values...>(std::move(function));
}
template <class... Values, class F>
  requires(!bridge_detail::is_how<F>)
Promisified<F, once_t, Values...> promisify(F function) {
  return Promisified<F, once_t, Values...>(std::move(function));
}

}  // namespace segue::bridge
