// Tasks that wait for each other in a circle, and so for ever: each for a lock that the next one has taken, or for the
// next one itself. CPython does not look for them.
//
//   for (const Deadlock& found : find_deadlocks()) std::cerr << found.str() << '\n';
//
// A loop in debug mode looks for itself where it has nothing to run, no timer and nothing to watch, and tells its
// exception handler of each, once.
#pragma once

#include <source_location>
#include <string>
#include <vector>

#include <segue/modern/kernel/loop_core.hpp>

namespace segue::modern {

/// One of the tasks in a circle, as text: it outlives the task.
struct DeadlockedTask {
  std::string task;            ///< its name, "Task-1"
  std::string function;        ///< which waits: that of its innermost coroutine
  std::source_location where;  ///< the await
  std::string waits_for;       ///< `<asyncio.locks.Lock object at 0x55d0c8>`; empty for the next task itself
};

/// A circle: each of the tasks waits for the next one, and the last for the first.
struct Deadlock {
  std::vector<DeadlockedTask> tasks;

  /// `deadlock: 2 tasks wait for each other`, and a line a task, which says where it waits, and for what.
  std::string str() const;
};

struct FindDeadlocksFunction {
  /// The circles among the tasks of the running loop. A lock is its taker's, also where that expects another task to
  /// release it; and a task that waits in a timeout does not wait for ever. What waits by wait(), in a task group, for
  /// an event, a semaphore or a std::mutex, is not seen. Looks at each task once. In the loop's thread; RuntimeError
  /// where none runs.
  std::vector<Deadlock> operator()() const { return (*this)(LoopCore::require_running()); }
  /// Those of `loop`, in its thread.
  std::vector<Deadlock> operator()(const LoopCore& loop) const;
};
inline constexpr FindDeadlocksFunction find_deadlocks;

namespace detail {

/// Tells the loop's exception handler of circles in which there is a task that has not been told of before.
void report_new_deadlocks(LoopCore& loop);

}  // namespace detail

}  // namespace segue::modern
