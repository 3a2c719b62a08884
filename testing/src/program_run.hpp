// One run of a program on a loop of its own, in virtual time, with all that it leaves and all that was reported.
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <segue/modern/kernel/schedule.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/testing/explore.hpp>
#include <segue/testing/trace.hpp>

namespace segue::testing {

class ProgramRun {
 public:
  ProgramRun(const detail::TracedProgram& program, modern::Schedule* schedule);

  modern::EventLoop& loop() noexcept { return *loop_; }
  const modern::Task<>& main() const noexcept { return *main_; }
  const Trace& trace() const noexcept { return trace_; }

  /// Takes one iteration, moving the clock on to the next timer first where there is nothing else to do. RuntimeError
  /// where the program waits for what will never come, or is still under way after a million of them.
  void iterate();
  /// Cancels the program, now: the clock does not move on before it has heard of that.
  void cancel();
  /// Iterates until the program has ended.
  void finish();
  /// What is left of a program that has ended, when all has run that could: "a task …"; empty for nothing.
  std::string left();
  /// Cancels the tasks that are left, and waits for them.
  void cancel_tasks();
  /// Closes the loop, as run() does: cancels the tasks that are left, closes async generators, joins threads.
  void close();
  /// What the loop's exception handler was told.
  const std::vector<std::string>& reports() const noexcept { return *reports_; }

 private:
  void wait_for_other_threads();

  Trace trace_;
  // A task that the program keeps outside may report to it later.
  const std::shared_ptr<std::vector<std::string>> reports_ = std::make_shared<std::vector<std::string>>();
  modern::EventLoopPtr loop_;
  std::optional<modern::Task<>> main_;
  std::size_t iterations_ = 0;
  modern::EventLoop::time_point next_ = modern::EventLoop::time_point::min();  // when there is something to do
};

/// "ValueError: bad".
std::string error_text(const std::exception_ptr& error);

}  // namespace segue::testing
