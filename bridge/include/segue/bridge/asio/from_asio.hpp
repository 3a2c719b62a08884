// Coroutines of Asio's in coroutines of either style:
//
//   boost::asio::awaitable<int> answer() { … }
//   int a = co_await from_asio(answer());
//   int b = yield_from(from_asio(strand, answer()));
//
// The awaitable runs in an executor, by default in that of the loop's own io_context, from when it is awaited until it
// ends; its value or its exception is that of the await. Cancelling the task is a terminal cancellation of what the
// awaitable waits for, and CancelledError is thrown when it has ended. The executor may be another thread's; where
// several threads run it, it has to be a strand.
#pragma once

#include <concepts>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/execution_context.hpp>

#include <segue/bridge/asio/reactor.hpp>
#include <segue/bridge/asio/use_segue.hpp>
#include <segue/modern/loop/event_loop.hpp>

namespace segue::bridge {

/// Something to `co_await`, or to `yield_from`: runs `awaitable` in `executor`, or in that of an execution context. A
/// result has to be default-constructible, as Asio's co_spawn() has it.
template <class Executor, class T, class Own>
  requires std::convertible_to<const Executor&, Own>
auto from_asio(const Executor& executor, boost::asio::awaitable<T, Own> awaitable) {
  return boost::asio::co_spawn(executor, std::move(awaitable), use_segue);
}
template <class Context, class T, class Own>
  requires std::derived_from<Context, boost::asio::execution_context>
auto from_asio(Context& context, boost::asio::awaitable<T, Own> awaitable) {
  return from_asio(context.get_executor(), std::move(awaitable));
}
/// The same in the io_context of the running loop. RuntimeError where it has none (see io_context()).
template <class T, class Own>
auto from_asio(boost::asio::awaitable<T, Own> awaitable) {
  return from_asio(io_context(modern::get_running_loop()), std::move(awaitable));
}

}  // namespace segue::bridge
