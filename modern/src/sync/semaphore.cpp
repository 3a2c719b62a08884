#include <segue/modern/sync/semaphore.hpp>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/scope_exit.hpp>
#include <segue/modern/kernel/unraisable.hpp>

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
  if (!waiters.wake_next()) put_back();  // else it is handed over: who was woken takes no other
}

void SemaphoreWait::take_permit(SemaphoreState& semaphore) {
  const ScopeExit wake_others([&semaphore] {
    for (; semaphore.value > 0 && semaphore.waiters.wake_next(); semaphore.take()) continue;
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
  try {
    if (semaphore_ && !semaphore_->is_full()) semaphore_->give_back();
  } catch (...) {
    report_unraisable(std::current_exception(), "SemaphoreGuard");
  }
  semaphore_ = nullptr;
}

}  // namespace segue::modern
