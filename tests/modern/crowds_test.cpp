// Many who wait for the same: a step costs what it costs with few of them. There is nothing to count: they are so many
// that a test takes a tenth of a second, and ten seconds or more where somebody looks at all of them each time.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/modern/sync/barrier.hpp>
#include <segue/modern/sync/condition.hpp>
#include <segue/modern/sync/event.hpp>
#include <segue/modern/sync/lock.hpp>
#include <segue/modern/sync/semaphore.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/shield.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::iterate;
using testing::make_loop;
using testing::Reports;

constexpr int many = 60'000;
constexpr int many_cancelled = 20'000;  // an exception each

/// `count` tasks of `make()`, each of which waits by now.
template <class Make>
std::vector<Task<>> crowd(EventLoop& loop, int count, Make make) {
  std::vector<Task<>> tasks;
  for (int i = 0; i < count; ++i) tasks.push_back(loop.create_task(make()));
  iterate(loop);
  return tasks;
}

void finish(EventLoop& loop, const std::vector<Task<>>& tasks) {
  while (!std::ranges::all_of(tasks, &Task<>::done)) iterate(loop);
}

/// AddressSanitizer takes frames that an exception has passed for used ones until another is thrown further up; with so
/// many of them all that follows is slow.
void take_back_passed_frames() {
  try {
    throw 0;
  } catch (int) {
  }
}

template <class T>
std::vector<T> shuffled(std::vector<T> all) {
  std::ranges::shuffle(all, std::mt19937(1));  // NOLINT(bugprone-random-generator-seed): the same each time
  return all;
}

Coroutine<> wait_for_notification(Condition condition) {
  const LockGuard guard = co_await condition.guard();
  co_await condition.wait();
}

TEST(Crowd, of_a_condition_is_notified) {
  for (const bool one_by_one : {false, true}) {
    auto loop = make_loop();
    const Condition condition;
    const auto tasks = crowd(*loop, many, [&] { return wait_for_notification(condition); });
    while (!tasks.back().done()) {
      const auto notify = [&]() -> Coroutine<> {
        const LockGuard guard = co_await condition.guard();
        for (int i = 0; one_by_one && i < many; ++i) condition.notify();
        if (!one_by_one) condition.notify_all();
      };
      loop->run_until_complete(notify());
      iterate(*loop);
      if (!condition.locked()) finish(*loop, tasks);
    }
  }
}

Coroutine<> acquire(Semaphore semaphore) { co_await semaphore.acquire(); }

TEST(Crowd, of_a_semaphore_is_let_in) {
  auto loop = make_loop();
  const Semaphore semaphore(0);
  const auto tasks = crowd(*loop, many, [&] { return acquire(semaphore); });
  for (int i = 0; i < many; ++i) semaphore.release();
  EXPECT_TRUE(semaphore.locked());
  finish(*loop, tasks);
}

TEST(Crowd, of_a_semaphore_that_is_cancelled_is_in_nobodys_way) {
  auto loop = make_loop();
  const Semaphore semaphore(0);
  const auto tasks = crowd(*loop, many_cancelled, [&] { return acquire(semaphore); });
  for (const Task<>& task : tasks) task.cancel();
  int free = 0;
  for (int i = 0; i < many_cancelled; ++i) {
    semaphore.release();
    if (!semaphore.locked()) ++free;
  }
  EXPECT_EQ(free, many_cancelled);
  finish(*loop, tasks);
  take_back_passed_frames();
}

Coroutine<> wait_for_event(Event event) { co_await event.wait(); }

TEST(Crowd, of_an_event_is_woken_once) {
  auto loop = make_loop();
  const Event event;
  const auto tasks = crowd(*loop, many, [&] { return wait_for_event(event); });
  for (int i = 0; i < many; ++i) {
    event.set();
    event.clear();
  }
  finish(*loop, tasks);
}

Coroutine<> wait_for_parties(Barrier barrier) { co_await barrier.wait(); }

TEST(Crowd, of_a_barrier_goes_on) {
  auto loop = make_loop();
  const Barrier barrier(many);
  finish(*loop, crowd(*loop, many, [&] { return wait_for_parties(barrier); }));
}

Coroutine<int> number(int value) { co_return value; }

TEST(Crowd, of_coroutines_is_gathered) {
  auto loop = make_loop();
  const auto gather_all = []() -> Coroutine<int> {
    std::vector<Coroutine<int>> all;
    for (int i = 0; i < 2 * many; ++i) all.push_back(number(i));
    const std::vector<int> results = co_await gather(all);
    co_return results.back();
  };
  EXPECT_EQ(loop->run_until_complete(gather_all()), 2 * many - 1);
}

Coroutine<> wait_for_future(AnyFuture future) { co_await future; }

TEST(Crowd, of_tasks_on_one_future_goes_with_its_loop) {
  auto loop = make_loop();
  const Reports reports(*loop);
  crowd(*loop, many_cancelled, [future = loop->create_future()] { return wait_for_future(future); });
  loop.reset();
  EXPECT_EQ(reports.contexts().size(), static_cast<std::size_t>(many_cancelled));
}

TEST(Crowd, of_callbacks_is_removed_and_added_in_any_order) {
  auto loop = make_loop();
  const Future<> future = loop->create_future();
  std::vector<int> called;
  std::vector<DoneCallback<Future<>>> callbacks;
  for (int i = 0; i < many; ++i)
    callbacks.push_back(future.add_done_callback([&called, i](const Future<>&) { called.push_back(i); }));
  for (const auto& callback : shuffled(callbacks)) {
    EXPECT_EQ(future.remove_done_callback(callback), 1U);
    EXPECT_EQ(future.remove_done_callback(callback), 0U);
    future.add_done_callback(callback);
  }
  for (const auto& callback : callbacks) {
    future.remove_done_callback(callback);
    future.add_done_callback(callback);
  }
  future.set_result();
  iterate(*loop);
  EXPECT_EQ(called.size(), static_cast<std::size_t>(many));
  EXPECT_TRUE(std::ranges::is_sorted(called)) << "in the order in which they were added last";
}

TEST(Crowd, of_callbacks_some_of_which_were_added_several_times) {
  auto loop = make_loop();
  for (const std::size_t count : {2U, 10U, 63U, 64U, 65U, 1000U}) {
    const Future<> future = loop->create_future();
    std::size_t calls = 0;
    const DoneCallback<Future<>> again = [&calls](const Future<>&) { ++calls; };
    std::size_t others = 0;
    std::vector<DoneCallback<Future<>>> callbacks;
    for (std::size_t i = 0; i < count; ++i) {
      future.add_done_callback(again);
      callbacks.push_back(future.add_done_callback([&others](const Future<>&) { ++others; }));
    }
    EXPECT_EQ(future.remove_done_callback(again), count);
    EXPECT_EQ(future.remove_done_callback(again), 0U);
    EXPECT_EQ(future.remove_done_callback(callbacks.front()), 1U);
    future.add_done_callback(again);
    future.set_result();
    iterate(*loop);
    EXPECT_EQ(calls, 1U);
    EXPECT_EQ(others, count - 1);
  }
}

TEST(Crowd, of_callbacks_is_removed_to_the_last) {
  auto loop = make_loop();
  const Future<> future = loop->create_future();
  std::vector<DoneCallback<Future<>>> callbacks;
  for (int i = 0; i < 1000; ++i) callbacks.push_back(future.add_done_callback([](const Future<>&) { ADD_FAILURE(); }));
  for (const auto& callback : shuffled(callbacks)) future.remove_done_callback(callback);
  const auto task = loop->create_task(wait_for_future(future));
  iterate(*loop);
  future.set_result();
  loop->run_until_complete(task);
}

Coroutine<> wait_for_first(AnyFuture one, AnyFuture other) {
  const std::vector<AnyFuture> both{one, other};
  co_await wait(both, {.return_when = FIRST_COMPLETED});
}

TEST(Crowd, that_waits_for_one_future_among_others_leaves_one_by_one) {
  auto loop = make_loop();
  const Future<> shared = loop->create_future();
  std::vector<Future<>> own;
  const auto tasks = crowd(*loop, many, [&] {
    own.push_back(loop->create_future());
    return wait_for_first(shared, own.back());
  });
  for (const Future<>& future : shuffled(own)) future.set_result();
  finish(*loop, tasks);
}

TEST(Crowd, of_shields_around_one_future_is_cancelled) {
  auto loop = make_loop();
  const Future<> inner = loop->create_future();
  std::vector<Future<>> outer;
  for (int i = 0; i < many; ++i) outer.push_back(shield(inner));
  for (const Future<>& future : shuffled(outer)) future.cancel();
  iterate(*loop);
  inner.set_result();
  iterate(*loop);
  EXPECT_TRUE(std::ranges::all_of(outer, &Future<>::cancelled));
}

}  // namespace
}  // namespace segue::modern
