#include <segue/modern/taskgroups.hpp>

#include <algorithm>

#include <segue/exceptions.hpp>
#include <segue/modern/event_loop.hpp>
#include <segue/modern/exception_groups.hpp>
#include <segue/modern/exceptions.hpp>

namespace segue::modern {

namespace {

bool is_base_error(const std::exception_ptr& error) { return holds<SystemExit>(error) || holds<KeyboardInterrupt>(error); }

}  // namespace

struct TaskGroup::State {
  explicit State(TaskBase owner) : parent(std::move(owner)) {}

  TaskBase parent;
  std::vector<TaskBase> tasks;  // not done yet
  std::vector<std::exception_ptr> errors;
  std::exception_ptr base_error;
  std::optional<Future<void>> on_completed;  // while aexit() waits
  bool exiting = false;
  bool aborting = false;
  bool parent_cancel_requested = false;

  void abort() {
    aborting = true;
    const std::vector<TaskBase> running = tasks;  // cancelling may complete some
    for (const TaskBase& task : running) {
      if (!task.done()) task.cancel();
    }
  }
  void task_done(const TaskBase& task);
};

void TaskGroup::State::task_done(const TaskBase& task) {
  std::erase(tasks, task);
  if (on_completed && tasks.empty() && !on_completed->done()) on_completed->set_result();
  if (task.cancelled()) return;
  const std::exception_ptr error = task.exception();
  if (!error) return;
  errors.push_back(error);
  if (is_base_error(error) && !base_error) base_error = error;
  if (parent.done()) {
    ExceptionContext context;
    context.message = "Task " + task.state()->repr() + " has errored out but its parent task " + parent.state()->repr() +
                      " is already completed";
    context.exception = error;
    context.task = task.state()->repr();
    return task.get_loop().call_exception_handler(context);
  }
  if (!aborting && !parent_cancel_requested) {
    abort();
    parent_cancel_requested = true;
    parent.cancel();
  }
}

void TaskGroup::aenter() {
  if (state_) throw RuntimeError("TaskGroup has already been entered");
  loop_ = &get_running_loop();
  std::optional<TaskBase> parent = current_task();
  if (!parent) throw RuntimeError("TaskGroup cannot determine the parent task");
  state_ = std::make_shared<State>(*std::move(parent));
}

const char* TaskGroup::refuses() const noexcept {
  if (!state_) return "has not been entered";
  if (state_->exiting && state_->tasks.empty()) return "is finished";
  if (state_->aborting) return "is shutting down";
  return nullptr;
}

void TaskGroup::refuse(const char* why) const { throw RuntimeError(std::string("TaskGroup ") + why); }

void TaskGroup::watch(const TaskBase& task) {
  state_->tasks.push_back(task);
  task.add_done_callback([state = state_](const FutureBase& done) { state->task_done(TaskBase(done.state())); });
}

Coroutine<bool> TaskGroup::aexit(std::exception_ptr error) {
  const std::shared_ptr<State> state = state_;
  state->exiting = true;
  if (is_base_error(error) && !state->base_error) state->base_error = error;
  const bool cancelled = holds<CancelledError>(error);
  std::exception_ptr cancellation = cancelled ? error : nullptr;
  if (error && !state->aborting) state->abort();

  while (!state->tasks.empty()) {
    if (!state->on_completed) state->on_completed = loop_->create_future<void>();
    const Future<void> completed = *state->on_completed;
    try {
      co_await completed;
    } catch (const CancelledError&) {
      if (!state->aborting) {
        cancellation = std::current_exception();
        state->abort();
      }
    }
    state->on_completed.reset();
  }

  if (state->base_error) std::rethrow_exception(state->base_error);
  if (state->parent_cancel_requested && state->parent.uncancel() == 0) cancellation = nullptr;
  if (cancellation && state->errors.empty()) std::rethrow_exception(cancellation);
  if (error && !cancelled) state->errors.push_back(error);
  if (state->errors.empty()) co_return cancelled;

  // The request of somebody outside is kept for the owner's next await.
  if (state->parent.cancelling() > 0) {
    state->parent.uncancel();
    state->parent.cancel();
  }
  std::rethrow_exception(make_exception_group("unhandled errors in a TaskGroup", std::exchange(state->errors, {})));
}

}  // namespace segue::modern
