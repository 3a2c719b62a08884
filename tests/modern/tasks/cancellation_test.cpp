// Cancellation of tasks: a request, which travels down to what is waited on and comes up as CancelledError.
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/yield.hpp>
#include <segue/modern/testing/manual_reactor.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::attempt;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::iterate;
using testing::make_loop;
using testing::Reports;
using testing::Trace;
using testing::Tracked;

class Cancellation : public ::testing::Test {
 protected:
  EventLoopPtr loop = make_loop();
  Reports reports{*loop};
  Trace trace;

  template <class T>
  std::string outcome_of(const Task<T>& task) {
    return attempt([&] { return loop->run_until_complete(task); });
  }
};

TEST_F(Cancellation, rule_61_before_the_first_step_runs_nothing_of_the_body) {
  int alive = 0;
  const auto body = [&](Tracked) -> Coroutine<int> {
    trace.push_back("body");
    co_return 1;
  };
  const Task<int> task = loop->create_task(body(Tracked(alive)));
  EXPECT_TRUE(task.cancel("early"));
  EXPECT_FALSE(task.done());
  EXPECT_EQ(outcome_of(task), "CancelledError(early)");
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(alive, 0);
  EXPECT_THAT(trace, IsEmpty());
  EXPECT_THAT(reports.messages(), IsEmpty()) << "a coroutine that was cancelled is not a forgotten one";
}

TEST_F(Cancellation, rule_60_cancels_what_the_task_waits_on) {
  const Future<int> future = loop->create_future<int>();
  const auto body = [&]() -> Coroutine<int> { co_return co_await future; };
  const Task<int> task = loop->create_task(body());
  const Task<int> other = loop->create_task(body());
  iterate(*loop);
  EXPECT_TRUE(task.cancel("why"));
  EXPECT_TRUE(future.cancelled());
  EXPECT_FALSE(task.done());
  EXPECT_EQ(task.cancelling(), 1);
  EXPECT_EQ(outcome_of(task), "CancelledError(why)");
  EXPECT_EQ(outcome_of(other), "CancelledError(why)") << "it waited on the same future";
  EXPECT_TRUE(other.cancelled());
  EXPECT_EQ(other.cancelling(), 0);
}

TEST_F(Cancellation, rule_72_of_a_task_that_is_done_does_nothing) {
  const Task<int> task = ensure_future(sleep(0s, 7), *loop);
  EXPECT_EQ(outcome_of(task), "7");
  EXPECT_FALSE(task.cancel());
  EXPECT_EQ(task.cancelling(), 0);
  EXPECT_EQ(task.uncancel(), 0);
  EXPECT_EQ(task.result(), 7);
}

TEST_F(Cancellation, rule_62_is_a_request_that_may_be_swallowed) {
  const auto body = [&]() -> Coroutine<std::string> {
    try {
      co_await sleep(9s);
    } catch (const CancelledError&) {
      trace.push_back("cancelled");
    }
    co_await sleep(1s);
    co_return "kept";
  };
  const Task<std::string> task = loop->create_task(body());
  iterate(*loop);
  EXPECT_TRUE(task.cancel());
  EXPECT_FALSE(task.done());
  EXPECT_EQ(outcome_of(task), "kept");
  EXPECT_FALSE(task.cancelled());
  EXPECT_EQ(task.cancelling(), 1);
  EXPECT_THAT(trace, ElementsAre("cancelled"));
}

TEST_F(Cancellation, rule_69_may_become_another_exception_and_another_exception_a_cancellation) {
  const auto translate = []() -> Coroutine<> {
    try {
      co_await sleep(9s);
    } catch (const CancelledError&) {
      throw ValueError("translated");
    }
  };
  const Task<> failed = loop->create_task(translate());
  iterate(*loop);
  failed.cancel();
  EXPECT_EQ(attempt([&] { loop->run_until_complete(failed); }), "ValueError(translated)");
  EXPECT_FALSE(failed.cancelled());

  const auto by_hand = []() -> Coroutine<> {
    co_await sleep(0s);
    throw CancelledError("by hand");
  };
  const Task<> cancelled = loop->create_task(by_hand());
  EXPECT_EQ(attempt([&] { loop->run_until_complete(cancelled); }), "CancelledError(by hand)");
  EXPECT_TRUE(cancelled.cancelled());
  EXPECT_EQ(cancelled.cancelling(), 0);
}

TEST_F(Cancellation, rule_63_several_times_before_a_step_strikes_once_with_the_first_message) {
  const auto body = [&]() -> Coroutine<> {
    for (int i = 0; i < 2; ++i) {
      try {
        co_await sleep(1s);
        trace.push_back("slept");
      } catch (const CancelledError& error) {
        trace.push_back(error.what());
      }
    }
  };
  const Task<> task = loop->create_task(body());
  iterate(*loop);
  task.cancel("one");
  task.cancel("two");
  EXPECT_EQ(task.cancelling(), 2);
  // The second request finds the future done already, and is armed; it does not add to the first one.
  EXPECT_EQ(attempt([&] { loop->run_until_complete(task); }), "None");
  EXPECT_THAT(trace, ElementsAre("one", "slept"));
}

TEST_F(Cancellation, rule_76_strikes_clean_up_that_waits) {
  const auto body = [&]() -> Coroutine<> {
    std::exception_ptr error;
    try {
      co_await sleep(9s);
    } catch (const CancelledError&) {
      error = std::current_exception();
    }
    try {
      co_await sleep(9s);
    } catch (const CancelledError&) {
      trace.push_back("clean-up");
      throw;
    }
    std::rethrow_exception(error);
  };
  const Task<> task = loop->create_task(body());
  iterate(*loop);
  task.cancel("first");
  iterate(*loop);
  task.cancel("second");
  EXPECT_EQ(attempt([&] { loop->run_until_complete(task); }), "CancelledError(second)");
  EXPECT_THAT(trace, ElementsAre("clean-up"));
  // The message went with the first who asked.
  EXPECT_EQ(attempt([&] { task.result(); }), "CancelledError()");
}

TEST_F(Cancellation, rule_65_of_itself_strikes_at_the_next_switch) {
  const auto body = [&]() -> Coroutine<> {
    current_task()->cancel("self");
    const Future<int> done = loop->create_future<int>();
    done.set_result(1);
    const int result = co_await done;
    trace.push_back(std::to_string(result));
    co_await sleep(0s);
    trace.push_back("never");
  };
  EXPECT_EQ(attempt([&] { loop->run_until_complete(body()); }), "CancelledError(self)");
  EXPECT_THAT(trace, ElementsAre("1"));
}

TEST_F(Cancellation, of_itself_cancels_the_future_that_is_awaited_next) {
  const Future<int> future = loop->create_future<int>();
  const auto body = [&]() -> Coroutine<int> {
    current_task()->cancel("self");
    co_return co_await future;
  };
  EXPECT_EQ(attempt([&] { loop->run_until_complete(body()); }), "CancelledError(self)");
  EXPECT_TRUE(future.cancelled());
}

TEST_F(Cancellation, rule_64_in_the_last_step_costs_the_result_but_no_exception) {
  const auto body = [](bool fail) -> Coroutine<int> {
    current_task()->cancel("last");
    if (fail) throw ValueError("own");
    co_return 1;
  };
  const Task<int> returned = loop->create_task(body(false));
  EXPECT_EQ(outcome_of(returned), "CancelledError(last)");
  EXPECT_TRUE(returned.cancelled());
  const Task<int> failed = loop->create_task(body(true));
  EXPECT_EQ(outcome_of(failed), "ValueError(own)");
  EXPECT_FALSE(failed.cancelled());
}

TEST_F(Cancellation, rule_66_comes_too_late_for_the_result_but_not_for_the_task) {
  const Future<int> future = loop->create_future<int>();
  const auto body = [&]() -> Coroutine<int> { co_return co_await future; };
  const Task<int> task = loop->create_task(body());
  iterate(*loop);
  future.set_result(7);
  EXPECT_TRUE(task.cancel());
  EXPECT_EQ(outcome_of(task), "CancelledError()");
  EXPECT_EQ(future.result(), 7);
}

TEST_F(Cancellation, takes_the_place_of_a_refusal_that_was_not_delivered) {
  const auto body = []() -> Coroutine<> { co_await yield_(42); };
  const Task<> task = loop->create_task(body());
  iterate(*loop);
  task.cancel();
  EXPECT_EQ(attempt([&] { loop->run_until_complete(task); }), "CancelledError()");
}

TEST_F(Cancellation, rule_67_travels_through_tasks_to_the_innermost_one_first) {
  std::vector<Task<>> children;
  std::function<Coroutine<>(int)> body = [&](int depth) -> Coroutine<> {
    try {
      if (depth == 0) {
        co_await sleep(9s);
      } else {
        children.push_back(create_task(body(depth - 1)));
        const Task<> child = children.back();
        co_await child;
      }
    } catch (const CancelledError& error) {
      trace.push_back(std::to_string(depth) + " " + error.what());
      throw;
    }
  };
  const Task<> task = loop->create_task(body(2));
  loop->run_until_complete(sleep(1s));
  task.cancel("down");
  EXPECT_EQ(attempt([&] { loop->run_until_complete(task); }), "CancelledError(down)");
  EXPECT_THAT(trace, ElementsAre("0 down", "1 down", "2 down"));
  for (const Task<>& each : {task, children[0], children[1]}) EXPECT_EQ(each.cancelling(), 1);
}

TEST_F(Cancellation, rule_68_that_a_child_ignores_does_not_reach_the_parent) {
  const auto deaf = []() -> Coroutine<std::string> {
    try {
      co_await sleep(9s);
    } catch (const CancelledError&) {
      co_return "deaf";
    }
    co_return "slept";
  };
  const auto parent = [](Task<std::string> child) -> Coroutine<std::string> { co_return co_await child; };
  const Task<std::string> task = loop->create_task(parent(loop->create_task(deaf())));
  loop->run_until_complete(sleep(1s));
  task.cancel();
  EXPECT_EQ(outcome_of(task), "deaf");
  EXPECT_EQ(task.cancelling(), 1);
}

TEST_F(Cancellation, rule_71_can_be_taken_back_until_it_is_delivered) {
  const auto body = []() -> Coroutine<std::string> {
    co_await sleep(1s);
    co_return "went on";
  };
  // Nothing is waited on yet: the request is armed, and disarmed when the last one is taken back.
  const Task<std::string> early = loop->create_task(body());
  early.cancel();
  early.cancel();
  EXPECT_EQ(early.uncancel(), 1);
  EXPECT_EQ(early.uncancel(), 0);
  EXPECT_EQ(early.uncancel(), 0);
  EXPECT_EQ(outcome_of(early), "went on");
  // What is waited on was cancelled: that cannot be taken back.
  const Task<> late = ensure_future(sleep(9s), *loop);
  iterate(*loop);
  late.cancel();
  EXPECT_EQ(late.uncancel(), 0);
  EXPECT_EQ(attempt([&] { loop->run_until_complete(late); }), "CancelledError()");
}

// Waits in all ways that there are, each of its coroutines with a Tracked argument.
Coroutine<> wait_in_many_ways(Trace& trace, Tracked tracked) {
  const auto inner = [&trace](Tracked) -> Coroutine<> {
    co_await yield_();
    trace.push_back("inner");
    co_await sleep(1s);
  };
  co_await sleep(0s);
  co_await inner(tracked);
  const auto child = [](Tracked) -> Coroutine<> { co_await sleep(1s); };
  const Task<> task = create_task(child(tracked));
  co_await task;
  const Future<int> future = get_running_loop().create_future<int>();
  get_running_loop().call_later(1s, [future] {
    if (!future.done()) future.set_result(1);
  });
  co_await future;
  trace.push_back("end");
}

TEST_F(Cancellation, is_clean_after_any_number_of_steps) {
  bool finished = false;
  int cancelled = 0;
  for (int steps = 0; !finished; ++steps) {
    ASSERT_LT(steps, 100);
    int alive = 0;
    const Task<> task = loop->create_task(wait_in_many_ways(trace, Tracked(alive)));
    for (int i = 0; i < steps; ++i) {
      iterate(*loop);
      static_cast<ManualReactor&>(loop->reactor()).advance(250ms);
    }
    finished = !task.cancel();
    const std::string outcome = attempt([&] { loop->run_until_complete(task); });
    EXPECT_EQ(outcome, finished ? "None" : "CancelledError()") << "after " << steps << " steps";
    EXPECT_EQ(task.cancelled(), !finished);
    EXPECT_EQ(alive, 0) << "after " << steps << " steps";
    if (!finished) ++cancelled;
    loop->run_until_complete(sleep(9s));
    EXPECT_THAT(all_tasks(*loop), IsEmpty());
  }
  EXPECT_GE(cancelled, 6);
  EXPECT_EQ(trace.back(), "end");
  EXPECT_THAT(reports.messages(), IsEmpty());
}

}  // namespace
}  // namespace segue::modern
