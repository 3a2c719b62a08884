#include <segue/modern/sync/semaphore.hpp>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/scope_exit.hpp>

namespace segue::modern {

namespace detail {

SemaphoreState::SemaphoreState(int initial_value, bool is_bounded)
    : LoopBound(is_bounded ? "BoundedSemaphore" : "Semaphore"),
      value(initial_value),
      initial(initial_value),
      bounded(is_bounded) {
  if (initial_value < 0) throw ValueError("Semaphore initial value must be >= 0");
}

void SemaphoreState::give_back() {
  if (is_full()) throw ValueError("BoundedSemaphore released too many times");
  put_back();
  hand_over();
}

bool SemaphoreState::hand_over() {
  if (!waiters.wake_next()) return false;
  take();  // handed over: who was woken takes no other
  return true;
}

void SemaphoreWait::take_permit(SemaphoreState& semaphore) {
  const ScopeExit wake_others([&semaphore] {
    while (semaphore.value > 0 && semaphore.hand_over()) continue;
  });
  try {
    finish_wait();
  } catch (const CancelledError&) {
    if (done() && !cancelled()) semaphore.put_back();
    throw;
  }
}

}  // namespace detail

void SemaphoreGuard::unlock() noexcept {
  if (semaphore_ && !semaphore_->is_full()) semaphore_->give_back();
  semaphore_ = nullptr;
}

}  // namespace segue::modern
