// A loop without real time. Its clock stands still while anything runs, and jumps to the next timer when nothing else
// is left, so that sleep(1h) takes no time and two runs never differ.
//
//   const auto loop = testing::virtual_loop();
//   loop->run_until_complete(asyncio::sleep(1h));
//   asyncio::run(main_(), {.loop_factory = testing::virtual_loop});
#pragma once

#include <chrono>

#include <segue/modern/loop/event_loop.hpp>

namespace segue::testing {

struct VirtualLoopFunction {
  /// A loop on a ManualReactor. Where it has nothing to do, no timer, and no other thread wakes it within two seconds
  /// of real time, it never will have: RuntimeError.
  modern::EventLoopPtr operator()() const;
  constexpr operator modern::LoopFactory()
      const noexcept {  // NOLINT(google-explicit-constructor): as a lambda converts
    return [] { return VirtualLoopFunction()(); };
  }
};
inline constexpr VirtualLoopFunction virtual_loop;

struct RunUntilIdleFunction {
  /// Runs the loop, whose clock stands still, until there is nothing to do before its next timer. Gives the time of
  /// that; `time_point::max()` where there is none. RuntimeError where it is still busy after a million iterations.
  modern::EventLoop::time_point operator()(modern::EventLoop& loop) const;
};
inline constexpr RunUntilIdleFunction run_until_idle;

struct AdvanceFunction {
  /// Moves the clock of a virtual loop on, and runs what is due by then, each at its time. TypeError where its reactor
  /// is no ManualReactor, ValueError where `time` is negative, or more than the clock can tell.
  void operator()(modern::EventLoop& loop, std::chrono::nanoseconds time) const;
};
inline constexpr AdvanceFunction advance;

}  // namespace segue::testing
