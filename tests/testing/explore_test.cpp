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
#include <segue/modern/sync/barrier.hpp>
#include <segue/modern/sync/condition.hpp>
#include <segue/modern/sync/event.hpp>
#include <segue/modern/sync/lock.hpp>
#include <segue/modern/sync/queues.hpp>
#include <segue/modern/sync/semaphore.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/exception_groups.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/taskgroups.hpp>
#include <segue/modern/tasks/wait.hpp>
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

// --- what holds whatever the schedule ---

const ExploreOptions thousand{.seeds = 1000};

/// How many of `visitors`, who come at the same time, a lock or a semaphore lets in at once.
template <class Gate>
Coroutine<int> most_inside(Gate& gate, int visitors) {
  int inside = 0;
  int most = 0;
  const auto critical = [&]() -> Coroutine<> {
    most = std::max(most, ++inside);
    co_await modern::sleep(1ms);
    --inside;
  };
  const auto visit = [&]() -> Coroutine<> {
    co_await modern::sleep(1ms);
    co_await modern::async_with(gate, critical);
  };
  std::vector<modern::Task<>> tasks;
  for (int i = 0; i < visitors; ++i) tasks.push_back(modern::create_task(visit()));
  co_await modern::gather(tasks);
  co_return most;
}

TEST(ExploreOf, locks_let_one_in_at_a_time_first_come_first_served) {
  const auto program = []() -> Coroutine<> {
    modern::Lock lock;
    const int most = co_await most_inside(lock, 4);
    if (most != 1 || lock.locked()) throw RuntimeError("not exclusive");
  };
  explore(program, thousand);
}

TEST(ExploreOf, semaphores_let_in_as_many_as_they_have_permits) {
  const auto program = []() -> Coroutine<> {
    modern::BoundedSemaphore semaphore(2);
    const int most = co_await most_inside(semaphore, 5);
    if (most != 2 || semaphore.locked()) throw RuntimeError("permits: " + std::to_string(most));
  };
  explore(program, thousand);
}

TEST(ExploreOf, events_wake_all) {
  const auto program = []() -> Coroutine<> {
    modern::Event event;
    int woken = 0;
    const auto wait = [&]() -> Coroutine<> {
      co_await modern::sleep(1ms);
      co_await event.wait();
      ++woken;
    };
    const auto set = [&]() -> Coroutine<> {
      co_await modern::sleep(1ms);
      event.set();
    };
    co_await modern::gather(wait(), set(), wait());
    if (woken != 2) throw RuntimeError("woken: " + std::to_string(woken));
  };
  explore(program, thousand);
}

TEST(ExploreOf, conditions_lose_no_notification) {
  const auto program = []() -> Coroutine<> {
    modern::Condition condition;
    int items = 0;
    int taken = 0;
    const auto take = [&]() -> Coroutine<> {
      co_await modern::sleep(1ms);
      const auto inside = [&]() -> Coroutine<> {
        co_await condition.wait_for([&] { return items > 0; });
        --items;
        ++taken;
      };
      co_await modern::async_with(condition, inside);
    };
    const auto put = [&]() -> Coroutine<> {
      co_await modern::sleep(1ms);
      const auto inside = [&]() -> Coroutine<> {
        ++items;
        condition.notify();
        co_return;
      };
      co_await modern::async_with(condition, inside);
    };
    co_await modern::gather(take(), put(), take(), put());
    if (taken != 2) throw RuntimeError("taken: " + std::to_string(taken));
  };
  explore(program, thousand);
}

TEST(ExploreOf, barriers_let_all_go_together) {
  const auto program = []() -> Coroutine<> {
    modern::Barrier barrier(3);
    int arrived = 0;
    const auto meet = [&]() -> Coroutine<> {
      co_await modern::sleep(1ms);
      ++arrived;
      co_await barrier.wait();
      if (arrived != 3) throw RuntimeError("early");
    };
    co_await modern::gather(meet(), meet(), meet());
  };
  explore(program, thousand);
}

TEST(ExploreOf, queues_lose_nothing_and_keep_what_they_were_promised) {
  const auto program = []() -> Coroutine<> {
    modern::Queue<int> queue(1);
    int sum = 0;
    const auto produce = [&](int first) -> Coroutine<> {
      for (int i = first; i < first + 3; ++i) {
        co_await modern::sleep(1ms);
        co_await queue.put(i);
      }
    };
    const auto consume = [&]() -> Coroutine<> {
      for (int i = 0; i < 3; ++i) {
        const int item = co_await queue.get();
        sum += item;
        co_await modern::sleep(1ms);
        queue.task_done();
      }
    };
    co_await modern::gather(produce(1), consume(), produce(4), consume());
    co_await queue.join();
    if (sum != 21 || !queue.empty()) throw RuntimeError("sum: " + std::to_string(sum));
  };
  explore(program, thousand);
}

}  // namespace
}  // namespace segue::testing
