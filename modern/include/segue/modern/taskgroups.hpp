// TaskGroup: tasks that end together (CPython: asyncio/taskgroups.py).
//
//   co_await async_with(TaskGroup(), [&](TaskGroup& group) -> Coroutine<> {
//     group.create_task(fetch("a"));
//     group.create_task(fetch("b"));
//     co_return;
//   });  // both are done here
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <segue/modern/coroutine.hpp>
#include <segue/modern/future.hpp>
#include <segue/modern/task.hpp>

namespace segue::modern {

/// A context manager for async_with(). Its end waits for all of its tasks. The first one that fails, other than by
/// CancelledError, has the others cancelled, and the block, too; then all failures leave as an ExceptionGroup ("unhandled
/// errors in a TaskGroup"), but KeyboardInterrupt and SystemExit leave alone. Cancelling the owner cancels the tasks.
class TaskGroup {
 public:
  TaskGroup() = default;
  TaskGroup(TaskGroup&&) noexcept = default;
  TaskGroup& operator=(TaskGroup&&) = delete;

  /// RuntimeError before the block ("has not been entered"), after it ("is finished") and while the group cancels its
  /// tasks ("is shutting down"); the coroutine is closed then.
  template <class T>
  Task<T> create_task(Coroutine<T> coroutine, TaskOptions options = {}) {
    if (const char* refusal = refuses()) {
      coroutine.close();
      refuse(refusal);
    }
    Task<T> task = loop_->create_task(std::move(coroutine), options);
    watch(task);
    return task;
  }
  template <Awaitable A>
  auto create_task(A awaitable, TaskOptions options = {}) {
    return create_task(detail::wrap_awaitable(std::move(awaitable)), options);
  }

  /// RuntimeError where it was entered before, or outside of a task.
  void aenter();
  Coroutine<bool> aexit(std::exception_ptr error);

 private:
  /// Shared with the tasks' callbacks, which may come after the group has gone.
  struct State;

  const char* refuses() const noexcept;
  [[noreturn]] void refuse(const char* why) const;
  void watch(const TaskBase& task);

  EventLoop* loop_ = nullptr;
  std::shared_ptr<State> state_;
};

}  // namespace segue::modern
