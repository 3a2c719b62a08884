#include <segue/modern/tasks/future.hpp>

#include <algorithm>
#include <utility>

#include <segue/modern/tasks/task.hpp>

namespace segue::modern::detail {

FutureState::~FutureState() {
  if (!report_unretrieved_) return;
  try {
    ExceptionContext context;
    context.message = std::string(is_task_ ? "Task" : "Future") + " exception was never retrieved";
    context.exception = exception_;
    context.future = FutureState::repr();
    loop_->call_exception_handler(context);
  } catch (...) {
    loop_->default_exception_handler({.message = "Exception ignored while a future was destroyed",
                                      .exception = std::current_exception(),
                                      .future = {},
                                      .task = {},
                                      .handle = {},
                                      .source = {}});
  }
}

void FutureState::check_pending() const {
  if (done()) throw InvalidStateError("invalid state");
}

bool FutureState::cancel(const std::optional<std::string>& message) {
  report_unretrieved_ = false;
  if (done()) return false;
  cancel_message_ = message;
  finish_cancelled();
  return true;
}

void FutureState::finish_with(std::exception_ptr error) {
  check_pending();
  check_exception(error);
  if (holds<StopIterationBase>(error)) {
    error = std::make_exception_ptr(
        from(RuntimeError("StopIteration interacts badly with generators and cannot be raised into a Future"), error));
  }
  exception_ = std::move(error);
  report_unretrieved_ = true;
  finish();
}

void FutureState::finish() {
  phase_ = Phase::finished;
  schedule_waiters();
}

void FutureState::finish_cancelled() {
  phase_ = Phase::cancelled;
  schedule_waiters();
}

void FutureState::check_result() {
  if (phase_ == Phase::finished) {
    if (!exception_) return;
    report_unretrieved_ = false;
    std::rethrow_exception(exception_);
  }
  if (phase_ == Phase::cancelled) std::rethrow_exception(make_cancelled_error());
  throw InvalidStateError("Result is not set.");
}

std::exception_ptr FutureState::exception() {
  if (phase_ == Phase::cancelled) std::rethrow_exception(make_cancelled_error());
  if (phase_ == Phase::pending) throw InvalidStateError("Exception is not set.");
  report_unretrieved_ = false;
  return exception_;
}

std::exception_ptr FutureState::make_cancelled_error() {
  if (cancelled_error_) return std::exchange(cancelled_error_, nullptr);
  return std::make_exception_ptr(CancelledError(cancel_message_));
}

std::string FutureState::repr() const {
  if (!done()) return "<Future pending>";
  if (cancelled()) return "<Future cancelled>";
  return exception_ ? "<Future finished exception=" + describe(exception_).repr() + ">" : "<Future finished>";
}

void FutureState::add_callback(Ref<DoneCallbackState> callback) { add_waiter(Waiter{nullptr, std::move(callback)}); }

void FutureState::add_waiting_task(TaskCore& task) { add_waiter(Waiter{&task, {}}); }

void FutureState::add_waiter(Waiter waiter) {
  if (done()) {
    loop_->check_usable();
    schedule(std::move(waiter));
  } else if (!first_waiter_ && more_waiters_.empty()) {
    first_waiter_ = std::move(waiter);
  } else {
    more_waiters_.push_back(std::move(waiter));
  }
}

std::size_t FutureState::remove_callback(const DoneCallbackState& callback) noexcept {
  const auto same = [&callback](const Waiter& waiter) { return waiter.callback.get() == &callback; };
  std::size_t removed = std::erase_if(more_waiters_, same);
  if (same(first_waiter_)) {
    first_waiter_ = {};
    ++removed;
  }
  return removed;
}

void FutureState::remove_waiting_task(const TaskCore& task) noexcept {
  if (first_waiter_.task == &task) first_waiter_ = {};
  std::erase_if(more_waiters_, [&task](const Waiter& waiter) { return waiter.task == &task; });
}

void FutureState::schedule(Waiter waiter) {
  if (waiter.task != nullptr) return waiter.task->wake();
  loop_->call_soon([callback = std::move(waiter.callback), self = Ref<FutureState>(this)] { callback->call(*self); });
}

void FutureState::schedule_waiters() {
  if (!first_waiter_ && more_waiters_.empty()) return;
  loop_->check_usable();
  Waiter first = std::exchange(first_waiter_, {});
  std::vector<Waiter> more = std::exchange(more_waiters_, {});
  if (first) schedule(std::move(first));
  for (Waiter& waiter : more) schedule(std::move(waiter));
}

}  // namespace segue::modern::detail
