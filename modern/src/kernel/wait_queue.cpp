#include <segue/modern/kernel/wait_queue.hpp>

#include <string>

#include <segue/exceptions.hpp>

namespace segue::modern::detail {

bool WaitQueue::wake_next() {
  for (QueuedWait* each = first_; each != nullptr; each = each->next_) {
    if (each->done()) continue;
    each->wake();
    return true;
  }
  return false;
}

void WaitQueue::wake_all() {
  for (QueuedWait* each = first_; each != nullptr; each = each->next_)
    if (!each->done()) each->wake();
}

EventLoop& WaitQueue::loop() {
  EventLoop& running = get_running_loop();
  if (loop_ == nullptr) loop_ = &running;
  if (loop_ != &running) throw RuntimeError("<" + std::string(owner_) + "> is bound to a different event loop");
  return running;
}

void QueuedWait::wait_in(WaitQueue& queue, Resumable leaf) {
  future_ = make_ref<FutureValue<void>>(queue.loop());
  FutureWait::await_suspend(leaf);
  queue_ = &queue;
  previous_ = queue.last_;
  (queue.last_ != nullptr ? queue.last_->next_ : queue.first_) = this;
  queue.last_ = this;
}

void QueuedWait::leave() noexcept {
  if (!queue_) return;
  (previous_ != nullptr ? previous_->next_ : queue_->first_) = next_;
  (next_ != nullptr ? next_->previous_ : queue_->last_) = previous_;
  next_ = previous_ = nullptr;
  queue_ = nullptr;
}

}  // namespace segue::modern::detail
