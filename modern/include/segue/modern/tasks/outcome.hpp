// outcome(): awaits, and gives what that ended with as a value, an exception included. So a handler may await, which a
// `catch` cannot.
//
//   const Outcome<Page> page = co_await outcome(fetch(url));
//   if (page.has_exception()) co_await log.write(exception_repr(page.exception()));
#pragma once

#include <exception>
#include <type_traits>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/outcome.hpp>

namespace segue::modern {

/// For outcome(): a CancelledError, too, is an outcome.
struct WithCancellation {
  explicit WithCancellation() = default;
};
inline constexpr WithCancellation with_cancellation{};

namespace detail::body {  // out of reach of argument-dependent lookup

template <class T, class A>
Coroutine<Outcome<T>> outcome(A awaitable, bool cancellation) {
  Outcome<T> outcome;
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(awaitable);
      outcome.set_value();
    } else {
      decltype(auto) result = co_await std::move(awaitable);
      outcome.set_value(std::forward<decltype(result)>(result));
    }
  } catch (...) {
    outcome.set_exception(std::current_exception());
  }
  const std::exception_ptr error = outcome.exception();
  const bool passes =
      error && (ends_program(error) || holds<GeneratorExit>(error) || (!cancellation && holds<CancelledError>(error)));
  if (passes) std::rethrow_exception(error);
  co_return outcome;
}

}  // namespace detail::body

struct OutcomeFunction {
  /// What `awaitable`, which is kept meanwhile, ends with. As with `except Exception`, CancelledError,
  /// KeyboardInterrupt and SystemExit are thrown all the same.
  template <Awaitable A>
  Coroutine<Outcome<await_result_t<A>>> operator()(A awaitable) const {
    return detail::body::outcome<await_result_t<A>>(std::move(awaitable), false);
  }
  /// The same, with CancelledError: whether it was the awaiting task that was cancelled, cancelling() tells.
  template <Awaitable A>
  Coroutine<Outcome<await_result_t<A>>> operator()(A awaitable, WithCancellation) const {
    return detail::body::outcome<await_result_t<A>>(std::move(awaitable), true);
  }
};
inline constexpr OutcomeFunction outcome;

}  // namespace segue::modern
