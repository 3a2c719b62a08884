// What something is, as far as coroutines are concerned (CPython: inspect.iscoroutine() and its kin, and those of
// asyncio). In C++ a type tells, so that all of these are constant expressions.
//
//   static_assert(iscoroutinefunction(fetch));
#pragma once

#include <concepts>
#include <functional>
#include <type_traits>

#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/tasks/async_generators.hpp>

namespace segue::modern {

namespace detail {

template <class T>
inline constexpr bool is_coroutine = false;
template <class T>
inline constexpr bool is_coroutine<Coroutine<T>> = true;
template <class T>
inline constexpr bool is_async_generator = false;
template <class Yield, class Send>
inline constexpr bool is_async_generator<AsyncGenerator<Yield, Send>> = true;

/// What a function returns, whatever its arguments; void for what has no one signature.
template <class F>
struct ReturnType {
  using type = void;
};
template <class F>
  requires requires(F f) { std::function(f); }
struct ReturnType<F> {
  using type = typename decltype(std::function(std::declval<F>()))::result_type;
};
template <class F>
using return_type_t = typename ReturnType<std::decay_t<F>>::type;

}  // namespace detail

/// A coroutine object.
template <class T>
constexpr bool iscoroutine(const T&) noexcept {
  return detail::is_coroutine<T>;
}
/// What can be awaited: coroutines, futures, tasks, and whatever else has an awaiter.
template <class T>
constexpr bool isawaitable(const T&) noexcept {
  return Awaitable<T> || Awaitable<T&>;
}
/// An asynchronous generator object.
template <class T>
constexpr bool isasyncgen(const T&) noexcept {
  return detail::is_async_generator<T>;
}
/// A function, lambda or function object that returns a coroutine object. False where its signature depends on its
/// arguments: ask `AwaitableFunction<F, Args...>` then.
template <class F>
constexpr bool iscoroutinefunction(const F&) noexcept {
  return detail::is_coroutine<detail::return_type_t<const F&>>;
}
/// The same of one that returns an asynchronous generator.
template <class F>
constexpr bool isasyncgenfunction(const F&) noexcept {
  return detail::is_async_generator<detail::return_type_t<const F&>>;
}

}  // namespace segue::modern
