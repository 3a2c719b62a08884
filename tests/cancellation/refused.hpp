// A scenario without memory: each of its allocations refused once, and from there on.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/scope_exit.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/runners.hpp>
#include <segue/modern/testing/manual_reactor.hpp>

#include "counted_allocations.hpp"
#include "modern/refused_allocations.hpp"

namespace segue::testing {

class RefusedScenario : public modern::testing::RefusedAllocations {
 protected:
  /// Nothing is lost, nothing hangs, and who asks for memory is told: a task, not the loop that runs it. `clear` drops
  /// what the scenario keeps outside of its main task.
  template <class Main>
  void refuse_each_allocation_of(Main main, void (*clear)() = [] {}) {
    ::testing::internal::CaptureStdout();
    refuse_each_allocation([&] {
      const modern::ScopeExit cleared(clear);
      try {
        if constexpr (std::invocable<Main&, modern::EventLoop&>) {
          main(*make_impatient_loop());
        } else {
          modern::Runner runner({.loop_factory = make_impatient_loop});
          run_as_task(runner.get_loop(), main());
        }
      } catch (const RuntimeError& error) {
        // Where a task has ended for want of memory, another one may wait for what it was to do.
        if (!RefusedAllocation::happened() || !std::string_view(error.what()).starts_with("deadlock: ")) throw;
      }
    });
    std::fflush(stdout);
    const std::string said = ::testing::internal::GetCapturedStdout();
    if (HasFailure()) std::fputs(said.c_str(), stderr);
  }

 private:
  static modern::EventLoopPtr make_impatient_loop() {
    auto reactor = std::make_unique<modern::ManualReactor>();
    reactor->patience = std::chrono::milliseconds(0);  // there is no other thread
    return modern::new_event_loop(std::move(reactor));
  }
};

}  // namespace segue::testing
