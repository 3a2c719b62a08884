#include <segue/modern/tasks/sleep.hpp>

namespace segue::modern::detail {

void SleepWait::wait_for_timer(Resumable leaf) {
  Driver& driver = Driver::require_current();
  LoopCore& loop = LoopCore::require_running();
  future_ = make_ref<SleepFuture>(loop);
  loop.check_usable();
  loop.add_timer(*future_, loop.time() + delay_.value());
  future_->retain();  // the heap's
  driver.suspend(leaf, *future_);
}

}  // namespace segue::modern::detail
