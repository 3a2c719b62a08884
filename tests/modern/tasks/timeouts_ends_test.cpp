// How blocks with a time limit end: what each phase allows, where its deadline is, and what its errors come of.
#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/exception_groups.hpp>
#include <segue/modern/tasks/finally.hpp>
#include <segue/modern/tasks/outcome.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/taskgroups.hpp>
#include <segue/modern/tasks/timeouts.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::attempt;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::make_loop;
using testing::text;

/// The types of an error, of its context, of that one's context …
std::vector<std::string> history(std::exception_ptr error) {
  std::vector<std::string> types;
  while (error) {
    types.push_back(describe(error).type);
    try {
      std::rethrow_exception(error);
    } catch (const BaseException& known) {
      error = known.context();
    }
  }
  return types;
}

/// A handler that fails in turn.
Coroutine<> sleep_and_fail(bool twice) {
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    if (!twice) throw ValueError("own");
    try {
      throw KeyError("first");
    } catch (const KeyError&) {
      throw ValueError("own");
    }
  }
}

TEST(TimeoutEnd, comes_at_its_deadline_if_the_body_still_waits_then) {
  struct {
    std::optional<Delay> delay;
    std::chrono::milliseconds sleeps;
    bool expires;
  } const cases[] = {{10ms, 10'000ms, true}, {10'000ms, 10ms, false}, {std::nullopt, 10ms, false},
                     {0s, 10'000ms, true},   {0s, 0ms, true},         {-11s, 0ms, true}};
  for (const auto& each : cases) {
    for (const bool at : {false, true}) {
      auto loop = make_loop();
      loop->run_until_complete(sleep(60s));
      const auto main = [&]() -> Coroutine<> {
        const std::optional<Delay> delay = each.delay;
        const auto start = loop->time();
        std::optional<Deadline> deadline;
        if (delay) deadline = start + delay->value();
        const Timeout limit = at ? timeout_at(deadline) : timeout(delay);
        const auto body = [&]() -> Coroutine<> { co_await sleep(each.sleeps); };
        const Outcome<void> ended = co_await outcome(async_with(limit, body));
        EXPECT_EQ(holds<TimeoutError>(ended.exception()), each.expires);
        EXPECT_EQ(limit.expired(), each.expires);
        EXPECT_EQ(current_task()->cancelling(), 0);
        EXPECT_EQ(limit.when().has_value(), delay.has_value());
        if (limit.when()) {
          EXPECT_EQ(*limit.when() - start, delay->value());
        }
        co_await sleep(0s);
      };
      loop->run_until_complete(main());
    }
  }
}

TEST(TimeoutEnd, is_that_of_the_body_where_this_fails_first) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const Timeout limit = timeout(10ms);
    const auto fails = []() -> Coroutine<> {
      throw KeyError("k");
      co_return;
    };
    const Outcome<void> ended = co_await outcome(async_with(limit, fails));
    EXPECT_THAT(history(ended.exception()), ElementsAre("KeyError"));
    EXPECT_FALSE(limit.expired());
    const Timeout other = timeout(10s);
    const auto cancels_itself = []() -> Coroutine<> {
      current_task()->cancel();
      co_await sleep(10s);
    };
    const Outcome<void> cancelled = co_await outcome(async_with(other, cancels_itself), with_cancellation);
    EXPECT_THAT(history(cancelled.exception()), ElementsAre("CancelledError"));
    EXPECT_FALSE(other.expired());
  };
  loop->run_until_complete(main());
}

TEST(TimeoutEnd, is_in_the_history_of_what_a_handler_raises) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const auto fails = [](Timeout&) { return sleep_and_fail(false); };
    const Outcome<void> once = co_await outcome(async_with(timeout(10ms), fails));
    EXPECT_THAT(history(once.exception()), ElementsAre("ValueError", "TimeoutError", "CancelledError"));
    const auto fails_twice = [](Timeout&) { return sleep_and_fail(true); };
    const Outcome<void> twice = co_await outcome(async_with(timeout(10ms), fails_twice));
    EXPECT_THAT(history(twice.exception()), ElementsAre("ValueError", "KeyError", "TimeoutError", "CancelledError"));
  };
  loop->run_until_complete(main());
}

TEST(TimeoutEnd, is_in_the_history_of_the_group_that_fails_and_of_its_members) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const auto fails = []() -> Coroutine<> {
      throw KeyError("body");
      co_return;
    };
    const auto group_body = [&](TaskGroup& group) -> Coroutine<> {
      group.create_task(sleep_and_fail(false));
      co_await finally_(fails, [] { return sleep(1s); });
    };
    const auto body = [&]() -> Coroutine<> { co_await async_with(TaskGroup(), group_body); };
    const Outcome<void> ended = co_await outcome(async_with(timeout(10ms), body));
    EXPECT_THAT(history(ended.exception()),
                ElementsAre("ExceptionGroup", "TimeoutError", "CancelledError", "KeyError"));
    try {
      std::rethrow_exception(ended.exception());
    } catch (const ExceptionGroup& group) {
      EXPECT_EQ(group.exceptions().size(), 1U);
      EXPECT_THAT(history(group.exceptions().front()), ElementsAre("ValueError", "TimeoutError", "CancelledError"));
    }
  };
  loop->run_until_complete(main());
}

TEST(TimeoutEnd, of_a_limit_within_the_clean_up_of_another_is_its_own) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    std::exception_ptr inner_error;
    const auto long_sleep = []() -> Coroutine<> { co_await sleep(10s); };
    const auto body = [&]() -> Coroutine<> {
      const Outcome<void> slept = co_await outcome(sleep(1s), with_cancellation);
      const Outcome<void> cleaned_up = co_await outcome(async_with(timeout(10ms), long_sleep));
      inner_error = cleaned_up.exception();
      std::rethrow_exception(slept.exception());
    };
    const Outcome<void> ended = co_await outcome(async_with(timeout(10ms), body));
    EXPECT_THAT(history(inner_error), ElementsAre("TimeoutError", "CancelledError"));
    EXPECT_THAT(history(ended.exception()), ElementsAre("TimeoutError", "CancelledError"));
  };
  loop->run_until_complete(main());
}

TEST(TimeoutEnd, is_no_other_in_a_task_that_was_cancelled_before) {
  for (const bool cancelled_again : {false, true}) {
    auto loop = make_loop();
    const auto main = [cancelled_again]() -> Coroutine<> {
      current_task()->cancel();
      co_await outcome(sleep(1s), with_cancellation);
      const auto body = [cancelled_again]() -> Coroutine<> {
        if (cancelled_again) current_task()->cancel();
        co_await sleep(2s);
      };
      const Outcome<void> ended =
          co_await outcome(async_with(timeout(cancelled_again ? 1s : 0s), body), with_cancellation);
      EXPECT_EQ(describe(ended.exception()).type, cancelled_again ? "CancelledError" : "TimeoutError");
      EXPECT_EQ(current_task()->cancelling(), cancelled_again ? 2 : 1);
    };
    loop->run_until_complete(main());
  }
}

TEST(TimeoutEnd, may_be_put_off_from_outside_and_taken_away) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    EventLoop& running = get_running_loop();
    const auto first = running.time() + 10s;
    const Timeout limit = timeout_at(first);
    const auto body = []() -> Coroutine<> { co_await sleep(50s); };
    const auto task = create_task(async_with(limit, body));
    co_await sleep(0s);
    EXPECT_EQ(limit.when(), first);
    limit.reschedule(first + 20s);
    EXPECT_EQ(limit.when(), first + 20s);
    co_await sleep(25s);
    EXPECT_FALSE(task.done());
    limit.reschedule(std::nullopt);
    EXPECT_EQ(limit.when(), std::nullopt);
    co_await sleep(20s);
    EXPECT_FALSE(task.done());
    task.cancel();
    const Outcome<void> ended = co_await outcome(task, with_cancellation);
    EXPECT_TRUE(holds<CancelledError>(ended.exception()));
    EXPECT_FALSE(limit.expired());
  };
  loop->run_until_complete(main());
}

TEST(TimeoutEnd, cannot_be_put_off_before_the_block_nor_when_it_has_come) {
  auto loop = make_loop();
  const auto reschedule = [&](const Timeout& limit) { return attempt([&] { limit.reschedule(loop->time() + 20ms); }); };
  const auto again = [](const Timeout& limit) -> Coroutine<std::string> {
    const auto nothing = []() -> Coroutine<> { co_return; };
    const Outcome<void> refused = co_await outcome(async_with(limit, nothing));
    co_return text(refused.exception());
  };
  loop->call_soon([&] {
    const Timeout lost = timeout(10ms);
    EXPECT_EQ(attempt([&] { lost.aenter(); }), "RuntimeError(Timeout should be used inside a task)");
    EXPECT_EQ(reschedule(lost), "RuntimeError(Timeout has not been entered)");
  });
  testing::iterate(*loop);
  const auto main = [&]() -> Coroutine<> {
    const Timeout limit = timeout(10ms);
    const auto body = [&]() -> Coroutine<> {
      const std::string refused = co_await again(limit);
      EXPECT_EQ(refused, "RuntimeError(Timeout has already been entered)");
      const Outcome<void> slept = co_await outcome(sleep(1s), with_cancellation);
      EXPECT_TRUE(holds<CancelledError>(slept.exception()));
      EXPECT_EQ(reschedule(limit), "RuntimeError(Cannot change state of expiring Timeout)");
      std::rethrow_exception(slept.exception());
    };
    const Outcome<void> ended = co_await outcome(async_with(limit, body));
    EXPECT_TRUE(holds<TimeoutError>(ended.exception()));
    EXPECT_EQ(reschedule(limit), "RuntimeError(Cannot change state of expired Timeout)");
    const std::string refused = co_await again(limit);
    EXPECT_EQ(refused, "RuntimeError(Timeout has already been entered)");
  };
  loop->run_until_complete(main());
}

/// What the first one in a group that a body raises when its time is over has become.
template <class Error>
Coroutine<std::string> first_in_group_at_timeout(Error other) {
  const auto body = [&]() -> Coroutine<> {
    const Outcome<void> slept = co_await outcome(sleep(1s), with_cancellation);
    ValueError value;
    value.set_context(slept.exception());
    std::rethrow_exception(make_exception_group("g", {std::make_exception_ptr(value), std::make_exception_ptr(other)}));
  };
  const Outcome<void> ended = co_await outcome(async_with(timeout(10ms), body), with_cancellation);
  const std::exception_ptr raised = ended.exception();
  const std::exception_ptr first = as_group(raised)->exceptions().front();
  co_return testing::text(exception_ptr_cast<BaseException>(first)->context());
}

TEST(Timeouts, tell_of_themselves_in_the_members_of_groups_of_exceptions_only) {
  auto loop = testing::make_loop();
  EXPECT_EQ(loop->run_until_complete(first_in_group_at_timeout(KeyError())), "TimeoutError()");
  EXPECT_EQ(loop->run_until_complete(first_in_group_at_timeout(CancelledError())), "CancelledError()");
}

}  // namespace
}  // namespace segue::modern
