#include <segue/modern/tasks/wait_for.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/modern/kernel/contextvars.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/outcome.hpp>
#include <segue/modern/tasks/shield.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;

using testing::make_loop;

TEST(WaitFor, GivesTheResultInTime) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const int result = co_await wait_for(sleep(1ms, 5), 2ms);
    EXPECT_EQ(result, 5);
    const int without_limit = co_await wait_for(sleep(1h, 6), std::nullopt);
    EXPECT_EQ(without_limit, 6);
    auto task = create_task(sleep(1ms, 7));
    const int of_task = co_await wait_for(task, 2ms);
    EXPECT_EQ(of_task, 7);
  };
  loop->run_until_complete(main());
}

TEST(WaitFor, rule_92_waits_until_the_cancellation_has_really_finished) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    for (const bool fails : {false, true}) {
      bool cleaned_up = false;
      const auto slow = [&cleaned_up, fails]() -> Coroutine<> {
        std::exception_ptr cancelled;
        try {
          co_await sleep(9s);
        } catch (const CancelledError&) {
          cancelled = std::current_exception();
        }
        co_await sleep(10ms);
        cleaned_up = true;
        if (fails) throw ValueError("c");
        std::rethrow_exception(cancelled);
      };
      std::string error;
      try {
        co_await wait_for(slow(), 5ms);
      } catch (...) {
        error = describe(std::current_exception()).type;
      }
      EXPECT_TRUE(cleaned_up);
      EXPECT_EQ(error, fails ? "ValueError" : "TimeoutError");
    }
  };
  loop->run_until_complete(main());
}

TEST(WaitFor, rule_93_gives_a_value_that_comes_in_spite_of_the_cancellation) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const auto stubborn = []() -> Coroutine<std::string> {
      try {
        co_await sleep(9s);
      } catch (const CancelledError&) {
      }
      co_return "late value";
    };
    const std::string value = co_await wait_for(stubborn(), 5ms);
    EXPECT_EQ(value, "late value");
  };
  loop->run_until_complete(main());
}

TEST(WaitFor, rule_94_awaits_in_the_callers_task_and_context) {
  auto loop = make_loop();
  const ContextVar<int> v("v", 0);
  const auto main = [&]() -> Coroutine<> {
    const auto who = [&]() -> Coroutine<std::string> {
      v.set(1);
      co_return current_task()->get_name();
    };
    const std::string name = co_await wait_for(who(), 1s);
    EXPECT_EQ(name, current_task()->get_name());
    EXPECT_EQ(v.get(), 1);
  };
  loop->run_until_complete(main());
}

TEST(WaitFor, rule_95_with_no_time_at_all_takes_only_what_is_done) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    auto& running = get_running_loop();
    auto done = running.create_future<int>();
    done.set_result(1);
    const int result = co_await wait_for(done, 0s);
    EXPECT_EQ(result, 1);

    bool started = false;
    const auto body = [&started]() -> Coroutine<> {
      started = true;
      co_return;
    };
    try {
      co_await wait_for(body(), 0s);
      ADD_FAILURE();
    } catch (const TimeoutError& e) {
      EXPECT_TRUE(holds<CancelledError>(e.cause()));
    }
    EXPECT_FALSE(started);

    auto pending = running.create_future<int>();
    try {
      co_await wait_for(pending, -1s);
      ADD_FAILURE();
    } catch (const TimeoutError&) {
    }
    EXPECT_TRUE(pending.cancelled());
  };
  loop->run_until_complete(main());
}

TEST(WaitFor, rule_96_passes_a_cancellation_on) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    auto& running = get_running_loop();
    const auto plain = running.create_future<int>();
    const auto shielded = running.create_future<int>();
    for (const auto& future : {plain, shield(shielded)}) {
      auto task = create_task(wait_for(future, 9s));
      co_await sleep(0s);
      task.cancel();
      try {
        co_await task;
        ADD_FAILURE();
      } catch (const CancelledError&) {
      }
    }
    EXPECT_TRUE(plain.cancelled());
    EXPECT_FALSE(shielded.cancelled());
  };
  loop->run_until_complete(main());
}

TEST(WaitFor, rule_97_prefers_a_cancellation_to_a_result_of_the_same_iteration) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    auto future = get_running_loop().create_future<int>();
    auto task = create_task(wait_for(future, 9s));
    co_await sleep(0s);
    future.set_result(1);
    task.cancel();
    try {
      co_await task;
      ADD_FAILURE();
    } catch (const CancelledError&) {
    }
  };
  loop->run_until_complete(main());
}

TEST(WaitFor, CancelsATaskWhoseTimeIsUpAndWaitsForItsEnd) {
  for (const auto limit : {100ms, 0ms, -1'000ms}) {
    for (const bool slow : {false, true}) {
      auto loop = make_loop();
      const auto main = [limit, slow]() -> Coroutine<> {
        std::string state = "running";
        const auto body = [&]() -> Coroutine<> {
          const Outcome<void> slept = co_await outcome(sleep(1h), with_cancellation);
          if (slow) co_await sleep(1ms);
          state = "ended";
          std::rethrow_exception(slept.exception());
        };
        const auto task = create_task(body());
        co_await sleep(0s);
        try {
          co_await wait_for(task, limit);
          ADD_FAILURE();
        } catch (const TimeoutError& error) {
          EXPECT_TRUE(holds<CancelledError>(error.context()));
        }
        EXPECT_EQ(state, "ended");
        EXPECT_TRUE(task.cancelled());
      };
      loop->run_until_complete(main());
    }
  }
}

TEST(WaitFor, WaitsForWhatIgnoresAllCancellations) {
  for (const bool cancelled : {false, true}) {
    auto loop = make_loop();
    bool exited = false;
    const auto stubborn = [&exited]() -> Coroutine<> {
      const auto end = get_running_loop().time() + 200ms;
      while (get_running_loop().time() < end) {
        const auto left = end - get_running_loop().time();
        co_await outcome(sleep(left), with_cancellation);
      }
      exited = true;
    };
    const auto main = [&]() -> Coroutine<> {
      const auto waiting = create_task(wait_for(stubborn(), cancelled ? 400ms : 100ms));
      co_await sleep(0s);
      if (cancelled) waiting.cancel();
      co_await wait(waiting);
      EXPECT_EQ(get_running_loop().time().time_since_epoch(), 200ms);
    };
    loop->run_until_complete(main());
    EXPECT_TRUE(exited);
  }
}

TEST(WaitFor, WithoutALimitPassesACancellationOnToo) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const auto blocked = create_task(sleep(1h));
    const auto waiting = create_task(wait_for(blocked, std::nullopt));
    co_await sleep(0s);
    waiting.cancel();
    co_await wait(waiting);
    EXPECT_TRUE(waiting.cancelled());
    EXPECT_TRUE(blocked.cancelled());
  };
  loop->run_until_complete(main());
}

TEST(WaitFor, LeavesAloneWhatIsShielded) {
  for (const std::optional<Delay> limit :
       {std::optional<Delay>(0s), std::optional<Delay>(10ms), std::optional<Delay>()}) {
    auto loop = make_loop();
    const auto main = [limit]() -> Coroutine<> {
      const auto task = create_task(sleep(100ms, std::string("done")));
      const auto shielded = shield(task);
      const Outcome<std::string> ended = co_await outcome(wait_for(shielded, limit));
      EXPECT_EQ(holds<TimeoutError>(ended.exception()), limit.has_value());
      EXPECT_EQ(task.done(), !limit.has_value());
      EXPECT_EQ(shielded.cancelled(), limit.has_value());
      const std::string result = co_await task;
      EXPECT_EQ(result, "done");
    };
    loop->run_until_complete(main());
  }
}

TEST(WaitFor, MovesAResultThatCannotBeCopied) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const auto make = []() -> Coroutine<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
    const auto made = co_await wait_for(make(), 1s);
    EXPECT_EQ(*made, 3);
  };
  loop->run_until_complete(main());
}

TEST(WaitFor, WithNoTimeAtAllTakesACancelledGatherForLate) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    for (const auto limit : {0ms, -1ms}) {
      const auto ended = co_await outcome(wait_for(gather(sleep(1s), sleep(1s)), limit));
      const std::exception_ptr error = ended.exception();
      EXPECT_EQ(testing::text(error), "TimeoutError()");
      const auto* const late = exception_ptr_cast<const TimeoutError>(error);
      EXPECT_TRUE(late != nullptr && holds<CancelledError>(late->cause()));
    }
  };
  loop->run_until_complete(main());
}

}  // namespace
}  // namespace segue::modern
