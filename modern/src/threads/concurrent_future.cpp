#include <segue/modern/threads/concurrent_future.hpp>

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/format_exception.hpp>
#include <segue/let_go.hpp>
#include <segue/modern/kernel/function_name.hpp>
#include <segue/modern/kernel/log.hpp>
#include <segue/modern/kernel/mailbox.hpp>
#include <segue/modern/kernel/task_core.hpp>
#include <segue/os_error.hpp>
#include <segue/type_name.hpp>
#include <segue/unraisable.hpp>

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

namespace {

// As Python's module has it.
const char* constant(FutureState state) noexcept {
  switch (state) {
    case FutureState::PENDING: return "PENDING";
    case FutureState::RUNNING: return "RUNNING";
    case FutureState::CANCELLED: return "CANCELLED";
    case FutureState::CANCELLED_AND_NOTIFIED: return "CANCELLED_AND_NOTIFIED";
    case FutureState::FINISHED: return "FINISHED";
  }
  return "unknown";
}

// What ends the program, of callbacks that were called where nothing can be thrown.
thread_local std::exception_ptr program_end;

}  // namespace

// Calls the callbacks as a deleter does its work, since these may complete other futures, and so on: let_go() bounds
// how deep they nest.
struct FutureCore::CallBack {
  void operator()(FutureCore* future) const noexcept {
    std::exception_ptr end = std::exchange(program_end, nullptr);
    {
      const std::vector<Callback> callbacks = std::move(future->callbacks_);
      for (const Callback& callback : callbacks) {
        std::exception_ptr thrown = future->call(callback, self);
        if (!end) end = std::move(thrown);
      }
    }
    program_end = std::move(end);
  }
  std::shared_ptr<FutureCore> self;  // its last handle may go in a callback
};

// A callback may have the last handle of another future, and so on.
FutureCore::~FutureCore() { let_go(std::move(callbacks_)); }

FutureState FutureCore::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

std::string FutureCore::repr() const {
  const std::lock_guard lock(mutex_);
  return repr_locked();
}

std::string FutureCore::repr_locked() const {
  std::array<char, 2 + 2 * sizeof(void*) + 1> id{};
  static_cast<void>(std::snprintf(id.data(), id.size(), "%p", static_cast<const void*>(this)));
  std::string text = std::string("<Future at ") + id.data() + " state=" + to_string(state_);
  if (state_ == FutureState::FINISHED) {
    const std::type_info* const result = result_type();
    text += error_ ? " raised " + describe(error_).type
                   : " returned " + (result != nullptr ? type_name(*result) : std::string("NoneType"));
  }
  return text + ">";
}

bool FutureCore::cancel() {
  std::unique_lock lock(mutex_);
  if (state_ == FutureState::RUNNING || state_ == FutureState::FINISHED || claimed_) return false;
  if (state_ == FutureState::PENDING) finish(std::move(lock), FutureState::CANCELLED);
  return true;
}

void FutureCore::abandon() noexcept {
  try {
    cancel();
  } catch (...) {
    report_unraisable(std::current_exception(), "<concurrent.futures.Future>");
  }
}

bool FutureCore::set_running_or_notify_cancel() {
  FutureState state = FutureState::PENDING;
  {
    const std::lock_guard lock(mutex_);
    state = state_;
    if (state == FutureState::PENDING && !claimed_) {
      state_ = FutureState::RUNNING;
      return true;
    }
    if (state == FutureState::CANCELLED) {
      state_ = FutureState::CANCELLED_AND_NOTIFIED;
      return false;
    }
  }
  log(LogLevel::critical,
      "Future " + std::to_string(reinterpret_cast<std::uintptr_t>(this)) + " in unexpected state: " + constant(state));
  throw RuntimeError("Future in unexpected state");
}

void FutureCore::set_exception(std::exception_ptr error) {
  claim();
  error_ = std::move(error);
  finish();
}

std::exception_ptr FutureCore::exception(std::optional<std::chrono::nanoseconds> timeout,
                                         const std::source_location& where) {
  std::unique_lock lock(mutex_);
  wait(lock, timeout, "exception()", where);
  return error_;
}

void FutureCore::add_done_callback(Callback callback) {
  {
    const std::lock_guard lock(mutex_);
    if (!done()) return callbacks_.push_back(std::move(callback));
  }
  if (const std::exception_ptr end = call(callback, shared_from_this())) std::rethrow_exception(end);
}

void FutureCore::wait(std::unique_lock<std::mutex>& lock, std::optional<std::chrono::nanoseconds> timeout,
                      const char* asked, const std::source_location& where) {
  const auto is_done = [this] { return done(); };
  const bool would_block = !done() && (!timeout || *timeout > timeout->zero());
  if (would_block && finished_by_ && finished_by_->is_of_running_loop()) refuse_to_block(asked, where);
  if (!timeout) {
    changed_.wait(lock, is_done);
  } else if (!changed_.wait_for(lock, *timeout, is_done)) {
    throw TimeoutError();
  }
  if (state_ != FutureState::FINISHED) throw CancelledError();
}

void FutureCore::refuse_to_block(const char* asked, const std::source_location& where) const {
  const TaskCore* const task = TaskCore::current();
  throw RuntimeError(asked + (" at " + place(where)) + " would block the loop of this thread" +
                     (task != nullptr ? ", in " + task->repr() + "," : std::string()) +
                     " until that loop has done what it was asked for" +
                     (asked_at_.line() != 0 ? " at " + place(asked_at_) : std::string()) +
                     ": co_await the coroutine, or wait in another thread");
}

void FutureCore::claim() {
  const std::lock_guard lock(mutex_);
  if (done() || claimed_) throw InvalidStateError(constant(state_) + (": " + repr_locked()));
  claimed_ = true;
}

void FutureCore::disclaim() noexcept {
  const std::lock_guard lock(mutex_);
  claimed_ = false;
}

void FutureCore::finish() { finish(std::unique_lock(mutex_), FutureState::FINISHED); }

void FutureCore::finish(std::unique_lock<std::mutex> lock, FutureState state) {
  state_ = state;
  claimed_ = false;
  changed_.notify_all();
  const bool is_awaited = !callbacks_.empty();
  lock.unlock();  // without callbacks, whoever has waited may destroy it from now on
  if (!is_awaited) return;
  let_go(std::unique_ptr<FutureCore, CallBack>(this, CallBack{shared_from_this()}));
  if (const std::exception_ptr end = std::exchange(program_end, nullptr)) std::rethrow_exception(end);
}

// What it throws is logged, unless it ends the program: that it gives.
std::exception_ptr FutureCore::call(const Callback& callback, const std::shared_ptr<FutureCore>& self) const noexcept {
  try {
    callback(self);
    return nullptr;
  } catch (...) {
    std::exception_ptr error = std::current_exception();
    if (ends_program(error)) return error;
    try {
      log(LogLevel::error, "exception calling callback for " + repr() + "\n" + format_exception(error));
    } catch (...) {
      log(LogLevel::error, "exception calling callback for a future");
    }
    return nullptr;
  }
}

}  // namespace detail
}  // namespace segue::modern::concurrent
