#include <segue/modern/tasks/wait.hpp>

#include <chrono>
#include <initializer_list>
#include <optional>
#include <ranges>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::make_loop;

using Tasks = std::vector<Task<int>>;

Coroutine<int> give_later(Delay delay, int value) {
  co_await sleep(delay);
  co_return value;
}

Coroutine<int> fail_after(Delay delay) {
  co_await sleep(delay);
  throw ValueError("late");
}

// "2 done, 1 pending"
Coroutine<std::string> counts(Tasks tasks, WaitOptions options) {
  const auto result = co_await wait(tasks, options);
  co_return std::to_string(result.done.size()) + " done, " + std::to_string(result.pending.size()) + " pending";
}

std::string run_counts(EventLoop& loop, Tasks tasks, WaitOptions options) {
  for (const Task<int>& task : tasks)
    task.add_done_callback([](const AnyFuture& done) { done.state()->mark_retrieved(); });
  return loop.run_until_complete(counts(tasks, options));
}

TEST(Wait, WaitsForAllByDefault) {
  const EventLoopPtr loop = make_loop();
  const Tasks tasks{loop->create_task(give_later(1s, 1)), loop->create_task(give_later(2s, 2))};
  const auto start = loop->time();
  EXPECT_EQ(run_counts(*loop, tasks, {}), "2 done, 0 pending");
  EXPECT_EQ(loop->time() - start, 2s);
}

TEST(Wait, FirstCompletedEndsWithTheFirst) {
  const EventLoopPtr loop = make_loop();
  const Tasks tasks{loop->create_task(give_later(2s, 2)), loop->create_task(give_later(1s, 1))};
  const auto start = loop->time();
  const auto result = loop->run_until_complete(wait(tasks, {.return_when = FIRST_COMPLETED}));
  EXPECT_EQ(loop->time() - start, 1s);
  EXPECT_EQ(result.done, Tasks{tasks[1]});
  EXPECT_EQ(result.pending, Tasks{tasks[0]});
  EXPECT_FALSE(tasks[0].done());
  EXPECT_EQ(tasks[1].result(), 1);
  loop->run_until_complete(tasks[0]);
}

TEST(Wait, FirstCompletedEndsWithAllThatAreDoneWhenItGoesOn) {
  const EventLoopPtr loop = make_loop();
  const auto step = [](int times) -> Coroutine<int> {
    for (int i = 0; i < times; ++i) co_await sleep(0s);
    co_return times;
  };
  const Tasks tasks{loop->create_task(step(2)), loop->create_task(step(1))};
  // The second one is done an iteration before the first; the wait goes on in a later one.
  EXPECT_EQ(run_counts(*loop, tasks, {.return_when = FIRST_COMPLETED}), "2 done, 0 pending");
}

TEST(Wait, FirstExceptionDoesNotCountACancellation) {
  const EventLoopPtr loop = make_loop();
  const Tasks tasks{loop->create_task(give_later(1s, 1)), loop->create_task(fail_after(2s)),
                    loop->create_task(give_later(3s, 3))};
  tasks[0].cancel();
  const auto start = loop->time();
  EXPECT_EQ(run_counts(*loop, tasks, {.return_when = FIRST_EXCEPTION}), "2 done, 1 pending");
  EXPECT_EQ(loop->time() - start, 2s);
  loop->run_until_complete(tasks[2]);
}

TEST(Wait, rule_106_a_time_that_is_up_is_no_error_and_cancels_nothing) {
  const EventLoopPtr loop = make_loop();
  const Tasks tasks{loop->create_task(give_later(2s, 1))};
  EXPECT_EQ(run_counts(*loop, tasks, {.timeout = 1s}), "0 done, 1 pending");
  EXPECT_EQ(loop->run_until_complete(tasks[0]), 1);
}

// Tasks that sleep for so many milliseconds, and fail where that is negative.
Tasks tasks_of(EventLoop& loop, std::initializer_list<int> delays) {
  Tasks tasks;
  for (const int ms : delays)
    tasks.push_back(loop.create_task(ms < 0 ? fail_after(std::chrono::milliseconds(-ms - 1))
                                            : give_later(std::chrono::milliseconds(ms), ms)));
  return tasks;
}

TEST(Wait, EndsWhenItsConditionIsMetOrItsTimeIsUp) {
  struct {
    std::initializer_list<int> delays;
    WaitOptions options;
    const char* counts;
    std::chrono::milliseconds time;
  } const cases[] = {
      {{150, 100}, {}, "2 done, 0 pending", 150ms},
      {{100, -151}, {}, "2 done, 0 pending", 150ms},
      {{10'000, -1}, {.return_when = FIRST_EXCEPTION}, "1 done, 1 pending", 0ms},
      {{10'000, -11}, {.return_when = FIRST_EXCEPTION}, "1 done, 1 pending", 10ms},
      {{150, 100}, {.timeout = 110ms}, "1 done, 1 pending", 110ms},
      {{150, 100}, {.timeout = 100ms}, "1 done, 1 pending", 100ms},  // both at once
      {{10'000, 100}, {.return_when = FIRST_COMPLETED}, "1 done, 1 pending", 100ms},
      {{100, 100}, {.return_when = FIRST_COMPLETED}, "2 done, 0 pending", 100ms},
  };
  for (const auto& [delays, options, counts, time] : cases) {
    const EventLoopPtr loop = make_loop();
    const Tasks tasks = tasks_of(*loop, delays);
    const auto start = loop->time();
    EXPECT_EQ(run_counts(*loop, tasks, options), counts);
    EXPECT_EQ(loop->time() - start, time);
    if (!options.timeout) {
      EXPECT_EQ(run_counts(*loop, tasks, options), counts) << "what is done is found at once";
      EXPECT_EQ(loop->time() - start, time);
    }
    loop->run_until_complete(wait(tasks));
  }
}

TEST(Wait, TakesARangeThatIsReadOnce) {
  const EventLoopPtr loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const auto make = [&](int i) { return create_task(give_later(0s, i)); };
    const auto [done, pending] = co_await wait(std::views::iota(0, 10) | std::views::transform(make));
    EXPECT_EQ(done.size(), 10U);
    EXPECT_EQ(done[3].result(), 3);
    EXPECT_TRUE(pending.empty());
  };
  loop->run_until_complete(main());
}

TEST(Wait, rule_106_cancelling_it_leaves_the_children_alone) {
  const EventLoopPtr loop = make_loop();
  const Tasks tasks{loop->create_task(give_later(2s, 1))};
  const auto waiting = loop->create_task(wait(tasks));
  loop->call_later(1s, [&] { waiting.cancel(); });
  EXPECT_THROW(loop->run_until_complete(waiting), CancelledError);
  EXPECT_EQ(loop->run_until_complete(tasks[0]), 1);
}

TEST(Wait, CountsAFutureThatIsGivenTwiceOnce) {
  const EventLoopPtr loop = make_loop();
  const Task<int> task = loop->create_task(give_later(1s, 1));
  EXPECT_EQ(run_counts(*loop, {task, task}, {}), "1 done, 0 pending");
}

TEST(Wait, TakesOptionsBehindFuturesGivenOneByOne) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const auto quick = create_task(sleep(1s));
    const auto slow = create_task(sleep(9s));
    const auto [done, pending] = co_await wait(quick, slow, WaitOptions{.return_when = FIRST_COMPLETED});
    EXPECT_EQ(done.size(), 1U);
    EXPECT_EQ(pending.size(), 1U);
    const Future<int> other = get_running_loop().create_future<int>();
    const auto mixed = co_await wait(quick, other, slow, WaitOptions{.timeout = 1s});
    EXPECT_EQ(mixed.pending.size(), 2U);
  };
  loop->run_until_complete(main());
}

TEST(Wait, rule_107_refuses_nothing_to_wait_for_and_a_bad_condition) {
  const EventLoopPtr loop = make_loop();
  EXPECT_THROW(loop->run_until_complete(wait(Tasks{})), ValueError);
  const Task<int> task = loop->create_task(give_later(0s, 1));
  EXPECT_THROW(loop->run_until_complete(wait(Tasks{task}, {.return_when = static_cast<ReturnWhen>(7)})), ValueError);
  loop->run_until_complete(task);
}

TEST(Wait, TakesFuturesOfAnyResult) {
  const EventLoopPtr loop = make_loop();
  const Future<std::string> future = loop->create_future<std::string>();
  const Task<int> task = loop->create_task(give_later(1s, 1));
  loop->call_later(1s, [&] { future.set_result("x"); });
  const auto result = loop->run_until_complete(wait(std::vector<AnyFuture>{future, task}));
  EXPECT_EQ(result.done.size(), 2u);
  EXPECT_TRUE(result.done[0] == future);
}

}  // namespace
}  // namespace segue::modern
