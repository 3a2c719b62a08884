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
#include <memory>
#include <utility>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/system/system_error.hpp>

#include <segue/bridge/asio/co_spawn.hpp>
#include <segue/bridge/asio/reactor.hpp>
#include <segue/bridge/asio/use_segue.hpp>
#include <segue/modern/loop/event_loop.hpp>

namespace segue::bridge {

namespace bridge_detail {

/// Where a cancellation waits for the beginning of an awaitable: one that is cancelled earlier has Asio's co_spawn()
/// (1.81) throw out of its executor's run(), and leave the handler without a call.
struct AwaitableStart {
  void cancel(boost::asio::cancellation_type type) {
    if (begun) return signal.emit(type);
    cancelled = true;
  }

  bool begun = false;
  bool cancelled = false;
  boost::asio::cancellation_signal signal;
};

template <class T, class Executor>
boost::asio::awaitable<T, Executor> begin_awaitable(boost::asio::awaitable<T, Executor> awaitable,
                                                    std::shared_ptr<AwaitableStart> start) {
  start->begun = true;
  if (start->cancelled) throw boost::system::system_error(boost::asio::error::operation_aborted);
  co_return co_await std::move(awaitable);
}

template <class Executor>
struct InitiateAwaitable {
  Executor get_executor() const noexcept { return executor; }

  template <class Handler, class T>
  void operator()(Handler&& handler, boost::asio::awaitable<T, Executor> awaitable) const {
    const auto start = std::make_shared<AwaitableStart>();
    auto slot = boost::asio::get_associated_cancellation_slot(handler);
    if (slot.is_connected()) slot.assign([start](boost::asio::cancellation_type type) { start->cancel(type); });
    boost::asio::co_spawn(executor, begin_awaitable(std::move(awaitable), start),
                          boost::asio::bind_cancellation_slot(start->signal.slot(), std::forward<Handler>(handler)));
  }

  Executor executor;
};

}  // namespace bridge_detail

/// Something to `co_await`, or to `yield_from`: runs `awaitable` in `executor`, or in that of an execution context. A
/// result has to be default-constructible, as Asio's co_spawn() has it.
template <class Executor, class T, class Own>
  requires std::convertible_to<const Executor&, Own>
auto from_asio(const Executor& executor, boost::asio::awaitable<T, Own> awaitable) {
  return boost::asio::async_initiate<const use_segue_t, typename bridge_detail::SignatureOf<void, T>::type>(
      bridge_detail::InitiateAwaitable<Own>{executor}, use_segue, std::move(awaitable));
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
