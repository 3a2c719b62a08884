// explore(): runs a program under many legal schedules. A program is wrong that works only in the order in which things
// happen to happen; what CPython leaves open is decided by a seed here, which a failure names:
//
// - timers that are due at the same time, which asyncio keeps in a heap;
// - what stands in a set there: wait()'s results, a group's tasks when it cancels them,
//   all_tasks(), async generators when the loop is closed;
// - how long a call in a thread takes (to_thread(), run_in_executor(), wrap_future()). One that does not end within a
//   tenth of a second, since it waits for the loop itself, is left to chance.
//
//   explore([](Trace& trace) -> Coroutine<> { … }, {.seeds = 1000});
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/testing/trace.hpp>

namespace segue::testing {

/// A coroutine function that takes a trace, or nothing.
template <class F>
concept Program = std::same_as<std::invoke_result_t<F&, Trace&>, modern::Coroutine<void>> ||
                  std::same_as<std::invoke_result_t<F&>, modern::Coroutine<void>>;

struct ExploreOptions {
  /// How many schedules; the seeds are `first_seed` and those that follow.
  std::size_t seeds = 100;
  std::uint64_t first_seed = 1;
  /// Whether a run has failed that threw nothing: `.failed = [] { return ::testing::Test::HasFailure(); }`.
  std::function<bool()> failed = {};
};

/// What explore() throws. The program's exception, where it threw one, is the cause.
class ExplorationFailure : public RuntimeError {
 public:
  ExplorationFailure(std::uint64_t seed, std::string trace, const std::string& reason);
  std::uint64_t seed() const noexcept { return seed_; }
  const std::string& trace() const noexcept { return *trace_; }

 private:
  std::uint64_t seed_;
  std::shared_ptr<const std::string> trace_;  // shared, so that copying never throws
};

struct ExploreReport {
  std::size_t runs = 0;
  /// Each trace that came about.
  std::set<std::string> traces = {};
};

namespace detail {

using TracedProgram = std::function<modern::Coroutine<void>(Trace&)>;

template <class F>
TracedProgram traced_program(F program) {
  if constexpr (std::invocable<F&, Trace&>) {
    return program;
  } else {
    return [program = std::move(program)](Trace&) mutable { return program(); };
  }
}

ExploreReport explore(const TracedProgram& program, const ExploreOptions& options);

}  // namespace detail

struct ExploreFunction {
  /// Runs `program`, on a new virtual loop each time. ExplorationFailure for the first run that fails: the program
  /// throws or is cancelled, `failed` says so, or something is reported to the loop's exception handler.
  template <class F>
    requires Program<F> || Program<const F>
  ExploreReport operator()(F program, const ExploreOptions& options = {}) const {
    return detail::explore(detail::traced_program(std::move(program)), options);
  }
};
inline constexpr ExploreFunction explore;

}  // namespace segue::testing
