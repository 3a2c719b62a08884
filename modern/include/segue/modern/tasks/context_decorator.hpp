// AsyncContextDecorator: context managers that are put around functions (CPython: contextlib.AsyncContextDecorator).
//
//   class Traced : public AsyncContextDecorator<Traced> {
//    public:
//     explicit Traced(std::string name);
//     Coroutine<> aenter();
//     Coroutine<> aexit(std::exception_ptr error);
//   };
//   const auto fetch = Traced("fetch")([](std::string url) -> Coroutine<Page> { … });   // @Traced("fetch")
//   Page page = co_await fetch("http://a.example");
#pragma once

#include <concepts>
#include <tuple>
#include <type_traits>
#include <utility>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/tasks/async_with.hpp>

namespace segue::modern {

namespace detail {

template <class F, class... Args>
struct BoundCall {
  F function;
  std::tuple<Args...> args;
  decltype(auto) operator()() {
    return std::apply([this](Args&... given) -> decltype(auto) { return function(std::move(given)...); }, args);
  }
};

namespace body {

template <class Manager, class Call>
Coroutine<async_with_result_t<Manager, Call>> call_within(Manager manager, Call call) {
  const auto run = [&call]() -> decltype(auto) { return call(); };
  co_return co_await segue::modern::async_with(manager, run);
}

}  // namespace body

}  // namespace detail

/// The base of a manager `Self`, which makes a function of another one: one whose calls run within the manager, each
/// within a copy of its own (Python: `_recreate_cm()`, which gives the manager itself). The manager, the function and
/// the arguments are kept by value until the call's end.
template <class Self>
class AsyncContextDecorator {
 public:
  /// `function` is a coroutine function or a plain one; the function that is made is a coroutine function. It gives
  /// what async_with() does: an optional, where the manager may keep an exception from going further.
  template <class F>
  auto operator()(F function) const {
    return [manager = static_cast<const Self&>(*this), function = std::move(function)]<class... Args>(Args&&... args)
      requires std::invocable<F&, std::decay_t<Args>...>
    {
      using Call = detail::BoundCall<F, std::decay_t<Args>...>;
      return detail::body::call_within<Self, Call>(
          manager, Call{function, std::tuple<std::decay_t<Args>...>(std::forward<Args>(args)...)});
    };
  }

 protected:
  AsyncContextDecorator() noexcept = default;
};

}  // namespace segue::modern
