// Who waits for a lock, an event or a semaphore: first come, first served. Each waits on a future of its own, as in
// CPython's locks.py; its place in the queue is in the awaiter, which lives in the frame that waits.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/kernel/future_core.hpp>
#include <segue/modern/kernel/list.hpp>
#include <segue/modern/kernel/loop_core.hpp>
#include <segue/modern/kernel/ref.hpp>

namespace segue::modern {

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
  LoopCore& loop();
  /// `<asyncio.locks.Lock object at 0x55d0c8 [locked, waiters:2]>`, where `state` is "locked".
  std::string repr(std::string state) const;

 private:
  friend class QueuedWait;
  const char* owner_;
  LoopCore* loop_ = nullptr;
  List<QueuedWait> waits_;  // in the order in which they came
};

/// A place in a queue. One that waits stays where it is in memory.
class QueuedWait : public FutureWait, public ListLink<> {
 public:
  QueuedWait() noexcept : FutureWait(Ref<FutureCore>()) {}
  QueuedWait(QueuedWait&& other) noexcept : FutureWait(std::move(other)) {}
  QueuedWait& operator=(QueuedWait&&) = delete;
  ~QueuedWait() = default;

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
    unlink();
    FutureWait::finish_wait();
  }
};

inline bool WaitQueue::all_cancelled() const noexcept {
  for (const QueuedWait* each = waits_.front(); each != nullptr; each = waits_.next(*each))
    if (!each->cancelled()) return false;
  return true;
}

inline void WaitQueue::wake_first() {
  if (QueuedWait* const first = waits_.front(); first != nullptr && !first->done()) first->wake();
}

}  // namespace segue::modern
