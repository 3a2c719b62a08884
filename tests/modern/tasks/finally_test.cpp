#include <segue/modern/tasks/finally.hpp>

#include <chrono>
#include <exception>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::attempt;
using ::testing::ElementsAre;
using testing::iterate;
using testing::make_loop;
using testing::text;
using testing::Trace;

TEST(Finally, runs_a_guard_when_the_scope_is_left) {
  Trace trace;
  {
    const auto guard = finally_([&] { trace.push_back("left"); });
    trace.push_back("in it");
  }
  EXPECT_THAT(trace, ElementsAre("in it", "left"));
}

class FinallyAwait : public ::testing::Test {
 protected:
  Coroutine<> clean() {
    trace.push_back("cleans");
    co_await sleep(1s);
    trace.push_back("clean");
  }
  Trace trace;
  EventLoopPtr loop = make_loop();
};

TEST_F(FinallyAwait, cleans_up_after_a_result) {
  const auto body = [&]() -> Coroutine<std::string> {
    co_await sleep(1s);
    trace.push_back("body");
    co_return "result";
  };
  const auto cleanup = [&] { return clean(); };
  EXPECT_EQ(loop->run_until_complete(finally_(body, cleanup)), "result");
  EXPECT_THAT(trace, ElementsAre("body", "cleans", "clean"));
}

TEST_F(FinallyAwait, cleans_up_after_an_exception_and_throws_it) {
  const auto body = [&]() -> Coroutine<> {
    co_await sleep(1s);
    throw ValueError("bad");
  };
  EXPECT_EQ(attempt([&] { loop->run_until_complete(finally_(body, [&] { return clean(); })); }), "ValueError(bad)");
  EXPECT_THAT(trace, ElementsAre("cleans", "clean"));
}

TEST_F(FinallyAwait, cleans_up_after_a_cancellation) {
  auto task = loop->create_task(finally_([] { return sleep(1h); }, [&] { return clean(); }));
  iterate(*loop);
  task.cancel();
  EXPECT_THROW(loop->run_until_complete(task), CancelledError);
  EXPECT_THAT(trace, ElementsAre("cleans", "clean"));
}

TEST_F(FinallyAwait, throws_what_the_cleanup_throws_with_the_bodys_as_its_context) {
  const auto body = []() -> Coroutine<> {
    co_await sleep(1s);
    throw ValueError("body");
  };
  const auto cleanup = []() -> Coroutine<> {
    co_await sleep(1s);
    throw RuntimeError("cleanup");
  };
  try {
    loop->run_until_complete(finally_(body, cleanup));
    FAIL();
  } catch (const RuntimeError& error) {
    EXPECT_STREQ(error.what(), "cleanup");
    EXPECT_EQ(text(error.context()), "ValueError(body)");
  }
}

TEST_F(FinallyAwait, calls_a_cleanup_that_awaits_nothing) {
  loop->run_until_complete(finally_([] { return sleep(1s); }, [&] { trace.push_back("called"); }));
  EXPECT_THAT(trace, ElementsAre("called"));
}

TEST_F(FinallyAwait, adds_the_bodys_exception_to_the_history_of_the_cleanups) {
  const auto body = []() -> Coroutine<> {
    throw ValueError("body");
    co_return;
  };
  const auto cleanup = [] {
    try {
      throw TypeError("first");
    } catch (const TypeError&) {
      throw RuntimeError("cleanup");
    }
  };
  try {
    loop->run_until_complete(finally_(body, cleanup));
    FAIL();
  } catch (const RuntimeError& error) {
    ASSERT_EQ(text(error.context()), "TypeError(first)");
    EXPECT_EQ(text(exception_ptr_cast<BaseException>(error.context())->context()), "ValueError(body)");
  }
}

}  // namespace
}  // namespace segue::modern
