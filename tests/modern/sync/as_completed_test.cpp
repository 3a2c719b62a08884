#include <segue/modern/sync/as_completed.hpp>

#include <array>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/tasks/async_generators.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::make_loop;
using testing::Trace;

Coroutine<int> value_after(Delay delay, int value) {
  co_await sleep(delay);
  co_return value;
}

Coroutine<std::string> way_of(Coroutine<int>& next) {
  try {
    const int value = co_await next;
    co_return std::to_string(value);
  } catch (...) {
    co_return testing::text(std::current_exception());
  }
}

TEST(AsCompleted, rule_108_gives_the_nth_result_and_TimeoutError_for_all_that_are_late) {
  Trace trace;
  const EventLoopPtr loop = make_loop();
  loop->run_until_complete([&]() -> Coroutine<> {
    const std::vector tasks{create_task(value_after(30ms, 30)), create_task(value_after(5ms, 5)),
                            create_task(value_after(40ms, 40))};
    for (Coroutine<int>& next : as_completed(tasks, {.timeout = 15ms})) trace.push_back(co_await way_of(next));
    for (const Task<int>& task : tasks) EXPECT_FALSE(task.cancelled());
    EXPECT_EQ(co_await tasks[0], 30);
    EXPECT_EQ(co_await tasks[2], 40);
  }());
  EXPECT_THAT(trace, ElementsAre("5", "TimeoutError()", "TimeoutError()"));
}

TEST(AsCompleted, rule_109_gives_the_very_same_tasks_to_async_for) {
  std::vector<std::size_t> order;
  const EventLoopPtr loop = make_loop();
  loop->run_until_complete([&]() -> Coroutine<> {
    const std::vector tasks{create_task(value_after(20ms, 0)), create_task(value_after(5ms, 1)),
                            create_task(value_after(10ms, 2))};
    co_await async_for(as_completed(tasks), [&](const Task<int>& task) {
      EXPECT_TRUE(task.done());
      order.push_back(static_cast<std::size_t>(std::ranges::find(tasks, task) - tasks.begin()));
    });
  }());
  EXPECT_THAT(order, ElementsAre(1, 2, 0));
}

TEST(AsCompleted, takes_coroutines_counts_each_future_once_and_hands_on_errors) {
  Trace trace;
  const EventLoopPtr loop = make_loop();
  loop->run_until_complete([&]() -> Coroutine<> {
    const auto fails = []() -> Coroutine<int> {
      throw ValueError("bad");
      co_return 0;
    };
    for (Coroutine<int>& next : as_completed(std::to_array({value_after(2ms, 2), fails(), value_after(1ms, 1)})))
      trace.push_back(co_await way_of(next));
    const Task<int> once = create_task(value_after(1ms, 7));
    for (Coroutine<int>& next : as_completed(std::vector{once, once})) trace.push_back(co_await way_of(next));
    const std::vector<Task<int>> none;
    for (Coroutine<int>& next : as_completed(none)) trace.push_back(co_await way_of(next));
  }());
  EXPECT_THAT(trace, ElementsAre("ValueError(bad)", "1", "2", "7"));
}

TEST(AsCompleted, asks_for_each_at_the_time_when_the_loop_comes_to_it) {
  Trace trace;
  const EventLoopPtr loop = make_loop();
  loop->run_until_complete([&]() -> Coroutine<> {
    const std::vector tasks{create_task(value_after(1ms, 1)), create_task(value_after(2ms, 2))};
    std::vector<Task<std::string>> waiting;
    std::vector<Coroutine<int>> kept;
    for (Coroutine<int>& next : as_completed(tasks)) kept.push_back(std::move(next));
    for (auto each = kept.rbegin(); each != kept.rend(); ++each) trace.push_back(co_await way_of(*each));
  }());
  EXPECT_THAT(trace, ElementsAre("1", "2")) << "whoever waits first gets the first";
}

TEST(AsCompleted, gives_TimeoutError_to_async_for_when_its_time_is_over_and_not_before) {
  Trace trace;
  const EventLoopPtr loop = make_loop();
  loop->run_until_complete([&]() -> Coroutine<> {
    const std::vector tasks{create_task(value_after(10ms, 1)), create_task(value_after(20ms, 2))};
    const auto note = [&](const Task<int>& task) { trace.push_back(std::to_string(task.result())); };
    try {
      co_await async_for(as_completed(tasks, {.timeout = 15ms}), note);
    } catch (const TimeoutError&) {
      trace.push_back("late");
    }
    co_await async_for(as_completed(tasks, {.timeout = 15ms}), note);
  }());
  EXPECT_THAT(trace, ElementsAre("1", "late", "1", "2"));
}

TEST(AsCompleted, goes_on_where_it_was_left) {
  std::vector<int> results;
  const EventLoopPtr loop = make_loop();
  loop->run_until_complete([&]() -> Coroutine<> {
    const auto make = [] {
      return as_completed(std::to_array({value_after(0ms, 0), value_after(0ms, 1), value_after(0ms, 2)}));
    };
    auto by_iteration = make();
    for (Coroutine<int>& next : by_iteration) {
      results.push_back(co_await next);
      break;
    }
    for (Coroutine<int>& next : by_iteration) results.push_back(co_await next);
    auto by_async_for = make();
    co_await async_for(by_async_for, [&](const Task<int>& task) {
      results.push_back(task.result());
      return LoopControl::break_;
    });
    co_await async_for(by_async_for, [&](const Task<int>& task) { results.push_back(task.result()); });
  }());
  EXPECT_THAT(results, ElementsAre(0, 1, 2, 0, 1, 2));
}

TEST(AsCompleted, may_be_waited_for_by_several_at_once) {
  const EventLoopPtr loop = make_loop();
  loop->run_until_complete([&]() -> Coroutine<> {
    std::vector<Task<int>> waiting;
    for (Coroutine<int>& next : as_completed(std::to_array({value_after(5ms, 1), value_after(5ms, 2)})))
      waiting.push_back(create_task(std::move(next)));
    const std::vector<int> results = co_await gather(waiting);
    EXPECT_THAT(results, ElementsAre(1, 2));
  }());
  EXPECT_EQ(loop->time().time_since_epoch(), 5ms);
}

TEST(AsCompleted, that_was_moved_from_is_refused) {
  const EventLoopPtr loop = make_loop();
  loop->run_until_complete([&]() -> Coroutine<> {
    auto completed = as_completed(std::to_array({value_after(0ms, 1)}));
    auto moved = std::move(completed);
    EXPECT_THROW((void)completed.anext(), RuntimeError);  // NOLINT(bugprone-use-after-move)
    EXPECT_THROW((void)completed.begin(), RuntimeError);
    const Task<int> done = co_await moved.anext();
    EXPECT_EQ(done.result(), 1);
  }());
}

TEST(AsCompleted, needs_a_loop_that_runs_or_is_the_threads) {
  EXPECT_EQ(testing::attempt([] { as_completed(std::vector<Task<int>>()); }),
            "RuntimeError(There is no current event loop in thread 'MainThread'.)");
  const EventLoopPtr loop = make_loop();
  set_event_loop(*loop);
  std::vector<int> results;
  for (Coroutine<int>& next : as_completed(std::to_array({value_after(5ms, 1), value_after(3ms, 2)})))
    results.push_back(loop->run_until_complete(std::move(next)));
  EXPECT_THAT(results, ElementsAre(2, 1));
  set_event_loop(nullptr);
}

TEST(AsCompleted, refuses_futures_of_another_loop) {
  const EventLoopPtr loop = make_loop();
  const EventLoopPtr other = make_loop();
  const std::vector futures{other->create_future<int>()};
  const auto main = [&]() -> Coroutine<std::string> { co_return testing::attempt([&] { as_completed(futures); }); };
  EXPECT_EQ(loop->run_until_complete(main()),
            "ValueError(The future belongs to a different loop than the one specified as the loop argument)");
}

TEST(AsCompleted, dropped_early_with_what_never_completes_leaves_nothing_behind) {
  int alive = 0;
  const EventLoopPtr loop = make_loop();
  loop->run_until_complete([&]() -> Coroutine<> {
    const Future<testing::Tracked> never = get_running_loop().create_future<testing::Tracked>();
    const Future<testing::Tracked> done = get_running_loop().create_future<testing::Tracked>();
    done.set_result(alive);
    for (auto& next : as_completed(std::vector{never, done})) {
      const auto tracked = co_await next;
      break;
    }
    EXPECT_EQ(never.state().get()->references(), 1U);
  }());
  EXPECT_EQ(alive, 0);
}

TEST(AsCompleted, dropped_early_leaves_the_tasks_alone) {
  const EventLoopPtr loop = make_loop();
  loop->run_until_complete([&]() -> Coroutine<> {
    const std::vector tasks{create_task(value_after(1ms, 1)), create_task(value_after(2ms, 2))};
    for (Coroutine<int>& next : as_completed(tasks, {.timeout = 1h})) {
      EXPECT_EQ(co_await way_of(next), "1");
      break;
    }
    EXPECT_EQ(co_await tasks[1], 2);
  }());
}

}  // namespace
}  // namespace segue::modern
