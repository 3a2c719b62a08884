#include <segue/modern/sync/condition.hpp>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/exceptions.hpp>

namespace segue::modern::detail {

namespace {

/// Waits for one notification.
class Notified final : public QueuedWait {
 public:
  explicit Notified(Ref<ConditionState> condition) noexcept : condition_(std::move(condition)) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(Resumable leaf) {
    wait_in(condition_->waiters, condition_->loop(), leaf);
    condition_->lock.release();
  }
  void await_resume() { finish_wait(); }

 private:
  Ref<ConditionState> condition_;
};

}  // namespace

void ConditionState::check_notify() const {
  if (!lock.locked()) throw RuntimeError("cannot notify on un-acquired lock");
}

Coroutine<bool> ConditionState::wait(Ref<ConditionState> condition) {
  if (!condition->lock.locked()) throw RuntimeError("cannot wait on un-acquired lock");
  condition->loop();  // throws where it is another one, before the lock is given up

  std::exception_ptr struck;  // what the wait ended with
  try {
    co_await Notified(condition);
  } catch (...) {
    struck = std::current_exception();
  }
  // However the wait ended, the lock has to be taken again; only then does a cancellation go on.
  std::exception_ptr error = struck;
  for (bool acquired = false; !acquired;) {
    try {
      acquired = co_await condition->lock.acquire();
    } catch (...) {
      error = std::current_exception();
      chain_history(error, struck);
      if (!holds<CancelledError>(error)) break;
    }
  }
  if (!error) co_return true;
  // It may have been notified all the same: somebody else must not miss that.
  condition->waiters.wake_next();
  std::rethrow_exception(error);
}

}  // namespace segue::modern::detail
