// start_blocking_portal(): a loop in a thread of its own, for threads that have none (as anyio's). Code that must stay
// synchronous calls coroutine functions through it, and blocks until they are done:
//
//   BlockingPortal portal = start_blocking_portal();
//   const std::string page = portal.call(fetch, "http://localhost");
//   concurrent::Future<int> later = portal.start_task_soon(count, 10);
//
// All of it may be used from any number of threads at once.
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

#include <segue/bridge/detail/answer.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/runners.hpp>
#include <segue/modern/threads/concurrent_future.hpp>
#include <segue/modern/threads/thread_futures.hpp>
#include <segue/modern/threads/thread_pool_executor.hpp>

namespace segue::bridge {

/// What start_task() gives to the function: to say when the task is ready.
template <class T = void>
class TaskStatus {
 public:
  explicit TaskStatus(modern::concurrent::Future<T> future) noexcept : future_(std::move(future)) {}

  /// Lets start_task() return, with `value`. RuntimeError the second time.
  template <class... Value>
    requires(std::is_void_v<T> == (sizeof...(Value) == 0))
  void started(Value&&... value) const {
    if (future_.cancelled()) return;  // who started it waits no more
    if (future_.done()) throw RuntimeError("called 'started' twice on the same task status");
    future_.set_result(std::forward<Value>(value)...);
  }

 private:
  modern::concurrent::Future<T> future_;
};

namespace bridge_detail {

/// What the loop's thread shares with those who have the portal.
class PortalState;

/// One of the portal's tasks: while there is one, it does not end.
class PortalTask {
 public:
  explicit PortalTask(std::shared_ptr<PortalState> portal);
  PortalTask(PortalTask&& other) noexcept = default;
  PortalTask& operator=(PortalTask&&) = delete;
  ~PortalTask();

  /// In the task, which is cancelled where the others were before it.
  void begin() const;

 private:
  std::shared_ptr<PortalState> portal_;
};

template <class R, class F, class... Args>
modern::Coroutine<R> run_in_portal(PortalTask task, F f, Args... args) {
  task.begin();
  if constexpr (modern::AwaitableFunction<F, Args...>) {
    co_return co_await std::invoke(f, std::move(args)...);
  } else {
    co_return std::invoke(f, std::move(args)...);
  }
}

template <class F, class... Args>
struct PortalResult {
  using type = std::invoke_result_t<std::decay_t<F>&, std::decay_t<Args>...>;
};
template <class F, class... Args>
  requires modern::AwaitableFunction<F, Args...>
struct PortalResult<F, Args...> {
  using type = modern::call_result_t<F, Args...>;
};
/// What a coroutine function's await gives, or a plain function's call.
template <class F, class... Args>
using portal_result_t = typename PortalResult<F, Args...>::type;

}  // namespace bridge_detail

class BlockingPortal {
 public:
  BlockingPortal(BlockingPortal&&) noexcept = default;
  BlockingPortal& operator=(BlockingPortal&&) = delete;
  /// stop(), which cancels what is left where an exception ends the scope of the portal; and waits for the thread. A
  /// SystemExit or KeyboardInterrupt that has ended the loop is reported as unraisable.
  ~BlockingPortal();

  /// Calls `f(args…)` in the portal's loop, awaits it where it is a coroutine function, and blocks until it is done:
  /// its result, or what it has thrown. The function and its arguments are kept by value. concurrent::CancelledError
  /// where the task was cancelled; RuntimeError("This portal is not running") after stop(), and in the portal's own
  /// thread, which would wait for itself: that names the place of the call where there are no arguments.
  template <class F>
    requires std::invocable<std::decay_t<F>&>
  bridge_detail::portal_result_t<F> call(F&& f,
                                         const std::source_location& where = std::source_location::current()) const {
    return call_from(where, std::forward<F>(f));
  }
  template <class F, class First, class... Args>
    requires std::invocable<std::decay_t<F>&, std::decay_t<First>, std::decay_t<Args>...>
  bridge_detail::portal_result_t<F, First, Args...> call(F&& f, First&& first, Args&&... args) const {
    return call_from({}, std::forward<F>(f), std::forward<First>(first), std::forward<Args>(args)...);
  }

  /// The same without the wait: the future that it gives is for any thread. Cancelling that cancels the task.
  template <class F>
    requires std::invocable<std::decay_t<F>&>
  auto start_task_soon(F&& f, const std::source_location& where = std::source_location::current()) const {
    return start_from(where, std::forward<F>(f));
  }
  template <class F, class First, class... Args>
    requires std::invocable<std::decay_t<F>&, std::decay_t<First>, std::decay_t<Args>...>
  auto start_task_soon(F&& f, First&& first, Args&&... args) const {
    return start_from({}, std::forward<F>(f), std::forward<First>(first), std::forward<Args>(args)...);
  }

  /// Starts `f(TaskStatus<T>, args…)` and blocks until that calls started(value). Gives the task's future and the value
  /// (the future alone where T is void). Throws what `f` threw before; RuntimeError where it ended without the call.
  template <class T = void, class F, class... Args>
    requires std::invocable<std::decay_t<F>&, TaskStatus<T>, std::decay_t<Args>...>
  auto start_task(F&& f, Args&&... args) const {
    check_other_thread("start_task()", {});
    const modern::concurrent::Future<T> ready;
    auto future = start_task_soon(std::forward<F>(f), TaskStatus<T>(ready), std::forward<Args>(args)...);
    future.add_done_callback([ready](const auto& done) { task_ended(done, ready); });
    if constexpr (std::is_void_v<T>) {
      ready.result();
      return future;
    } else {
      return std::pair(std::move(future), T(ready.result()));
    }
  }

  /// Takes no more calls, and ends when those that it has are done, or have been cancelled. Does not wait. From any
  /// thread.
  void stop(bool cancel_remaining = false) const noexcept;

  /// The portal's loop, for what is called `…_threadsafe`. It ends with the portal.
  modern::EventLoop& loop() const noexcept;

 private:
  friend struct StartBlockingPortalFunction;

  explicit BlockingPortal(const modern::RunOptions& options);

  template <class F, class... Args>
  bridge_detail::portal_result_t<F, Args...> call_from(const std::source_location& where, F&& f, Args&&... args) const {
    check_other_thread("call()", where);
    return bridge_detail::wait_for_answer(start_from(where, std::forward<F>(f), std::forward<Args>(args)...));
  }
  template <class F, class... Args>
  auto start_from(const std::source_location& where, F&& f, Args&&... args) const {
    using R = bridge_detail::portal_result_t<F, Args...>;
    return modern::run_coroutine_threadsafe(
        bridge_detail::run_in_portal<R, std::decay_t<F>, std::decay_t<Args>...>(
            bridge_detail::PortalTask(state_), std::forward<F>(f), std::forward<Args>(args)...),
        mailbox(), where);
  }

  void check_other_thread(const char* asked, const std::source_location& where) const;
  const std::shared_ptr<modern::Mailbox>& mailbox() const noexcept;
  template <class R, class T>
  static void task_ended(const modern::concurrent::Future<R>& task, const modern::concurrent::Future<T>& ready) {
    if (ready.done()) return;
    if (task.cancelled()) {
      ready.cancel();
    } else if (const std::exception_ptr error = task.exception()) {
      ready.set_exception(error);
    } else {
      ready.set_exception(std::make_exception_ptr(RuntimeError("Task exited without calling task_status.started()")));
    }
  }

  std::shared_ptr<bridge_detail::PortalState> state_;
  int exceptions_ = std::uncaught_exceptions();  // when it was made
  std::unique_ptr<modern::concurrent::ThreadPoolExecutor> thread_;
  modern::concurrent::Future<void> ended_;
};

struct StartBlockingPortalFunction {
  /// Starts a thread with a loop, as asyncio::run() makes it, and gives the portal to it. RuntimeError("can't start new
  /// thread"); what the loop's making throws.
  BlockingPortal operator()(const modern::RunOptions& options = {}) const { return BlockingPortal(options); }
};
inline constexpr StartBlockingPortalFunction start_blocking_portal;

}  // namespace segue::bridge
