#include <segue/testing/explore.hpp>

#include <cstdint>

#include <segue/exception_ptr.hpp>
#include <segue/modern/kernel/schedule.hpp>

#include "program_run.hpp"

namespace segue::testing {

namespace {

/// SplitMix64.
class RandomSchedule final : public modern::Schedule {
 public:
  explicit RandomSchedule(std::uint64_t seed) noexcept : state_(seed) {}
  std::size_t choose(std::size_t count) noexcept override { return next() % count; }

 private:
  std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31U);
  }
  std::uint64_t state_;
};

// Runs the program once; gives why it has failed, and the exception, if any.
struct Verdict {
  std::string reason;
  std::exception_ptr error = nullptr;
};

Verdict judge(ProgramRun& run, const ExploreOptions& options) {
  try {
    run.finish();
    const modern::Future<> ended = run.main();
    run.close();
    ended.result();
  } catch (...) {
    if (ends_program(std::current_exception())) throw;
    return {error_text(std::current_exception()), std::current_exception()};
  }
  if (!run.reports().empty()) return {run.reports().front()};
  if (options.failed && options.failed()) return {"the test has failed"};
  return {};
}

}  // namespace

ExplorationFailure::ExplorationFailure(std::uint64_t seed, std::string trace, const std::string& reason)
    : RuntimeError("explore(): seed " + std::to_string(seed) + " fails: " + reason + "\ntrace: " + trace),
      seed_(seed),
      trace_(std::make_shared<const std::string>(std::move(trace))) {}

ExploreReport detail::explore(const TracedProgram& program, const ExploreOptions& options) {
  ExploreReport report;
  for (; report.runs < options.seeds; ++report.runs) {
    const std::uint64_t seed = options.first_seed + report.runs;
    RandomSchedule schedule(seed);
    ProgramRun run(program, &schedule);
    const Verdict verdict = judge(run, options);
    if (!verdict.reason.empty()) {
      ExplorationFailure failure(seed, run.trace().str(), verdict.reason);
      if (verdict.error) failure.set_cause(verdict.error);
      throw ExplorationFailure(failure);
    }
    report.traces.insert(run.trace().str());
  }
  return report;
}

}  // namespace segue::testing
