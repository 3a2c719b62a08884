// What run() makes of SIGINT (CPython: asyncio/runners.py, Runner._on_sigint()).
//
// The signal's handler does no more than to tell the loop, which cancels the main task in its next iteration. A second
// SIGINT leaves the loop as KeyboardInterrupt. One that comes before the loop has heard of the first, for it is stuck
// in a callback, ends the program as if nobody handled it.
#pragma once

#include <segue/modern/kernel/loop_core.hpp>
#include <segue/modern/kernel/ready_queue.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/kernel/task_core.hpp>

namespace segue::modern::detail {

/// A runner's. It outlives the runner's loop, in whose queue it may be.
class Interrupts final : private Ready {
 public:
  explicit Interrupts(LoopCore& loop) noexcept : loop_(loop) {}
  ~Interrupts() = default;

  /// From now on SIGINT is for `main`, where this is the program's main thread and nobody else handles it.
  void begin(TaskCore& main) noexcept;
  /// Not any more. One that nobody has heard of is passed on.
  void end() noexcept;
  /// After a run() that ended with CancelledError: throws KeyboardInterrupt where one came, and main has not been
  /// cancelled otherwise.
  void check();

 private:
  static void handle(int signal);
  void run() override;
  void drop() noexcept override {}

  LoopCore& loop_;             // not to be touched after end()
  TaskCore* main_ = nullptr;   // while SIGINT is for it
  Ref<TaskCore> interrupted_;  // it, when one has come
};

}  // namespace segue::modern::detail
