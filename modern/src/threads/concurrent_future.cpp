#include <segue/modern/threads/concurrent_future.hpp>

#include <string>

#include <segue/format_exception.hpp>
#include <segue/modern/kernel/function_name.hpp>
#include <segue/modern/kernel/log.hpp>
#include <segue/modern/kernel/mailbox.hpp>
#include <segue/modern/kernel/task_core.hpp>
#include <segue/os_error.hpp>

namespace segue::modern::concurrent {

const char* to_string(FutureState state) noexcept {
  switch (state) {
    case FutureState::PENDING: return "pending";
    case FutureState::RUNNING: return "running";
    case FutureState::CANCELLED:
    case FutureState::CANCELLED_AND_NOTIFIED: return "cancelled";
    case FutureState::FINISHED: return "finished";
  }
  return "unknown";
}

namespace detail {

FutureState FutureCore::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

bool FutureCore::cancel() {
  std::unique_lock lock(mutex_);
  if (state_ == FutureState::RUNNING || state_ == FutureState::FINISHED) return false;
  if (state_ == FutureState::PENDING) finish(lock, FutureState::CANCELLED);
  return true;
}

bool FutureCore::set_running_or_notify_cancel() {
  const std::lock_guard lock(mutex_);
  if (state_ == FutureState::PENDING) {
    state_ = FutureState::RUNNING;
    return true;
  }
  if (state_ != FutureState::CANCELLED) throw InvalidStateError("Future in unexpected state");
  state_ = FutureState::CANCELLED_AND_NOTIFIED;
  return false;
}

void FutureCore::set_exception(std::exception_ptr error) {
  std::unique_lock lock(mutex_);
  check_unfinished();
  error_ = std::move(error);
  finish(lock, FutureState::FINISHED);
}

std::exception_ptr FutureCore::exception(std::optional<std::chrono::nanoseconds> timeout,
                                         const std::source_location& where) {
  std::unique_lock lock(mutex_);
  wait(lock, timeout, where);
  return error_;
}

void FutureCore::add_done_callback(Callback callback) {
  {
    const std::lock_guard lock(mutex_);
    if (!done()) return callbacks_.push_back(std::move(callback));
  }
  call(callback);
}

void FutureCore::wait(std::unique_lock<std::mutex>& lock, std::optional<std::chrono::nanoseconds> timeout,
                      const std::source_location& where) {
  const auto is_done = [this] { return done(); };
  const bool would_block = !done() && (!timeout || *timeout > timeout->zero());
  if (would_block && finished_by_ && finished_by_->is_of_running_loop()) refuse_to_block(where);
  if (!timeout) {
    changed_.wait(lock, is_done);
  } else if (!changed_.wait_for(lock, *timeout, is_done)) {
    throw TimeoutError();
  }
  if (state_ != FutureState::FINISHED) throw CancelledError();
}

void FutureCore::refuse_to_block(const std::source_location& where) const {
  const TaskCore* const task = TaskCore::current();
  throw RuntimeError("result() at " + place(where) + " would block the loop of this thread" +
                     (task != nullptr ? ", in " + task->repr() + "," : std::string()) +
                     " until that loop has done what it was asked for at " + place(asked_at_) +
                     ": co_await the coroutine, or wait in another thread");
}

void FutureCore::check_unfinished() const {
  if (done()) throw InvalidStateError(std::string("the future is ") + to_string(state_) + " already");
}

void FutureCore::finish(std::unique_lock<std::mutex>& lock, FutureState state) noexcept {
  state_ = state;
  const std::vector<Callback> callbacks = std::move(callbacks_);
  changed_.notify_all();
  lock.unlock();
  for (const Callback& callback : callbacks) call(callback);
}

void FutureCore::call(const Callback& callback) noexcept {
  try {
    callback();
  } catch (...) {
    try {
      log(LogLevel::error, "exception calling callback of a future\n" + format_exception(std::current_exception()));
    } catch (...) {
      log(LogLevel::error, "exception calling callback of a future");
    }
  }
}

}  // namespace detail
}  // namespace segue::modern::concurrent
