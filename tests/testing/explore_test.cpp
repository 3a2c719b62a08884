#include <segue/testing/explore.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/exception_groups.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/taskgroups.hpp>
#include <segue/modern/tasks/wait.hpp>
#include <segue/modern/threads/thread_pool_executor.hpp>
#include <segue/modern/threads/to_thread.hpp>

namespace segue::testing {
namespace {

using namespace std::chrono_literals;
using modern::Coroutine;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

Coroutine<> say_later(Trace& trace, std::string what) {
  co_await modern::sleep(1s);
  trace(what);
}

Coroutine<> two_at_the_same_time(Trace& trace) {
  co_await modern::gather(say_later(trace, "a"), say_later(trace, "b"));
}

TEST(Explore, finds_both_orders_of_timers_that_are_due_together) {
  const ExploreReport report = explore(two_at_the_same_time, {.seeds = 20});
  EXPECT_EQ(report.runs, 20U);
  EXPECT_THAT(report.traces, UnorderedElementsAre("a | b", "b | a"));
}

TEST(Explore, has_the_same_schedule_for_a_seed) {
  for (std::uint64_t seed = 1; seed < 10; ++seed) {
    const auto once = explore(two_at_the_same_time, {.seeds = 1, .first_seed = seed}).traces;
    EXPECT_EQ(once, explore(two_at_the_same_time, {.seeds = 1, .first_seed = seed}).traces);
  }
}

TEST(Explore, leaves_alone_what_has_an_order) {
  const auto ordered = [](Trace& trace) -> Coroutine<> {
    for (const char* name : {"a", "b", "c"}) modern::get_running_loop().call_soon([&trace, name] { trace(name); });
    modern::get_running_loop().call_later(1ms, [&trace] { trace("early"); });
    modern::get_running_loop().call_later(2ms, [&trace] { trace("late"); });
    co_await modern::sleep(1s);
  };
  EXPECT_THAT(explore(ordered, {.seeds = 50}).traces, ElementsAre("a | b | c | early | late"));
}

TEST(Explore, names_the_seed_and_the_trace_that_fail) {
  const auto wrong = [](Trace& trace) -> Coroutine<> {
    co_await two_at_the_same_time(trace);
    if (trace.lines().front() != "a") throw ValueError("b came first");
  };
  std::optional<ExplorationFailure> failure;
  try {
    explore(wrong);
  } catch (const ExplorationFailure& error) {
    failure = error;
  }
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->trace(), "b | a");
  EXPECT_EQ(std::string(failure->what()),
            "explore(): seed " + std::to_string(failure->seed()) + " fails: ValueError: b came first\ntrace: b | a");
  EXPECT_THROW(explore(wrong, {.seeds = 1, .first_seed = failure->seed()}), ExplorationFailure);
}

TEST(Explore, fails_at_what_is_reported_and_at_what_the_test_says) {
  const auto forgets = [](Trace&) -> Coroutine<> {
    const auto fails = []() -> Coroutine<> {
      throw ValueError("lost");
      co_return;
    };
    modern::create_task(fails());
    co_await modern::sleep(0s);
  };
  EXPECT_THROW(explore(forgets, {.seeds = 1}), ExplorationFailure);
  const auto nothing = []() -> Coroutine<> { co_return; };
  EXPECT_THROW(explore(nothing, {.seeds = 1, .failed = [] { return true; }}), ExplorationFailure);
}

TEST(Explore, varies_what_stands_in_sets) {
  const auto results = [](Trace& trace) -> Coroutine<> {
    const auto give = [](int number) -> Coroutine<int> { co_return number; };
    const std::vector<modern::Task<int>> tasks{modern::create_task(give(1)), modern::create_task(give(2))};
    const auto result = co_await modern::wait(tasks);
    std::string order;
    for (const auto& task : result.done) order += std::to_string(task.result());
    trace(order);
  };
  EXPECT_THAT(explore(results, {.seeds = 20}).traces, UnorderedElementsAre("12", "21"));

  const auto cancelled = [](Trace& trace) -> Coroutine<> {
    const auto sleeper = [&trace](std::string name) -> Coroutine<> {
      try {
        co_await modern::sleep(1h);
      } catch (const modern::CancelledError&) {
        trace(name);
        throw;
      }
    };
    const auto body = [&](modern::TaskGroup& group) -> Coroutine<> {
      for (const char* name : {"a", "b"}) group.create_task(sleeper, std::string(name));
      co_await modern::sleep(0s);
      throw ValueError("enough");
    };
    try {
      co_await modern::async_with(modern::TaskGroup(), body);
    } catch (const modern::ExceptionGroup&) {
    }
  };
  EXPECT_THAT(explore(cancelled, {.seeds = 20}).traces, UnorderedElementsAre("a | b", "b | a"));
}

TEST(Explore, varies_how_long_calls_in_threads_take) {
  const auto program = [](Trace& trace) -> Coroutine<> {
    const auto call = [&trace](std::string name) -> Coroutine<> {
      const auto give = [&name] { return name; };
      const std::string same = co_await modern::to_thread(give);
      trace(same);
    };
    co_await modern::gather(call("a"), call("b"));
  };
  EXPECT_THAT(explore(program, {.seeds = 30}).traces, UnorderedElementsAre("a | b", "b | a"));
}

TEST(Explore, varies_how_long_calls_in_a_pool_of_ones_own_take) {
  const auto program = [](Trace& trace) -> Coroutine<> {
    modern::concurrent::ThreadPoolExecutor pool({.max_workers = 2});
    std::string order;
    const auto call = [&trace, &pool, &order](std::string name) -> Coroutine<> {
      const auto give = [&order, name] {
        order += name;
        return name;
      };
      const std::string same = co_await modern::get_running_loop().run_in_executor(pool, give);
      trace(same);
    };
    co_await modern::gather(call("a"), call("b"));
    trace(order);
  };
  EXPECT_THAT(explore(program, {.seeds = 30}).traces, UnorderedElementsAre("a | b | ab", "b | a | ab"));
}

}  // namespace
}  // namespace segue::testing
