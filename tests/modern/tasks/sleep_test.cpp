#include <segue/modern/tasks/sleep.hpp>

#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/task.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::attempt;
using ::testing::ElementsAre;
using testing::make_loop;
using testing::Trace;
using testing::Tracked;

class SleepTest : public ::testing::Test {
 protected:
  SleepTest() {
    loop->set_exception_handler([tracked = Tracked(loops)](EventLoop&, const ExceptionContext&) {});
  }
  // Whether nothing keeps the loop alive that was used.
  bool frees_the_loop() {
    loop.reset();
    return loops == 0;
  }
  int seconds() const { return static_cast<int>(loop->time().time_since_epoch() / 1s); }

  EventLoopPtr loop = make_loop();
  int loops = 0;
};

TEST_F(SleepTest, gives_its_result_when_its_time_has_passed) {
  const auto sleeps = []() -> Coroutine<std::string> { co_return co_await sleep(3s, "slept"); };
  EXPECT_EQ(loop->run_until_complete(sleeps()), "slept");
  EXPECT_EQ(seconds(), 3);
  EXPECT_TRUE(frees_the_loop());
}

TEST_F(SleepTest, leaves_nothing_behind_when_its_frame_is_destroyed_with_the_loop) {
  const auto sleeps = []() -> Coroutine<> { co_await sleep(1h); };
  const Task<> task = loop->create_task(sleeps());
  testing::iterate(*loop);
  EXPECT_FALSE(task.done());
  loop.reset();
  EXPECT_EQ(loops, 1);  // a task's handle knows its loop
}

TEST_F(SleepTest, leaves_no_timer_behind_when_it_is_cancelled) {
  const auto sleeps = []() -> Coroutine<> { co_await sleep(10s); };
  const auto cancels = [&]() -> Coroutine<> {
    const Task<> task = create_task(sleeps());
    co_await sleep(4s);
    task.cancel();
    co_await task;
  };
  EXPECT_EQ(attempt([&] { loop->run_until_complete(cancels()); }), "CancelledError()");
  EXPECT_EQ(seconds(), 4);
  EXPECT_TRUE(frees_the_loop());
}

TEST_F(SleepTest, of_no_time_is_one_iteration) {
  Trace trace;
  const auto yields = [&](std::string name) -> Coroutine<> {
    for (const char* const step : {" 1", " 2"}) {
      trace.push_back(name + step);
      co_await sleep(name == "negative" ? -1s : 0s);
    }
  };
  const Task<> first = loop->create_task(yields("zero"));
  const Task<> second = loop->create_task(yields("negative"));
  for (int i = 0; i < 3; ++i) testing::iterate(*loop);
  EXPECT_TRUE(first.done() && second.done());
  EXPECT_THAT(trace, ElementsAre("zero 1", "negative 1", "zero 2", "negative 2"));
  EXPECT_EQ(seconds(), 0);
}

TEST_F(SleepTest, is_cancelled_in_the_iteration_in_which_its_time_has_passed) {
  Trace told;
  loop->set_exception_handler([&](EventLoop&, const ExceptionContext& context) { told.push_back(context.message); });
  const auto sleeps = []() -> Coroutine<> { co_await sleep(1s); };
  const Task<> task = loop->create_task(sleeps());
  loop->call_later(1s, [&] { task.cancel(); });
  EXPECT_EQ(attempt([&] { loop->run_until_complete(task); }), "CancelledError()");
  loop->run_until_complete(sleep(1s));
  EXPECT_THAT(told, ElementsAre());
}

TEST_F(SleepTest, needs_a_loop_that_runs) {
  const auto sleeps = [](std::chrono::seconds delay) -> Coroutine<> { co_await sleep(delay); };
  Coroutine<> coroutine = sleeps(1s);
  EXPECT_EQ(attempt([&] { coroutine.send(); }), "RuntimeError(no running event loop)");
}

}  // namespace
}  // namespace segue::modern
