#include <segue/modern/kernel/wait_queue.hpp>

#include <cstddef>
#include <new>
#include <string>

#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/kernel/task_core.hpp>

namespace segue::modern {

void WaitQueue::wake(QueuedWait& wait) {
  wait.wake();  // throws where that is refused: then it still waits
  wait.unlink();
  woken_.push_back(wait);
}

bool WaitQueue::wake_next() {
  QueuedWait* const first = first_waiting();
  if (first == nullptr) return false;
  wake(*first);
  return true;
}

bool WaitQueue::release_first() {
  while (QueuedWait* const first = waits_.front()) {
    const bool waits = !first->done();
    if (waits) first->wake();
    first->unlink();
    if (waits) return true;
  }
  return false;
}

void WaitQueue::wake_all() {
  while (wake_next()) continue;
}

std::string WaitQueue::repr(const LoopBound& owner, std::string state) const {
  std::size_t waiters = 0;
  for (const List<QueuedWait>* list : {&waits_, &woken_, &cancelled_})
    for (const QueuedWait* each = list->front(); each != nullptr; each = list->next(*each)) ++waiters;
  if (waiters > 0) state += ", waiters:" + std::to_string(waiters);
  return "<" + name_of_object("asyncio.locks." + std::string(owner.type()) + " object", &owner) + " [" + state + "]>";
}

void QueuedWait::wait_in(WaitQueue& queue, LoopCore& loop, Resumable leaf) {
  Driver& driver = Driver::require_current();
  end_own_future();
  const bool driven_by_task = driver.is_task();
  if (driven_by_task) [[likely]] {
    future_ = ::new (&own_future_) OwnFuture(loop, *this, queue);
  } else {
    future_ = make_ref<FutureValue<void>>(loop);
  }
  suspend(driver, leaf);
  queue.waits_.push_back(*this);
}

}  // namespace segue::modern
