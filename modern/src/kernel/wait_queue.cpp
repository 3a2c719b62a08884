#include <segue/modern/kernel/wait_queue.hpp>

#include <cstddef>
#include <new>
#include <string>

#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/kernel/task_core.hpp>

namespace segue::modern {

bool WaitQueue::wake_next() {
  for (QueuedWait* each = waits_.front(); each != nullptr; each = waits_.next(*each)) {
    if (each->done()) continue;
    each->wake();
    return true;
  }
  return false;
}

bool WaitQueue::release_first() {
  while (QueuedWait* const first = waits_.front()) {
    first->unlink();
    if (first->done()) continue;
    first->wake();
    return true;
  }
  return false;
}

void WaitQueue::wake_all() {
  for (QueuedWait* each = waits_.front(); each != nullptr; each = waits_.next(*each))
    if (!each->done()) each->wake();
}

std::string WaitQueue::repr(const LoopBound& owner, std::string state) const {
  std::size_t waiters = 0;
  for (const QueuedWait* each = waits_.front(); each != nullptr; each = waits_.next(*each)) ++waiters;
  if (waiters > 0) state += ", waiters:" + std::to_string(waiters);
  return "<" + name_of_object("asyncio.locks." + std::string(owner.type()) + " object", &owner) + " [" + state + "]>";
}

void QueuedWait::wait_in(WaitQueue& queue, LoopCore& loop, Resumable leaf) {
  Driver& driver = Driver::require_current();
  end_own_future();
  const bool driven_by_task = driver.task() == &driver;
  if (driven_by_task) [[likely]] {
    future_ = ::new (&own_future_) OwnFuture(loop);
  } else {
    future_ = make_ref<FutureValue<void>>(loop);
  }
  suspend(driver, leaf);
  queue.waits_.push_back(*this);
}

}  // namespace segue::modern
