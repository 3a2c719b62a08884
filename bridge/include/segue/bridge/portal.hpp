// Portals: plain functions that wait (as Python's greenback has them).
//
// Code in the middle of a call tree that cannot be made a coroutine, below a third party's callback even, may wait by
// await_() if the tree was entered through a portal, since it runs on a stack of its own then:
//
//   void on_element(Element e) { await_(queue.put(e)); }                    // called by the parser
//   co_await portal([&] { parse(document, on_element); });                  // `parse` knows of nothing
//
// What lies between the portal and await_() must bear to be left by an exception (a cancellation) while it waits, and
// must not hold a lock that the loop's thread takes meanwhile.
#pragma once

#include <concepts>
#include <source_location>
#include <type_traits>
#include <utility>

#include <segue/bridge/coroutine.hpp>
#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/driver.hpp>

namespace segue::bridge {

/// A coroutine that calls `function(args…)` on a stack of its own, where it and all that it calls may use await_().
/// Keeps the function and its arguments alive; each may be one that can only be moved. A destructor in it must not
/// wait: where the coroutine is closed, or ends with its loop, GeneratorExit would be thrown from there, which ends the
/// program. Reports say where it was made if it takes no arguments.
template <std::invocable F>
auto portal(F function, std::source_location made = std::source_location::current()) {
  return bridge_detail::call_on_fiber<std::invoke_result_t<F&>, F>({}, made, std::move(function));
}
template <class F, class Arg, class... Args>
  requires std::invocable<F&, std::decay_t<Arg>, std::decay_t<Args>...>
auto portal(F function, Arg&& arg, Args&&... args) {
  using Result = std::invoke_result_t<F&, std::decay_t<Arg>, std::decay_t<Args>...>;
  return bridge_detail::call_on_fiber<Result, F>({}, std::source_location::current(), std::move(function),
                                                 std::forward<Arg>(arg), std::forward<Args>(args)...);
}
template <class F, class... Args>
  requires(!std::invocable<F&, std::decay_t<Args>...>)
__attribute__((
    unavailable("portal() calls the function with copies of the arguments, moved: std::ref(x) for a parameter "
                "that is a reference"))) modern::Refused
portal(F, Args&&...);

/// Whether await_() works here: the running code was entered through a portal, or is a generator-based coroutine's,
/// with no stackless coroutine in between. Generators may lie in between.
inline bool has_portal() noexcept { return CoroutineFiber::enclosing() != nullptr; }

/// Waits for whatever can be awaited, in a plain function below a portal, and returns what it gives. RuntimeError where
/// there is no portal. Cancellation throws from here. In the body of a generator, or of a pull(), all that lies between
/// the portal and here waits as it is, and the generator counts as running meanwhile.
template <Awaitable A>
[[gnu::always_inline]] inline modern::await_result_t<A> await_(
    A&& awaitable, std::source_location where = std::source_location::current()) {
  CoroutineFiber* const self = CoroutineFiber::enclosing();
  if (self == nullptr) [[unlikely]]
    bridge_detail::refuse_outside("await_()", where);
  return bridge_detail::wait_for<A>(*self, std::forward<A>(awaitable), where);
}
template <class A>
  requires(!Awaitable<A>)
__attribute__((
    unavailable("await_() takes a coroutine, or what else can be awaited, and not const: call a coroutine "
                "function, await_(f())"))) modern::Refused
await_(A&&);

}  // namespace segue::bridge
