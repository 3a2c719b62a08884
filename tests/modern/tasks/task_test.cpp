#include <segue/modern/tasks/task.hpp>

#include <any>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/yield.hpp>

#include "modern/attempt.hpp"
#include "modern/parked.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::attempt;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::iterate;
using testing::make_loop;
using testing::Reports;
using testing::said_by;
using ::testing::StartsWith;
using testing::Trace;
using testing::Tracked;

class TaskTest : public ::testing::Test {
 protected:
  EventLoopPtr loop = make_loop();
  Reports reports{*loop};
  Trace trace;

  // What running `coroutine` as a task gives or throws.
  template <class T>
  std::string outcome_of(Coroutine<T> coroutine) {
    return attempt([&] { return loop->run_until_complete(std::move(coroutine)); });
  }
};

TEST_F(TaskTest, takes_its_first_step_in_the_next_iteration) {
  const auto body = [&]() -> Coroutine<int> {
    trace.push_back("body");
    co_return 7;
  };
  const Task<int> task = loop->create_task(body());
  EXPECT_THAT(trace, IsEmpty());
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("body"));
  EXPECT_EQ(task.result(), 7);
}

TEST_F(TaskTest, ends_with_what_its_coroutine_throws) {
  const auto body = []() -> Coroutine<int> {
    co_await sleep(0s);
    throw ValueError("bad");
  };
  const Task<int> task = loop->create_task(body());
  iterate(*loop);
  EXPECT_FALSE(task.done());
  iterate(*loop);
  EXPECT_TRUE(task.done());
  EXPECT_EQ(attempt([&] { return task.result(); }), "ValueError(bad)");
}

TEST_F(TaskTest, reports_an_exception_that_was_never_retrieved_once) {
  const auto body = []() -> Coroutine<> {
    co_await sleep(0s);
    throw ValueError("lost");
  };
  loop->create_task(body());
  for (int i = 0; i < 3; ++i) iterate(*loop);
  EXPECT_THAT(reports.messages(), ElementsAre("Task exception was never retrieved"));
}

TEST_F(TaskTest, that_failed_unheard_says_whose_the_exception_is) {
  const auto bad = []() -> Coroutine<> {
    throw ValueError("x");
    co_return;
  };
  loop->create_task(bad(), {.name = "T"});
  iterate(*loop);
  ASSERT_EQ(reports.contexts().size(), 1U);
  const std::string future = reports.contexts()[0].future;
  EXPECT_THAT(future, StartsWith("<Task finished name='T' coro=<<lambda>() done, defined at "));
  EXPECT_THAT(future, HasSubstr("task_test.cpp:"));
  EXPECT_THAT(future, ::testing::EndsWith("> exception=ValueError('x')>"));
}

TEST_F(TaskTest, says_where_it_waits_and_for_what) {
  const Future<void> future = loop->create_future<void>();
  const auto wait = [](Future<void> what) -> Coroutine<> { co_await what; };
  const Task<> inner = loop->create_task(wait(future), {.name = "inner"});
  const Task<> outer = loop->create_task(wait(inner), {.name = "outer"});
  iterate(*loop);
  EXPECT_THAT(inner.repr(), StartsWith("<Task pending name='inner' coro=<<lambda>() running at "));
  EXPECT_THAT(inner.repr(), ::testing::EndsWith("> wait_for=<Future pending>>"));
  EXPECT_THAT(outer.repr(), HasSubstr(" wait_for=<Task pending name='inner' coro=<<lambda>() running at "));
  EXPECT_EQ(outer.repr().find("Future"), std::string::npos);  // however long the chain
  inner.cancel();
  EXPECT_THAT(inner.repr(), StartsWith("<Task cancelling name='inner' "));
  iterate(*loop);
  iterate(*loop);
  EXPECT_THAT(inner.repr(), StartsWith("<Task cancelled name='inner' coro=<<lambda>() done, defined at "));
}

// CPython 3.13 raises CancelledError('early') once, and CancelledError() from then on.
TEST_F(TaskTest, gives_the_message_of_its_cancellation_once) {
  const auto body = []() -> Coroutine<> { co_await sleep(1h); };
  const auto waits = [](Task<> task) -> Coroutine<> { co_await task; };
  const Task<> early = loop->create_task(body());
  early.cancel("early");
  EXPECT_EQ(outcome_of(waits(early)), "CancelledError(early)");
  EXPECT_EQ(outcome_of(waits(early)), "CancelledError()");
  const Task<> waiting = loop->create_task(body());
  iterate(*loop);
  waiting.cancel("waiting");
  EXPECT_EQ(outcome_of(waits(waiting)), "CancelledError(waiting)");
  EXPECT_EQ(outcome_of(waits(waiting)), "CancelledError()");
  const auto by_itself = []() -> Coroutine<> {
    current_task()->cancel("itself");
    co_await sleep(0s);
  };
  const Task<> itself = loop->create_task(by_itself());
  EXPECT_EQ(outcome_of(waits(itself)), "CancelledError(itself)");
  EXPECT_EQ(outcome_of(waits(itself)), "CancelledError()");
}

TEST_F(TaskTest, that_fails_when_its_loop_goes_says_whose_it_was) {
  const auto body = []() -> Coroutine<> {
    try {
      co_await sleep(1h);
    } catch (const GeneratorExit&) {
      throw ValueError("closing");
    }
  };
  loop->create_task(body(), {.name = "T"});
  iterate(*loop);
  const std::string said = said_by([&] { loop = nullptr; });
  EXPECT_THAT(said, HasSubstr("Exception ignored in: coroutine '<lambda>', made at "));
  EXPECT_THAT(said, HasSubstr("task_test.cpp:"));
}

TEST_F(TaskTest, may_be_dropped_with_its_loop_though_the_handler_throws_what_ends_a_program) {
  const auto body = []() -> Coroutine<> { co_await sleep(1h); };
  loop->set_exception_handler([](EventLoop&, const ExceptionContext&) { throw SystemExit(3); });
  loop->create_task(body(), {.name = "T"});
  iterate(*loop);
  EXPECT_THAT(said_by([&] { loop = nullptr; }), HasSubstr("Exception ignored in: <Task pending name='T'"));
}

TEST_F(TaskTest, lives_until_it_is_done_though_nobody_holds_it) {
  int alive = 0;
  const auto body = [&](Tracked) -> Coroutine<> {
    co_await sleep(1h);
    trace.push_back("done");
  };
  loop->create_task(body(Tracked(alive)));
  loop->run_until_complete(sleep(2h));
  EXPECT_THAT(trace, ElementsAre("done"));
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(all_tasks(*loop).size(), 0U);
}

TEST_F(TaskTest, frees_its_coroutine_when_it_is_done_though_somebody_holds_it) {
  int alive = 0;
  std::optional<Task<>> task;
  const auto body = [&task](Tracked) -> Coroutine<> {
    const std::optional<Task<>> myself = task;  // a cycle, while it runs
    co_await sleep(0s);
  };
  task = loop->create_task(body(Tracked(alive)));
  iterate(*loop);
  EXPECT_EQ(alive, 1);
  iterate(*loop);
  EXPECT_EQ(alive, 0);
}

TEST_F(TaskTest, rule_73_takes_no_result_from_outside) {
  const auto body = []() -> Coroutine<int> { co_return 1; };
  const Task<int> task = loop->create_task(body());
  EXPECT_EQ(attempt([&] { task.set_result(2); }), "RuntimeError(Task does not support set_result operation)");
  EXPECT_EQ(attempt([&] { task.set_exception(ValueError("v")); }),
            "RuntimeError(Task does not support set_exception operation)");
  EXPECT_EQ(loop->run_until_complete(task), 1);
}

TEST_F(TaskTest, has_a_name) {
  const auto body = []() -> Coroutine<> { co_return; };
  const Task<> unnamed = loop->create_task(body());
  const Task<> next = loop->create_task(body());
  const Task<> named = loop->create_task(body(), {.name = "mine"});
  EXPECT_THAT(unnamed.get_name(), StartsWith("Task-"));
  const auto number = [](const Task<>& task) { return std::stoi(task.get_name().substr(5)); };
  EXPECT_LT(number(unnamed), number(next));
  EXPECT_EQ(named.get_name(), "mine");
  named.set_name("yours");
  EXPECT_EQ(named.get_name(), "yours");
  iterate(*loop);
}

TEST_F(TaskTest, steps_its_coroutine_on_from_where_a_step_by_hand_left_it) {
  const auto body = []() -> Coroutine<int> {
    co_await yield_(1);
    co_await sleep(0s);
    co_return 5;
  };
  auto coroutine = body();
  coroutine.send();
  EXPECT_EQ(loop->run_until_complete(std::move(coroutine)), 5);
}

// --- who runs ---

TEST_F(TaskTest, rule_75_is_the_current_one_in_its_coroutine_alone) {
  EXPECT_EQ(attempt([] { current_task(); }), "RuntimeError(no running event loop)");
  loop->call_soon([&] { EXPECT_FALSE(current_task().has_value()); });
  const auto body = []() -> Coroutine<bool> {
    const std::optional<AnyTask> before = current_task();
    co_await sleep(0s);
    co_return before.has_value() && *before == *current_task();
  };
  const Task<bool> one = loop->create_task(body());
  const Task<bool> other = loop->create_task(body());
  iterate(*loop);
  EXPECT_EQ(all_tasks(*loop), (std::vector<AnyTask>{one, other}));
  iterate(*loop);
  EXPECT_TRUE(one.result());
  EXPECT_TRUE(other.result());
  EXPECT_THAT(all_tasks(*loop), IsEmpty());
}

TEST_F(TaskTest, is_the_current_one_of_its_own_loop) {
  const auto other = make_loop();
  EXPECT_FALSE(current_task(*loop).has_value());
  const auto body = [&]() -> Coroutine<> {
    EXPECT_EQ(current_task(*loop), current_task());
    EXPECT_FALSE(current_task(*other).has_value());
    co_return;
  };
  loop->run_until_complete(body());
  EXPECT_FALSE(current_task(*loop).has_value());
}

TEST_F(TaskTest, is_still_the_current_one_in_a_coroutine_that_it_steps_by_hand) {
  const auto inner = []() -> Coroutine<bool> { co_return current_task().has_value(); };
  const auto body = [&]() -> Coroutine<std::string> {
    auto stepped = inner();
    co_return attempt<bool>([&] { stepped.send(); });
  };
  EXPECT_EQ(outcome_of(body()), "StopIteration(true)");
}

// --- costs ---

TEST_F(TaskTest, wakes_its_waiter_one_iteration_after_its_end) {
  const auto empty = []() -> Coroutine<> { co_return; };
  int iterations = 0;
  const auto main = [&]() -> Coroutine<> {
    const Task<> task = create_task(empty());
    co_await task;
    loop->stop();
  };
  loop->create_task(main());
  std::function<void()> count = [&] {
    ++iterations;
    loop->call_soon(count);
  };
  loop->call_soon(count);
  loop->run_forever();
  EXPECT_EQ(iterations, 3);  // main starts; the task runs; main goes on
}

TEST_F(TaskTest, does_not_switch_where_it_awaits_a_coroutine) {
  const auto inner = [&]() -> Coroutine<int> {
    trace.push_back("inner");
    co_return 1;
  };
  const auto main = [&]() -> Coroutine<> {
    loop->call_soon([&] { trace.push_back("callback"); });
    co_await inner();
    trace.push_back("outer");
    co_await sleep(0s);
    trace.push_back("later");
  };
  loop->run_until_complete(main());
  EXPECT_THAT(trace, ElementsAre("inner", "outer", "callback", "later"));
}

// --- what a task cannot wait on ---

TEST_F(TaskTest, refuses_what_is_not_a_future) {
  const auto bad = [](std::any value) -> Coroutine<> { co_await Yield(std::move(value)); };
  EXPECT_EQ(outcome_of(bad(42)), "RuntimeError(Task got bad yield: 42)");
  EXPECT_EQ(outcome_of(bad(std::string("x"))), "RuntimeError(Task got bad yield: 'x')");
  EXPECT_EQ(outcome_of(bad(1.5)), "RuntimeError(Task got bad yield: 1.5)");
  EXPECT_EQ(outcome_of(bad(2.0)), "RuntimeError(Task got bad yield: 2.0)");
  // As Python's repr has it: the shortest text that is the same number, and an exponent where it has one.
  for (const auto& [number, text] : std::map<double, std::string>{{-0.0, "-0.0"},
                                                                  {0.1, "0.1"},
                                                                  {-1.0 / 3, "-0.3333333333333333"},
                                                                  {100000.0, "100000.0"},
                                                                  {0.0001, "0.0001"},
                                                                  {0.00001, "1e-05"},
                                                                  {1.25e-7, "1.25e-07"},
                                                                  {9007199254740993.0, "9007199254740992.0"},
                                                                  {1e16, "1e+16"},
                                                                  {1.7976931348623157e308, "1.7976931348623157e+308"},
                                                                  {-HUGE_VAL, "-inf"}}) {
    EXPECT_EQ(outcome_of(bad(number)), "RuntimeError(Task got bad yield: " + text + ")");
  }
  EXPECT_THAT(outcome_of(bad(Trace())), StartsWith("RuntimeError(Task got bad yield: <"));
}

TEST_F(TaskTest, rule_38_goes_on_where_a_bad_yield_is_caught) {
  const auto offender = []() -> Coroutine<std::string> {
    std::string caught;
    try {
      co_await yield_(42);
    } catch (const RuntimeError& error) {
      caught = error.what();
    }
    co_await sleep(0s);
    co_return caught;
  };
  const auto body = [&]() -> Coroutine<std::string> { co_return co_await offender(); };
  EXPECT_EQ(outcome_of(body()), "Task got bad yield: 42");
}

TEST_F(TaskTest, refuses_a_future_that_is_yielded_rather_than_awaited) {
  const Future<int> future = loop->create_future<int>();
  const auto body = [&]() -> Coroutine<> { co_await yield_(future); };
  EXPECT_THAT(outcome_of(body()), StartsWith("RuntimeError(yield was used instead of yield from in task <Task"));
  future.set_result(1);
}

TEST_F(TaskTest, rule_40_refuses_a_future_of_another_loop) {
  const auto other = make_loop();
  const Future<int> future = other->create_future<int>();
  const auto body = [&]() -> Coroutine<int> { co_return co_await future; };
  const std::string outcome = outcome_of(body());
  EXPECT_THAT(outcome, StartsWith("RuntimeError(Task <Task"));
  EXPECT_THAT(outcome, HasSubstr("got Future <Future pending> attached to a different loop"));
}

TEST_F(TaskTest, rule_41_refuses_to_wait_for_itself) {
  const auto body = []() -> Coroutine<> { co_await *current_task(); };
  EXPECT_THAT(outcome_of(body()), StartsWith("RuntimeError(Task cannot await on itself: <Task"));
}

TEST_F(TaskTest, goes_on_where_it_was_refused) {
  const auto body = []() -> Coroutine<int> {
    int refused = 0;
    for (int i = 0; i < 3; ++i) {
      try {
        co_await *current_task();
      } catch (const RuntimeError&) {
        ++refused;
      }
    }
    co_await sleep(1s);
    co_return refused;
  };
  EXPECT_EQ(outcome_of(body()), "3");
}

// --- what leaves the loop at once ---

TEST_F(TaskTest, rule_74_keeps_a_KeyboardInterrupt_and_lets_it_out_of_the_loop) {
  const auto body = []() -> Coroutine<int> {
    co_await sleep(0s);
    throw KeyboardInterrupt();
  };
  const Task<int> task = loop->create_task(body());
  loop->call_soon([&] { loop->call_soon([&] { trace.push_back("same iteration"); }); });
  EXPECT_EQ(attempt([&] { loop->run_forever(); }), "KeyboardInterrupt()");
  EXPECT_TRUE(task.done());
  EXPECT_FALSE(task.cancelled());
  EXPECT_NE(task.exception(), nullptr);
  EXPECT_THAT(trace, IsEmpty());
  EXPECT_FALSE(loop->is_running());
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("same iteration"));
}

TEST_F(TaskTest, rule_74_that_is_main_lets_a_SystemExit_out_and_reports_nothing) {
  const auto main = []() -> Coroutine<> {
    co_await sleep(0s);
    throw SystemExit(3);
  };
  EXPECT_EQ(attempt([&] { loop->run_until_complete(main()); }), "SystemExit(3)");
  iterate(*loop);
  EXPECT_THAT(reports.messages(), IsEmpty());
}

// --- making tasks ---

TEST(CreateTask, needs_a_running_loop) {
  const auto body = []() -> Coroutine<> { co_return; };
  EXPECT_THAT(said_by([&] { EXPECT_EQ(attempt([&] { create_task(body()); }), "RuntimeError(no running event loop)"); }),
              HasSubstr("was never awaited"));
}

TEST(CreateTask, takes_whatever_can_be_awaited) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<int> {
    const auto task = create_task(sleep(1h, 7));
    co_return co_await task;
  };
  EXPECT_EQ(loop->run_until_complete(main()), 7);
}

}  // namespace
}  // namespace segue::modern
