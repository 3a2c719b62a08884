#include <segue/modern/sync/lock.hpp>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/unraisable.hpp>

namespace segue::modern::detail {

void LockState::unlock() {
  if (!locked) throw RuntimeError("Lock is not acquired.");
  waiters.wake_first();
  locked = false;
  --locks_and_permits_held;
  waiters.set_taken_by({});
}

void LockState::unlock_or_report() noexcept {
  try {
    unlock();
  } catch (...) {
    report_unraisable(std::current_exception(), "LockGuard");
  }
}

void LockWait::take(LockState& lock) {
  try {
    finish_wait();
  } catch (const CancelledError&) {
    if (!lock.locked) lock.waiters.wake_first();
    throw;
  }
  lock.take();
}

}  // namespace segue::modern::detail
