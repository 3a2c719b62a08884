// finally_(): Python's `try … finally`.
//
//   const auto closed = finally_([&] { file.close(); });                       // when the scope is left
//   co_await finally_([&] { return work(connection); },                        // the clean-up awaits
//                     [&] { return connection.goodbye(); });
//
// A destructor cannot await: what has to is given to the second form, as a function that runs after the body, whether
// that has returned, thrown, or was cancelled.
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/scope_exit.hpp>
#include <segue/outcome.hpp>

namespace segue::modern {

namespace detail::body {  // out of reach of argument-dependent lookup

template <class T, class Body, class Cleanup>
Coroutine<T> finally_(Body body, Cleanup cleanup) {
  Outcome<T> outcome;
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::invoke(body);
      outcome.set_value();
    } else {
      decltype(auto) result = co_await std::invoke(body);
      outcome.set_value(std::forward<decltype(result)>(result));
    }
  } catch (...) {
    outcome.set_exception(std::current_exception());
  }
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Cleanup&>>) {
      std::invoke(cleanup);
    } else {
      co_await std::invoke(cleanup);
    }
  } catch (...) {
    if (outcome.has_exception()) chain_history(std::current_exception(), outcome.exception());
    throw;
  }
  co_return outcome.take();
}

}  // namespace detail::body

struct FinallyFunction {
  /// A guard: calls `cleanup` when it is destroyed. What that throws ends the program.
  template <std::invocable Cleanup>
  [[nodiscard("it acts when it is destroyed: name it")]] ScopeExit<Cleanup> operator()(Cleanup cleanup) const {
    return ScopeExit<Cleanup>(std::move(cleanup));
  }
  /// Awaits what `body()` gives, then what `cleanup()` gives (or calls it, where it gives nothing). Gives, or throws,
  /// what the body ended with; an exception of the clean-up is thrown instead, with the body's as its context. Both
  /// functions are kept until then.
  template <std::invocable Body, std::invocable Cleanup>
    requires(Awaitable<std::invoke_result_t<Body&>> &&
             (std::is_void_v<std::invoke_result_t<Cleanup&>> || Awaitable<std::invoke_result_t<Cleanup&>>))
  Coroutine<await_result_t<std::invoke_result_t<Body&>>> operator()(Body body, Cleanup cleanup) const {
    return detail::body::finally_<await_result_t<std::invoke_result_t<Body&>>>(std::move(body), std::move(cleanup));
  }
};
inline constexpr FinallyFunction finally_;

}  // namespace segue::modern
