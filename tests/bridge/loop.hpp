// What the tests of bridge share: a loop in virtual time, and what its exception handler was told.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/testing/manual_reactor.hpp>

namespace segue::bridge::testing {

using Trace = std::vector<std::string>;

/// A loop in virtual time: one that would wait for ever ends in an error, soon.
inline modern::EventLoopPtr make_loop() {
  auto reactor = std::make_unique<modern::ManualReactor>();
  reactor->patience = std::chrono::seconds(2);
  return modern::new_event_loop(std::move(reactor));
}

/// Collects the messages that the loop's exception handler gets.
inline void collect_reports(modern::EventLoop& loop, Trace& messages) {
  loop.set_exception_handler([&messages](modern::EventLoop&, const modern::ExceptionContext& context) {
    messages.push_back(context.message);
  });
}

/// In a loop in virtual time, whose reports are collected. It is the first to go: it may still report.
class LoopTest : public ::testing::Test {
 protected:
  void SetUp() override { collect_reports(*loop, reports); }
  void TearDown() override { loop = nullptr; }

  void run_for(std::chrono::nanoseconds delay) { loop->run_until_complete(modern::sleep(delay)); }

  Trace trace;
  Trace reports;
  modern::EventLoopPtr loop = make_loop();
};

/// Lets another thread get somewhat further, each time to another place.
inline void wait_a_little(int time) {
  std::atomic<int> spins = 0;
  while (spins.fetch_add(1) < time * 100) {
  }
}

}  // namespace segue::bridge::testing
