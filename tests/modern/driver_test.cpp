#include <segue/modern/driver.hpp>

#include <any>
#include <exception>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/modern/coroutine.hpp>
#include <segue/modern/yield.hpp>

#include "attempt.hpp"

namespace segue::modern {
namespace {

using testing::attempt;
using ::testing::ElementsAre;
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

TEST(Resumable, calls_a_function_with_its_context) {
  int calls = 0;
  const Resumable resumable([](void* context) { ++*static_cast<int*>(context); }, &calls);
  EXPECT_TRUE(resumable);
  EXPECT_FALSE(resumable.is_coroutine());
  resumable.resume();
  resumable.resume();
  EXPECT_EQ(calls, 2);
}

TEST(Resumable, is_a_frame_whatever_it_resumes) {
  int one = 0;
  int other = 0;
  const auto nothing = [](void*) {};
  EXPECT_EQ(Resumable(nothing, &one), Resumable(nothing, &one));
  EXPECT_FALSE(Resumable(nothing, &one) == Resumable(nothing, &other));
}

TEST(Driver, is_current_while_a_frame_runs) {
  EXPECT_EQ(Driver::current(), nullptr);
  EXPECT_EQ(attempt([] { Driver::require_current(); }),
            "RuntimeError(await outside of a coroutine that a task or send() drives)");
  struct Seen {
    Driver* outer = nullptr;
    Driver* inner = nullptr;
    Driver* after = nullptr;
  } seen;
  const Resumable body(
      [](void* context) {
        Seen& found = *static_cast<Seen*>(context);
        found.outer = Driver::current();
        Driver nested(Resumable([](void* where) { *static_cast<Driver**>(where) = Driver::current(); }, &found.inner));
        nested.step();
        EXPECT_EQ(found.inner, &nested);
        found.after = Driver::current();
      },
      &seen);
  Driver driver(body);
  driver.step();
  EXPECT_EQ(seen.outer, &driver);
  EXPECT_EQ(seen.after, &driver);
  EXPECT_EQ(Driver::current(), nullptr);
}

TEST(Driver, steps_a_coroutine_as_a_loop_written_by_hand_would) {
  Trace trace;
  auto coroutine = echo(trace);
  Driver driver(coroutine.frame());
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
  Driver driver(coroutine.frame());
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
