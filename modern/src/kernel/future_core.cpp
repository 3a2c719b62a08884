#include <segue/modern/kernel/future_core.hpp>

#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/log.hpp>
#include <segue/modern/kernel/task_core.hpp>

#include "kernel/cancellation.hpp"

namespace segue::modern {

void FutureCore::report_never_retrieved() noexcept {
  report_unretrieved_ = false;
  try {
    ExceptionContext context;
    context.message = std::string(type()) + " exception was never retrieved";
    context.exception = error_;
    context.future = repr();
    context.source_traceback = origin_.traceback();
    loop_->call_exception_handler(context);
  } catch (...) {
    try {
      ExceptionContext context;
      context.message = "Exception ignored while a future was destroyed";
      context.exception = std::current_exception();
      loop_->default_exception_handler(context);
    } catch (...) {
      log(LogLevel::error, "An exception was never retrieved; there is no memory to say which");
    }
  }
}

void FutureCore::refuse_done() { throw InvalidStateError("invalid state"); }

bool FutureCore::cancel(const std::optional<std::string>& message) {
  if (children() != nullptr) return Cancellation(message).run(*this);
  report_unretrieved_ = false;
  if (done()) return false;
  set_cancel_message(message);
  finish_cancelled();
  return true;
}

void FutureCore::finish_with(std::exception_ptr error) {
  check_pending();
  check_exception(error);
  if (holds<StopIterationBase>(error)) {
    error = std::make_exception_ptr(
        from(RuntimeError("StopIteration interacts badly with generators and cannot be raised into a Future"), error));
  }
  if (!waiters_.empty()) check_thread();
  error_ = std::move(error);
  report_unretrieved_ = true;
  finish();
}

std::exception_ptr FutureCore::error_of_result() {
  if (phase_ == Phase::cancelled) return make_cancelled_error();
  if (phase_ == Phase::pending) return std::make_exception_ptr(InvalidStateError("Result is not set."));
  report_unretrieved_ = false;
  return error_;
}

std::exception_ptr FutureCore::exception() {
  if (phase_ == Phase::cancelled) std::rethrow_exception(make_cancelled_error());
  if (phase_ == Phase::pending) throw InvalidStateError("Exception is not set.");
  report_unretrieved_ = false;
  return error_;
}

std::exception_ptr FutureCore::make_cancelled_error() {
  if (cancelled() && error_) return std::exchange(error_, nullptr);
  return std::make_exception_ptr(CancelledError(cancel_message()));
}

const char* FutureCore::type() const noexcept {
  if (kind_ == Kind::task) return "Task";
  return children() != nullptr ? "_GatheringFuture" : "Future";
}

std::string FutureCore::repr() const {
  std::string state = "pending";
  if (done()) state = cancelled() ? "cancelled" : "finished" + repr_of_exception();
  return "<" + std::string(type()) + " " + state + origin_.created_at() + ">";
}

std::string FutureCore::repr_of_exception() const {
  return failed() ? " exception=" + exception_repr(error_) : std::string();
}

void FutureCore::add_callback(Ref<DoneCallbackState> callback) {
  add_callback(std::move(callback), ContextSlot::copy_of_current());
}

// For one who asks after the end.
void FutureCore::schedule_late(Waiter waiter) {
  loop_->check_usable();
  std::move(waiter).schedule(*this);
}

std::size_t FutureCore::remove_callback(const DoneCallbackState& callback) noexcept {
  return waiters_.remove(Waiter::id_of(callback));
}

bool FutureCore::remove_waiting_task(const TaskCore& task) noexcept { return waiters_.remove(Waiter::id_of(task)) > 0; }

void FutureCore::check_thread() const {
  if (!loop_->is_closed()) loop_->check_usable();
}

void FutureCore::wake_waiters(Phase ended) {
  if (loop_->is_closed()) [[unlikely]]
    phase_ = ended;
  loop_->check_usable();
  phase_ = ended;
  if (TaskCore* const task = waiters_.take_lone_task()) return loop_->schedule(*task);
  Waiters(std::move(waiters_)).take_all([this](Waiter waiter) { std::move(waiter).schedule(*this); });
}

void FutureWait::refuse_pending() { throw RuntimeError("await wasn't used with future"); }

}  // namespace segue::modern
