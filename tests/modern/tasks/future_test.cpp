#include <segue/modern/tasks/future.hpp>

#include <any>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/yield.hpp>

#include "modern/attempt.hpp"

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
using testing::text;
using testing::Trace;
using testing::Tracked;

class FutureTest : public ::testing::Test {
 protected:
  EventLoopPtr loop = make_loop();
  Reports reports{*loop};
  Future<int> future = loop->create_future<int>();
};

// --- states ---

TEST_F(FutureTest, has_neither_result_nor_exception_while_pending) {
  EXPECT_FALSE(future.done());
  EXPECT_FALSE(future.cancelled());
  EXPECT_EQ(attempt([&] { return future.result(); }), "InvalidStateError(Result is not set.)");
  EXPECT_EQ(attempt([&] { future.exception(); }), "InvalidStateError(Exception is not set.)");
}

TEST_F(FutureTest, keeps_its_result) {
  future.set_result(7);
  EXPECT_TRUE(future.done());
  EXPECT_FALSE(future.cancelled());
  EXPECT_EQ(future.result(), 7);
  EXPECT_EQ(future.result(), 7);
  EXPECT_EQ(future.exception(), nullptr);
}

TEST_F(FutureTest, keeps_its_exception) {
  const auto error = std::make_exception_ptr(ValueError("v"));
  future.set_exception(error);
  EXPECT_TRUE(future.done());
  EXPECT_FALSE(future.cancelled());
  EXPECT_EQ(future.exception(), error);
  EXPECT_EQ(attempt([&] { return future.result(); }), "ValueError(v)");
  EXPECT_EQ(attempt([&] { return future.result(); }), "ValueError(v)");
}

TEST_F(FutureTest, keeps_the_class_of_an_exception_that_a_handler_knows_by_its_base) {
  try {
    throw std::out_of_range("far");
  } catch (const std::exception& error) {
    future.set_exception(error);
  }
  EXPECT_TRUE(holds<std::out_of_range>(future.exception()));

  const auto of_python = loop->create_future<int>();
  try {
    throw ValueError("v");
  } catch (BaseException& error) {
    of_python.set_exception(error);
  }
  EXPECT_EQ(attempt([&] { return of_python.result(); }), "ValueError(v)");
}

TEST_F(FutureTest, refuses_an_exception_that_a_copy_would_cut_down) {
  const ValueError kept("v");
  const Exception& known = kept;
  const std::string refused = "TypeError(set_exception() got a ValueError as a Exception: give it an exception_ptr)";
  EXPECT_EQ(attempt([&] { future.set_exception(known); }), refused);
  EXPECT_THAT(attempt([&] { future.set_exception(nullptr); }), HasSubstr("TypeError("));
  try {
    throw ValueError("another");
  } catch (const Exception&) {
    EXPECT_EQ(attempt([&] { future.set_exception(known); }), refused);
  }
  EXPECT_FALSE(future.done());
}

TEST_F(FutureTest, is_completed_once) {
  const std::string refused = "InvalidStateError(invalid state)";
  future.set_result(7);
  EXPECT_EQ(attempt([&] { future.set_result(8); }), refused);
  EXPECT_EQ(attempt([&] { future.set_exception(ValueError("v")); }), refused);
  EXPECT_FALSE(future.cancel());
  EXPECT_EQ(future.result(), 7);

  const auto failed = loop->create_future<int>();
  failed.set_exception(ValueError("v"));
  EXPECT_EQ(attempt([&] { failed.set_result(8); }), refused);
  EXPECT_FALSE(failed.cancel());

  const auto cancelled = loop->create_future<int>();
  EXPECT_TRUE(cancelled.cancel());
  EXPECT_EQ(attempt([&] { cancelled.set_result(8); }), refused);
  EXPECT_EQ(attempt([&] { cancelled.set_exception(ValueError("v")); }), refused);
  EXPECT_FALSE(cancelled.cancel());
  EXPECT_TRUE(cancelled.cancelled());
}

TEST_F(FutureTest, that_was_cancelled_throws_so_with_the_message) {
  future.cancel("why");
  EXPECT_TRUE(future.done());
  EXPECT_TRUE(future.cancelled());
  EXPECT_EQ(attempt([&] { return future.result(); }), "CancelledError(why)");
  EXPECT_EQ(attempt([&] { future.exception(); }), "CancelledError(why)");
  const auto silent = loop->create_future<int>();
  silent.cancel();
  try {
    silent.result();
    FAIL();
  } catch (const CancelledError& error) {
    EXPECT_EQ(error.message(), std::nullopt);
  }
}

TEST_F(FutureTest, rule_58_does_not_take_a_StopIteration_as_it_is) {  // as CPython from 3.13 on
  const auto stop = std::make_exception_ptr(StopIteration<int>(1));
  future.set_exception(stop);
  try {
    future.result();
    FAIL();
  } catch (const RuntimeError& error) {
    EXPECT_STREQ(error.what(), "StopIteration interacts badly with generators and cannot be raised into a Future");
    EXPECT_EQ(error.cause(), stop);
  }
}

TEST_F(FutureTest, does_not_take_what_derives_from_StopIteration_either) {
  struct Derived : StopIteration<int> {
    using StopIteration<int>::StopIteration;
  };
  future.set_exception(Derived(1));
  EXPECT_THROW(future.result(), RuntimeError);
}

TEST_F(FutureTest, shows_its_message_and_takes_another_one) {
  EXPECT_EQ(future.state()->cancel_message(), std::nullopt);
  future.cancel("my message");
  EXPECT_EQ(future.state()->cancel_message(), "my message");
  future.state()->set_cancel_message("my new message");
  EXPECT_EQ(attempt([&] { return loop->run_until_complete(future); }), "CancelledError(my new message)");
  EXPECT_EQ(future.state()->cancel_message(), "my new message");
}

TEST_F(FutureTest, knows_its_loop) {
  EXPECT_EQ(&future.get_loop(), loop.get());
  EXPECT_EQ(attempt([] { get_running_loop().create_future<int>(); }), "RuntimeError(no running event loop)");
}

TEST_F(FutureTest, does_not_take_a_null_exception) {
  EXPECT_THAT(attempt([&] { future.set_exception(std::exception_ptr()); }), HasSubstr("TypeError("));
  EXPECT_FALSE(future.done());
}

TEST_F(FutureTest, may_hold_nothing_a_reference_or_what_cannot_be_copied) {
  const auto nothing = loop->create_future();
  nothing.set_result();
  EXPECT_EQ(attempt([&] { nothing.result(); }), "None");

  int value = 1;
  const auto reference = loop->create_future<int&>();
  reference.set_result(value);
  EXPECT_EQ(&reference.result(), &value);

  const auto unique = loop->create_future<std::unique_ptr<int>>();
  unique.set_result(std::make_unique<int>(3));
  EXPECT_EQ(*unique.result(), 3);
  const auto main = [](Future<std::unique_ptr<int>> given) -> Coroutine<int> {
    const std::unique_ptr<int> taken = co_await given;
    co_return *taken;
  };
  EXPECT_EQ(loop->run_until_complete(main(unique)), 3);
}

// --- exceptions that nobody retrieves ---

TEST_F(FutureTest, rule_50_reports_an_exception_that_was_never_retrieved_once) {
  const auto lose = [&] {
    const auto failed = loop->create_future<int>();
    failed.set_exception(ValueError("lost"));
    const auto copy = failed;
  };
  lose();
  ASSERT_THAT(reports.messages(), ElementsAre("Future exception was never retrieved"));
  EXPECT_EQ(text(reports.contexts()[0].exception), "ValueError(lost)");
  EXPECT_THAT(reports.contexts()[0].keys(), ElementsAre("exception", "future", "message"));
  loop->set_debug(true);
  lose();
  EXPECT_EQ(reports.messages().back(), "Future exception was never retrieved");
  EXPECT_EQ(reports.messages().size(), 2U);
}

TEST_F(FutureTest, rule_50_is_silent_about_an_exception_that_was_retrieved_in_any_way) {
  {
    const auto by_result = loop->create_future<int>();
    by_result.set_exception(ValueError("v"));
    EXPECT_THROW(by_result.result(), ValueError);
    const auto by_exception = loop->create_future<int>();
    by_exception.set_exception(ValueError("v"));
    EXPECT_NE(by_exception.exception(), nullptr);
    const auto by_await = loop->create_future<int>();
    const auto wait = [](Future<int> failed) -> Coroutine<int> { co_return co_await failed; };
    const auto waiting = loop->create_task(wait(by_await));
    iterate(*loop);
    by_await.set_exception(ValueError("v"));
    iterate(*loop);
    EXPECT_THROW(waiting.result(), ValueError);
    // cancel() looks at it, too, though it is too late.
    const auto by_cancel = loop->create_future<int>();
    by_cancel.set_exception(ValueError("v"));
    EXPECT_FALSE(by_cancel.cancel());
    const auto cancelled = loop->create_future<int>();
    cancelled.cancel();
    const auto pending = loop->create_future<int>();
    const auto unretrieved = loop->create_future<int>();
    unretrieved.set_result(42);
  }
  EXPECT_THAT(reports.messages(), IsEmpty());
}

TEST_F(FutureTest, survives_a_handler_that_throws_at_the_report) {
  loop->set_exception_handler([](EventLoop&, const ExceptionContext&) { throw KeyboardInterrupt(); });
  ::testing::internal::CaptureStderr();
  {
    const auto failed = loop->create_future<int>();
    failed.set_exception(ValueError("lost"));
  }
  EXPECT_NE(::testing::internal::GetCapturedStderr(), "");
}

// --- done callbacks ---

TEST_F(FutureTest, rule_56_calls_its_callbacks_in_order_and_never_inline) {
  Trace trace;
  const auto log = [&trace](const char* name) {
    return [&trace, name](const Future<int>& done) { trace.push_back(name + std::to_string(done.result())); };
  };
  future.add_done_callback(log("a"));
  future.add_done_callback(log("b"));
  loop->call_soon([&] { trace.push_back("before"); });
  future.set_result(1);
  loop->call_soon([&] { trace.push_back("after"); });
  future.add_done_callback(log("late"));
  EXPECT_THAT(trace, IsEmpty());
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("before", "a1", "b1", "after", "late1"));
}

TEST_F(FutureTest, that_is_done_calls_a_callback_in_the_next_iteration) {
  Trace trace;
  future.set_result(1);
  loop->call_soon([&] {
    future.add_done_callback([&trace](const Future<int>&) { trace.push_back("called"); });
    trace.push_back("added");
  });
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("added"));
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("added", "called"));
}

TEST_F(FutureTest, calls_its_callbacks_when_it_fails_or_is_cancelled_too) {
  int called = 0;
  future.add_done_callback([&called](const Future<int>& done) { called += done.cancelled() ? 1 : 0; });
  const auto failed = loop->create_future<int>();
  failed.add_done_callback([&called](const Future<int>& done) { called += done.exception() ? 10 : 0; });
  future.cancel();
  failed.set_exception(ValueError("v"));
  iterate(*loop);
  EXPECT_EQ(called, 11);
}

TEST_F(FutureTest, rule_56_calls_the_other_callbacks_where_one_throws) {
  int called = 0;
  future.add_done_callback([](const Future<int>&) { throw ValueError("callback"); });
  future.add_done_callback([&called](const Future<int>&) { ++called; });
  future.set_result(1);
  iterate(*loop);
  EXPECT_EQ(called, 1);
  EXPECT_THAT(reports.messages(), ElementsAre(HasSubstr("Exception in callback")));
}

TEST_F(FutureTest, rule_57_removes_all_equal_callbacks_and_says_how_many) {
  int called = 0;
  const DoneCallback<Future<int>> twice = [&called](const Future<int>&) { ++called; };
  const DoneCallback<Future<int>> never = [&called](const Future<int>&) { called += 100; };
  future.add_done_callback(twice);
  const auto once = future.add_done_callback([&called](const Future<int>&) { called += 10; });
  future.add_done_callback(twice);
  EXPECT_EQ(future.remove_done_callback(never), 0U);
  EXPECT_EQ(future.remove_done_callback(twice), 2U);
  EXPECT_EQ(future.remove_done_callback(twice), 0U);
  future.set_result(1);
  EXPECT_EQ(future.remove_done_callback(once), 0U) << "it is scheduled already";
  iterate(*loop);
  EXPECT_EQ(called, 10);
}

TEST_F(FutureTest, keeps_the_order_of_callbacks_where_the_first_one_is_removed) {
  Trace trace;
  const auto log = [&trace](const char* name) {
    return DoneCallback<Future<int>>([&trace, name](const Future<int>&) { trace.push_back(name); });
  };
  const auto first = future.add_done_callback(log("first"));
  future.add_done_callback(log("second"));
  future.add_done_callback(log("third"));
  EXPECT_EQ(future.remove_done_callback(first), 1U);
  future.add_done_callback(log("fourth"));
  future.set_result(1);
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("second", "third", "fourth"));
}

TEST_F(FutureTest, frees_callbacks_that_are_never_called) {
  int alive = 0;
  {
    const auto forgotten = loop->create_future<int>();
    forgotten.add_done_callback([tracked = Tracked(alive)](const Future<int>&) {});
    forgotten.add_done_callback([tracked = Tracked(alive)](const Future<int>&) {});
    EXPECT_EQ(alive, 2);
  }
  EXPECT_EQ(alive, 0);
  future.add_done_callback([tracked = Tracked(alive)](const Future<int>&) {});
  future.set_result(1);
  loop->close();
  EXPECT_EQ(alive, 0);
}

TEST_F(FutureTest, may_be_completed_and_awaited_by_its_own_callback) {
  const auto next = loop->create_future<int>();
  future.add_done_callback([&](const Future<int>& done) {
    EXPECT_EQ(attempt([&] { done.set_result(2); }), "InvalidStateError(invalid state)");
    done.add_done_callback([&](const Future<int>&) { next.set_result(3); });
  });
  future.set_result(1);
  EXPECT_EQ(loop->run_until_complete(next), 3);
}

// --- waiting ---

TEST_F(FutureTest, that_is_done_is_awaited_without_a_switch) {
  future.set_result(7);
  const auto main = [&]() -> Coroutine<int> {
    bool ran = false;
    get_running_loop().call_soon([&ran] { ran = true; });
    const int result = co_await future;
    EXPECT_FALSE(ran);
    co_await sleep(0s);
    co_return result;
  };
  EXPECT_EQ(loop->run_until_complete(main()), 7);
}

TEST_F(FutureTest, is_given_to_who_steps_its_waiter_only_until_it_is_done) {
  const auto pair = loop->create_future<std::pair<int, int>>();
  const auto body = [&]() -> Coroutine<std::pair<int, int>> {
    const auto first = co_await pair;
    co_await yield_(first.first);
    const auto second = co_await pair;  // without a step
    co_return second;
  };
  auto coroutine = body();
  EXPECT_EQ(coroutine.send().future, pair.state().get());
  pair.set_result(std::pair(1, 2));
  EXPECT_EQ(std::any_cast<int>(*coroutine.send().value), 1);
  try {
    coroutine.send();
    FAIL();
  } catch (const StopIteration<std::pair<int, int>>& stop) {
    EXPECT_EQ(stop.value, std::make_pair(1, 2));
  }
}

TEST_F(FutureTest, rule_59_gives_each_waiter_the_same_exception) {
  const auto error = std::make_exception_ptr(ValueError("same"));
  const auto wait = [&]() -> Coroutine<std::exception_ptr> {
    try {
      co_await future;
    } catch (...) {
      co_return std::current_exception();
    }
    co_return nullptr;
  };
  const auto first = loop->create_task(wait());
  const auto second = loop->create_task(wait());
  iterate(*loop);
  future.set_exception(error);
  iterate(*loop);
  EXPECT_EQ(first.result(), error);
  EXPECT_EQ(second.result(), error);
}

TEST_F(FutureTest, wakes_tasks_and_callbacks_in_the_order_in_which_they_came) {
  Trace trace;
  const auto wait = [&](std::string name) -> Coroutine<> {
    co_await future;
    trace.push_back(name);
  };
  loop->create_task(wait("task 1"));
  loop->call_soon([&] { future.add_done_callback([&](const Future<int>&) { trace.push_back("callback"); }); });
  loop->create_task(wait("task 2"));
  iterate(*loop);
  future.set_result(1);
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("task 1", "callback", "task 2"));
}

TEST_F(FutureTest, outlives_its_loop_but_calls_nobody_then) {
  future.add_done_callback([](const Future<int>&) { FAIL(); });
  loop.reset();
  EXPECT_EQ(attempt([&] { future.set_result(1); }), "RuntimeError(Event loop is closed)");
  EXPECT_TRUE(future.done());
  EXPECT_EQ(attempt([&] { future.add_done_callback([](const Future<int>&) {}); }),
            "RuntimeError(Event loop is closed)");
}

TEST_F(FutureTest, cannot_be_awaited_outside_of_a_coroutine_that_somebody_drives) {
  auto awaiter = future.operator co_await();
  EXPECT_FALSE(awaiter.await_ready());
  EXPECT_EQ(attempt([&] { awaiter.await_suspend(std::noop_coroutine()); }),
            "RuntimeError(await outside of a coroutine that a task or send() drives: await it in a Coroutine)");
}

TEST(IsFuture, tells_futures_and_tasks_from_the_rest) {
  static_assert(isfuture(1) == false);
  auto loop = make_loop();
  EXPECT_TRUE(isfuture(loop->create_future()));
}

}  // namespace
}  // namespace segue::modern
