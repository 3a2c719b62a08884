// Task<T>: runs a coroutine on the loop, a step per iteration (CPython: asyncio/tasks.py).
//
// The task's own state machine, beside the future's:
//
//   scheduled: in the loop's queue; the next step resumes the leaf      --step--> waiting | scheduled | done
//   waiting:   on `waited_on`; its completion schedules the task        --wake--> scheduled
//   done:      the coroutine has finished; the future has the outcome
//
// cancel() cancels what is waited on; where there is nothing, or it refuses, it sets `must_cancel`, and the next step
// throws CancelledError at the leaf.
#pragma once

#include <concepts>
#include <coroutine>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/kernel/ready_queue.hpp>
#include <segue/modern/loop/diagnostics.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/future.hpp>

namespace segue::modern {

namespace detail {

/// The part of a task that does not depend on its result.
class alignas(pool_step) TaskCore : public Ready, public Driver {
 public:
  TaskCore(FutureState& future, const char* name);

  static TaskCore* current() noexcept {
    const Driver* const driver = Driver::current();
    return driver != nullptr ? driver->task() : nullptr;
  }

  // Ready
  void run() final;
  void drop() noexcept final {}

  void start(PromiseBase& promise);
  bool cancel(const std::optional<std::string>& message);
  int cancelling() const noexcept { return cancel_requests_; }
  int uncancel() noexcept;
  /// What it waits on was completed: the next iteration takes the next step.
  void wake() noexcept;
  /// The loop goes away: closes the coroutine and reports the task.
  void destroy_pending() noexcept;

  FutureState& future() noexcept { return future_; }
  std::string name() const { return name_ ? *name_ : "Task-" + std::to_string(number_); }
  void set_name(std::string name) { name_ = std::make_unique<std::string>(std::move(name)); }
  std::string coroutine_name() const;

  bool report_destroyed_pending = true;

 protected:
  ~TaskCore() = default;

  /// Takes the coroutine's outcome, destroys the coroutine and completes the future.
  virtual void complete() = 0;
  /// Destroys a coroutine that has not started.
  virtual void discard_coroutine() noexcept = 0;
  virtual void complete_cancelled(std::exception_ptr error) = 0;
  virtual void complete_failed(std::exception_ptr error) = 0;

  /// Completes the future with what the coroutine threw.
  void fail(std::exception_ptr error);
  bool take_must_cancel() noexcept { return std::exchange(must_cancel_, false); }

 private:
  friend class segue::modern::EventLoop;

  /// Takes note of what was waited on, and of a cancellation. False where that ended the task.
  bool prepare_step();
  void end();
  /// Whether what it waited on ended with a CancelledError, which throws itself.
  bool woken_by_cancellation() const noexcept;
  void handle_yield();
  void wait_for(FutureState& future);
  void step_with_error(const std::string& message);

  // With its bases, all that a step needs of a task: within Ready::fetched_bytes.
  bool must_cancel_ = false;
  EventLoop& loop_;                 // the future's
  PromiseBase* promise_ = nullptr;  // until it is done
  Ref<FutureState> waited_on_;

  int cancel_requests_ = 0;
  FutureState& future_;
  TaskCore* older_ = nullptr;  // the loop's list of pending tasks
  TaskCore* newer_ = nullptr;
  std::unique_ptr<std::string> name_;
  std::uint64_t number_;
  std::source_location made_;  // a place in the coroutine function
};

template <class T>
class TaskState final : public FutureValue<T>, public TaskCore {
 public:
  TaskState(EventLoop& loop, Coroutine<T> coroutine, const char* name)
      : FutureValue<T>(loop), TaskCore(static_cast<FutureState&>(*this), name), coroutine_(std::move(coroutine)) {
    this->is_task_ = true;
  }

  void start() {
    if (!coroutine_.frame()) throw RuntimeError("cannot reuse already awaited coroutine");
    TaskCore::start(coroutine_.frame().promise());
  }

  bool cancel(const std::optional<std::string>& message) override { return TaskCore::cancel(message); }
  TaskCore* task() noexcept override { return this; }
  std::string repr() const override;
  void set_exception(std::exception_ptr) override {
    throw RuntimeError("Task does not support set_exception operation");
  }

 private:
  void complete() override {
    Coroutine<T> finished(std::move(coroutine_));
    Outcome<T>& outcome = finished.frame().promise().outcome;
    if (outcome.has_exception()) return fail(outcome.exception());
    if (take_must_cancel()) return this->finish_cancelled();
    this->value_.emplace(std::move(outcome.stored()));
    this->finish();
  }
  void discard_coroutine() noexcept override {
    try {
      coroutine_.close();
    } catch (...) {
      report_unraisable(std::current_exception(), std::source_location::current());
    }
  }
  void complete_cancelled(std::exception_ptr error) override {
    this->cancelled_error_ = std::move(error);
    this->finish_cancelled();
  }
  void complete_failed(std::exception_ptr error) override { this->finish_with(std::move(error)); }

  Coroutine<T> coroutine_;
};

}  // namespace detail

/// What a task's handles have besides a future's.
template <class Self>
class TaskMethods {
 public:
  /// How many cancel() calls have not been taken back by uncancel().
  int cancelling() const noexcept { return core().cancelling(); }
  /// Takes one cancel() back; returns how many are left. At none, one that has not been delivered is not delivered.
  int uncancel() const noexcept { return core().uncancel(); }
  std::string get_name() const { return core().name(); }
  void set_name(std::string name) const { core().set_name(std::move(name)); }

 private:
  detail::TaskCore& core() const noexcept { return *static_cast<const Self&>(*this).state()->task(); }
};

/// A handle of a task whatever its result, as current_task() and all_tasks() give.
class TaskBase : public FutureBase, public TaskMethods<TaskBase> {
 public:
  using FutureBase::FutureBase;
  template <class T>
  TaskBase(const Task<T>& task) noexcept;  // NOLINT(google-explicit-constructor): as a derived handle converts
};

/// A coroutine that runs on the loop. The loop keeps it alive until it is done: its handles may be dropped.
///
/// cancel() asks: it cancels what the task waits on, so that CancelledError is thrown at its innermost await; the task
/// is cancelled when it lets that out. It returns false where the task is done.
template <class T = void>
class Task : public Future<T>, public TaskMethods<Task<T>> {
 public:
  using Future<T>::Future;
};

template <class T>
TaskBase::TaskBase(const Task<T>& task) noexcept : FutureBase(task.state()) {}

/// EventLoop::create_task() of the running loop. RuntimeError("no running event loop").
template <Awaitable A>
  requires(!std::derived_from<A, FutureBase>)
Task<await_result_t<A>> create_task(A awaitable, TaskOptions options = {}) {
  return get_running_loop().create_task(std::move(awaitable), options);
}

/// The task that runs now; nothing in a plain callback. RuntimeError("no running event loop").
std::optional<TaskBase> current_task();
/// The tasks of the running loop that are not done.
std::vector<TaskBase> all_tasks();

namespace detail {

/// A coroutine that awaits `awaitable`, for what is not a coroutine itself.
template <class A>
Coroutine<await_result_t<A>> wrap_awaitable(A awaitable) {
  co_return co_await std::move(awaitable);
}

}  // namespace detail

/// A future or task as it is; a coroutine, or whatever else can be awaited, as a new task on `loop`. The task takes the
/// coroutine over, even where it is not given as a temporary. ValueError for a future of another loop.
template <Awaitable A>
auto ensure_future(A&& awaitable, EventLoop& loop) {
  using Plain = std::remove_cvref_t<A>;
  if constexpr (std::derived_from<Plain, FutureBase>) {
    if (&awaitable.get_loop() != &loop) {
      throw ValueError("The future belongs to a different loop than the one specified as the loop argument");
    }
    return Plain(std::forward<A>(awaitable));
  } else if constexpr (std::constructible_from<Plain, A>) {
    return loop.create_task(Plain(std::forward<A>(awaitable)));
  } else {  // an lvalue that can only be moved
    return loop.create_task(std::move(awaitable));
  }
}
/// The same on the running loop; a future may belong to any.
template <Awaitable A>
auto ensure_future(A&& awaitable) {
  if constexpr (std::derived_from<std::remove_cvref_t<A>, FutureBase>) {
    return std::remove_cvref_t<A>(std::forward<A>(awaitable));
  } else {
    return ensure_future(std::forward<A>(awaitable), get_running_loop());
  }
}

// --- definitions ---

template <Awaitable A>
  requires(!std::derived_from<A, FutureBase>)
Task<await_result_t<A>> EventLoop::create_task(A awaitable, TaskOptions options) {
  if constexpr (std::same_as<A, Coroutine<await_result_t<A>>>) {
    check_usable();
    using State = detail::TaskState<await_result_t<A>>;
    auto state = detail::Ref<State>(new State(*this, std::move(awaitable), options.name));
    state->start();
    return Task<await_result_t<A>>(detail::Ref<detail::FutureState>(std::move(state)));
  } else {
    return create_task(detail::wrap_awaitable(std::move(awaitable)), options);
  }
}

template <Awaitable A>
await_result_t<A> EventLoop::run_until_complete(A&& awaitable) {
  check_can_run();
  auto future = ensure_future(std::forward<A>(awaitable), *this);
  constexpr bool is_new_task = !std::derived_from<std::remove_cvref_t<A>, FutureBase>;
  run_until_done(*future.state(), is_new_task);
  return std::move(future).operator co_await().await_resume();
}

template <class T>
std::string detail::TaskState<T>::repr() const {
  return "<Task " + std::string(this->done() ? (this->cancelled() ? "cancelled" : "finished") : "pending") + " name='" +
         this->name() + "' coro=<" + this->coroutine_name() + "()>>";
}

}  // namespace segue::modern
