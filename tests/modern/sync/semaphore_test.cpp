#include <segue/modern/sync/semaphore.hpp>

#include <chrono>
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

TEST(Semaphore, RefusesANegativeNumberOfPermits) {
  EXPECT_THROW(Semaphore(-1), ValueError);
  EXPECT_THROW(BoundedSemaphore(-1), ValueError);
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

}  // namespace
}  // namespace segue::modern
