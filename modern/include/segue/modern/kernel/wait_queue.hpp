// Who waits for a lock, an event or a semaphore: first come, first served. Each waits on a future of its own, as in
// CPython's locks.py; its place in the queue is in the awaiter, which lives in the frame that waits.
#pragma once

#include <string>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/future.hpp>

namespace segue::modern::detail {

class QueuedWait;

/// The base of a primitive's shared state, which those who wait keep alive. Bound to the loop in which the first one
/// waited.
class WaitQueue : public RefCounted {
 public:
  explicit WaitQueue(const char* owner) noexcept : owner_(owner) {}

  bool all_cancelled() const noexcept;
  /// Wakes the one who came first, unless it has been woken already.
  void wake_first();
  /// Wakes the first one who has not been woken; false where there is none.
  bool wake_next();
  void wake_all();
  /// The running loop. RuntimeError where it is another one than before.
  EventLoop& loop();

 private:
  friend class QueuedWait;
  const char* owner_;
  EventLoop* loop_ = nullptr;
  QueuedWait* first_ = nullptr;
  QueuedWait* last_ = nullptr;
};

/// A place in a queue. One that waits stays where it is in memory.
class QueuedWait : public FutureWait {
 public:
  QueuedWait() noexcept : FutureWait(Ref<FutureState>()) {}
  QueuedWait(QueuedWait&& other) noexcept : FutureWait(std::move(other)) {}
  QueuedWait& operator=(QueuedWait&&) = delete;
  ~QueuedWait() { leave(); }

  /// Woken or cancelled; it leaves when it runs.
  bool done() const noexcept { return future_->done(); }
  bool cancelled() const noexcept { return future_->cancelled(); }
  void wake() {
    if (future_->loop().is_closed()) return;  // it runs nobody any more
    static_cast<FutureValue<void>&>(*future_).set_result();
  }

 protected:
  bool waited() const noexcept { return static_cast<bool>(future_); }
  void wait_in(WaitQueue& queue, Resumable leaf);
  /// Leaves the queue. Throws what the wait ended with.
  void finish_wait() {
    leave();
    FutureWait::finish_wait();
  }

 private:
  friend class WaitQueue;
  void leave() noexcept;

  Ref<WaitQueue> queue_;
  QueuedWait* next_ = nullptr;
  QueuedWait* previous_ = nullptr;
};

inline bool WaitQueue::all_cancelled() const noexcept {
  for (const QueuedWait* each = first_; each != nullptr; each = each->next_)
    if (!each->cancelled()) return false;
  return true;
}

inline void WaitQueue::wake_first() {
  if (first_ != nullptr && !first_->done()) first_->wake();
}

}  // namespace segue::modern::detail
