// cancel_everywhere(): cancels a program at each of its awaits, in as many runs, and looks at what is left each time. A
// cancellation comes when nobody thought of it; this thinks of all the times.
//
//   const CancelReport report = cancel_everywhere([&]() -> Coroutine<> { … });
//   EXPECT_GT(report.cancelled, 0);
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/testing/explore.hpp>

namespace segue::testing {

struct CancelOptions {
  /// Called after each run, when its loop is closed: throws, or has `failed` say so, where something is left that only
  /// the program knows of.
  std::function<void()> check = {};
  std::function<bool()> failed = {};
  /// Whether the program may leave tasks that are pending, as one that run() runs may: they are cancelled at its end.
  bool may_leave_tasks = false;
  /// Whether the program may end with another error than CancelledError, or report one, where it is cancelled: what it
  /// leaves is looked at alone.
  bool may_fail = false;
  /// Whether it may keep locks and permits where it is cancelled that it gives back at its end.
  bool may_keep_locks = false;
};

/// What cancel_everywhere() throws: "cancelled at main.cpp:12, in iteration 7 of 12: left <Task pending …>".
class CancellationFailure : public RuntimeError {
 public:
  using RuntimeError::RuntimeError;
};

struct CancelReport {
  /// In how many iterations the program waited, when it was left alone.
  std::size_t awaits = 0;
  /// How many of the runs the cancellation ended, and how many went on in spite of it.
  std::size_t cancelled = 0;
  std::size_t completed = 0;
};

namespace detail {

CancelReport cancel_everywhere(const TracedProgram& program, const CancelOptions& options);

}  // namespace detail

struct CancelEverywhereFunction {
  /// Runs `program` as a task of a new virtual loop, once to its end, and then once for each iteration of the loop in
  /// which it waits, before its first step included, and cancels it there. CancellationFailure for the first run that
  /// throws anything but CancelledError, or leaves something: a task that is pending, a descriptor that is open or
  /// watched, a lock or a permit that the whole run gives back, anything reported to the loop's exception handler.
  template <class F>
    requires Program<F> || Program<const F>
  CancelReport operator()(F program, const CancelOptions& options = {}) const {
    return detail::cancel_everywhere(detail::traced_program(std::move(program)), options);
  }
};
inline constexpr CancelEverywhereFunction cancel_everywhere;

}  // namespace segue::testing
