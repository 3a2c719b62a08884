#include <segue/modern/sync/semaphore.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

using testing::make_loop;

Coroutine<> use(Semaphore semaphore, std::string name, Strings& log) {
  const SemaphoreGuard permit = co_await semaphore.guard();
  log.push_back(name);
}

TEST(Semaphore, LetsNoMoreInThanItHasPermits) {
  auto loop = make_loop();
  int inside = 0;
  int most = 0;
  const auto work = [&](Semaphore semaphore) -> Coroutine<> {
    const SemaphoreGuard permit = co_await semaphore.guard();
    most = std::max(most, ++inside);
    co_await sleep(1ms);
    --inside;
  };
  const auto main = [&]() -> Coroutine<> {
    Semaphore semaphore(3);
    std::vector<Coroutine<>> coroutines;
    for (int i = 0; i < 10; ++i) coroutines.push_back(work(semaphore));
    co_await gather(coroutines);
    EXPECT_FALSE(semaphore.locked());
  };
  loop->run_until_complete(main());
  EXPECT_EQ(most, 3);
}

TEST(Semaphore, rule_127_is_locked_for_a_newcomer_while_a_woken_one_has_not_run) {
  auto loop = make_loop();
  Strings log;
  const auto main = [&log]() -> Coroutine<> {
    Semaphore semaphore(0);
    auto old = create_task(use(semaphore, "old", log));
    co_await sleep(0s);
    semaphore.release();
    EXPECT_TRUE(semaphore.locked());
    co_await use(semaphore, "new", log);
    co_await old;
  };
  loop->run_until_complete(main());
  EXPECT_EQ(log, (Strings{"old", "new"}));
}

TEST(Semaphore, rule_128_passes_the_permit_on_where_the_woken_one_is_cancelled) {
  auto loop = make_loop();
  Strings log;
  const auto main = [&log]() -> Coroutine<> {
    for (int count = 1; count <= 2; ++count) {
      Semaphore semaphore(0);
      std::vector<Task<>> tasks;
      for (int i = 0; i < count; ++i) tasks.push_back(create_task(use(semaphore, std::to_string(i), log)));
      co_await sleep(0s);
      semaphore.release();
      tasks[0].cancel();
      co_await gather(tasks, return_exceptions);
      EXPECT_FALSE(semaphore.locked());
    }
  };
  loop->run_until_complete(main());
  EXPECT_EQ(log, Strings{"1"});
}

TEST(Semaphore, rule_126_grows_where_it_has_no_bound) {
  Semaphore semaphore(0);
  EXPECT_TRUE(semaphore.locked());
  semaphore.release();
  EXPECT_FALSE(semaphore.locked());
}

TEST(Semaphore, IsTakenAndGivenBackByHand) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const Semaphore semaphore(1);
    EXPECT_TRUE(co_await semaphore.acquire());
    EXPECT_TRUE(semaphore.locked());
    const auto take = [&]() -> Coroutine<bool> { co_return co_await semaphore.acquire(); };
    const Task<bool> waiting = create_task(take());
    co_await sleep(0s);
    EXPECT_FALSE(waiting.done());
    semaphore.release();
    EXPECT_TRUE(co_await waiting);
  };
  loop->run_until_complete(main());
}

TEST(Semaphore, RefusesANegativeNumberOfPermits) {
  EXPECT_THROW(Semaphore(-1), ValueError);
  EXPECT_THROW(BoundedSemaphore(-1), ValueError);
}

Coroutine<bool> enter(Semaphore semaphore, int name, std::vector<int>& log) {
  const bool entered = co_await semaphore.acquire();
  log.push_back(name);
  co_return entered;
}

TEST(Semaphore, lets_in_as_many_waiters_as_it_is_released) {
  auto loop = make_loop();
  std::vector<int> log;
  const auto main = [&log]() -> Coroutine<> {
    const Semaphore semaphore(3);
    for (int i = 0; i < 2; ++i) co_await semaphore.acquire();
    EXPECT_FALSE(semaphore.locked());
    std::vector<Task<bool>> tasks;
    for (int i = 1; i <= 3; ++i) tasks.push_back(create_task(enter(semaphore, i, log)));
    co_await sleep(0s);
    EXPECT_EQ(log, std::vector<int>{1});
    EXPECT_TRUE(semaphore.locked());
    tasks.push_back(create_task(enter(semaphore, 4, log)));
    semaphore.release();
    semaphore.release();
    co_await sleep(0s);
    EXPECT_EQ(log, (std::vector<int>{1, 2, 3}));
    EXPECT_TRUE(semaphore.locked());
    semaphore.release();
    for (const Task<bool>& task : tasks) {
      const bool entered = co_await task;
      EXPECT_TRUE(entered);
    }
    EXPECT_TRUE(semaphore.locked());
  };
  loop->run_until_complete(main());
}

TEST(Semaphore, passes_over_those_who_were_cancelled_in_the_queue) {
  for (const std::size_t cancelled : {1U, 2U, 3U}) {
    for (const bool left_already : {false, true}) {
      auto loop = make_loop();
      std::vector<int> log;
      const auto main = [&]() -> Coroutine<> {
        const Semaphore semaphore(0);
        std::vector<Task<bool>> tasks;
        for (int i = 0; i < 4; ++i) tasks.push_back(create_task(enter(semaphore, i, log)));
        co_await sleep(0s);
        for (std::size_t i = 0; i < cancelled; ++i) tasks[i].cancel();
        if (left_already) co_await sleep(0s);
        semaphore.release();
        co_await sleep(1ms);
        EXPECT_EQ(log, std::vector<int>{static_cast<int>(cancelled)});
        for (std::size_t i = 0; i < tasks.size(); ++i) EXPECT_EQ(tasks[i].done(), i <= cancelled) << i;
        EXPECT_TRUE(semaphore.locked());
        for (int i = 0; i < 3; ++i) semaphore.release();
        co_await gather(tasks, return_exceptions);
        EXPECT_TRUE(std::is_sorted(log.begin(), log.end()));
      };
      loop->run_until_complete(main());
    }
  }
}

TEST(Semaphore, is_fair_to_those_who_come_back) {
  auto loop = make_loop();
  Strings log;
  const auto visit_twice = [&log](Semaphore semaphore, std::string name) -> Coroutine<> {
    for (const char* visit : {"_1", "_2"}) {
      co_await semaphore.acquire();
      log.push_back(name + visit);
      co_await sleep(10ms);
      semaphore.release();
    }
  };
  const auto main = [&]() -> Coroutine<> {
    const Semaphore semaphore(1);
    auto all = gather(visit_twice(semaphore, "a"), visit_twice(semaphore, "b"), visit_twice(semaphore, "c"));
    co_await all;
  };
  loop->run_until_complete(main());
  EXPECT_EQ(log, (Strings{"a_1", "b_1", "c_1", "a_2", "b_2", "c_2"}));
}

TEST(Semaphore, lets_nobody_who_releases_it_come_before_the_waiters) {
  auto loop = make_loop();
  std::vector<int> log;
  const auto come_back = [&log](Semaphore semaphore) -> Coroutine<> {
    co_await semaphore.acquire();
    log.push_back(2);
    semaphore.release();
    co_await semaphore.acquire();
    log.push_back(4);
  };
  const auto main = [&]() -> Coroutine<> {
    const Semaphore semaphore(1);
    auto first = create_task(enter(semaphore, 1, log));
    auto second = create_task(come_back(semaphore));
    auto third = create_task(enter(semaphore, 3, log));
    co_await sleep(0s);
    semaphore.release();
    semaphore.release();
    co_await gather(first, second, third);
  };
  loop->run_until_complete(main());
  EXPECT_EQ(log, (std::vector<int>{1, 2, 3, 4}));
}

TEST(Semaphore, wakes_all_whom_it_has_permits_for_in_one_iteration) {
  auto loop = make_loop();
  std::vector<int> log;
  const auto main = [&log]() -> Coroutine<> {
    const Semaphore semaphore(0);
    Task<> last;
    const auto make_last = [&]() -> Coroutine<> {
      co_await semaphore.acquire();
      const auto note = [&log]() -> Coroutine<> {
        log.push_back(4);
        co_return;
      };
      last = create_task(note);
      log.push_back(1);
    };
    const auto release_all = [&]() -> Coroutine<> {
      for (int i = 0; i < 3; ++i) semaphore.release();
      EXPECT_TRUE(semaphore.locked());  // for the first has not run
      co_await semaphore.acquire();
      log.push_back(2);
    };
    auto first = create_task(make_last());
    auto second = create_task(release_all());
    auto third = create_task(enter(semaphore, 3, log));
    co_await gather(first, second, third);
    co_await last;
  };
  loop->run_until_complete(main());
  EXPECT_EQ(log, (std::vector<int>{1, 2, 3, 4}));
}

TEST(BoundedSemaphore, rule_126_cannot_be_released_too_often) {
  try {
    BoundedSemaphore(1).release();
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_STREQ(e.what(), "BoundedSemaphore released too many times");
  }
}

TEST(BoundedSemaphore, IsAContextManager) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    BoundedSemaphore semaphore(1);
    const auto body = [&semaphore]() -> Coroutine<> {
      EXPECT_TRUE(semaphore.locked());
      co_return;
    };
    co_await async_with(semaphore, body);
    EXPECT_FALSE(semaphore.locked());
  };
  loop->run_until_complete(main());
}

TEST(Semaphore, HasNoMostPermits) {
  const Semaphore semaphore(std::numeric_limits<int>::max());
  semaphore.release();
  EXPECT_NE(semaphore.repr().find("value:2147483648"), std::string::npos);
}

}  // namespace
}  // namespace segue::modern
