// What the loop takes from the heap in the long run: nothing. Frames, futures, tasks and handles come from the thread's
// pool, and what is ready to run is linked, not stored.
#include <chrono>
#include <cstddef>
#include <new>
#include <vector>

#include <gtest/gtest.h>

#include <segue/modern/kernel/pool.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/sync/event.hpp>
#include <segue/modern/sync/lock.hpp>
#include <segue/modern/sync/queues.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "attempt.hpp"
#include "counted_allocations.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using segue::testing::allocations_counted;
using segue::testing::allocations_made;
using testing::make_loop;

constexpr int rounds = 100;

class Allocation : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!allocations_counted || !detail::pooled()) GTEST_SKIP() << "not counted under a sanitizer";
  }
};

// What the second run of `body` takes: the first one fills the pool.
template <class Body>
std::size_t allocations_of(Body body) {
  auto loop = make_loop();
  std::size_t taken = 0;
  const auto main = [&]() -> Coroutine<> {
    co_await body();
    const std::size_t before = allocations_made();
    co_await body();
    taken = allocations_made() - before;
  };
  loop->run_until_complete(main());
  return taken;
}

Coroutine<> switch_often(int times) {
  for (int i = 0; i < times; ++i) co_await sleep(0s);
}

Coroutine<> switch_often_below(int depth) {
  if (depth == 0) {
    co_await switch_often(rounds);
  } else {
    co_await switch_often_below(depth - 1);
  }
}

TEST_F(Allocation, is_seen_by_this_test) {
  const auto body = []() -> Coroutine<> {
    co_await sleep(0s);
    ::operator delete(::operator new(1));
  };
  EXPECT_EQ(allocations_of(body), 1U);
}

TEST_F(Allocation, is_not_needed_for_a_task_switch) {
  EXPECT_EQ(allocations_of([] { return switch_often(rounds); }), 0U);
}

TEST_F(Allocation, is_not_needed_for_switches_between_tasks) {
  const auto body = []() -> Coroutine<> {
    const Task<> first = create_task(switch_often(rounds));
    const Task<> second = create_task(switch_often(rounds));
    co_await first;
    co_await second;
  };
  EXPECT_EQ(allocations_of(body), 0U);
}

TEST_F(Allocation, is_not_needed_for_waking_up_through_a_chain) {
  EXPECT_EQ(allocations_of([] { return switch_often_below(50); }), 0U);
}

TEST_F(Allocation, is_not_needed_for_awaiting_a_coroutine) {
  const auto body = []() -> Coroutine<> {
    const auto answer = []() -> Coroutine<int> { co_return 42; };
    for (int i = 0; i < rounds; ++i) co_await answer();
  };
  EXPECT_EQ(allocations_of(body), 0U);
}

TEST_F(Allocation, is_not_needed_for_stepping_by_hand) {
  const auto body = []() -> Coroutine<> {
    auto stepped = switch_often(2 * rounds);
    for (int i = 0; i < rounds; ++i) stepped.send();
    stepped.close();
    co_return;
  };
  // close() throws GeneratorExit, whose exception object is made by the C++ runtime, without operator new.
  EXPECT_EQ(allocations_of(body), 0U);
}

Coroutine<int> wait_for_it(Future<int> future) { co_return co_await future; }

// Completes futures for each of which `waiters` tasks wait.
Coroutine<> complete_futures(int waiters) {
  for (int i = 0; i < rounds; ++i) {
    const Future<int> future = get_running_loop().create_future<int>();
    for (int j = 0; j < waiters; ++j) create_task(wait_for_it(future));
    co_await sleep(0s);
    future.set_result(i);
    co_await sleep(0s);
    co_await sleep(0s);
  }
}

TEST_F(Allocation, is_not_needed_for_the_first_waiter_of_a_future) {
  EXPECT_EQ(allocations_of([] { return complete_futures(1); }), 0U);
}

TEST_F(Allocation, is_needed_for_the_second_waiter_of_a_future) {
  EXPECT_EQ(allocations_of([] { return complete_futures(2); }), static_cast<std::size_t>(rounds));
}

TEST_F(Allocation, is_not_needed_for_the_first_done_callback_of_a_future) {
  const auto body = []() -> Coroutine<> {
    int called = 0;
    for (int i = 0; i < rounds; ++i) {
      const Future<int> future = get_running_loop().create_future<int>();
      future.add_done_callback([&called](const Future<int>&) { ++called; });
      future.set_result(i);
      co_await sleep(0s);
    }
    EXPECT_EQ(called, rounds);
  };
  EXPECT_EQ(allocations_of(body), 0U);
}

// One task that waits for a lock, an event, an item or a slot as often as another one lets it go on.
TEST_F(Allocation, is_not_needed_for_waiting_for_a_lock) {
  const auto use = [](Lock lock) -> Coroutine<> {
    for (int i = 0; i < rounds; ++i) {
      const LockGuard held = co_await lock.guard();
      co_await sleep(0s);
    }
  };
  const auto body = [&use]() -> Coroutine<> {
    const Lock lock;
    const Task<> first = create_task(use(lock));
    const Task<> second = create_task(use(lock));
    co_await first;
    co_await second;
  };
  EXPECT_EQ(allocations_of(body), 0U);
}

TEST_F(Allocation, is_not_needed_for_waiting_for_an_event) {
  const auto wait = [](Event event) -> Coroutine<> {
    for (int i = 0; i < rounds; ++i) {
      co_await event.wait();
      event.clear();
    }
  };
  const auto body = [&wait]() -> Coroutine<> {
    const Event event;
    const Task<> waiter = create_task(wait(event));
    for (int i = 0; i < rounds; ++i) {
      co_await sleep(0s);
      event.set();
    }
    co_await waiter;
  };
  EXPECT_EQ(allocations_of(body), 0U);
}

TEST_F(Allocation, is_not_needed_for_an_empty_queue) {
  const auto body = []() -> Coroutine<> {
    const Queue<int> queue;
    co_return;
  };
  EXPECT_EQ(allocations_of(body), 0U);
}

TEST_F(Allocation, is_needed_once_for_a_queue_through_which_many_items_pass) {
  const auto get_all = [](Queue<int> queue) -> Coroutine<> {
    for (int i = 0; i < rounds; ++i) co_await queue.get();
  };
  const auto body = [&get_all]() -> Coroutine<> {
    const Queue<int> queue(4);  // both wait for each other, again and again
    const Task<> getter = create_task(get_all(queue));
    for (int i = 0; i < rounds; ++i) co_await queue.put(i);
    co_await getter;
  };
  EXPECT_EQ(allocations_of(body), 1U);
}

TEST_F(Allocation, is_not_needed_for_callbacks_and_timers) {
  const auto body = []() -> Coroutine<> {
    EventLoop& loop = get_running_loop();
    int called = 0;
    for (int i = 0; i < rounds; ++i) {
      loop.call_soon([&called] { ++called; });
      loop.call_later(1ms, [&called] { ++called; });
      co_await sleep(2ms);
    }
    EXPECT_EQ(called, 2 * rounds);
  };
  EXPECT_EQ(allocations_of(body), 0U);
}

// A server sets a timeout for each request and cancels it: what is cancelled must not stay until it would have been
// due.
TEST_F(Allocation, is_bounded_where_timers_are_cancelled) {
  const auto body = []() -> Coroutine<> {
    EventLoop& loop = get_running_loop();
    for (int i = 0; i < 1000; ++i) {
      loop.call_later(1h, [] { FAIL() << "a cancelled timer ran"; }).cancel();
      co_await sleep(0s);
    }
  };
  EXPECT_EQ(allocations_of(body), 0U);
}

}  // namespace
}  // namespace segue::modern
