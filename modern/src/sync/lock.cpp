#include <segue/modern/sync/lock.hpp>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/exceptions.hpp>

namespace segue::modern::detail {

void LockState::unlock() {
  if (!locked) throw RuntimeError("Lock is not acquired.");
  locked = false;
  --locks_and_permits_held;
  waiters.set_taken_by({});
  waiters.wake_first();
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
