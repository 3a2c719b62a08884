#include <segue/modern/kernel/wait_queue.hpp>

#include <string>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/handle_of.hpp>

namespace segue::modern {

bool WaitQueue::wake_next() {
  for (QueuedWait* each = waits_.front(); each != nullptr; each = waits_.next(*each)) {
    if (each->done()) continue;
    each->wake();
    return true;
  }
  return false;
}

void WaitQueue::wake_all() {
  for (QueuedWait* each = waits_.front(); each != nullptr; each = waits_.next(*each))
    if (!each->done()) each->wake();
}

LoopCore& WaitQueue::loop() {
  LoopCore& running = LoopCore::require_running();
  if (loop_ == nullptr) loop_ = &running;
  if (loop_ != &running) throw RuntimeError("<" + std::string(owner_) + "> is bound to a different event loop");
  return running;
}

std::string WaitQueue::repr(std::string state) const {
  std::size_t waiters = 0;
  for (const QueuedWait* each = waits_.front(); each != nullptr; each = waits_.next(*each)) ++waiters;
  if (waiters > 0) state += ", waiters:" + std::to_string(waiters);
  return "<" + name_of_object("asyncio.locks." + std::string(owner_) + " object", this) + " [" + state + "]>";
}

void QueuedWait::wait_in(WaitQueue& queue, Resumable leaf) {
  future_ = make_ref<FutureValue<void>>(queue.loop());
  FutureWait::await_suspend(leaf);
  queue.waits_.push_back(*this);
}

}  // namespace segue::modern
