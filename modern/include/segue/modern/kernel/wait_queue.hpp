// Who waits for a lock, an event, an item: first come, first served. Each waits on a future of its own, as in CPython's
// locks.py and queues.py. That future and the place in the queue are in the awaiter, which lives in the frame that
// waits: waiting allocates nothing.
//
// An awaiter of one's own derives from QueuedWait; its await_ready() calls check_unused(), its await_suspend()
// wait_in(), its await_resume() finish_wait(). The primitive's state has a WaitQueue, and is a LoopBound.
#pragma once

#include <memory>
#include <string>

#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/kernel/future_core.hpp>
#include <segue/modern/kernel/list.hpp>
#include <segue/modern/kernel/loop_bound.hpp>
#include <segue/modern/kernel/loop_core.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/kernel/task_mark.hpp>

namespace segue::modern {

class QueuedWait;

class WaitQueue {
 public:
  WaitQueue() noexcept = default;
  /// Of those who wait for `exclusive`, which one task at a time may have. find_deadlocks() wants to know.
  explicit WaitQueue(const LoopBound& exclusive) noexcept : exclusive_(&exclusive) {}

  /// What they wait for, where one task at a time may have it; else null.
  const LoopBound* exclusive() const noexcept { return exclusive_; }
  /// Who has taken it.
  TaskMark taken_by() const noexcept { return taken_by_; }
  void set_taken_by(TaskMark task) noexcept { taken_by_ = task; }

  bool all_cancelled() noexcept { return first_waiting() == nullptr && woken_.empty(); }
  /// Wakes the one who came first, unless it has been woken already.
  void wake_first();
  /// Wakes the first one who has not been woken; false where there is none.
  bool wake_next();
  void wake_all();
  /// As wake_next(); who is woken leaves the queue now, not when it runs.
  bool release_next() { return !waits_.empty() && release_first(); }
  /// `<asyncio.locks.Lock object at 0x55d0c8 [locked, waiters:2]>`, of the lock `owner`, where `state` is "locked".
  std::string repr(const LoopBound& owner, std::string state) const;

 private:
  friend class QueuedWait;
  bool release_first();
  /// The first one who is neither woken nor cancelled; null where there is none.
  QueuedWait* first_waiting() noexcept;
  void wake(QueuedWait& wait);

  List<QueuedWait> waits_;  // in the order in which they came
  // Those who were found at the front of `waits_` to be done. They are still in the queue, before all others, until
  // they run; here they are in nobody's way: each is passed over once.
  List<QueuedWait> woken_;
  List<QueuedWait> cancelled_;
  const LoopBound* exclusive_ = nullptr;
  TaskMark taken_by_;
};

/// A place in a queue. It may be moved before it waits, and not afterwards.
class QueuedWait : public FutureWait, public ListLink<> {
 public:
  QueuedWait() noexcept : FutureWait(Ref<FutureCore>()) {}
  QueuedWait(QueuedWait&&) noexcept : QueuedWait() {}
  QueuedWait& operator=(QueuedWait&&) = delete;
  ~QueuedWait() { end_own_future(); }

  /// Woken or cancelled; it leaves when it runs.
  bool done() const noexcept { return future_->done(); }
  bool cancelled() const noexcept { return future_->cancelled(); }
  void wake() {
    if (future_->loop().is_closed()) return;  // it runs nobody any more
    static_cast<FutureValue<void>&>(*future_).set_result();
  }

 protected:
  bool waited() const noexcept { return static_cast<bool>(future_); }
  /// Throws where it is awaited a second time, or was moved from. The await_resume() of one that has not waited takes
  /// `primitive` out of the awaiter.
  template <class State>
  void check_unused(const Ref<State>& primitive) const {
    if (!primitive || waited()) [[unlikely]]
      refuse_reuse(waited() && !done());
  }
  void wait_in(WaitQueue& queue, LoopCore& loop, Resumable leaf);
  /// Leaves the queue. Throws what the wait ended with.
  void finish_wait() {
    unlink();
    FutureWait::finish_wait();
  }

 private:
  void end_own_future() noexcept {
    if (future_.get() != &own_future_) return;
    future_.detach();
    std::destroy_at(&own_future_);
  }

  // What `future_` refers to where a task waits. It may lie in the awaiter, since a task lets go of what it waited on
  // before it resumes the frame that waited, or closes it. Another driver may keep the future for as long as it likes:
  // it gets one from the heap.
  struct OwnFuture final : FutureValue<void> {
    OwnFuture(LoopCore& loop, const QueuedWait& wait, const WaitQueue& queue) noexcept
        : FutureValue(loop), wait_(wait), queue_(queue) {}
    // Not of a queue that is gone: its waits are in none.
    const WaitQueue* queue_for_one() const noexcept override {
      return wait_.linked() && queue_.exclusive() != nullptr ? &queue_ : nullptr;
    }
    const QueuedWait& wait_;
    const WaitQueue& queue_;
  };
  union {
    OwnFuture own_future_;
  };
};

inline QueuedWait* WaitQueue::first_waiting() noexcept {
  for (;;) {
    QueuedWait* const first = waits_.front();
    if (first == nullptr || !first->done()) return first;
    first->unlink();
    (first->cancelled() ? cancelled_ : woken_).push_back(*first);
  }
}

inline void WaitQueue::wake_first() {
  if (!woken_.empty() || !cancelled_.empty()) return;
  if (QueuedWait* const first = waits_.front(); first != nullptr && !first->done()) wake(*first);
}

}  // namespace segue::modern
