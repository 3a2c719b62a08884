// WorkerThread: a call in a thread of the default executor (to_thread(), run_in_executor()), seen by the code that runs
// there: which loop waits for it, and whether somebody still does. What calls back into the loop, and blocks until that
// has answered, is made of it (bridge/from_thread.hpp).
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>

#include <segue/modern/kernel/list.hpp>
#include <segue/modern/tasks/future.hpp>

namespace segue::modern {

class EventLoop;
namespace detail {
class Executor;
}

class WorkerThread : public ListLink<> {
 public:
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;

  /// The call that this thread makes for a loop; null where it makes none.
  static WorkerThread* current() noexcept;

  /// The loop that waits for it, which exists until the call is over. What is called `…_threadsafe` may be used.
  EventLoop& loop() const noexcept { return *loop_; }
  /// Whether the wait for it was cancelled. From any thread.
  bool cancelled() const noexcept { return cancelled_.load(std::memory_order_acquire); }

  /// In the loop's thread: cancels `future`, which this thread waits for, when the wait for this thread is cancelled;
  /// at once where it has been. One at a time.
  void cancel_with_it(AnyFuture future);

  /// While it lives, this thread waits for the loop. `give_up` ends that wait, from another thread, where the loop is
  /// closed and will not answer: once, or not at all.
  class Blocked {
   public:
    Blocked(WorkerThread& worker, std::function<void()> give_up);
    Blocked(const Blocked&) = delete;
    Blocked& operator=(const Blocked&) = delete;
    ~Blocked();

   private:
    WorkerThread& worker_;
  };

 protected:
  WorkerThread() noexcept = default;
  ~WorkerThread() = default;

  /// In the loop's thread: nobody waits for it any more.
  void set_cancelled();

 private:
  friend class detail::Executor;

  /// Makes it the call of the thread that runs this, or of none.
  static WorkerThread* exchange_current(WorkerThread* worker) noexcept;
  void loop_closed();

  EventLoop* loop_ = nullptr;
  std::atomic<bool> cancelled_{false};
  std::optional<AnyFuture> awaited_;  // the loop's thread's

  std::mutex mutex_;  // guards the rest
  std::function<void()> give_up_;
  bool loop_closed_ = false;
};

}  // namespace segue::modern
