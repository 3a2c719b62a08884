#include <segue/modern/sync/lock.hpp>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/exceptions.hpp>

namespace segue::modern::detail {

bool LockState::try_acquire() noexcept {
  if (locked || !all_cancelled()) return false;
  locked = true;
  return true;
}

void LockState::unlock() {
  if (!locked) throw RuntimeError("Lock is not acquired.");
  locked = false;
  wake_first();
}

void LockWait::finish_acquire() {
  if (!waited()) return;
  try {
    finish_wait();
  } catch (const CancelledError&) {
    if (!lock_->locked) lock_->wake_first();
    throw;
  }
  lock_->locked = true;
}

}  // namespace segue::modern::detail
