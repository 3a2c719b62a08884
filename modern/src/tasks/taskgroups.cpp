#include <segue/modern/tasks/taskgroups.hpp>

#include <optional>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/exception_groups.hpp>

namespace segue::modern::detail {

class GroupMember final : public DoneCallbackState, public ListLink<> {
 public:
  GroupMember(TaskGroupState& group, FutureCore& task) noexcept : group_(&group), task_(task) {
    group.tasks_.push_back(*this);
    ++group.members_;
  }
  GroupMember(const GroupMember&) = delete;
  GroupMember& operator=(const GroupMember&) = delete;
  ~GroupMember() override { leave(); }

  void call(FutureCore& task) override {
    if (!linked()) return;
    const Ref<TaskGroupState> group = group_;
    leave();
    group->task_done(task);
  }
  FutureCore* on_behalf_of() const noexcept override { return linked() ? group_->parent_.get() : nullptr; }
  /// The task, which exists as long as its callback does.
  FutureCore& task() const noexcept { return task_; }
  void leave() noexcept {
    if (!linked()) return;
    unlink();
    --group_->members_;
    group_ = nullptr;
  }

 private:
  Ref<TaskGroupState> group_;  // null when it has left
  FutureCore& task_;
};

namespace {

/// A wait that gives the exception which it ends with, instead of throwing it.
class QuietWait final : public FutureWait {
 public:
  using FutureWait::FutureWait;
  /// What the wait ended with; null where the future was completed.
  std::exception_ptr await_resume() {
    if (std::exception_ptr injected = Driver::current()->take_injected()) return injected;
    return future_->cancelled() ? future_->make_cancelled_error() : nullptr;
  }
};

}  // namespace

TaskGroupState::~TaskGroupState() = default;

std::string TaskGroupState::repr() const {
  std::string text = "<TaskGroup";
  if (members_ > 0) text += " tasks=" + std::to_string(members_);
  if (!errors_.empty()) text += " errors=" + std::to_string(errors_.size());
  if (aborting_) {
    text += " cancelling";
  } else if (entered_) {
    text += " entered";
  }
  return text + ">";
}

void TaskGroupState::enter() {
  if (entered_) throw RuntimeError("TaskGroup " + repr() + " has already been entered");
  loop_ = &get_running_loop();
  const std::optional<AnyTask> parent = current_task();
  if (!parent) throw RuntimeError("TaskGroup " + repr() + " cannot determine the parent task");
  parent_ = parent->state()->task();
  entered_ = true;
}

void TaskGroupState::check_open() const {
  if (!entered_) throw RuntimeError("TaskGroup " + repr() + " has not been entered");
  if (exiting_ && members_ == 0) throw RuntimeError("TaskGroup " + repr() + " is finished");
  if (aborting_) throw RuntimeError("TaskGroup " + repr() + " is shutting down");
}

void TaskGroupState::add(FutureCore& task) { task.add_callback(make_ref<GroupMember>(*this, task)); }

void TaskGroupState::abort() {
  aborting_ = true;
  if (Schedule* const choices = loop_->core().schedule_of_choices()) return abort_in_any_order(*choices);
  for (const GroupMember* each = tasks_.front(); each != nullptr; each = tasks_.next(*each))
    if (!each->task().done()) each->task().cancel();
}

void TaskGroupState::abort_in_any_order(Schedule& choices) {
  std::vector<Ref<FutureCore>> members;
  for (const GroupMember* each = tasks_.front(); each != nullptr; each = tasks_.next(*each))
    members.emplace_back(&each->task());
  choices.shuffle(members);
  for (const Ref<FutureCore>& task : members)
    if (!task->done()) task->cancel();
}

void TaskGroupState::add_error(const std::exception_ptr& error) {
  errors_.push_back(error);
  if (!base_error_ && ends_program(error)) base_error_ = error;
}

void TaskGroupState::task_done(FutureCore& task) {
  if (completed_ && members_ == 0 && !completed_->done()) completed_->set_result();
  if (task.cancelled()) return;
  const std::exception_ptr error = task.exception();
  if (!error) return;
  add_error(error);
  if (!parent_ || parent_->done()) {
    ExceptionContext context;
    context.message = "Task " + task.repr() + " has errored out but its parent task " +
                      (parent_ ? parent_->repr() + " " : "") + "is already completed";
    context.exception = error;
    context.task = task.repr();
    return loop_->call_exception_handler(context);
  }
  if (aborting_ || parent_cancel_requested_) return;
  abort();
  parent_cancel_requested_ = true;  // taken back at the end of the block
  parent_->cancel();
}

Coroutine<std::exception_ptr> TaskGroupState::exit(Ref<TaskGroupState> group, std::exception_ptr error) {
  TaskGroupState& self = *group;
  self.exiting_ = true;
  if (!self.parent_) {  // it was not entered, or has been left
    if (error) throw RuntimeError("TaskGroup " + self.repr() + " has not been entered");
    co_return nullptr;
  }
  if (holds<GeneratorExit>(error)) {  // the block is being closed: it cannot wait for anybody
    self.parent_ = nullptr;
    if (!self.loop_->is_closed()) self.abort();
    co_return nullptr;
  }
  const bool cancelled = holds<CancelledError>(error);
  if (!self.base_error_ && ends_program(error)) self.base_error_ = error;
  std::exception_ptr propagate = cancelled ? error : nullptr;
  if (error && !self.aborting_) self.abort();

  while (self.members_ > 0) {
    if (!self.completed_ || self.completed_->done()) self.completed_ = make_ref<FutureValue<void>>(self.loop_->core());
    const std::exception_ptr struck = co_await QuietWait(Ref<FutureCore>(self.completed_));
    if (!struck) continue;
    if (!holds<CancelledError>(struck)) std::rethrow_exception(struck);  // the block is being closed
    if (self.aborting_) continue;
    propagate = struck;
    self.abort();
  }

  self.completed_ = nullptr;
  const Ref<TaskCore> parent = std::move(self.parent_);
  if (!parent) co_return nullptr;  // another coroutine has left it meanwhile
  if (self.base_error_) co_return self.base_error_;
  if (self.parent_cancel_requested_ && parent->uncancel() == 0) propagate = nullptr;
  if (propagate && self.errors_.empty()) co_return propagate;
  if (error && !cancelled) self.errors_.push_back(error);
  if (self.errors_.empty()) co_return nullptr;
  if (parent->cancelling() > 0) {  // asked for from outside: it strikes at the parent's next await
    parent->uncancel();
    parent->cancel(std::nullopt);
  }
  std::exception_ptr all = make_exception_group("unhandled errors in a TaskGroup", std::exchange(self.errors_, {}));
  exception_ptr_cast<BaseException>(all)->set_suppress_context(true);  // raise … from None
  co_return all;
}

}  // namespace segue::modern::detail
