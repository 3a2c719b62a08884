// Mailbox: where other threads leave what a loop is to run. It outlives the loop: who may call when the loop is gone
// shares it, and finds it closed. Nothing else of a loop may be touched from another thread, nor released there, for
// its counts are not atomic.
#pragma once

#include <mutex>

#include <segue/modern/kernel/ready_queue.hpp>

namespace segue::modern {

class LoopCore;

class Mailbox {
 public:
  explicit Mailbox(LoopCore& loop) noexcept : loop_(loop) {}
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  /// Has the loop run `node` in its next iteration, and wakes it. False where the loop is closed: `node` is the
  /// caller's then. From any thread; from the loop's own in one order with what is scheduled there.
  [[nodiscard]] bool post(Ready& node);
  /// The same with a call of `callback(args…)`, which are kept by value, and destroyed here where the loop is closed.
  /// From any thread. (In handle_state.hpp.)
  template <class F, class... Args>
  [[nodiscard]] bool call_soon(F&& callback, Args&&... args);
  /// Whether the loop is the one that runs in this thread.
  bool is_of_running_loop() const noexcept;

 private:
  friend LoopCore;

  void collect(ReadyQueue& into) noexcept;
  void close(ReadyQueue& into) noexcept;

  LoopCore& loop_;  // not to be touched once it is closed
  std::mutex mutex_;
  ReadyQueue posted_;    // guarded by mutex_
  bool closed_ = false;  // guarded by mutex_
};

}  // namespace segue::modern
