#include <segue/modern/tasks/outcome.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::attempt;
using testing::iterate;
using testing::make_loop;
using testing::Reports;
using testing::text;

Coroutine<int> give_number(int value) {
  co_await sleep(1s);
  co_return value;
}
Coroutine<int> fail_to_give() {
  co_await sleep(1s);
  throw ValueError("bad");
}

TEST(OutcomeOf, an_awaitable_is_its_value_or_its_exception) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    Outcome<int> value = co_await outcome(give_number(3));
    EXPECT_EQ(value.take(), 3);
    const Outcome<int> error = co_await outcome(fail_to_give());
    EXPECT_EQ(text(error.exception()), "ValueError(bad)");
    const Outcome<void> nothing = co_await outcome(sleep(1s));
    EXPECT_TRUE(nothing.has_value());
    auto moved = []() -> Coroutine<std::unique_ptr<int>> { co_return std::make_unique<int>(5); };
    Outcome<std::unique_ptr<int>> pointer = co_await outcome(moved());
    EXPECT_EQ(*pointer.stored(), 5);
  };
  loop->run_until_complete(main());
}

TEST(OutcomeOf, a_cancelled_one_is_no_value_but_where_it_is_asked_for) {
  auto loop = make_loop();
  bool asked = false;
  const auto main = [&]() -> Coroutine<std::string> {
    if (asked) {
      const Outcome<int> ended = co_await outcome(give_number(1), with_cancellation);
      EXPECT_EQ(current_task()->cancelling(), 1);
      co_await sleep(1s);  // it was taken: the task goes on
      co_return text(ended.exception());
    }
    const Outcome<int> ended = co_await outcome(give_number(1));
    co_return text(ended.exception());
  };
  auto task = loop->create_task(main());
  iterate(*loop);
  task.cancel("enough");
  EXPECT_EQ(attempt([&] { loop->run_until_complete(task); }), "CancelledError(enough)");
  asked = true;
  task = loop->create_task(main());
  iterate(*loop);
  task.cancel("enough");
  EXPECT_EQ(loop->run_until_complete(task), "CancelledError(enough)");
}

TEST(OutcomeOf, what_ends_the_program_is_thrown) {
  auto loop = make_loop();
  const auto exits = []() -> Coroutine<> {
    throw SystemExit(3);
    co_return;
  };
  const auto main = [&]() -> Coroutine<> { co_await outcome(exits(), with_cancellation); };
  EXPECT_THROW(loop->run_until_complete(main()), SystemExit);
}

TEST(OutcomeOfAFuture, is_empty_while_it_is_pending_and_a_copy_then) {
  auto loop = make_loop();
  const Future<std::string> future = loop->create_future<std::string>();
  EXPECT_TRUE(future.outcome().empty());
  future.set_result("done");
  EXPECT_EQ(future.outcome().take(), "done");
  EXPECT_EQ(future.outcome().take(), "done");
  const Future<> cancelled = loop->create_future();
  cancelled.cancel("why");
  EXPECT_EQ(text(cancelled.outcome().exception()), "CancelledError(why)");
}

TEST(OutcomeOfAFuture, does_not_count_as_asking_for_its_exception) {
  auto loop = make_loop();
  const Reports reports(*loop);
  {
    const Future<int> future = loop->create_future<int>();
    future.set_exception(ValueError("bad"));
    EXPECT_EQ(text(future.outcome().exception()), "ValueError(bad)");
  }
  EXPECT_EQ(reports.messages().size(), 1U);
}

TEST(OutcomeOfAFuture, can_be_set) {
  auto loop = make_loop();
  Outcome<int> outcome;
  const Future<int> future = loop->create_future<int>();
  EXPECT_EQ(attempt([&] { future.set_outcome(outcome); }),
            "ValueError(set_outcome() takes a value or an exception, not an empty outcome)");
  outcome.set_value(4);
  future.set_outcome(outcome);
  EXPECT_EQ(future.result(), 4);
  outcome.set_exception(std::make_exception_ptr(ValueError("bad")));
  EXPECT_THROW(future.set_outcome(outcome), InvalidStateError);
  const Future<int> failed = loop->create_future<int>();
  failed.set_outcome(outcome);
  EXPECT_EQ(text(failed.exception()), "ValueError(bad)");
  const Future<> nothing = loop->create_future();
  Outcome<void> done;
  done.set_value();
  nothing.set_outcome(done);
  EXPECT_TRUE(nothing.done());
}

}  // namespace
}  // namespace segue::modern
