// What can be awaited, and what awaiting it gives.
#pragma once

#include <concepts>
#include <coroutine>
#include <source_location>
#include <type_traits>
#include <utility>

#include <segue/modern/kernel/driver.hpp>

namespace segue::modern {

/// The awaiter that `co_await awaitable` uses: the object on which await_ready, await_suspend and await_resume are
/// called.
template <class A>
decltype(auto) get_awaiter(A&& awaitable) {
  if constexpr (requires { std::forward<A>(awaitable).operator co_await(); }) {
    return std::forward<A>(awaitable).operator co_await();
  } else if constexpr (requires { operator co_await(std::forward<A>(awaitable)); }) {
    return operator co_await(std::forward<A>(awaitable));
  } else {
    return std::forward<A>(awaitable);
  }
}

template <class A>
concept Awaiter = requires(A& awaiter, std::coroutine_handle<> frame) {
  { awaiter.await_ready() } -> std::convertible_to<bool>;
  awaiter.await_suspend(frame);
  awaiter.await_resume();
};

/// Whatever `co_await` takes.
template <class A>
concept Awaitable = requires(A&& awaitable) {
  { get_awaiter(std::forward<A>(awaitable)) } -> Awaiter;
};

/// What is awaited itself, and not by an operator co_await.
template <class A>
concept AwaitedItself = Awaiter<A> && !requires(A&& awaitable) { std::forward<A>(awaitable).operator co_await(); } &&
                        !requires(A&& awaitable) { operator co_await(std::forward<A>(awaitable)); };

namespace detail {
struct NothingOfSegues {};
}  // namespace detail

/// Segue's own awaiters, which any Resumable may wait on: a fiber as well as a C++20 coroutine. One that takes whatever
/// it is given is not of them.
template <class A>
concept ResumableAwaiter = Awaiter<A> && requires(A& awaiter, Resumable frame) { awaiter.await_suspend(frame); } &&
                           !requires(A& awaiter, detail::NothingOfSegues nothing) { awaiter.await_suspend(nothing); };

/// An awaiter that says in its messages where it is awaited: it is told so before anything else.
template <class A>
concept PlacedAwaiter = requires(A& awaiter, const std::source_location& where) { awaiter.set_place(where); };

template <Awaitable A>
using await_result_t = decltype(get_awaiter(std::declval<A>()).await_resume());

/// A function that gives an awaitable where it is called with copies of these arguments, moved.
template <class F, class... Args>
concept AwaitableFunction = requires(std::decay_t<F>& f, std::decay_t<Args>... args) {
  { f(std::move(args)...) } -> Awaitable;
};

/// What awaiting that awaitable gives.
template <class F, class... Args>
  requires AwaitableFunction<F, Args...>
using call_result_t = await_result_t<decltype(std::declval<std::decay_t<F>&>()(std::declval<std::decay_t<Args>>()...))>;

}  // namespace segue::modern
