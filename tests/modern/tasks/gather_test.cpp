#include <segue/modern/tasks/gather.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/modern/tasks/sleep.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

using testing::make_loop;

Coroutine<std::string> work(std::string tag, Delay delay, Strings* log = nullptr) {
  try {
    co_await sleep(delay);
  } catch (const CancelledError&) {
    if (log) log->push_back(tag + " cancelled");
    throw;
  }
  if (log) log->push_back(tag);
  co_return tag;
}

Coroutine<std::string> fail(std::string text, Delay delay) {
  co_await sleep(delay);
  throw ValueError(text);
}

template <class T>
Coroutine<> expect_cancelled(Future<T> future) {
  try {
    co_await future;
    ADD_FAILURE();
  } catch (const CancelledError&) {
  }
}

Coroutine<std::string> refuse_to_be_cancelled() {
  try {
    co_await sleep(1s);
  } catch (const CancelledError&) {
    co_return "stayed";
  }
  co_return "slept";
}

template <class T>
std::string text(const Outcome<T>& outcome) {
  return outcome.has_exception() ? describe(outcome.exception()).repr() : outcome.stored();
}

TEST(Gather, rule_98_gives_a_tuple_in_the_order_of_the_arguments) {
  auto loop = make_loop();
  Strings log;
  const auto main = [&log]() -> Coroutine<> {
    const auto nothing = []() -> Coroutine<> { co_return; };
    auto gathering = gather(work("a", 30ms, &log), work("b", 10ms, &log), sleep(20ms, 7), nothing());
    const std::tuple<std::string, std::string, int, None> results = co_await gathering;
    EXPECT_EQ(results, std::make_tuple("a", "b", 7, None()));
  };
  loop->run_until_complete(main());
  EXPECT_EQ(log, (Strings{"b", "a"}));
}

TEST(Gather, GivesAVectorForARange) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    std::vector<Coroutine<std::string>> coroutines;
    for (int i = 3; i > 0; --i) coroutines.push_back(work(std::to_string(i), i * 10ms));
    const Strings results = co_await gather(coroutines);
    EXPECT_EQ(results, (Strings{"3", "2", "1"}));

    std::vector<Task<std::string>> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(create_task(work(std::to_string(i), 1ms)));
    const Strings of_tasks = co_await gather(tasks);
    EXPECT_EQ(of_tasks, (Strings{"0", "1", "2"}));
    EXPECT_EQ(tasks[1].result(), "1");
  };
  loop->run_until_complete(main());
}

TEST(Gather, TakesHandlesThatDoNotKnowTheirResult) {
  auto loop = make_loop();
  Strings log;
  const auto main = [&log]() -> Coroutine<> {
    create_task(work("a", 2ms, &log));
    create_task(sleep(1ms, 5));
    std::vector<AnyTask> others = all_tasks();
    std::erase(others, *current_task());
    const std::vector<None> nothing = co_await gather(others);
    EXPECT_EQ(nothing.size(), 2U);
  };
  loop->run_until_complete(main());
  EXPECT_EQ(log, Strings{"a"});
}

TEST(Gather, rule_98_of_nothing_is_done_at_once) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    auto none = gather();
    EXPECT_TRUE(none.done());
    co_await none;
    auto empty = gather(std::vector<Task<int>>());
    EXPECT_TRUE(empty.done());
    EXPECT_TRUE(empty.result().empty());
  };
  loop->run_until_complete(main());
}

TEST(Gather, rule_98_runs_a_coroutine_that_is_given_twice_once) {
  auto loop = make_loop();
  Strings log;
  const auto main = [&log]() -> Coroutine<> {
    auto c = work("c", 5ms, &log);
    auto f = get_running_loop().create_future<std::string>();
    f.set_result("F");
    auto gathering = gather(c, f, c, f, c);
    const auto results = co_await gathering;
    EXPECT_EQ(results, std::make_tuple("c", "F", "c", "F", "c"));
  };
  loop->run_until_complete(main());
  EXPECT_EQ(log, Strings{"c"});
}

TEST(Gather, rule_99_ends_with_the_first_exception_while_the_others_go_on) {
  auto loop = make_loop();
  Strings reports;
  loop->set_exception_handler([&](EventLoop&, const ExceptionContext& c) { reports.push_back(c.message); });
  const auto main = []() -> Coroutine<> {
    auto slow = create_task(work("slow", 30ms));
    auto gathering = gather(slow, fail("first", 10ms), fail("second", 20ms));
    try {
      co_await gathering;
      ADD_FAILURE();
    } catch (const ValueError& e) {
      EXPECT_STREQ(e.what(), "first");
    }
    EXPECT_FALSE(slow.done());
    EXPECT_FALSE(gathering.cancel());
    const std::string result = co_await slow;
    EXPECT_EQ(result, "slow");
  };
  loop->run_until_complete(main());
  EXPECT_EQ(reports, Strings{});
}

TEST(Gather, rule_100_waits_for_all_where_it_returns_exceptions) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    auto cancelled = create_task(work("x", 1s));
    get_running_loop().call_later(5ms, [cancelled] { cancelled.cancel("child"); });
    auto gathering = gather(fail("a", 20ms), work("b", 10ms), cancelled, return_exceptions);
    const auto [a, b, c] = co_await gathering;
    EXPECT_EQ(text(a), "ValueError('a')");
    EXPECT_EQ(text(b), "b");
    EXPECT_EQ(text(c), "CancelledError()");

    std::vector<Coroutine<std::string>> coroutines;
    coroutines.push_back(fail("d", 2ms));
    coroutines.push_back(work("e", 1ms));
    auto of_range = gather(std::move(coroutines), return_exceptions);
    const auto outcomes = co_await of_range;
    EXPECT_EQ(text(outcomes[0]), "ValueError('d')");
    EXPECT_EQ(text(outcomes[1]), "e");
  };
  loop->run_until_complete(main());
}

TEST(Gather, rule_100_counts_a_cancelled_child_as_a_failed_one) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    auto first = create_task(work("first", 1s));
    auto second = create_task(work("second", 20ms));
    get_running_loop().call_later(5ms, [first] { first.cancel("child"); });
    try {
      co_await gather(first, second);
      ADD_FAILURE();
    } catch (const CancelledError& e) {
      EXPECT_STREQ(e.what(), "child");
    }
    EXPECT_EQ(current_task()->cancelling(), 0);
    EXPECT_FALSE(second.done());
    co_await second;
  };
  loop->run_until_complete(main());
}

TEST(Gather, rule_101_cancels_its_children_in_order) {
  auto loop = make_loop();
  Strings log;
  const auto main = [&log]() -> Coroutine<> {
    auto gathering = gather(work("a", 1s, &log), work("b", 0s, &log), work("c", 1s, &log), return_exceptions);
    co_await sleep(1ms);
    EXPECT_TRUE(gathering.cancel("outer"));
    EXPECT_FALSE(gathering.done());
    co_await expect_cancelled(gathering);
    EXPECT_FALSE(gathering.cancelled());
    EXPECT_FALSE(gathering.cancel());
  };
  loop->run_until_complete(main());
  EXPECT_EQ(log, (Strings{"b", "a cancelled", "c cancelled"}));
}

TEST(Gather, rule_101_ends_with_CancelledError_where_a_child_refuses_to_be_cancelled) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    auto gathering = gather(refuse_to_be_cancelled(), return_exceptions);
    co_await sleep(1ms);
    EXPECT_TRUE(gathering.cancel());
    co_await expect_cancelled(gathering);
  };
  loop->run_until_complete(main());
}

TEST(Gather, EndsWithCancelledErrorWhereItsLastChildHasFailed) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const auto failed = create_task(fail("broken", 0s));
    auto gathering = gather(work("a", 1s), failed, return_exceptions);
    co_await sleep(1ms);
    EXPECT_TRUE(gathering.cancel());
    co_await expect_cancelled(gathering);
    EXPECT_TRUE(failed.exception());
    EXPECT_ANY_THROW(failed.result());
  };
  loop->run_until_complete(main());
}

TEST(Gather, rule_102_cannot_be_cancelled_when_all_children_are_done) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    auto f = get_running_loop().create_future<int>();
    auto gathering = gather(f);
    f.set_result(1);
    EXPECT_FALSE(gathering.cancel());
    EXPECT_FALSE(gathering.done());
    const auto result = co_await gathering;
    EXPECT_EQ(result, std::make_tuple(1));
  };
  loop->run_until_complete(main());
}

TEST(Gather, IsCancelledWithTheTaskThatAwaitsIt) {
  auto loop = make_loop();
  Strings log;
  const auto main = [&log]() -> Coroutine<> {
    auto inner = gather(work("a", 1s, &log), work("b", 1s, &log));
    const auto outer = [&]() -> Coroutine<> { co_await gather(inner, work("c", 10ms, &log)); };
    auto task = create_task(outer());
    co_await sleep(20ms);
    task.cancel();
    try {
      co_await task;
      ADD_FAILURE();
    } catch (const CancelledError&) {
    }
    EXPECT_TRUE(inner.done());
    EXPECT_FALSE(inner.cancel());
  };
  loop->run_until_complete(main());
  EXPECT_EQ(log, (Strings{"c", "a cancelled", "b cancelled"}));
}

TEST(Gather, PassesOnTheMessageWithWhichItsWaiterIsCancelled) {
  auto loop = make_loop();
  for (const std::string message : {"", "my message"}) {
    const auto repeat = []() -> Coroutine<> {
      for (;;) {
        auto gathering = gather(sleep(50ms), return_exceptions);
        co_await gathering;
      }
    };
    const auto main = [&]() -> Coroutine<> {
      const Task<> task = create_task(repeat());
      co_await sleep(220ms);
      if (message.empty()) {
        task.cancel();
      } else {
        task.cancel(message);
      }
      co_await task;
    };
    EXPECT_EQ(testing::error_of(*loop, main()), "CancelledError: " + message);
  }
}

TEST(Gather, TakesThreeIterationsForCoroutinesThatReturnAtOnce) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    int iterations = 0;
    const auto tick = [&iterations](auto& self) -> Coroutine<> {
      co_await sleep(0s);
      ++iterations;
      co_await self(self);
    };
    const auto nothing = []() -> Coroutine<> { co_return; };
    auto ticks = create_task(tick(tick));
    co_await sleep(0s);
    iterations = 0;
    co_await gather(nothing(), nothing());
    EXPECT_EQ(iterations, 3);
    ticks.cancel();
  };
  loop->run_until_complete(main());
}

TEST(Gather, MovesResultsThatCannotBeCopied) {
  auto loop = make_loop();
  const auto make = [](int n) -> Coroutine<std::unique_ptr<int>> { co_return std::make_unique<int>(n); };
  const auto main = [&make]() -> Coroutine<> {
    const auto [one, two] = co_await gather(make(1), make(2));
    EXPECT_EQ(*one + *two, 3);
    std::vector<Coroutine<std::unique_ptr<int>>> coroutines;
    coroutines.push_back(make(3));
    const auto all = co_await gather(coroutines);
    EXPECT_EQ(*all[0], 3);
  };
  loop->run_until_complete(main());
}

struct CountsCopies {
  explicit CountsCopies(int* copies) : copies(copies) {}
  CountsCopies(const CountsCopies& other) : copies(other.copies) { ++*copies; }
  CountsCopies(CountsCopies&&) = default;
  int* copies;
};

TEST(Gather, CopiesNoResultThatNobodyElseHolds) {
  auto loop = make_loop();
  int copies = 0;
  const auto make = [&copies](Delay delay) -> Coroutine<CountsCopies> {
    co_await sleep(delay);
    co_return CountsCopies(&copies);
  };
  const auto main = [&]() -> Coroutine<> {
    co_await gather(make(1ms), make(3ms), make(2ms));
    EXPECT_EQ(copies, 0);
    auto task = create_task(make(1ms));
    co_await gather(task, make(2ms));
    EXPECT_EQ(copies, 1);
  };
  loop->run_until_complete(main());
}

TEST(Gather, RefusesFuturesOfDifferentLoops) {
  auto a = make_loop();
  auto b = make_loop();
  EXPECT_THROW(gather(a->create_future<int>(), b->create_future<int>()), ValueError);
}

TEST(Gather, IsFreedWithALoopInWhichItNeverEnds) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    auto& running = get_running_loop();
    gather(running.create_future<int>(), gather(running.create_future<int>()));
    gather(work("never", 1s));
    co_return;
  };
  loop->run_until_complete(main());
}

TEST(Gather, NamesItself) {
  auto loop = make_loop();
  EXPECT_EQ(gather(loop->create_future<int>()).repr(), "<_GatheringFuture pending>");
}

TEST(Gather, ThatNobodyAsksIsReportedByItsName) {
  auto loop = make_loop();
  const testing::Reports reports(*loop);
  const auto main = []() -> Coroutine<> {
    const auto dropped = gather(fail("x", 1ms));
    co_await sleep(2ms);
  };
  loop->run_until_complete(main());
  EXPECT_EQ(reports.messages(), Strings{"_GatheringFuture exception was never retrieved"});
}

}  // namespace
}  // namespace segue::modern
