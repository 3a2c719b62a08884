#include <segue/modern/sync/event.hpp>

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait_for.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;

using testing::make_loop;

TEST(Event, LetsInWhoComesBeforeThoseThatItWakesGoOn) {
  auto loop = make_loop();
  std::vector<int> log;
  const auto wait = [&log](Event event, int n) -> Coroutine<> {
    const bool set = co_await event.wait();
    if (set) log.push_back(n);
  };
  const auto main = [&]() -> Coroutine<> {
    Event event;
    std::vector<Task<>> tasks{create_task(wait(event, 1)), create_task(wait(event, 2))};
    co_await sleep(0s);
    EXPECT_TRUE(log.empty());
    tasks.push_back(create_task(wait(event, 3)));
    event.set();
    co_await sleep(0s);
    EXPECT_EQ(log, (std::vector<int>{3, 1, 2}));
    co_await gather(tasks);
  };
  loop->run_until_complete(main());
}

TEST(Event, WakesAllWhoWaitInTheirOrder) {
  auto loop = make_loop();
  std::vector<int> log;
  const auto wait = [&log](Event event, int n) -> Coroutine<> {
    co_await event.wait();
    log.push_back(n);
  };
  const auto main = [&]() -> Coroutine<> {
    Event event;
    auto all = gather(wait(event, 0), wait(event, 1), wait(event, 2));
    co_await sleep(1ms);
    EXPECT_TRUE(log.empty());
    event.set();
    co_await all;
  };
  loop->run_until_complete(main());
  EXPECT_EQ(log, (std::vector<int>{0, 1, 2}));
}

TEST(Event, rule_132_wakes_all_even_if_it_is_cleared_at_once) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    Event event;
    auto waiting = create_task(event.wait());
    co_await sleep(0s);
    event.set();
    event.clear();
    const bool woken = co_await waiting;
    EXPECT_TRUE(woken);
    EXPECT_FALSE(event.is_set());
  };
  loop->run_until_complete(main());
}

TEST(Event, rule_132_does_not_suspend_where_it_is_set) {
  auto loop = make_loop();
  bool called = false;
  const auto main = [&called]() -> Coroutine<> {
    get_running_loop().call_soon([&called] { called = true; });
    Event event;
    event.set();
    const bool set = co_await event.wait();
    EXPECT_TRUE(set);
    EXPECT_FALSE(called);
  };
  loop->run_until_complete(main());
}

TEST(Event, ForgetsAWaiterThatIsCancelled) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    Event event;
    auto first = create_task(event.wait());
    auto second = create_task(event.wait());
    co_await sleep(0s);
    first.cancel();
    event.set();
    co_await second;
    EXPECT_TRUE(first.cancelled());
    event.clear();
    try {
      co_await wait_for(event.wait(), 1ms);
      ADD_FAILURE();
    } catch (const TimeoutError&) {
    }
  };
  loop->run_until_complete(main());
}

}  // namespace
}  // namespace segue::modern
