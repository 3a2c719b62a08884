#include <segue/modern/loop/event_loop.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/testing/manual_reactor.hpp>

#include "modern/attempt.hpp"
#include "modern/parked.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using testing::attempt;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::iterate;
using testing::make_loop;
using testing::Reports;
using testing::said_by;
using testing::text;
using testing::Trace;
using testing::Tracked;

class EventLoopTest : public ::testing::Test {
 protected:
  EventLoopPtr loop = make_loop();
  Reports reports{*loop};
  Trace trace;

  // A callback that says that it ran.
  auto log(std::string name) {
    return [this, name = std::move(name)] { trace.push_back(name); };
  }
};

const std::string closed = "RuntimeError(Event loop is closed)";

// --- callbacks ---

TEST_F(EventLoopTest, rule_43_runs_callbacks_in_order_and_what_they_schedule_in_the_next_iteration) {
  loop->call_soon([&] {
    trace.push_back("a");
    loop->call_soon(log("c"));
  });
  loop->call_soon(log("b"));
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("a", "b"));
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("a", "b", "c"));
}

TEST_F(EventLoopTest, keeps_arguments_by_value) {
  const auto append = [&](const std::string& first, int second) { trace.push_back(first + std::to_string(second)); };
  {
    std::string word = "x";
    loop->call_soon(append, word, 1);
    word = "changed";
  }
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("x1"));
}

TEST_F(EventLoopTest, rule_44_runs_what_is_due_after_what_was_ready_by_time_and_then_by_order) {
  const auto now = loop->time();
  loop->call_at(now + 2s, log("two"));
  loop->call_later(0s, log("zero"));
  loop->call_at(now - 1s, log("past"));
  loop->call_at(now + 1s, log("one, first"));
  loop->call_at(now + 1s, log("one, second"));
  loop->call_at(now + 1s, log("one, third"));
  loop->call_soon(log("soon"));
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("soon", "past", "zero"));
  trace.clear();
  loop->call_at(now + 2s, [&] { loop->stop(); });
  loop->run_forever();
  EXPECT_THAT(trace, ElementsAre("one, first", "one, second", "one, third", "two"));
  EXPECT_EQ(loop->time(), now + 2s);
}

TEST_F(EventLoopTest, takes_times_in_any_unit) {
  const auto start = loop->time();
  loop->call_at(start + 0.5s, [&] { trace.push_back("half a second"); });
  loop->call_at(std::chrono::time_point_cast<std::chrono::milliseconds>(start + 250ms),
                [&] { trace.push_back("a quarter"); });
  const Delay delay = Delay(1s) + 500ms - 0.25s;
  EXPECT_EQ(delay, Delay(1250ms));
  EXPECT_LT(Delay(1s), delay);
  EXPECT_GT(delay, 1200ms);
  loop->call_later(delay, [&] { loop->stop(); });
  loop->run_forever();
  EXPECT_THAT(trace, ElementsAre("a quarter", "half a second"));
}

TEST_F(EventLoopTest, does_not_wait_for_a_timer_that_was_cancelled) {
  const auto start = loop->time();
  loop->call_later(1h, log("never")).cancel();
  loop->run_until_complete(sleep(2s));
  EXPECT_EQ(loop->time(), start + 2s);
  loop->run_until_complete(sleep(2h));
  EXPECT_THAT(trace, IsEmpty());
}

TEST_F(EventLoopTest, runs_the_others_where_many_timers_are_cancelled) {
  std::vector<TimerHandle> handles;
  int ran = 0;
  for (int i = 0; i < 1000; ++i) handles.push_back(loop->call_later(i * 1ms, [&ran] { ++ran; }));
  for (int i = 0; i < 1000; ++i)
    if (i % 10 != 0) handles[static_cast<std::size_t>(i)].cancel();
  iterate(*loop);
  for (int i = 0; i < 500; ++i) handles[static_cast<std::size_t>(i)].cancel();  // again, or too late
  loop->run_until_complete(sleep(2s));
  EXPECT_EQ(ran, 51);  // the first one, and every tenth of the second half
}

// --- running ---

TEST_F(EventLoopTest, rule_46_completes_the_iteration_in_which_it_is_stopped) {
  loop->call_soon([&] {
    trace.push_back("a");
    loop->stop();
    loop->call_soon(log("next run"));
  });
  loop->call_soon(log("b"));
  loop->run_forever();
  EXPECT_THAT(trace, ElementsAre("a", "b"));
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("a", "b", "next run"));
}

TEST_F(EventLoopTest, stopped_before_it_runs_makes_one_iteration_without_waiting) {
  const auto start = loop->time();
  loop->call_later(1h, log("never"));
  iterate(*loop);
  EXPECT_EQ(loop->time(), start);
  EXPECT_THAT(trace, IsEmpty());
}

TEST_F(EventLoopTest, is_the_running_one_only_while_it_runs) {
  EXPECT_FALSE(loop->is_running());
  EXPECT_EQ(EventLoop::running(), nullptr);
  EXPECT_EQ(attempt([] { get_running_loop(); }), "RuntimeError(no running event loop)");
  loop->call_soon([&] {
    EXPECT_TRUE(loop->is_running());
    EXPECT_EQ(&get_running_loop(), loop.get());
  });
  iterate(*loop);
  EXPECT_FALSE(loop->is_running());
  EXPECT_EQ(EventLoop::running(), nullptr);
}

TEST_F(EventLoopTest, rule_53_runs_once_at_a_time_and_alone_in_its_thread) {
  auto other = make_loop();
  loop->call_soon([&] {
    trace.push_back(attempt([&] { loop->run_forever(); }));
    trace.push_back(attempt([&] { other->run_forever(); }));
    trace.push_back(attempt([&] { other->run_until_complete(sleep(0s)); }));
    EXPECT_EQ(&get_running_loop(), loop.get());
  });
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("RuntimeError(This event loop is already running)",
                                 "RuntimeError(Cannot run the event loop while another loop is running)",
                                 "RuntimeError(Cannot run the event loop while another loop is running)"));
}

TEST_F(EventLoopTest, rule_47_complains_where_it_is_stopped_before_the_future_is_done) {
  const Future<int> future = loop->create_future<int>();
  loop->call_soon([&] { loop->stop(); });
  EXPECT_EQ(attempt([&] { loop->run_until_complete(future); }),
            "RuntimeError(Event loop stopped before Future completed.)");
  // It has left no callback behind, which would stop a later run.
  future.set_result(1);
  loop->call_soon([&] { loop->call_soon(log("second iteration")); });
  loop->run_until_complete(sleep(1s));
  EXPECT_THAT(trace, ElementsAre("second iteration"));
}

TEST_F(EventLoopTest, runs_until_a_future_that_is_done_for_one_iteration) {
  const Future<int> future = loop->create_future<int>();
  future.set_result(7);
  loop->call_soon(log("a"));
  EXPECT_EQ(loop->run_until_complete(future), 7);
  EXPECT_THAT(trace, ElementsAre("a"));
  const Future<int> failed = loop->create_future<int>();
  failed.set_exception(ValueError("v"));
  EXPECT_EQ(attempt([&] { loop->run_until_complete(failed); }), "ValueError(v)");
}

TEST_F(EventLoopTest, says_so_where_nothing_can_ever_happen) {
  static_cast<ManualReactor&>(loop->reactor()).patience = 1ms;
  const Future<int> never = loop->create_future<int>();
  EXPECT_THAT(attempt([&] { loop->run_until_complete(never); }), HasSubstr("RuntimeError(deadlock"));
  EXPECT_FALSE(loop->is_running());
}

// --- closing ---

TEST_F(EventLoopTest, rule_52_takes_nothing_when_it_is_closed) {
  loop->close();
  loop->close();
  EXPECT_TRUE(loop->is_closed());
  EXPECT_EQ(attempt([&] { loop->call_soon([] {}); }), closed);
  EXPECT_EQ(attempt([&] { loop->call_later(1s, [] {}); }), closed);
  EXPECT_EQ(attempt([&] { loop->call_at(loop->time(), [] {}); }), closed);
  EXPECT_EQ(attempt([&] { loop->call_soon_threadsafe([] {}); }), closed);
  EXPECT_EQ(attempt([&] { loop->run_forever(); }), closed);
  EXPECT_EQ(attempt([&] { loop->run_until_complete(sleep(0s)); }), closed);
  const Future<int> future = loop->create_future<int>();
  EXPECT_EQ(attempt([&] { loop->run_until_complete(future); }), closed);
  EXPECT_EQ(attempt([&] { loop->add_reader(0, [] {}); }), closed);
  EXPECT_EQ(attempt([&] { loop->add_writer(1, [] {}); }), closed);
  EXPECT_FALSE(loop->remove_reader(0));
  EXPECT_FALSE(loop->remove_writer(1));
}

TEST_F(EventLoopTest, rule_52_cannot_be_closed_while_it_runs) {
  loop->call_soon([&] { trace.push_back(attempt([&] { loop->close(); })); });
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("RuntimeError(Cannot close a running event loop)"));
  EXPECT_FALSE(loop->is_closed());
}

TEST_F(EventLoopTest, drops_what_is_scheduled_when_it_is_closed) {
  int alive = 0;
  loop->call_soon([tracked = Tracked(alive)] { FAIL(); });
  loop->call_soon([tracked = Tracked(alive)] { FAIL(); }).cancel();
  loop->call_later(1s, [tracked = Tracked(alive)] { FAIL(); });
  loop->call_soon_threadsafe([tracked = Tracked(alive)] { FAIL(); });
  EXPECT_EQ(alive, 3);
  loop->close();
  EXPECT_EQ(alive, 0);
}

TEST_F(EventLoopTest, may_be_used_in_vain_by_what_is_dropped) {
  struct Late {
    ~Late() {
      if (trace != nullptr) trace->push_back(attempt([this] { loop.call_soon([] {}); }));
    }
    Late(EventLoop& own, Trace& log) : loop(own), trace(&log) {}
    Late(Late&& other) noexcept : loop(other.loop), trace(std::exchange(other.trace, nullptr)) {}
    EventLoop& loop;
    Trace* trace;
  };
  loop->call_soon([late = Late(*loop, trace)] {});
  loop->call_later(1s, [late = Late(*loop, trace)] {});
  loop->close();
  EXPECT_THAT(trace, ElementsAre(closed, closed));
}

// --- errors ---

TEST_F(EventLoopTest, rule_48_gives_the_exception_of_a_callback_to_the_handler_and_goes_on) {
  loop->call_soon([] { throw ValueError("bad"); });
  loop->call_soon([] { throw 7; });
  loop->call_soon(log("next"));
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("next"));
  ASSERT_EQ(reports.contexts().size(), 2U);
  EXPECT_THAT(reports.contexts()[0].message, HasSubstr("Exception in callback"));
  EXPECT_EQ(text(reports.contexts()[0].exception), "ValueError(bad)");
  EXPECT_THAT(reports.contexts()[0].keys(), ElementsAre("exception", "handle", "message"));
  EXPECT_THAT(reports.contexts()[0].handle, AllOf(HasSubstr("<Handle "), HasSubstr("TestBody()")));
}

TEST_F(EventLoopTest, rule_49_logs_the_exception_of_a_handler_and_goes_on) {
  loop->set_exception_handler([](EventLoop&, const ExceptionContext&) { throw RuntimeError("handler"); });
  loop->call_soon([] { throw ValueError("callback"); });
  loop->call_soon(log("alive"));
  EXPECT_THAT(said_by([&] { iterate(*loop); }),
              AllOf(HasSubstr("Unhandled error in exception handler"), HasSubstr("RuntimeError: handler"),
                    HasSubstr("context: Exception in callback"), HasSubstr("ValueError: callback")));
  EXPECT_THAT(trace, ElementsAre("alive"));
}

TEST_F(EventLoopTest, tells_the_handler_whatever_keys_it_is_given) {
  loop->call_exception_handler({.message = "broken", .more = {{"colour", "red"}, {"a", "b"}}});
  ASSERT_EQ(reports.contexts().size(), 1U);
  EXPECT_THAT(reports.contexts()[0].keys(), ElementsAre("a", "colour", "message"));
  EXPECT_EQ(to_string(reports.contexts()[0]), "broken\na: b\ncolour: red");
}

TEST_F(EventLoopTest, gives_the_handler_that_was_set_and_has_a_default_one_that_logs) {
  loop->set_exception_handler([&](EventLoop&, const ExceptionContext&) { trace.push_back("handled"); });
  ASSERT_TRUE(loop->get_exception_handler());
  loop->get_exception_handler()(*loop, {.message = "told"});
  EXPECT_THAT(trace, ElementsAre("handled"));
  loop->set_exception_handler({});
  EXPECT_FALSE(loop->get_exception_handler());
  const ExceptionContext context{.message = "something", .exception = std::make_exception_ptr(ValueError("bad"))};
  const auto logs = AllOf(HasSubstr("something"), HasSubstr("ValueError: bad"));
  EXPECT_THAT(said_by([&] { loop->call_exception_handler(context); }), logs);
  EXPECT_THAT(said_by([&] { loop->default_exception_handler(context); }), logs);
}

TEST_F(EventLoopTest, that_is_dropped_by_its_own_callback_ends_when_that_iteration_does) {
  int alive = 0;
  loop->call_soon([&] { loop = nullptr; });
  loop->call_soon(log("the same iteration"));
  loop->call_soon([&] { get_running_loop().call_soon([&, kept = Tracked(alive)] { trace.push_back("never"); }); });
  loop->run_forever();
  EXPECT_THAT(trace, ElementsAre("the same iteration"));
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(EventLoop::running(), nullptr);
}

TEST_F(EventLoopTest, that_is_run_by_steps_says_when_the_next_one_is_due_and_whether_it_was_stopped) {
  EXPECT_EQ(loop->due(), EventLoop::time_point::max());
  const auto when = loop->time() + std::chrono::hours(1);
  const auto timer = loop->call_at(when, [] {});
  EXPECT_EQ(loop->due(), when);
  loop->call_soon([] {});
  EXPECT_EQ(loop->due(), EventLoop::time_point::min());
  EXPECT_EQ(loop->step(), when);
  EXPECT_FALSE(loop->was_stopped());
  loop->call_soon([&] { loop->stop(); });
  EXPECT_EQ(loop->step(), when);
  EXPECT_TRUE(loop->was_stopped());
  loop->stop();  // before the step that it ends with
  EXPECT_EQ(loop->due(), EventLoop::time_point::min());
  loop->step();
  EXPECT_TRUE(loop->was_stopped());
  EXPECT_EQ(loop->step(), when);
  EXPECT_FALSE(loop->was_stopped());
  std::thread([&] { loop->call_soon_threadsafe([] {}); }).join();
  EXPECT_EQ(loop->due(), EventLoop::time_point::min());
  loop->close();
  EXPECT_EQ(loop->due(), EventLoop::time_point::max());
}

TEST_F(EventLoopTest, that_is_dropped_in_a_step_has_nothing_more_to_do) {
  EventLoop& raw = *loop;
  raw.call_soon([&] { loop = nullptr; });
  EXPECT_EQ(raw.step(), EventLoop::time_point::max());
}

TEST_F(EventLoopTest, that_is_dropped_by_its_own_task_leaves_that_unfinished) {
  const auto body = [](EventLoopPtr& own) -> Coroutine<> {
    own = nullptr;
    co_await sleep(0s);
  };
  EXPECT_EQ(attempt([&] { loop->run_until_complete(body(loop)); }),
            "RuntimeError(Event loop stopped before Future completed.)");
}

TEST_F(EventLoopTest, lets_the_handler_replace_itself_and_the_loop_be_stopped) {
  loop->set_exception_handler(
      [this, name = std::string("the first, too long for a small string")](EventLoop& own, const ExceptionContext&) {
        own.set_exception_handler([this](EventLoop&, const ExceptionContext&) { trace.push_back("second"); });
        own.stop();
        trace.push_back(name);
      });
  loop->call_soon([] { throw ValueError("one"); });
  loop->call_soon([] { throw ValueError("two"); });
  loop->run_forever();
  EXPECT_THAT(trace, ElementsAre("the first, too long for a small string", "second"));
}

TEST_F(EventLoopTest, rule_48_lets_a_KeyboardInterrupt_out_and_keeps_its_queue) {
  loop->call_soon(log("before"));
  loop->call_soon([&] {
    loop->call_soon(log("scheduled meanwhile"));
    throw KeyboardInterrupt();
  });
  loop->call_soon(log("after"));
  EXPECT_EQ(attempt([&] { loop->run_forever(); }), "KeyboardInterrupt()");
  EXPECT_FALSE(loop->is_running());
  EXPECT_THAT(trace, ElementsAre("before"));
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("before", "after", "scheduled meanwhile"));
  EXPECT_THAT(reports.messages(), IsEmpty());
}

TEST_F(EventLoopTest, goes_on_behind_what_an_interruption_left) {
  loop->call_soon([] { throw KeyboardInterrupt(); });
  loop->call_soon(log("left"));
  EXPECT_EQ(attempt([&] { loop->run_forever(); }), "KeyboardInterrupt()");
  loop->call_soon(log("scheduled later"));
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("left", "scheduled later"));
}

TEST_F(EventLoopTest, forgets_what_a_run_that_was_interrupted_waited_for) {
  loop->call_soon([] { throw SystemExit(3); });
  EXPECT_EQ(attempt([&] { loop->run_until_complete(sleep(100ms)); }), "SystemExit(3)");
  // Its end would stop this run.
  const auto start = loop->time();
  EXPECT_EQ(attempt([&] { loop->run_until_complete(sleep(200ms)); }), "None");
  EXPECT_EQ(loop->time() - start, 200ms);
}

TEST_F(EventLoopTest, lets_a_SystemExit_of_the_last_callback_out) {
  loop->call_soon([] { throw SystemExit(3); });
  EXPECT_EQ(attempt([&] { loop->run_forever(); }), "SystemExit(3)");
  loop->call_soon(log("after"));
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("after"));
}

// --- threads ---

TEST_F(EventLoopTest, takes_callbacks_from_other_threads_each_in_its_order) {
  constexpr int threads = 4;
  constexpr int calls = 1000;
  std::vector<int> next(threads, 0);
  int total = 0;
  bool in_order = true;
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t) {
    running.emplace_back([&, t] {
      for (int i = 0; i < calls; ++i) {
        loop->call_soon_threadsafe([&, t, i] {
          in_order = in_order && next[static_cast<std::size_t>(t)]++ == i;
          if (++total == threads * calls) loop->stop();
        });
      }
    });
  }
  loop->run_forever();
  for (std::thread& thread : running) thread.join();
  EXPECT_EQ(total, threads * calls);
  EXPECT_TRUE(in_order);
}

TEST_F(EventLoopTest, is_woken_by_another_thread) {
  std::thread other;
  loop->call_soon([&] { other = std::thread([&] { loop->call_soon_threadsafe([&] { loop->stop(); }); }); });
  loop->run_forever();
  other.join();
}

TEST_F(EventLoopTest, refuses_other_threads_in_debug_mode) {
  const std::string refused =
      "RuntimeError(Non-thread-safe operation invoked on an event loop other than the current one)";
  loop->set_debug(true);
  EXPECT_TRUE(loop->get_debug());
  loop->call_soon([&] {
    std::thread([&] {
      trace.push_back(attempt([&] { loop->call_soon([] {}); }));
      trace.push_back(attempt([&] { loop->call_later(1s, [] {}); }));
      loop->call_soon_threadsafe(log("threadsafe"));
    }).join();
    loop->call_soon(log("own thread"));
  });
  loop->run_until_complete(sleep(1s));
  EXPECT_THAT(trace, ElementsAre(refused, refused, "threadsafe", "own thread"));
  loop->set_debug(false);
  EXPECT_FALSE(loop->get_debug());
}

TEST_F(EventLoopTest, keeps_the_order_of_threadsafe_and_plain_calls_in_its_own_thread) {
  loop->call_soon([&] {
    loop->call_soon_threadsafe(log("first"));
    loop->call_soon(log("second"));
    loop->call_soon_threadsafe(log("third"));
    loop->call_soon([&] { loop->stop(); });
  });
  loop->run_forever();
  EXPECT_THAT(trace, ElementsAre("first", "second", "third"));
}

TEST_F(EventLoopTest, keeps_the_order_of_threadsafe_and_plain_calls_before_it_runs) {
  const auto body = [&]() -> Coroutine<> {
    trace.push_back("task");
    co_return;
  };
  loop->call_soon_threadsafe(log("threadsafe 1"));
  loop->call_soon(log("soon"));
  std::thread([&] { loop->call_soon_threadsafe(log("threadsafe 2")); }).join();
  loop->create_task(body());
  loop->call_soon_threadsafe(log("threadsafe 3"));
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("threadsafe 1", "soon", "threadsafe 2", "task", "threadsafe 3"));
}

TEST_F(EventLoopTest, refuses_to_run_a_future_of_another_loop) {
  const auto other = make_loop();
  const Future<> future = other->create_future();
  const std::string refused =
      "ValueError(The future belongs to a different loop than the one specified as the loop argument)";
  EXPECT_EQ(attempt([&] { loop->run_until_complete(future); }), refused);
  EXPECT_EQ(attempt([&] { ensure_future(future, *loop); }), refused);
  EXPECT_EQ(ensure_future(future, *other), future);
  EXPECT_EQ(ensure_future(future), future);
}

}  // namespace
}  // namespace segue::modern
