// Cancellations that are taken back, and what those see who cancel, ask for the reason, or end otherwise.
#include <chrono>
#include <exception>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/modern/tasks/outcome.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::attempt;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::iterate;
using testing::make_loop;
using ::testing::Not;
using testing::Reports;
using testing::text;

Coroutine<> sleep_for_ever() { co_await sleep(1h); }

TEST(Uncancel, in_a_handler_makes_the_task_as_if_it_had_never_been_asked) {
  auto loop = make_loop();
  const auto body = []() -> Coroutine<> {
    const Outcome<void> slept = co_await outcome(sleep(10s), with_cancellation);
    EXPECT_TRUE(holds<CancelledError>(slept.exception()));
    EXPECT_EQ(current_task()->uncancel(), 0);
    co_await sleep(10s);
  };
  const Task<> task = loop->create_task(body());
  EXPECT_EQ(task.cancelling(), 0);
  iterate(*loop);
  EXPECT_TRUE(task.cancel());
  EXPECT_THAT(task.repr(), HasSubstr(" cancelling "));
  EXPECT_EQ(task.cancelling(), 1);
  loop->run_until_complete(sleep(1s));
  EXPECT_THAT(task.repr(), Not(HasSubstr(" cancelling ")));
  EXPECT_EQ(task.cancelling(), 0);
  EXPECT_FALSE(task.done());
  EXPECT_TRUE(task.cancel());
  EXPECT_EQ(task.cancelling(), 1);
  EXPECT_EQ(attempt([&] { loop->run_until_complete(task); }), "CancelledError()");
  EXPECT_EQ(task.uncancel(), 0);
  EXPECT_TRUE(task.cancelled()) << "it is too late";
}

TEST(Uncancel, of_one_that_is_about_to_go_on_lets_it_go_on) {
  auto loop = make_loop();
  const Future<int> future = loop->create_future<int>();
  const auto body = [&]() -> Coroutine<int> { co_return co_await future; };
  const Task<int> task = loop->create_task(body());
  iterate(*loop);
  future.set_result(42);
  task.cancel();
  EXPECT_EQ(task.cancelling(), 1);
  EXPECT_EQ(task.uncancel(), 0);
  EXPECT_EQ(loop->run_until_complete(task), 42);
}

// What Timeout is made of, by hand.
Coroutine<std::string> request_with_time_limit(Delay duration, Delay limit) {
  const AnyTask task = *current_task();
  bool timed_out = false;
  TimerHandle timer = get_running_loop().call_later(limit, [&] {
    timed_out = true;
    task.cancel();
  });
  const Outcome<void> block = co_await outcome(sleep(duration), with_cancellation);
  timer.cancel();
  const bool ours = timed_out && task.uncancel() == 0 && holds<CancelledError>(block.exception());
  if (block.has_exception() && !ours) std::rethrow_exception(block.exception());
  co_await sleep(0s);  // not affected
  co_return ours ? "timed out" : "finished";
}

TEST(Uncancel, ends_a_block_that_cancels_its_own_task_and_nothing_else) {
  auto loop = make_loop();
  const Task<std::string> late = loop->create_task(request_with_time_limit(10s, 100ms));
  EXPECT_EQ(loop->run_until_complete(late), "timed out");
  EXPECT_EQ(late.cancelling(), 0);
  const Task<std::string> early = loop->create_task(request_with_time_limit(0s, 10s));
  EXPECT_EQ(loop->run_until_complete(early), "finished");
  EXPECT_EQ(early.cancelling(), 0);
  const Task<std::string> both = loop->create_task(request_with_time_limit(10s, 100ms));
  loop->call_later(100ms, [&] { both.cancel("from outside"); });
  EXPECT_EQ(attempt([&] { loop->run_until_complete(both); }), "CancelledError(from outside)");
}

TEST(CancelledTask, gives_its_message_to_whoever_asks_for_its_result_or_exception) {
  for (const bool started : {false, true}) {
    for (const bool ask_for_exception : {false, true}) {
      for (const std::optional<std::string>& message :
           {std::optional<std::string>(), std::optional<std::string>("my message")}) {
        auto loop = make_loop();
        const auto main = [&]() -> Coroutine<> {
          const Task<> task = create_task(sleep_for_ever());
          if (started) co_await sleep(0s);
          task.cancel(message);
          co_await wait(task);
          try {
            if (ask_for_exception) {
              task.exception();
            } else {
              task.result();
            }
            ADD_FAILURE();
          } catch (const CancelledError& error) {
            EXPECT_EQ(std::string(error.what()), message.value_or(""));
            EXPECT_FALSE(error.context());
            throw;
          }
        };
        EXPECT_EQ(attempt([&] { loop->run_until_complete(main()); }), "CancelledError(" + message.value_or("") + ")");
      }
    }
  }
}

TEST(CancelledTask, has_the_message_of_whoever_came_last_before_it_is_delivered) {
  auto loop = make_loop();
  const Task<> task = loop->create_task(sleep_for_ever());
  EXPECT_EQ(task.state()->cancel_message(), std::nullopt);
  task.cancel("my message");
  EXPECT_EQ(task.state()->cancel_message(), "my message");
  task.state()->set_cancel_message("my new message");
  EXPECT_EQ(attempt([&] { loop->run_until_complete(task); }), "CancelledError(my new message)");
}

TEST(CancelledTask, is_the_context_of_what_its_waiter_makes_of_it) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const Task<> inner = create_task(sleep_for_ever());
    co_await sleep(0s);
    get_running_loop().call_soon([&] { inner.cancel("msg"); });
    try {
      co_await inner;
    } catch (const CancelledError&) {
      throw ValueError("cancelled");
    }
  };
  try {
    loop->run_until_complete(main());
    FAIL();
  } catch (const ValueError& error) {
    EXPECT_STREQ(error.what(), "cancelled");
    EXPECT_EQ(text(error.context()), "CancelledError(msg)");
  }
}

TEST(CancelledTask, may_be_cancelled_together_with_what_it_waits_for) {
  auto loop = make_loop();
  const Future<int> future = loop->create_future<int>();
  const auto body = [&]() -> Coroutine<int> { co_return co_await future; };
  const Task<int> task = loop->create_task(body());
  iterate(*loop);
  future.cancel();
  task.cancel();
  EXPECT_EQ(attempt([&] { return loop->run_until_complete(task); }), "CancelledError()");
  EXPECT_TRUE(future.cancelled());
  EXPECT_TRUE(task.cancelled());
}

TEST(CancelledTask, that_ends_the_program_instead_keeps_that) {
  auto loop = make_loop();
  const auto body = []() -> Coroutine<> {
    try {
      co_await sleep_for_ever();
    } catch (const CancelledError&) {
      throw SystemExit(3);
    }
  };
  const Task<> task = loop->create_task(body());
  iterate(*loop);
  task.cancel();
  EXPECT_FALSE(task.done());
  EXPECT_EQ(attempt([&] { iterate(*loop); }), "SystemExit(3)");
  EXPECT_TRUE(task.done());
  EXPECT_FALSE(task.cancelled());
  EXPECT_EQ(text(task.exception()), "SystemExit(3)");
}

TEST(CancelledTask, that_had_failed_before_or_is_marked_as_heard_is_not_reported) {
  auto loop = make_loop();
  Reports reports{*loop};
  const auto fail = []() -> Coroutine<> {
    throw ValueError("unheard");
    co_return;
  };
  {
    const Task<> cancelled = loop->create_task(fail());
    const Task<> marked = loop->create_task(fail());
    const Future<> future = loop->create_future();
    future.set_exception(ValueError("unheard"));
    iterate(*loop);
    EXPECT_FALSE(cancelled.cancel());
    EXPECT_FALSE(future.cancel());
    marked.state()->mark_retrieved();
  }
  EXPECT_THAT(reports.messages(), IsEmpty());
}

}  // namespace
}  // namespace segue::modern
