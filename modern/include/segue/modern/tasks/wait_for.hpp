// wait_for(): waits for one awaitable, but not for ever (CPython: asyncio.tasks.wait_for, as of 3.12).
//
//   std::string page = co_await wait_for(fetch("home"), 2s);   // TimeoutError after two seconds
//
// The awaitable is awaited in the caller's own task. When the time is over it is cancelled, and waited for until it is
// really done: what it returns or throws in spite of that counts. Cancelling the caller cancels it; shield() protects
// it.
#pragma once

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/delay.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/refused.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/timeouts.hpp>
#include <segue/os_error.hpp>
#include <segue/outcome.hpp>

namespace segue::modern {

namespace detail {

/// Cancels the future and waits until it is done.
Coroutine<void> cancel_and_wait(AnyFuture future);
/// TimeoutError in place of the CancelledError that is being handled.
[[noreturn]] void throw_timeout_error();

namespace body {  // out of reach of argument-dependent lookup

template <class A>
Coroutine<await_result_t<A>> wait_for(A awaitable, std::optional<Delay> limit) {
  using Result = await_result_t<A>;
  if (limit && !limit->positive()) {
    auto future = ensure_future(std::move(awaitable));
    if (!future.done()) {
      co_await cancel_and_wait(future);
      try {
        future.state()->check_result();
      } catch (const CancelledError&) {
        throw_timeout_error();
      }
    }
    co_return co_await std::move(future);
  }

  Timeout timer = timeout(limit);
  timer.aenter();
  Outcome<Result> outcome;
  try {
    if constexpr (std::is_void_v<Result>) {
      co_await std::move(awaitable);
      outcome.set_value();
    } else {
      outcome.set_value(co_await std::move(awaitable));
    }
  } catch (...) {
    outcome.set_exception(std::current_exception());
  }
  if (std::exception_ptr timed_out = timer.aexit(outcome.exception())) outcome.set_exception(std::move(timed_out));
  co_return outcome.take();
}

}  // namespace body

/// What a function keeps of an awaitable that it is given: a coroutine is taken over, a handle is copied.
template <class A>
using kept_awaitable_t = std::remove_cvref_t<A>;
template <class A>
decltype(auto) keep_awaitable(A&& awaitable) {
  if constexpr (std::constructible_from<kept_awaitable_t<A>, A>) {
    return std::forward<A>(awaitable);
  } else {
    return std::move(awaitable);
  }
}

}  // namespace detail

struct WaitForFunction {
  /// Waits for `awaitable` at most `limit`; for ever without one. With a zero or negative one, what is not done already
  /// is cancelled, and a coroutine never starts. TimeoutError.
  template <Awaitable A>
  Coroutine<await_result_t<A>> operator()(A&& awaitable, std::optional<Delay> limit) const {
    return detail::body::wait_for<detail::kept_awaitable_t<A>>(detail::keep_awaitable(std::forward<A>(awaitable)),
                                                               limit);
  }
  template <class A>
    requires(!Awaitable<A>)
  __attribute__((unavailable(
      "wait_for() takes a coroutine, or what else can be awaited, and not const: call a coroutine function, "
      "wait_for(f(), 1s)"))) Refused
  operator()(A&&, std::optional<Delay>) const;
};
inline constexpr WaitForFunction wait_for;

}  // namespace segue::modern
