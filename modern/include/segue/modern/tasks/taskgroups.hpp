// TaskGroup: tasks that end together (PEP 654's companion; CPython: asyncio/taskgroups.py, as of 3.13).
//
//   co_await async_with(TaskGroup(), [&](TaskGroup& group) -> Coroutine<> {
//     group.create_task(fetch("a"));
//     group.create_task(fetch, "b");   // the same, for a function that has to be kept: see call()
//     co_return;
//   });   // both are done here
//
// The first task that fails (being cancelled is no failure) cancels the others and the body; all are waited for, and
// the errors come out as one ExceptionGroup("unhandled errors in a TaskGroup"): the tasks' in the order in which they
// failed, the body's last. KeyboardInterrupt and SystemExit come out as they are. Like a future, a group is a handle.
#pragma once

#include <concepts>
#include <cstddef>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/kernel/refused.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/task.hpp>

namespace segue::modern {

namespace detail {

/// What a group knows of one of its tasks, and that task's done callback. The group does not keep it alive.
class GroupMember;

class TaskGroupState final : public RefCounted {
 public:
  ~TaskGroupState() override;

  void enter();
  /// The end of the block. Gives what it throws in place of `error`, which is what the body threw; null where `error`,
  /// if any, goes on.
  static Coroutine<std::exception_ptr> exit(Ref<TaskGroupState> group, std::exception_ptr error);
  /// RuntimeError where the group takes no tasks.
  void check_open() const;
  EventLoop& loop() const noexcept { return *loop_; }
  void add(FutureCore& task);
  std::string repr() const;

 private:
  friend class GroupMember;

  void task_done(FutureCore& task);
  void add_error(const std::exception_ptr& error);
  void abort();
  void abort_in_any_order(Schedule& choices);

  EventLoop* loop_ = nullptr;  // the parent's, which outlives the block
  Ref<TaskCore> parent_;
  Ref<FutureValue<void>> completed_;  // what the end of the block waits on
  List<GroupMember> tasks_;           // those that are not done, oldest first
  std::size_t members_ = 0;
  std::vector<std::exception_ptr> errors_;
  std::exception_ptr base_error_;  // KeyboardInterrupt, SystemExit
  bool entered_ = false;
  bool exiting_ = false;
  bool aborting_ = false;
  bool parent_cancel_requested_ = false;
};

}  // namespace detail

class [[gnu::warn_unused]] TaskGroup : public HandleOf<TaskGroup, Ref<detail::TaskGroupState>> {
 public:
  TaskGroup() : HandleOf(make_ref<detail::TaskGroupState>()) {}

  /// As asyncio's create_task(), in this group. A refused coroutine is closed: RuntimeError("TaskGroup … has not been
  /// entered"), ("… is finished"), ("… is shutting down").
  template <detail::TaskBody A>
  Task<detail::task_result_t<A>> create_task(A&& awaitable, const TaskOptions& options = {}) const {
    std::decay_t<A> taken(std::forward<A>(awaitable));
    try {
      state()->check_open();
    } catch (...) {
      if constexpr (Awaitable<std::decay_t<A>> && requires { taken.close(); }) taken.close();
      throw;
    }
    return added(state()->loop().create_task(std::move(taken), options));
  }
  template <class F, class Arg, class... Args>
    requires detail::TaskFunction<F, Arg, Args...>
  Task<call_result_t<F, Arg, Args...>> create_task(F&& f, Arg&& arg, Args&&... args) const {
    return create_task(TaskOptions(), std::forward<F>(f), std::forward<Arg>(arg), std::forward<Args>(args)...);
  }
  template <class F, class... Args>
    requires detail::TaskFunction<F, Args...>
  Task<call_result_t<F, Args...>> create_task(const TaskOptions& options, F&& f, Args&&... args) const {
    state()->check_open();
    return added(state()->loop().create_task(options, std::forward<F>(f), std::forward<Args>(args)...));
  }
  template <detail::NotTakenOver A>
  __attribute__((
      unavailable("a task takes its coroutine over: create_task(std::move(coroutine)), of one that is not const; a "
                  "task or a future "
                  "is none"))) Refused
  create_task(A&&, const TaskOptions& = {}) const;
  template <class F, class... Args>
    requires detail::NoTaskBody<F, Args...>
  __attribute__((
      unavailable("create_task() takes a coroutine, or a function and copies of its arguments, of which it makes one: "
                  "std::ref(x) for "
                  "a parameter that is a reference"))) Refused
  create_task(F&&, Args&&...) const;

  /// `<TaskGroup tasks=2 entered>`.
  std::string repr() const { return state()->repr(); }

  // async_with
  /// RuntimeError("TaskGroup … has already been entered"), ("… cannot determine the parent task").
  TaskGroup aenter() const {
    state()->enter();
    return *this;
  }
  Coroutine<std::exception_ptr> aexit(std::exception_ptr error) const {
    return detail::TaskGroupState::exit(state(), std::move(error));
  }

 private:
  template <class T>
  Task<T> added(Task<T> task) const {
    state()->add(*task.state());
    return task;
  }
};

}  // namespace segue::modern
