#include <segue/modern/tasks/sleep.hpp>

namespace segue::modern::detail {

void SleepWait::wait_for_timer(Resumable leaf) {
  Driver& driver = Driver::require_current();
  EventLoop& loop = get_running_loop();
  if (future_) future_->timer.cancel();  // awaited again
  future_ = make_ref<SleepFuture>(loop);
  future_->timer = loop.call_later(delay_, [future = future_] {
    if (!future->done()) future->set_result();
  });
  driver.suspend(leaf, {.future = future_.get(), .blocking = true});
}

}  // namespace segue::modern::detail
