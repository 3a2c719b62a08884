// call(): a coroutine that keeps the function that it is made of.
//
//   Future<> all = gather(call(fetch, url), call([name]() -> Coroutine<> { co_await greet(name); }));
//
// A coroutine keeps its parameters, but a lambda's captures belong to the lambda, and `[name]() -> Coroutine<> { … }()`
// is gone at the end of its expression, while the coroutine goes on to use it: undefined behaviour, which nobody
// reports. So what is not awaited at once, and is made of a lambda with captures, or takes a reference, goes through
// call(). create_task(f, args…) does so by itself.
#pragma once

#include <type_traits>
#include <utility>

#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/refused.hpp>

namespace segue::modern {

namespace detail::body {  // out of reach of argument-dependent lookup

template <class F, class... Args>
Coroutine<call_result_t<F, Args...>> call(F f, Args... args) {
  co_return co_await f(std::move(args)...);  // in one expression: what an argument is converted to lives as long
}

}  // namespace detail::body

struct CallFunction {
  /// A coroutine that calls `f(args…)` when it is awaited, and awaits what that gives. It has copies of `f` and of the
  /// arguments until it ends, as std::thread has: the arguments are moved into the call, and `std::ref(x)` is for a
  /// parameter that is a reference. A `const T&` refers to the copy.
  template <class F, class... Args>
    requires AwaitableFunction<F, Args...>
  Coroutine<call_result_t<F, Args...>> operator()(F&& f, Args&&... args) const {
    return detail::body::call<std::decay_t<F>, std::decay_t<Args>...>(std::forward<F>(f), std::forward<Args>(args)...);
  }
  template <class F, class... Args>
    requires(!AwaitableFunction<F, Args...>)
  __attribute__((
      unavailable("call() takes a function that gives a coroutine, and copies of its arguments: std::ref(x) for a "
                  "parameter that is a "
                  "reference"))) Refused
  operator()(F&&, Args&&...) const;
};
inline constexpr CallFunction call;

}  // namespace segue::modern
