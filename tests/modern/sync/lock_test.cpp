#include <segue/modern/sync/lock.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/modern/sync/barrier.hpp>
#include <segue/modern/sync/condition.hpp>
#include <segue/modern/sync/event.hpp>
#include <segue/modern/sync/semaphore.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait_for.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

using testing::make_loop;

Coroutine<> use(Lock lock, std::string name, Strings& log) {
  const LockGuard guard = co_await lock.guard();
  log.push_back(name);
  co_await sleep(0s);
}

TEST(Lock, rule_123_is_taken_in_the_order_of_the_waiters_and_nobody_overtakes_them) {
  auto loop = make_loop();
  Strings log;
  const auto main = [&log]() -> Coroutine<> {
    Lock lock;
    co_await lock.acquire();
    std::vector<Task<>> tasks;
    for (int i = 0; i < 4; ++i) tasks.push_back(create_task(use(lock, std::to_string(i), log)));
    co_await sleep(0s);
    lock.release();
    EXPECT_FALSE(lock.locked());
    tasks.push_back(create_task(use(lock, "late", log)));
    co_await gather(tasks);
    EXPECT_FALSE(lock.locked());
  };
  loop->run_until_complete(main());
  EXPECT_EQ(log, (Strings{"0", "1", "2", "3", "late"}));
}

TEST(Lock, rule_123_does_not_go_back_to_who_releases_it_while_somebody_waits) {
  auto loop = make_loop();
  Strings log;
  const auto main = [&log]() -> Coroutine<> {
    Lock lock;
    co_await lock.acquire();
    auto a = create_task(use(lock, "a", log));
    auto b = create_task(use(lock, "b", log));
    co_await sleep(0s);
    for (int i = 0; i < 3; ++i) {
      lock.release();
      co_await lock.acquire();
      log.push_back("greedy" + std::to_string(i));
    }
    lock.release();
    co_await gather(a, b);
  };
  loop->run_until_complete(main());
  EXPECT_EQ(log, (Strings{"a", "b", "greedy0", "greedy1", "greedy2"}));
}

TEST(Lock, rule_124_costs_no_iteration_where_it_is_free) {
  auto loop = make_loop();
  Strings log;
  const auto main = [&log]() -> Coroutine<> {
    get_running_loop().call_soon([&log] { log.push_back("callback"); });
    Lock lock;
    for (int i = 0; i < 3; ++i) {
      const bool taken = co_await lock.acquire();
      EXPECT_TRUE(taken);
      lock.release();
    }
    log.push_back("done");
    co_await sleep(0s);
  };
  loop->run_until_complete(main());
  EXPECT_EQ(log, (Strings{"done", "callback"}));
}

TEST(Lock, goes_to_one_waiter_at_a_release) {
  auto loop = make_loop();
  std::vector<int> log;
  const auto take = [&log](Lock lock, int name) -> Coroutine<bool> {
    const bool taken = co_await lock.acquire();
    log.push_back(name);
    co_return taken;
  };
  const auto main = [&]() -> Coroutine<> {
    Lock lock;
    co_await lock.acquire();
    std::vector<Task<bool>> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(create_task(take(lock, i)));
    co_await sleep(0s);
    EXPECT_EQ(log, std::vector<int>{});
    for (std::size_t i = 0; i < 3; ++i) {
      lock.release();
      co_await sleep(0s);
      EXPECT_EQ(log.size(), i + 1);
      co_await sleep(0s);
      EXPECT_EQ(log.size(), i + 1);
      EXPECT_TRUE(lock.locked());
      EXPECT_TRUE(tasks[i].result());
    }
    EXPECT_EQ(log, (std::vector<int>{0, 1, 2}));

    for (int i = 3; i < 6; ++i) tasks.push_back(create_task(take(lock, i)));
    co_await sleep(0s);
    tasks[3].cancel();
    lock.release();  // one of them is cancelled: it goes to the next, and to nobody else
    co_await sleep(1ms);
    EXPECT_TRUE(tasks[3].cancelled());
    EXPECT_EQ(log, (std::vector<int>{0, 1, 2, 4}));
    tasks[5].cancel();
    co_await sleep(1ms);
    EXPECT_TRUE(tasks[5].cancelled());
  };
  loop->run_until_complete(main());
}

TEST(Lock, rule_126_cannot_be_released_while_it_is_free) {
  try {
    Lock().release();
    FAIL();
  } catch (const RuntimeError& e) {
    EXPECT_STREQ(e.what(), "Lock is not acquired.");
  }
}

TEST(Lock, SkipsAWaiterThatIsCancelled) {
  auto loop = make_loop();
  Strings log;
  const auto main = [&log]() -> Coroutine<> {
    Lock lock;
    co_await lock.acquire();
    std::vector<Task<>> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(create_task(use(lock, std::to_string(i), log)));
    co_await sleep(0s);
    tasks[0].cancel();
    lock.release();
    co_await gather(tasks, return_exceptions);
    EXPECT_TRUE(tasks[0].cancelled());
  };
  loop->run_until_complete(main());
  EXPECT_EQ(log, (Strings{"1", "2"}));
}

TEST(Lock, rule_125_goes_on_to_the_next_where_the_chosen_one_is_cancelled_before_it_runs) {
  auto loop = make_loop();
  Strings log;
  const auto main = [&log]() -> Coroutine<> {
    Lock lock;
    co_await lock.acquire();
    auto a = create_task(use(lock, "a", log));
    auto b = create_task(use(lock, "b", log));
    co_await sleep(0s);
    lock.release();
    a.cancel();
    auto c = create_task(use(lock, "c", log));
    auto all = gather(a, b, c, return_exceptions);
    co_await wait_for(all, 1s);
    EXPECT_TRUE(a.cancelled());
    EXPECT_FALSE(lock.locked());

    co_await lock.acquire();
    auto only = create_task(use(lock, "only", log));
    co_await sleep(0s);
    lock.release();
    only.cancel();
    co_await gather(only, return_exceptions);
    EXPECT_FALSE(lock.locked());
  };
  loop->run_until_complete(main());
  EXPECT_EQ(log, (Strings{"b", "c"}));
}

TEST(Lock, IsReleasedByItsGuardHoweverTheScopeEnds) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    Lock lock;
    const auto fail = [](Lock taken) -> Coroutine<> {
      const LockGuard guard = co_await taken.guard();
      throw ValueError("x");
    };
    try {
      co_await fail(lock);
      ADD_FAILURE();
    } catch (const ValueError&) {
    }
    EXPECT_FALSE(lock.locked());

    const auto hold = [](Lock taken) -> Coroutine<> {
      const LockGuard guard = co_await taken.guard();
      co_await sleep(5s);
    };
    auto holder = create_task(hold(lock));
    co_await sleep(0s);
    EXPECT_TRUE(lock.locked());
    holder.cancel();
    co_await gather(holder, return_exceptions);
    EXPECT_FALSE(lock.locked());

    LockGuard early = co_await lock.guard();
    EXPECT_TRUE(early.owns_lock());
    early.unlock();
    EXPECT_FALSE(lock.locked());
    EXPECT_FALSE(early.owns_lock());
  };
  loop->run_until_complete(main());
}

TEST(Lock, IsAContextManager) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    Lock lock;
    const auto body = [&lock]() -> Coroutine<int> {
      EXPECT_TRUE(lock.locked());
      co_return 3;
    };
    const int result = co_await async_with(lock, body);
    EXPECT_EQ(result, 3);
    EXPECT_FALSE(lock.locked());
  };
  loop->run_until_complete(main());
}

TEST(Lock, cannot_be_awaited_itself_nor_can_the_others) {
  EXPECT_FALSE(Awaitable<Lock>);
  EXPECT_FALSE(Awaitable<Event>);
  EXPECT_FALSE(Awaitable<Condition>);
  EXPECT_FALSE(Awaitable<Semaphore>);
  EXPECT_FALSE(Awaitable<BoundedSemaphore>);
  EXPECT_FALSE(Awaitable<Barrier>);
  EXPECT_TRUE(Awaitable<decltype(Lock().acquire())>);
}

TEST(Lock, IsNotReentrant) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    Lock lock;
    co_await lock.acquire();
    try {
      co_await wait_for(lock.acquire(), 10ms);
      ADD_FAILURE();
    } catch (const TimeoutError&) {
    }
    EXPECT_TRUE(lock.locked());
    lock.release();
    EXPECT_FALSE(lock.locked());
  };
  loop->run_until_complete(main());
}

TEST(Lock, BelongsToTheLoopInWhichSomebodyWaited) {
  Lock lock;
  const auto wait_in_vain = [](Lock taken) -> Coroutine<> {
    co_await taken.acquire();
    co_await wait_for(taken.acquire(), 1ms);
  };
  auto first = make_loop();
  EXPECT_THROW(first->run_until_complete(wait_in_vain(lock)), TimeoutError);
  auto second = make_loop();
  const auto wait = [](Lock taken) -> Coroutine<> { co_await taken.acquire(); };
  EXPECT_THROW(second->run_until_complete(wait(lock)), RuntimeError);
}

TEST(Lock, GivesAFutureThatStaysToWhoStepsAWaiterByHand) {
  auto loop = make_loop();
  Strings log;
  const auto main = [&log]() -> Coroutine<> {
    Lock lock;
    co_await lock.acquire();
    auto waiter = use(lock, "by hand", log);
    const AnyFuture future{Ref<FutureCore>(waiter.send().future)};
    waiter.close();
    EXPECT_FALSE(future.done());
    lock.release();
    EXPECT_FALSE(future.done());
    EXPECT_FALSE(lock.locked());
  };
  loop->run_until_complete(main());
  EXPECT_EQ(log, Strings{});
}

TEST(Lock, WakesATaskWhoseCoroutineWasSteppedByHandBefore) {
  auto loop = make_loop();
  Strings log;
  const auto main = [&log]() -> Coroutine<> {
    Lock lock;
    const auto use_twice = [&log](Lock taken) -> Coroutine<> {
      co_await use(taken, "by hand", log);
      co_await use(taken, "by a task", log);
    };
    co_await lock.acquire();
    auto waiter = use_twice(lock);
    waiter.send();
    lock.release();
    co_await create_task(std::move(waiter));
  };
  loop->run_until_complete(main());
  EXPECT_EQ(log, (Strings{"by hand", "by a task"}));
}

TEST(Lock, OutlivesTheScopeThatMadeItWhileSomebodyWaits) {
  auto loop = make_loop();
  Strings log;
  loop->set_exception_handler([&log](EventLoop&, const ExceptionContext& c) { log.push_back(c.message); });
  const auto main = [&log]() -> Coroutine<> {
    Lock lock;
    co_await lock.acquire();
    create_task(use(lock, "never", log));
    create_task(use(lock, "never", log));
    co_await sleep(0s);
  };
  loop->run_until_complete(main());
  loop.reset();
  EXPECT_EQ(log, (Strings{"Task was destroyed but it is pending!", "Task was destroyed but it is pending!"}));
}

}  // namespace
}  // namespace segue::modern
