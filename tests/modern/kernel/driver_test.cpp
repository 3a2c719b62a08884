#include <segue/modern/kernel/driver.hpp>

#include <any>
#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/yield.hpp>
#include <segue/modern/testing/manual_reactor.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using testing::attempt;
using ::testing::ElementsAre;
using testing::iterate;
using testing::Trace;

// Yields what it is sent, until it is sent nothing.
Coroutine<> echo(Trace& trace) {
  std::any sent = co_await yield_();
  while (sent.has_value()) sent = co_await yield_(std::move(sent));
  trace.push_back("done");
}

TEST(Resumable, of_nothing_is_empty) {
  EXPECT_FALSE(Resumable());
  EXPECT_EQ(Resumable(), Resumable());
}

// A frame that is neither a coroutine's nor a fiber's.
class CallFrame : public StackfulFrame {
 public:
  explicit CallFrame(std::function<void()> call)
      : StackfulFrame([](StackfulFrame& frame) { static_cast<CallFrame&>(frame).call_(); }), call_(std::move(call)) {}
  Resumable resumable() noexcept { return *this; }

 private:
  std::function<void()> call_;
};

TEST(Resumable, calls_a_function_with_its_frame) {
  int calls = 0;
  CallFrame frame([&] { ++calls; });
  const Resumable resumable = frame.resumable();
  EXPECT_TRUE(resumable);
  EXPECT_FALSE(resumable.is_coroutine());
  EXPECT_EQ(resumable.frame(), &frame);
  resumable.resume();
  resumable.resume();
  EXPECT_EQ(calls, 2);
}

TEST(Resumable, is_a_frame_whatever_it_resumes) {
  CallFrame one([] {});
  CallFrame other([] {});
  EXPECT_EQ(one.resumable(), one.resumable());
  EXPECT_FALSE(one.resumable() == other.resumable());
}

TEST(Resumable, knows_the_frame_of_a_coroutine_and_none_of_somebody_elses) {
  Trace trace;
  auto coroutine = echo(trace);
  EXPECT_EQ(Resumable(coroutine.frame()).frame(), &coroutine.frame().promise());
  const Resumable foreign = std::noop_coroutine();
  EXPECT_TRUE(foreign.is_coroutine());
  EXPECT_EQ(foreign.frame(), nullptr);
  foreign.resume();
  coroutine.close();
}

TEST(Driver, is_current_while_a_frame_runs) {
  EXPECT_EQ(Driver::current(), nullptr);
  EXPECT_EQ(attempt([] { Driver::require_current(); }),
            "RuntimeError(await outside of a coroutine that a task or send() drives: await it in a Coroutine)");
  Driver* outer = nullptr;
  Driver* inner = nullptr;
  Driver* after = nullptr;
  CallFrame nested([&] { inner = Driver::current(); });
  CallFrame body([&] {
    outer = Driver::current();
    ManualDriver driver(nested.resumable());
    driver.step();
    EXPECT_EQ(inner, &driver);
    after = Driver::current();
  });
  ManualDriver driver(body.resumable());
  driver.step();
  EXPECT_EQ(outer, &driver);
  EXPECT_EQ(after, &driver);
  EXPECT_EQ(Driver::current(), nullptr);
}

TEST(Driver, is_not_current_in_what_a_loop_calls_that_its_frame_runs) {
  const EventLoopPtr loop = new_event_loop(std::make_unique<ManualReactor>());
  Trace trace;
  const auto note = [&trace](const char* where) {
    trace.push_back(std::string(where) + (Driver::current() == nullptr ? ": none" : ": one"));
  };
  const auto runs_the_loop = [&]() -> Coroutine<> {
    note("frame");
    loop->call_soon([&] { note("callback"); });
    iterate(*loop);
    note("frame");
    co_return;
  };
  Coroutine<> coroutine = runs_the_loop();
  attempt([&] { coroutine.send(); });
  EXPECT_THAT(trace, ElementsAre("frame: one", "callback: none", "frame: one"));
}

TEST(Driver, steps_a_coroutine_as_a_loop_written_by_hand_would) {
  Trace trace;
  auto coroutine = echo(trace);
  ManualDriver driver(coroutine.frame());
  coroutine.frame().promise().started = true;
  driver.step();
  EXPECT_TRUE(driver.yielded().bare());
  for (const int i : {1, 2}) {
    std::any value = i;
    driver.send(&value);
    driver.step();
    EXPECT_EQ(std::any_cast<int>(*driver.yielded().value), i);
  }
  driver.send(nullptr);
  driver.step();
  EXPECT_TRUE(coroutine.frame().done());
  EXPECT_THAT(trace, ElementsAre("done"));
}

TEST(Driver, throws_at_the_leaf_once) {
  const auto inner = [](Trace& trace) -> Coroutine<> {
    for (int i = 0; i < 2; ++i) {
      try {
        co_await yield_();
        trace.push_back("resumed");
      } catch (const ValueError& error) {
        trace.push_back(error.what());
      }
    }
  };
  const auto outer = [&](Trace& trace) -> Coroutine<> { co_await inner(trace); };
  Trace trace;
  auto coroutine = outer(trace);
  ManualDriver driver(coroutine.frame());
  coroutine.frame().promise().started = true;
  driver.step();
  driver.inject(std::make_exception_ptr(ValueError("injected")));
  driver.step();
  driver.step();
  EXPECT_TRUE(coroutine.frame().done());
  EXPECT_THAT(trace, ElementsAre("injected", "resumed"));
}

}  // namespace
}  // namespace segue::modern
