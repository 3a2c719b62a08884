#include <segue/modern/sync/semaphore.hpp>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/scope_exit.hpp>

namespace segue::modern {

namespace detail {

SemaphoreState::SemaphoreState(int initial_value, int bound_value)
    : LoopBound(bound_value < 0 ? "Semaphore" : "BoundedSemaphore"), value(initial_value), bound(bound_value) {
  if (initial_value < 0) throw ValueError("Semaphore initial value must be >= 0");
}

void SemaphoreState::give_back() {
  if (bound >= 0 && value >= bound) throw ValueError("BoundedSemaphore released too many times");
  ++value;
  hand_over();
}

bool SemaphoreState::hand_over() {
  if (!waiters.wake_next()) return false;
  --value;  // handed over: who was woken takes no other
  return true;
}

void SemaphoreWait::finish_acquire() {
  if (!waited()) return;
  const ScopeExit wake_others([this] {
    while (semaphore_->value > 0 && semaphore_->hand_over()) continue;
  });
  try {
    finish_wait();
  } catch (const CancelledError&) {
    if (done() && !cancelled()) ++semaphore_->value;
    throw;
  }
}

}  // namespace detail

void SemaphoreGuard::unlock() noexcept {
  if (semaphore_ && (semaphore_->bound < 0 || semaphore_->value < semaphore_->bound)) semaphore_->give_back();
  semaphore_ = nullptr;
}

}  // namespace segue::modern
