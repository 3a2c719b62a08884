#include <segue/testing/cancel_everywhere.hpp>

#include <cstdint>
#include <exception>
#include <filesystem>
#include <iterator>
#include <limits>

#include <segue/exception_ptr.hpp>
#include <segue/modern/kernel/coroutine_info.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/function_name.hpp>
#include <segue/modern/kernel/held.hpp>
#include <segue/modern/kernel/schedule.hpp>

#include "program_run.hpp"

namespace segue::testing {

namespace {

constexpr std::size_t nowhere = std::numeric_limits<std::size_t>::max();

/// The order in which things come; but that calls in threads end at once, so that each run is like the one before.
class UsualSchedule final : public modern::Schedule {
 public:
  std::size_t choose(std::size_t count) noexcept override { return count - 1; }
};

std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
}

// The innermost await of a task whose place is known.
std::string place_of(const modern::AnyTask& task) {
  const modern::CoroutineInfo coroutine = task.get_coro();
  for (auto frame = coroutine.cr_await.rbegin(); frame != coroutine.cr_await.rend(); ++frame)
    if (frame->where) return modern::place(*frame->where);
  return modern::place(coroutine.where);
}

struct CancelledRun {
  std::size_t awaits = 0;
  bool cancelled = false;
  std::int64_t held = 0;    // locks and permits that were not given back
  std::string place = {};   // where it was cancelled
  std::string failed = {};  // why
};

// Cancels it after so many iterations.
CancelledRun cancel_once(const detail::TracedProgram& program, std::size_t iteration, const CancelOptions& options) {
  CancelledRun result;
  const std::ptrdiff_t descriptors = open_descriptors();
  const std::int64_t held = modern::locks_and_permits_held;
  {
    UsualSchedule usual;
    ProgramRun run(program, &usual);
    try {
      for (; !run.main().done(); ++result.awaits) {
        if (result.awaits == iteration) {
          result.place = place_of(run.main());
          run.cancel();
        }
        run.iterate();
      }
      if (options.may_leave_tasks) run.cancel_tasks();
      result.failed = run.left();
      if (!result.failed.empty()) result.failed = "left " + result.failed;
      result.cancelled = run.main().cancelled();
      const bool failed = !result.cancelled && run.main().exception();
      if (failed && !options.may_fail) result.failed = error_text(run.main().exception());
      run.close();
    } catch (...) {
      if (ends_program(std::current_exception())) throw;
      result.failed = error_text(std::current_exception());
    }
    if (result.failed.empty() && !options.may_fail && !run.reports().empty()) result.failed = run.reports().front();
  }
  result.held = modern::locks_and_permits_held - held;
  try {
    if (result.failed.empty() && options.check) options.check();
  } catch (...) {
    if (ends_program(std::current_exception())) throw;
    result.failed = error_text(std::current_exception());
  }
  if (result.failed.empty() && options.failed && options.failed()) result.failed = "the test has failed";
  if (result.failed.empty() && open_descriptors() > descriptors) result.failed = "left a descriptor that is open";
  return result;
}

}  // namespace

CancelReport detail::cancel_everywhere(const TracedProgram& program, const CancelOptions& options) {
  const CancelledRun whole = cancel_once(program, nowhere, options);
  if (!whole.failed.empty()) throw CancellationFailure("cancel_everywhere(): not cancelled at all: " + whole.failed);
  CancelReport report;
  report.awaits = whole.awaits;
  for (std::size_t iteration = 0; iteration < whole.awaits; ++iteration) {
    CancelledRun run = cancel_once(program, iteration, options);
    if (run.failed.empty() && !options.may_keep_locks && run.held > whole.held)
      run.failed = "left a lock that is held, or a permit that was not given back";
    if (!run.failed.empty()) {
      throw CancellationFailure("cancel_everywhere(): cancelled at " + run.place + ", in iteration " +
                                std::to_string(iteration) + " of " + std::to_string(whole.awaits) + ": " + run.failed);
    }
    ++(run.cancelled ? report.cancelled : report.completed);
  }
  return report;
}

}  // namespace segue::testing
