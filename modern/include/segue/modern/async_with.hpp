// async_with(): Python's `async with`. A destructor cannot await, so the block is a coroutine function:
//
//   co_await async_with(timeout(1s), [&](Timeout& limit) -> Coroutine<> {
//     co_await fetch();
//   });
//
// A context manager has `aenter()` and `aexit(std::exception_ptr) -> bool`, plain functions or coroutines. aexit() is told
// how the block ended (null for well), and may throw something else, or return true to end the exception there.
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

#include <segue/modern/awaitable.hpp>
#include <segue/modern/coroutine.hpp>
#include <segue/outcome.hpp>

namespace segue::modern {

namespace detail {

/// What a plain call returns, or what awaiting its result gives.
template <class T>
struct Awaited {
  using type = T;
};
template <Awaitable T>
struct Awaited<T> {
  using type = await_result_t<T>;
};

template <class Manager, class Body>
using block_result_t = await_result_t<std::invoke_result_t<Body&, std::remove_reference_t<Manager>&>>;

template <class Manager>
concept AsyncContextManager = requires(std::remove_reference_t<Manager>& manager, std::exception_ptr error) {
  manager.aenter();
  requires std::convertible_to<typename Awaited<decltype(manager.aexit(error))>::type, bool>;
};

}  // namespace detail

/// Enters `manager`, awaits `body(manager)`, and leaves `manager`, however the body ends; gives the body's result. An
/// lvalue manager is referred to, an rvalue kept, as is the body. Where aexit() ends an exception, the result is a
/// value-initialised one.
template <detail::AsyncContextManager Manager, class Body>
Coroutine<detail::block_result_t<Manager, Body>> async_with(Manager&& manager, Body body) {
  return [](Manager held, Body block) -> Coroutine<detail::block_result_t<Manager, Body>> {
    using Result = detail::block_result_t<Manager, Body>;
    if constexpr (Awaitable<decltype(held.aenter())>) {
      co_await held.aenter();
    } else {
      held.aenter();
    }
    Outcome<Result> outcome;
    try {
      auto running = std::invoke(block, held);
      if constexpr (std::is_void_v<Result>) {
        co_await std::move(running);
        outcome.set_value();
      } else {
        outcome.set_value(co_await std::move(running));
      }
    } catch (...) {
      outcome.set_exception(std::current_exception());
    }
    bool suppressed = false;
    if constexpr (Awaitable<decltype(held.aexit(nullptr))>) {
      suppressed = co_await held.aexit(outcome.exception());
    } else {
      suppressed = held.aexit(outcome.exception());
    }
    if constexpr (std::is_void_v<Result>) {
      if (!suppressed) outcome.take();
    } else {
      if (suppressed && outcome.has_exception()) co_return Result();
      co_return outcome.take();
    }
  }(std::forward<Manager>(manager), std::move(body));
}

}  // namespace segue::modern
