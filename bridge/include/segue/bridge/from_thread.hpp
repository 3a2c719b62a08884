// from_thread: the way back, from a thread that to_thread() runs a call in, to the loop that waits for that call (as
// anyio's `from_thread`).
//
//   void import(std::string path) {                                    // in a thread
//     for (const Row& row : slow_parser(path)) from_thread::run(insert, row);   // a coroutine function, in the loop
//   }
//   co_await to_thread(import, path);
//
// The thread blocks until the loop has answered. Cancelling the await of to_thread() cancels what the thread waits for
// in the loop: CancelledError is thrown there, and from here; and from every further run().
#pragma once

#include <concepts>
#include <functional>
#include <source_location>
#include <type_traits>
#include <utility>

#include <segue/bridge/detail/answer.hpp>
#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/threads/concurrent_future.hpp>
#include <segue/modern/threads/worker_thread.hpp>

namespace segue::bridge {

namespace bridge_detail {

/// The call of this thread. RuntimeError where there is none.
modern::WorkerThread& require_worker(const char* function);

/// Blocks this thread, which is the worker's, until the loop has answered. CancelledError where it is closed before.
template <class R>
R wait_for_loop(modern::WorkerThread& worker, const modern::concurrent::Future<R>& future) {
  const modern::WorkerThread::Blocked blocked(worker, [future] { future.cancel(); });
  try {
    return wait_for_answer(future);
  } catch (const modern::concurrent::CancelledError&) {
    throw modern::CancelledError();
  }
}

}  // namespace bridge_detail

namespace from_thread {

struct RunFunction {
  /// Has the loop await `f(args…)` in a task, in a copy of this thread's context, and gives what that gives or throws.
  /// `f` is a function that gives an awaitable; it and the arguments are kept by value. CancelledError where the await
  /// of this thread's call was cancelled, or the loop is closed meanwhile; RuntimeError in a thread that to_thread() or
  /// run_in_executor() of the default executor has not started.
  template <class F, class... Args>
    requires modern::AwaitableFunction<F, Args...>
  modern::call_result_t<F, Args...> operator()(F&& f, Args&&... args) const {
    using R = modern::call_result_t<F, Args...>;
    modern::WorkerThread& worker = bridge_detail::require_worker("from_thread::run()");
    if (worker.cancelled()) throw modern::CancelledError();
    const modern::concurrent::Future<R> future;
    worker.loop().call_soon_threadsafe([&worker, answer = bridge_detail::Answer<R>(future),
                                        f = std::decay_t<F>(std::forward<F>(f)),
                                        ... args = std::decay_t<Args>(std::forward<Args>(args))]() mutable {
      worker.cancel_with_it(worker.loop().create_task(
          bridge_detail::answer_with_await(std::move(answer), std::move(f), std::move(args)...)));
    });
    return bridge_detail::wait_for_loop(worker, future);
  }
};
inline constexpr RunFunction run;

struct RunSyncFunction {
  /// Has the loop call `f(args…)`, in its own thread and in a copy of this thread's context, and gives what that gives
  /// or throws. It is called also where the await of this thread's call was cancelled. Errors as run().
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
  std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...> operator()(F&& f, Args&&... args) const {
    using R = std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...>;
    static_assert(!modern::Awaitable<R>, "from_thread::run_sync() calls plain functions: from_thread::run() awaits");
    modern::WorkerThread& worker = bridge_detail::require_worker("from_thread::run_sync()");
    const modern::concurrent::Future<R> future;
    worker.loop().call_soon_threadsafe([answer = bridge_detail::Answer<R>(future),
                                        f = std::decay_t<F>(std::forward<F>(f)),
                                        ... args = std::decay_t<Args>(std::forward<Args>(args))]() mutable {
      bridge_detail::answer_with_call(answer, f, args...);
    });
    return bridge_detail::wait_for_loop(worker, future);
  }
};
inline constexpr RunSyncFunction run_sync;

/// CancelledError where the await of this thread's call was cancelled: for long calls, now and then. RuntimeError as
/// run().
void check_cancelled();

}  // namespace from_thread

}  // namespace segue::bridge
