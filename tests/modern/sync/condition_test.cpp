#include <segue/modern/sync/condition.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/outcome.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait.hpp>
#include <segue/modern/tasks/wait_for.hpp>

#include "modern/trace.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

using testing::make_loop;

Coroutine<> wait_once(Condition condition, std::string name, Strings& log) {
  const LockGuard guard = co_await condition.guard();
  co_await condition.wait();
  EXPECT_TRUE(condition.locked());
  log.push_back(name);
}

TEST(Condition, rule_129_lets_the_notified_ones_go_on_one_by_one_when_the_lock_is_free) {
  auto loop = make_loop();
  Strings log;
  const auto main = [&log]() -> Coroutine<> {
    Condition condition;
    std::vector<Task<>> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(create_task(wait_once(condition, std::to_string(i), log)));
    co_await sleep(0s);
    {
      const LockGuard guard = co_await condition.guard();
      condition.notify(2);
      co_await sleep(0s);
      log.push_back("held");
    }
    co_await sleep(5ms);
    EXPECT_EQ(log, (Strings{"held", "0", "1"}));
    EXPECT_FALSE(condition.locked());
    tasks[2].cancel();
    co_await gather(tasks, return_exceptions);
    EXPECT_TRUE(tasks[2].cancelled());
    EXPECT_FALSE(condition.locked());
  };
  loop->run_until_complete(main());
}

TEST(Condition, rule_129_has_the_lock_again_where_the_waiter_is_cancelled) {
  auto loop = make_loop();
  bool locked = false;
  const auto wait = [&locked](Condition condition) -> Coroutine<> {
    const LockGuard guard = co_await condition.guard();
    try {
      co_await condition.wait();
    } catch (const CancelledError&) {
      locked = condition.locked();
      throw;
    }
  };
  const auto main = [&]() -> Coroutine<> {
    Condition condition;
    auto task = create_task(wait(condition));
    co_await sleep(0s);
    const LockGuard guard = co_await condition.guard();
    task.cancel();
    co_await sleep(1ms);
    EXPECT_FALSE(task.done());  // it waits for the lock, cancelled or not
    condition.release();
    co_await sleep(1ms);
    EXPECT_TRUE(task.cancelled());
  };
  loop->run_until_complete(main());
  EXPECT_TRUE(locked);
}

TEST(Condition, HasTheMethodsOfItsLock) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    Lock lock;
    Condition condition(lock);
    EXPECT_TRUE(co_await condition.acquire());
    EXPECT_TRUE(lock.locked());
    EXPECT_TRUE(condition.locked());
    condition.release();
    EXPECT_FALSE(lock.locked());
    co_await condition.aenter();
    EXPECT_TRUE(lock.locked());
    condition.aexit(nullptr);
    EXPECT_FALSE(lock.locked());
  };
  loop->run_until_complete(main());
}

// What leaves wait() with an exception wakes one more, whether it was notified or not.
TEST(Condition, rule_130_hands_a_notification_on_where_the_notified_one_is_cancelled) {
  const auto program = [](testing::Events& ev) -> Coroutine<> {
    const Condition c;
    Strings out;
    const WaitOptions at_most{.timeout = 20ms};
    const auto pair_of = [&](std::string one, std::string other) {
      return std::vector{create_task(wait_once(c, one, out)), create_task(wait_once(c, other, out))};
    };
    std::vector<Task<>> ts = pair_of("0", "1");
    co_await sleep(0s);
    {
      const LockGuard guard = co_await c.guard();
      c.notify(1);
    }
    ts[0].cancel();
    co_await wait(ts, at_most);
    ev(out, ts[0].done(), ts[1].done());
    ts = pair_of("7", "8");
    co_await sleep(0s);
    ts[0].cancel();
    co_await wait(ts, at_most);
    ev("plain cancel:", out, ts[1].done());
  };
  EXPECT_EQ(testing::trace_of(program), "[1] True True | plain cancel: [1, 8] True");
}

TEST(Condition, WaitsForAPredicate) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    Condition condition;
    int value = 0;
    const auto wait = [&value](Condition changed) -> Coroutine<int> {
      const LockGuard guard = co_await changed.guard();
      co_return co_await changed.wait_for([&value] { return value >= 2 ? value : 0; });
    };
    auto waiting = create_task(wait(condition));
    while (!waiting.done()) {
      co_await sleep(1ms);
      const LockGuard guard = co_await condition.guard();
      ++value;
      condition.notify_all();
    }
    EXPECT_EQ(waiting.result(), 2);
  };
  loop->run_until_complete(main());
}

TEST(Condition, rule_131_refuses_to_wait_or_notify_without_the_lock) {
  auto loop = make_loop();
  Condition condition;
  try {
    condition.notify();
    FAIL();
  } catch (const RuntimeError& e) {
    EXPECT_STREQ(e.what(), "cannot notify on un-acquired lock");
  }
  EXPECT_THROW(condition.notify_all(), RuntimeError);
  try {
    loop->run_until_complete(condition.wait());
    FAIL();
  } catch (const RuntimeError& e) {
    EXPECT_STREQ(e.what(), "cannot wait on un-acquired lock");
  }
}

TEST(Condition, notifies_as_many_as_it_is_told) {
  auto loop = make_loop();
  Strings log;
  const auto main = [&log]() -> Coroutine<> {
    Condition condition;
    const auto notify = [&](std::size_t n, std::size_t woken) -> Coroutine<> {
      log.clear();
      std::vector<Task<>> tasks;
      for (int i = 0; i < 3; ++i) tasks.push_back(create_task(wait_once(condition, std::to_string(i), log)));
      co_await sleep(0s);
      {
        const LockGuard guard = co_await condition.guard();
        condition.notify(n);
      }
      co_await sleep(1ms);
      EXPECT_EQ(log.size(), woken) << n;
      {
        const LockGuard guard = co_await condition.guard();
        condition.notify_all();
      }
      co_await gather(tasks);
      EXPECT_EQ(log, (Strings{"0", "1", "2"})) << n;
    };
    co_await notify(0, 0);
    co_await notify(1, 1);
    co_await notify(2, 2);
    co_await notify(2048, 3);
  };
  loop->run_until_complete(main());
}

TEST(Condition, wait_for_needs_the_lock_only_where_it_has_to_wait) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    Condition condition;
    const int at_once = co_await condition.wait_for([] { return 7; });
    EXPECT_EQ(at_once, 7);
    const Outcome<bool> refused = co_await outcome(condition.wait_for([] { return false; }));
    EXPECT_EQ(testing::text(refused.exception()), "RuntimeError(cannot wait on un-acquired lock)");
  };
  loop->run_until_complete(main());
}

TEST(Condition, is_a_context_manager_over_its_lock) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const Lock lock;
    const Condition condition(lock);
    const auto both_locked = [&]() -> Coroutine<> {
      EXPECT_TRUE(lock.locked());
      EXPECT_TRUE(condition.locked());
      co_return;
    };
    EXPECT_FALSE(condition.locked());
    co_await async_with(condition, both_locked);
    EXPECT_FALSE(lock.locked());
    EXPECT_FALSE(condition.locked());
    co_await async_with(lock, both_locked);
    EXPECT_FALSE(condition.locked());
    const Condition own;
    co_await own.acquire();
    EXPECT_TRUE(own.locked());
    EXPECT_FALSE(condition.locked());
  };
  loop->run_until_complete(main());
}

TEST(Condition, has_the_lock_again_where_its_time_is_up) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    Condition condition;
    const LockGuard guard = co_await condition.guard();
    const Outcome<bool> late = co_await outcome(wait_for(condition.wait(), 500ms));
    EXPECT_TRUE(holds<TimeoutError>(late.exception()));
    EXPECT_TRUE(condition.locked());
  };
  loop->run_until_complete(main());
}

TEST(Condition, ends_its_wait_with_the_cancellation_as_it_came_wherever_that_strikes) {
  for (const bool while_relocking : {false, true}) {
    auto loop = make_loop();
    const auto main = [while_relocking]() -> Coroutine<> {
      Condition condition;
      const auto wait_in_vain = [&condition]() -> Coroutine<> {
        const LockGuard guard = co_await condition.guard();
        const Outcome<bool> ended = co_await outcome(condition.wait(), with_cancellation);
        EXPECT_TRUE(condition.locked());
        if (ended.has_exception()) std::rethrow_exception(ended.exception());
      };
      auto task = create_task(wait_in_vain());
      co_await sleep(0s);
      if (while_relocking) {
        co_await condition.acquire();
        condition.notify();
        co_await sleep(0s);
      }
      task.cancel("foo");
      co_await sleep(0s);
      if (while_relocking) {
        EXPECT_FALSE(task.done());
        condition.release();
      }
      const Outcome<void> ended = co_await outcome(task, with_cancellation);
      EXPECT_EQ(testing::text(ended.exception()), "CancelledError(foo)") << while_relocking;
      EXPECT_TRUE(task.cancelled());
      EXPECT_FALSE(condition.locked());
    };
    loop->run_until_complete(main());
  }
}

TEST(Condition, is_not_interrupted_by_a_cancellation_that_comes_with_the_free_lock) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    Condition condition;
    co_await condition.acquire();
    auto waiting = create_task(condition.wait());
    co_await sleep(0s);
    EXPECT_FALSE(condition.locked());
    co_await condition.acquire();
    condition.notify();
    get_running_loop().call_soon([waiting] { waiting.cancel(); });
    get_running_loop().call_soon([condition] { condition.release(); });
    co_await outcome(waiting, with_cancellation);
    EXPECT_TRUE(condition.locked());
  };
  loop->run_until_complete(main());
}

TEST(Condition, wakes_another_where_the_woken_one_is_cancelled) {
  for (const bool while_relocking : {false, true}) {
    auto loop = make_loop();
    const auto main = [while_relocking]() -> Coroutine<> {
      Condition condition;
      int state = 0;
      const auto consume = [&]() -> Coroutine<> {
        const LockGuard guard = co_await condition.guard();
        for (;;) {
          co_await condition.wait_for([&] { return state != 0; });
          if (state < 0) co_return;
          --state;
        }
      };
      auto first = create_task(consume());
      auto second = create_task(consume());
      co_await sleep(0s);
      {
        const LockGuard guard = co_await condition.guard();
        ++state;
        condition.notify(1);
        if (while_relocking) co_await sleep(0s);
        first.cancel();
        co_await outcome(wait_for(condition.wait_for([&] { return state == 0; }), 10ms));
        EXPECT_EQ(state, 0) << while_relocking;
        state = -1;
        condition.notify_all();
      }
      co_await second;
    };
    loop->run_until_complete(main());
  }
}

TEST(Condition, belongs_to_the_loop_of_whoever_waits_and_of_its_lock) {
  const Lock lock;
  const Condition condition(lock);
  const auto wait_in_vain = [](Condition for_what) -> Coroutine<> {
    const LockGuard guard = co_await for_what.guard();
    co_await wait_for(for_what.wait(), 1ms);
  };
  auto first = make_loop();
  EXPECT_EQ(testing::error_of(*first, wait_in_vain(condition)), "TimeoutError: ");
  auto second = make_loop();
  const auto elsewhere = testing::error_of(*second, wait_in_vain(condition));
  EXPECT_THAT(elsewhere, ::testing::HasSubstr("is bound to a different event loop"));
  const auto take_twice = [](Lock taken, Condition over) -> Coroutine<> {
    const LockGuard guard = co_await taken.guard();
    co_await wait_for(over.acquire(), 1ms);
  };
  EXPECT_EQ(testing::error_of(*first, take_twice(lock, condition)), "TimeoutError: ");
  EXPECT_THAT(testing::error_of(*second, take_twice(lock, condition)),
              ::testing::HasSubstr("is bound to a different event loop"));
}

TEST(Condition, notifies_nobody_for_a_negative_number) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const Condition condition;
    const auto wait = [](Condition for_what) -> Coroutine<> {
      const LockGuard guard = co_await for_what.guard();
      co_await for_what.wait();
    };
    auto waiting = create_task(wait(condition));
    co_await sleep(0s);
    const auto notify = [](Condition to_whom, int n) -> Coroutine<> {
      const LockGuard guard = co_await to_whom.guard();
      to_whom.notify(n);
    };
    co_await notify(condition, -1);
    co_await sleep(1ms);
    EXPECT_FALSE(waiting.done());
    co_await notify(condition, 1);
    co_await waiting;
  };
  loop->run_until_complete(main());
}

TEST(Condition, keeps_the_first_cancellation_as_the_context_of_one_that_strikes_while_it_relocks) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    Condition condition;
    const auto wait_in_vain = [&condition]() -> Coroutine<> {
      const LockGuard guard = co_await condition.guard();
      co_await condition.wait();
    };
    auto task = create_task(wait_in_vain());
    co_await sleep(0s);
    co_await condition.acquire();
    for (const std::string message : {"one", "two", "three"}) {
      task.cancel(message);
      co_await sleep(0s);
      co_await sleep(0s);
    }
    condition.release();
    const Outcome<void> ended = co_await outcome(task, with_cancellation);
    const std::exception_ptr error = ended.exception();
    EXPECT_EQ(testing::text(error), "CancelledError(three)");
    const auto* const last = exception_ptr_cast<const CancelledError>(error);
    EXPECT_TRUE(last != nullptr && testing::text(last->context()) == "CancelledError(one)");
  };
  loop->run_until_complete(main());
}

}  // namespace
}  // namespace segue::modern
