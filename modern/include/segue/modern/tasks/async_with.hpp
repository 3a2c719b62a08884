// async_with(): Python's `async with`, for a language whose destructors cannot await (PEP 492).
//
//   co_await async_with(lock, [&]() -> Coroutine<> { … });
//   int n = co_await async_with(timeout(1s), [&](Timeout& limit) -> Coroutine<int> { … });
//
// A context manager has `aenter()` and `aexit(std::exception_ptr)`, plain functions or ones that return what can be
// awaited. aexit() is told what the body threw (null for nothing) and may throw itself; where it gives a bool, true
// keeps the body's exception from going further; where it gives an exception_ptr, that is thrown instead, unless it is
// null: the same as throwing it, for less. All of it runs in the task that awaits. One that reports never to have been
// entered has `expect_entry()`, too, which async_with() calls at once.
//
// A temporary manager is kept until the end, another one is referred to; the body is kept. A body captures by
// reference, or is named before: g++ 12 destroys twice what a lambda within a co_await expression captures by value.
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/refused.hpp>
#include <segue/outcome.hpp>

namespace segue::modern {

/// What `async with` takes.
template <class M>
concept AsyncContextManager = requires(M& manager, std::exception_ptr error) {
  manager.aenter();
  manager.aexit(error);
};

namespace detail {

template <class R>
struct AwaitedOrPlain {
  using type = R;
};
template <Awaitable R>
struct AwaitedOrPlain<R> {
  using type = await_result_t<R>;
};
/// What a function that may return an awaitable gives in the end.
template <class R>
using awaited_or_plain_t = typename AwaitedOrPlain<R>::type;

template <class Manager>
using aenter_result_t = decltype(std::declval<Manager&>().aenter());
template <class Manager>
using aexit_result_t = decltype(std::declval<Manager&>().aexit(std::exception_ptr()));
template <class Manager>
using entered_t = awaited_or_plain_t<aenter_result_t<Manager>>;
template <class Manager>
inline constexpr bool gives_error = std::is_same_v<awaited_or_plain_t<aexit_result_t<Manager>>, std::exception_ptr>;
template <class Manager>
inline constexpr bool may_suppress =
    !gives_error<Manager> && !std::is_void_v<awaited_or_plain_t<aexit_result_t<Manager>>>;

/// Whether what its aexit() throws has the context that it should have.
template <class Manager>
inline constexpr bool sets_contexts = false;

template <class T>
T& unwrapped(T& object) noexcept {
  return object;
}
template <class T>
T& unwrapped(std::reference_wrapper<T>& object) noexcept {
  return object.get();
}
template <class T>
using unwrapped_t = std::remove_reference_t<decltype(unwrapped(std::declval<T&>()))>;

/// How a manager is kept: a temporary by value, another one by reference.
template <class Manager>
using kept_t =
    std::conditional_t<std::is_lvalue_reference_v<Manager>, std::reference_wrapper<std::remove_reference_t<Manager>>,
                       std::remove_cvref_t<Manager>>;

template <class Manager>
concept IsManager = AsyncContextManager<unwrapped_t<kept_t<Manager>>>;

/// Calls the body: without an argument where it takes none, else with what `as` names in Python, or else with the
/// manager.
template <class Body, class Manager, class Entered>
decltype(auto) call_body(Body& body, Manager& manager, Outcome<Entered>& entered) {
  if constexpr (std::invocable<Body&>) {
    return body();
  } else if constexpr (std::is_lvalue_reference_v<Entered> && std::invocable<Body&, Entered>) {
    return body(entered.stored().get());
  } else if constexpr (!std::is_reference_v<Entered> && std::invocable<Body&, stored_t<Entered>&>) {
    return body(entered.stored());
  } else if constexpr (!std::is_reference_v<Entered> && std::invocable<Body&, stored_t<Entered>>) {
    return body(std::move(entered.stored()));
  } else {
    return body(manager);
  }
}

/// What call_body() can call.
template <class Body, class Manager>
concept BodyFor = std::invocable<Body&> ||
                  (std::is_lvalue_reference_v<entered_t<Manager>> && std::invocable<Body&, entered_t<Manager>>) ||
                  (!std::is_reference_v<entered_t<Manager>> && (std::invocable<Body&, stored_t<entered_t<Manager>>&> ||
                                                                std::invocable<Body&, stored_t<entered_t<Manager>>>)) ||
                  std::invocable<Body&, Manager&>;

template <class Manager, class Body>
using body_result_t = awaited_or_plain_t<decltype(call_body(std::declval<Body&>(), std::declval<Manager&>(),
                                                            std::declval<Outcome<entered_t<Manager>>&>()))>;
template <class Manager, class Body>
using async_with_result_t =
    std::conditional_t<may_suppress<Manager> && !std::is_void_v<body_result_t<Manager, Body>>,
                       std::optional<stored_t<body_result_t<Manager, Body>>>, body_result_t<Manager, Body>>;

namespace body {  // out of reach of argument-dependent lookup

template <class KeptManager, class KeptBody>
Coroutine<async_with_result_t<unwrapped_t<KeptManager>, unwrapped_t<KeptBody>>> async_with(KeptManager kept_manager,
                                                                                           KeptBody kept_body) {
  using Manager = unwrapped_t<KeptManager>;
  using Body = unwrapped_t<KeptBody>;
  using Entered = entered_t<Manager>;
  using Result = body_result_t<Manager, Body>;
  Manager& manager = unwrapped(kept_manager);
  Body& body = unwrapped(kept_body);

  Outcome<Entered> entered;
  if constexpr (std::is_void_v<Entered>) {
    if constexpr (Awaitable<aenter_result_t<Manager>>) {
      co_await manager.aenter();
    } else {
      manager.aenter();
    }
    entered.set_value();
  } else if constexpr (Awaitable<aenter_result_t<Manager>>) {
    entered.set_value(co_await manager.aenter());
  } else {
    entered.set_value(manager.aenter());
  }

  Outcome<Result> outcome;
  try {
    if constexpr (!Awaitable<decltype(call_body(body, manager, entered))>) {
      if constexpr (std::is_void_v<Result>) {
        call_body(body, manager, entered);
        outcome.set_value();
      } else {
        outcome.set_value(call_body(body, manager, entered));
      }
    } else if constexpr (std::is_void_v<Result>) {
      co_await call_body(body, manager, entered);
      outcome.set_value();
    } else {
      outcome.set_value(co_await call_body(body, manager, entered));
    }
  } catch (...) {
    outcome.set_exception(std::current_exception());
  }

  bool suppress = false;
  try {
    if constexpr (gives_error<Manager>) {
      std::exception_ptr instead;
      if constexpr (Awaitable<aexit_result_t<Manager>>) {
        instead = co_await manager.aexit(outcome.exception());
      } else {
        instead = manager.aexit(outcome.exception());
      }
      if (instead) {
        chain_history(instead, outcome.exception());
        outcome.set_exception(std::move(instead));
      }
    } else if constexpr (!may_suppress<Manager>) {
      if constexpr (Awaitable<aexit_result_t<Manager>>) {
        co_await manager.aexit(outcome.exception());
      } else {
        manager.aexit(outcome.exception());
      }
    } else if constexpr (Awaitable<aexit_result_t<Manager>>) {
      suppress = static_cast<bool>(co_await manager.aexit(outcome.exception()));
    } else {
      suppress = static_cast<bool>(manager.aexit(outcome.exception()));
    }
  } catch (...) {
    if constexpr (!sets_contexts<Manager>) chain_history(std::current_exception(), outcome.exception());
    throw;
  }
  if (suppress && outcome.has_exception()) {
    if constexpr (std::is_void_v<Result>) {
      co_return;
    } else if constexpr (may_suppress<Manager>) {
      co_return std::nullopt;
    }
  }
  co_return outcome.take();
}

}  // namespace body

}  // namespace detail

struct AsyncWithFunction {
  /// Enters `manager`, runs `body` and leaves `manager`, whatever happens. Gives what the body gives; an optional of it
  /// where the manager may suppress the body's exception.
  ///
  /// `body` takes what aenter() gave, or the manager, or nothing; it returns a coroutine, or is a plain function.
  template <class Manager, class Body>
    requires(detail::IsManager<Manager> &&
             detail::BodyFor<detail::unwrapped_t<std::decay_t<Body>>, detail::unwrapped_t<detail::kept_t<Manager>>>)
  auto operator()(Manager&& manager, Body&& body) const {
    if constexpr (requires { manager.expect_entry(); }) manager.expect_entry();
    return detail::body::async_with<detail::kept_t<Manager>, std::decay_t<Body>>(std::forward<Manager>(manager),
                                                                                 std::forward<Body>(body));
  }
  template <class Manager, class Body>
    requires(detail::IsManager<Manager> &&
             !detail::BodyFor<detail::unwrapped_t<std::decay_t<Body>>, detail::unwrapped_t<detail::kept_t<Manager>>>)
  __attribute__((
      unavailable("the body of async_with() is a function, without a parameter, or with one for what aenter() gives or "
                  "the manager: "
                  "async_with(lock, [&]() -> Coroutine<> { co_await f(); })"))) Refused
  operator()(Manager&&, Body&&) const;
  template <class Manager, class Body>
    requires(!detail::IsManager<Manager>)
  __attribute__((
      unavailable("async_with() takes a context manager, with aenter() and aexit(std::exception_ptr); one that is "
                  "const has to have "
                  "them const"))) Refused
  operator()(Manager&&, Body&&) const;
};
inline constexpr AsyncWithFunction async_with;

}  // namespace segue::modern
