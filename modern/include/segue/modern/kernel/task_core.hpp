// TaskCore: all of a task but its result (CPython: asyncio/tasks.py). It drives a coroutine, one step each time the
// loop runs it.
//
// Its own state machine, beside the future's:
//
//   scheduled: in the loop's queue; the next step resumes the leaf      --step--> waiting | scheduled | done
//   waiting:   on `waited_on`; its completion schedules the task        --wake--> scheduled
//   done:      the coroutine has finished; the future has the outcome
//
// cancel() cancels what is waited on; where there is nothing, or it refuses, it sets `must_cancel`, and the next step
// throws CancelledError at the leaf. Of tasks that wait for each other in a circle one stops waiting, and takes that
// step.
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

#include <segue/modern/kernel/context_slot.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/coroutine_info.hpp>
#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/kernel/future_core.hpp>
#include <segue/modern/kernel/list.hpp>
#include <segue/modern/kernel/ready_queue.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/kernel/task_mark.hpp>
#include <segue/modern/kernel/unraisable.hpp>
#include <segue/outcome.hpp>

namespace segue::modern {

namespace detail {

/// A task's name: one that it was given, or a number, for "Task-7". One word.
class TaskName {
 public:
  explicit TaskName(std::string_view name);
  TaskName(const TaskName&) = delete;
  TaskName& operator=(const TaskName&) = delete;
  ~TaskName() { delete given(); }

  std::string str() const;
  void set(std::string name);

 private:
  static constexpr std::uintptr_t is_number = 1;
  std::string* given() const noexcept {
    return (word_ & is_number) == 0 ? reinterpret_cast<std::string*>(word_) : nullptr;
  }
  std::uintptr_t word_;
};

}  // namespace detail

class TaskCore : public FutureCore, public Ready, public ListLink<>, public Driver {
 public:
  /// The derived class takes the frame from its coroutine. start() has to follow: only a started task destroys it.
  TaskCore(LoopCore& loop, detail::PromiseBase& promise, std::string_view name);

  /// The task that runs now in this thread; null where none does.
  static TaskCore* current() noexcept {
    Driver* const driver = Driver::current();
    return driver != nullptr ? static_cast<TaskCore*>(driver->of_task()) : nullptr;
  }

  // Ready
  void run() final;
  void drop() noexcept final {}
  std::function<std::string()> deferred_repr() final;

  /// Schedules the first step. From then on the loop keeps it alive until it is done.
  void start() noexcept;
  /// Takes the first step now, inside of whatever runs, where its loop runs in this thread; else as start(). Throws
  /// KeyboardInterrupt and SystemExit.
  void start_eagerly();
  bool cancel(const std::optional<std::string>& message = std::nullopt) final;
  void set_exception(std::exception_ptr error) override;
  std::string repr() const override;
  int cancelling() const noexcept { return static_cast<int>(cancel_requests_); }
  int uncancel() noexcept;
  /// What it waits on was completed: the next iteration takes the next step.
  void wake() noexcept { loop().schedule(*this); }
  /// The loop goes away: closes the coroutine and reports the task.
  void destroy_pending() noexcept;

  /// A copy of its maker's, unless it is given another one before it starts. Empty when it is done.
  ContextSlot& context() noexcept { return context_; }
  std::string name() const { return name_.str(); }
  void set_name(std::string name) { name_.set(std::move(name)); }
  std::string coroutine_name() const;
  CoroutineInfo coroutine_info() const;
  /// It may be pending when the loop goes away: that is not reported.
  void expect_destruction() noexcept { report_destroyed_pending_ = false; }

 protected:
  ~TaskCore() override { report_if_never_retrieved(); }

  /// Takes the coroutine's outcome, destroys the coroutine and completes the future.
  virtual void complete() = 0;
  /// Closes and destroys a coroutine that has not finished.
  virtual void discard_coroutine() noexcept = 0;

  /// A place in the coroutine function.
  const std::source_location& made() const noexcept;
  /// The coroutine's frame, which is the caller's from now on.
  detail::PromiseBase& take_promise() noexcept;
  /// Completes the future with what the coroutine threw.
  void fail(std::exception_ptr error);
  bool take_must_cancel() noexcept {
    const bool taken = must_cancel_;
    must_cancel_ = false;
    return taken;
  }

 private:
  friend class Cancellation;
  friend class DeadlockSearch;

  /// Lets the coroutine run by `step()`, and deals with how that ended.
  template <class Step>
  void take_step(Step step);
  /// Counts a cancel(); false where it comes too late.
  bool accept_cancel() noexcept;
  void cancel_at_next_step(const std::optional<std::string>& message);
  /// Takes the next step although what it waits on is pending.
  void stop_waiting() noexcept;
  void forget_waited_on() noexcept {
    waited_on_->mark_retrieved();
    waited_on_ = nullptr;
  }
  /// Has the next step throw the CancelledError that was asked for. False where that ended the task.
  bool prepare_cancelled_step();
  std::exception_ptr own_cancelled_error() const noexcept;
  void end();
  void discard_in_context() noexcept;
  /// Whether what it waited on ended with a CancelledError: then the await throws one in any case.
  bool woken_by_cancellation() const noexcept;
  void wait_for(FutureCore& future);
  /// Has the next step throw: what the coroutine yielded is nothing that a task can wait for.
  void refuse_yield() noexcept;
  std::string said_of_refused_yield() const;
  /// repr() without the angle brackets, and without what it waits for.
  std::string info() const;

  // These fit into the last word of Driver, which it does not fill.
  bool must_cancel_ : 1 = false;
  bool report_destroyed_pending_ : 1 = true;
  bool finished_ : 1 = false;  // the coroutine is gone
  bool reported_deadlock_ : 1 = false;
  std::uint32_t cancel_requests_ = 0;
  union {
    detail::PromiseBase* promise_;  // until it has finished
    std::source_location made_;     // then: a place in the coroutine function
  };
  Ref<FutureCore> waited_on_;
  ContextSlot context_;
  detail::TaskName name_;
};

/// The task of a coroutine with a result of type T.
template <class T>
class TaskValue final : public TaskCore {
 public:
  TaskValue(LoopCore& loop, Coroutine<T>&& coroutine, std::string_view name)
      : TaskCore(loop, promise_of(coroutine), name) {
    coroutine.release();
  }

  /// The result. Requires that there is one.
  stored_t<T>& value() noexcept { return *value_; }

 private:
  static detail::PromiseBase& promise_of(const Coroutine<T>& coroutine) {
    coroutine.check_usable();
    return coroutine.frame().promise();
  }
  Coroutine<T> take_coroutine() noexcept {
    using Promise = detail::Promise<T>;
    return Coroutine<T>(std::coroutine_handle<Promise>::from_promise(static_cast<Promise&>(take_promise())));
  }
  void complete() override {
    const Coroutine<T> finished = take_coroutine();
    Outcome<T>& outcome = finished.frame().promise().outcome;
    if (outcome.has_exception()) return fail(outcome.exception());
    if (take_must_cancel()) return finish_cancelled();
    try {
      value_.emplace(std::move(outcome.stored()));
    } catch (...) {
      return fail(std::current_exception());
    }
    finish();
  }
  void discard_coroutine() noexcept override {
    Coroutine<T> discarded = take_coroutine();
    try {
      discarded.close();
    } catch (...) {
      report_unraisable(std::current_exception(), made());
    }
  }

  [[no_unique_address]] ValueLater<T> value_;
};

inline const ContextSlot& ContextSlot::current() noexcept {
  if (callbacks_ != nullptr) return *callbacks_;
  if (TaskCore* const task = TaskCore::current()) return task->context();
  return threads_ != nullptr ? *threads_ : empty_;
}

inline TaskMark TaskMark::of_current() noexcept {
  const TaskCore* const task = TaskCore::current();
  return task != nullptr ? TaskMark(task, task->serial_) : TaskMark();
}

inline bool TaskMark::is_of(const TaskCore& task) const noexcept { return task_ == &task && serial_ == task.serial_; }

inline TaskCore* FutureCore::task() noexcept { return kind_ == Kind::task ? static_cast<TaskCore*>(this) : nullptr; }

/// The result of a future of T, whatever its kind. Requires that there is one.
template <class T>
stored_t<T>& result_of(FutureCore& future) noexcept {
  if (TaskCore* const task = future.task()) return static_cast<TaskValue<T>*>(task)->value();
  return static_cast<FutureValue<T>&>(future).value();
}

}  // namespace segue::modern
