// Rules of futures and tasks, each beside the program that CPython runs for it.
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/contextvars.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/timeouts.hpp>
#include <segue/modern/tasks/wait.hpp>
#include <segue/modern/tasks/wait_for.hpp>

#include "modern/attempt.hpp"
#include "modern/trace.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::at;
using testing::attempt;
using testing::Events;
using testing::make_loop;
using testing::trace_of;

// A pending task is owned by its loop, and is destroyed with it.
TEST(TaskRules, rule_51_one_that_is_destroyed_while_it_is_pending_is_reported) {
  const auto program = [](Events& ev) -> Coroutine<> {
    EventLoop& l = get_running_loop();
    l.set_exception_handler([&](EventLoop&, const ExceptionContext& c) { ev(c.message, c.keys()); });
    const auto w = []() -> Coroutine<> { co_await get_running_loop().create_future(); };
    l.create_task(w());
    co_await sleep(0s);
    ev("end");
  };
  EXPECT_EQ(trace_of(program), "end | Task was destroyed but it is pending! [message, task]");
}

TEST(TaskRules, rule_54_what_waiting_costs_in_iterations) {
  Events ev;
  int n = 0;
  const EventLoopPtr l = make_loop();
  const std::function<void()> tick = [&] {
    ++n;
    l->call_soon(tick);
  };
  const auto since = [&n] { return std::exchange(n, 0); };
  const auto c = []() -> Coroutine<> { co_return; };
  const auto main = [&]() -> Coroutine<> {
    l->call_soon(tick);
    co_await sleep(0s);
    since();
    co_await create_task(c());
    ev("task", since());
    co_await gather(c(), c());
    ev("gather", since());
    const std::vector tasks{create_task(c())};
    co_await wait(tasks);
    ev("wait", since());
    co_await wait(tasks);
    ev("wait done", since());
    co_await wait_for(c(), 1s);
    ev("wait_for", since());
    co_await async_with(timeout(1s), c);
    ev("timeout", since());
  };
  l->run_until_complete(main());
  EXPECT_EQ(ev.trace(), "task 2 | gather 3 | wait 3 | wait done 2 | wait_for 0 | timeout 0");
}

TEST(TaskRules, rule_55_a_future_refuses_what_its_state_does_not_allow) {
  Events ev;
  const EventLoopPtr l = make_loop();
  Future<int> f = l->create_future<int>();
  ev(attempt([&] { f.result(); }), attempt([&] { f.exception(); }));
  f.set_result(1);
  ev(attempt([&] { f.set_result(2); }), f.cancel());
  f = l->create_future<int>();
  ev(f.cancel("m"));
  ev(f.cancel());
  ev(attempt([&] { f.exception(); }));
  ev(attempt([&] { f.set_result(1); }));
  EXPECT_EQ(ev.trace(),
            "InvalidStateError(Result is not set.) InvalidStateError(Exception is not set.) | "
            "InvalidStateError(invalid state) False | True | False | CancelledError(m) | "
            "InvalidStateError(invalid state)");
}

TEST(TaskRules, rule_70_the_first_message_of_a_cancellation_reaches_the_body_and_whoever_awaits_the_task) {
  const auto program = [](Events& ev) -> Coroutine<> {
    const auto body = [&]() -> Coroutine<> {
      try {
        co_await sleep(9s);
      } catch (const CancelledError& error) {
        ev("inside", error.what());
        throw;
      }
    };
    const auto t = create_task(body());
    co_await sleep(0s);
    t.cancel("one");
    t.cancel("two");
    ev(co_await at(t));
  };
  EXPECT_EQ(trace_of(program), "inside one | CancelledError(one)");
}

TEST(TaskRules, rule_105_wait_counts_a_cancelled_child_as_completed_but_not_as_failed) {
  const auto program = [](Events& ev) -> Coroutine<> {
    for (const auto& [name, mode] :
         {std::pair("FIRST_EXCEPTION", FIRST_EXCEPTION), {"FIRST_COMPLETED", FIRST_COMPLETED}}) {
      const auto a = create_task(sleep(9s));
      const auto b = create_task(sleep(10ms));
      co_await sleep(0s);
      a.cancel();
      const std::vector tasks{a, b};
      const WaitOptions options{.return_when = mode};
      const auto result = co_await wait(tasks, options);
      ev(name, result.done.size(), result.pending.size());
      co_await b;
    }
  };
  EXPECT_EQ(trace_of(program), "FIRST_EXCEPTION 2 0 | FIRST_COMPLETED 1 1");
}

TEST(TaskContexts, are_those_in_which_a_destroyed_task_is_reported) {
  const ContextVar<int> variable("variable", 0);
  int seen = 0;
  auto loop = testing::make_loop();
  loop->set_exception_handler([&](EventLoop&, const ExceptionContext&) { seen = variable.get(); });
  const auto waits = [&]() -> Coroutine<> {
    variable.set(7);
    co_await sleep(1h);
  };
  loop->create_task(waits());
  testing::iterate(*loop);
  loop.reset();
  EXPECT_EQ(seen, 7);
}

TEST(TaskRules, one_that_ends_the_program_is_reported_unless_the_loop_runs_for_it) {
  const auto exits = []() -> Coroutine<> {
    co_await sleep(1s);
    throw SystemExit(3);
  };
  const auto main = [&exits]() -> Coroutine<> {
    create_task(exits());
    co_await sleep(1h);
  };
  for (const bool in_the_background : {false, true}) {
    auto loop = make_loop();
    const testing::Reports reports(*loop);
    EXPECT_THROW(loop->run_until_complete(in_the_background ? main() : exits()), SystemExit);
    const std::vector<std::string> expected(in_the_background ? 1 : 0, "Task exception was never retrieved");
    EXPECT_EQ(reports.messages(), expected);
  }
}

TEST(TaskRules, another_threads_are_not_listed_while_their_loop_runs) {
  auto loop = make_loop();
  const auto main = [&]() -> Coroutine<> {
    std::string refused;
    std::thread([&] { refused = attempt([&] { (void)all_tasks(*loop); }); }).join();
    EXPECT_EQ(refused, "RuntimeError(Non-thread-safe operation invoked on an event loop other than the current one)");
    EXPECT_EQ(all_tasks(*loop).size(), 1U);
    co_return;
  };
  loop->run_until_complete(main());
  std::size_t left = 1;
  std::thread([&] { left = all_tasks(*loop).size(); }).join();
  EXPECT_EQ(left, 0U);
}

}  // namespace
}  // namespace segue::modern
