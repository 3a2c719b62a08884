#include <segue/modern/sync/condition.hpp>

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait.hpp>

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
  try {
    loop->run_until_complete(condition.wait());
    FAIL();
  } catch (const RuntimeError& e) {
    EXPECT_STREQ(e.what(), "cannot wait on un-acquired lock");
  }
}

}  // namespace
}  // namespace segue::modern
