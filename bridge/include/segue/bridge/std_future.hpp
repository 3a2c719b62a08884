// std::future, both ways:
//
//   int n = co_await from_std_future(std::async(count, path));        // a thread's, awaited by a coroutine
//   std::future<std::string> page = to_std_future(fetch(url), loop);  // a coroutine's, for whoever knows std alone
//
// A std::future tells nobody when it is ready. So whoever awaits one that is not has a thread of its own that waits for
// it: tens of microseconds each, and a stack. Where there is a choice, take a concurrent::Future, which costs none.
//
// get() of what to_std_future() gives blocks its thread, as ever. In the loop's own thread it would wait for itself,
// and std::future cannot know: there co_await the coroutine.
#pragma once

#include <chrono>
#include <concepts>
#include <exception>
#include <future>
#include <memory>
#include <type_traits>
#include <utility>

#include <segue/bridge/detail/answer.hpp>
#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/threads/concurrent_future.hpp>
#include <segue/modern/threads/thread_futures.hpp>

namespace segue::bridge {

namespace bridge_detail {

/// A std::future, or a shared one, that a thread waits for.
class WaitedFor {
 public:
  WaitedFor() = default;
  WaitedFor(const WaitedFor&) = delete;
  WaitedFor& operator=(const WaitedFor&) = delete;
  virtual ~WaitedFor() = default;

  /// For `some_time`; whether it is ready. One that is deferred runs here.
  virtual bool wait(std::chrono::milliseconds some_time) noexcept = 0;

  /// Done when it is ready.
  const modern::concurrent::Future<void>& ready() const noexcept { return ready_; }

 private:
  modern::concurrent::Future<void> ready_;
};

template <class StdFuture>
class WaitedForOf final : public WaitedFor {
 public:
  explicit WaitedForOf(StdFuture waited_for) noexcept : future(std::move(waited_for)) {}
  bool wait(std::chrono::milliseconds some_time) noexcept override {
    if (future.wait_for(some_time) == std::future_status::deferred) future.wait();
    return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }
  StdFuture future;
};

/// Has a thread wait for it. RuntimeError("can't start new thread").
void wait_in_thread(std::shared_ptr<WaitedFor> waited_for);

template <class R, class StdFuture>
modern::Coroutine<R> from_std_future(StdFuture future) {
  if (!future.valid()) throw std::future_error(std::future_errc::no_state);
  if (future.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    const auto waited_for = std::make_shared<WaitedForOf<StdFuture>>(std::move(future));
    wait_in_thread(waited_for);
    co_await modern::wrap_future(waited_for->ready());
    future = std::move(waited_for->future);
  }
  if constexpr (std::is_void_v<R>) {
    future.get();
  } else {
    co_return future.get();
  }
}

/// What a task can be made of: a future, or a task, is awaited by one, and stays its owners'.
template <modern::Awaitable A>
auto body_of_task(A awaitable) {
  if constexpr (std::derived_from<A, modern::AnyFuture>) {
    return [](A future) -> modern::Coroutine<modern::await_result_t<A>> {
      co_return co_await std::move(future);
    }(std::move(awaitable));
  } else {
    return awaitable;
  }
}

}  // namespace bridge_detail

/// Waits for `future`, in a thread unless it is ready, and gives what it has, or throws that. A coroutine. What was
/// deferred (std::launch::deferred) runs in that thread, in a copy of the context of who awaits. Cancelling the await
/// leaves the other side as it is: nobody can cancel a std::future; the thread ends a moment later, or when what was
/// deferred has run.
template <class T>
modern::Coroutine<T> from_std_future(std::future<T> future) {
  return bridge_detail::from_std_future<T>(std::move(future));
}
/// The same of a shared one, of whose value this is a copy.
template <class T>
modern::Coroutine<T> from_std_future(std::shared_future<T> future) {
  return bridge_detail::from_std_future<T>(std::move(future));
}

/// Has `loop` make a task of what can be awaited, and gives a future of its outcome: a value, an exception, or
/// CancelledError. From any thread; std::future_errc::broken_promise where the loop goes before it is done. Dropping
/// the future cancels nothing. RuntimeError("Event loop is closed").
template <modern::Awaitable A>
std::future<modern::await_result_t<A>> to_std_future(A awaitable, modern::EventLoop& loop) {
  using R = modern::await_result_t<A>;
  std::promise<R> promise;
  auto future = promise.get_future();
  loop.call_soon_threadsafe([&loop, promise = std::move(promise), awaitable = std::move(awaitable)]() mutable {
    const modern::Task<R> task = loop.create_task(bridge_detail::body_of_task(std::move(awaitable)));
    task.add_done_callback([promise = std::move(promise)](const modern::Task<R>& done) mutable {
      bridge_detail::answer_with_outcome(promise, done);
    });
  });
  return future;
}
/// The same of the running loop.
template <modern::Awaitable A>
std::future<modern::await_result_t<A>> to_std_future(A awaitable) {
  return to_std_future(std::move(awaitable), modern::get_running_loop());
}

}  // namespace segue::bridge
