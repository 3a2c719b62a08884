// An awaiter is awaited once, as a coroutine of CPython is: whoever comes second is refused, and disturbs nobody.
#include <chrono>
#include <string>
#include <type_traits>
#include <utility>

#include <gtest/gtest.h>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/sync/event.hpp>
#include <segue/modern/sync/lock.hpp>
#include <segue/modern/sync/queues.hpp>
#include <segue/modern/sync/semaphore.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "modern/trace.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;

using testing::Events;
using testing::shown;
using testing::text;
using testing::trace_of;

template <class Awaiter>
Coroutine<std::string> outcome_of_await(Awaiter& awaiter) {
  try {
    if constexpr (std::is_void_v<await_result_t<Awaiter&>>) {
      co_await awaiter;
      co_return "None";
    } else {
      const auto result = co_await awaiter;
      co_return shown(result);
    }
  } catch (...) {
    co_return text(std::current_exception());
  }
}

/// Two tasks await `awaiter`, which `go_on` ends; then it is awaited again.
template <class Awaiter, class GoOn>
Coroutine<> await_twice(Events& ev, Awaiter& awaiter, GoOn go_on) {
  auto first = create_task(outcome_of_await(awaiter));
  auto second = create_task(outcome_of_await(awaiter));
  const std::string refused = co_await second;
  ev(first.done(), refused);
  go_on();
  const std::string result = co_await first;
  ev(result);
  const std::string again = co_await outcome_of_await(awaiter);
  ev(again);
}

std::string refused_after(const std::string& result) {
  return "False RuntimeError(coroutine is being awaited already) | " + result +
         " | RuntimeError(cannot reuse already awaited coroutine)";
}

TEST(SecondAwait, OfAnEventIsRefused) {
  const auto program = [](Events& ev) -> Coroutine<> {
    Event event;
    auto wait = event.wait();
    co_await await_twice(ev, wait, [&] { event.set(); });
  };
  EXPECT_EQ(trace_of(program), refused_after("True"));
}

TEST(SecondAwait, OfALockIsRefused) {
  const auto program = [](Events& ev) -> Coroutine<> {
    Lock lock;
    co_await lock.acquire();
    auto acquire = lock.acquire();
    co_await await_twice(ev, acquire, [&] { lock.release(); });
    ev(lock.locked());
    lock.release();
    co_await lock.acquire();
  };
  EXPECT_EQ(trace_of(program), refused_after("True") + " | True");
}

TEST(SecondAwait, OfASemaphoreIsRefused) {
  const auto program = [](Events& ev) -> Coroutine<> {
    Semaphore semaphore(0);
    auto acquire = semaphore.acquire();
    co_await await_twice(ev, acquire, [&] { semaphore.release(); });
    ev(semaphore.locked());
  };
  EXPECT_EQ(trace_of(program), refused_after("True") + " | True");
}

TEST(SecondAwait, OfASleepIsRefused) {
  const auto program = [](Events& ev) -> Coroutine<> {
    auto long_one = sleep(1s, std::string("the result, too long for a small string"));
    co_await await_twice(ev, long_one, [] {});
  };
  EXPECT_EQ(trace_of(program), refused_after("the result, too long for a small string"));
}

TEST(SecondAwait, OfABareYieldIsRefused) {
  const auto program = [](Events& ev) -> Coroutine<> {
    auto yield = sleep(0s);
    auto first = create_task(outcome_of_await(yield));
    auto second = create_task(outcome_of_await(yield));
    const std::string refused = co_await second;
    const std::string result = co_await first;
    const std::string again = co_await outcome_of_await(yield);
    ev(refused);
    ev(result);
    ev(again);
  };
  EXPECT_EQ(trace_of(program),
            "RuntimeError(coroutine is being awaited already) | None | "
            "RuntimeError(cannot reuse already awaited coroutine)");
}

TEST(SecondAwait, OfAQueueIsRefused) {
  const auto program = [](Events& ev) -> Coroutine<> {
    Queue<int> queue;
    auto get = queue.get();
    co_await await_twice(ev, get, [&] { queue.put_nowait(7); });
  };
  EXPECT_EQ(trace_of(program), refused_after("7"));
}

TEST(SecondAwait, IsRefusedWhereTheFirstNeedNotWait) {
  const auto program = [](Events& ev) -> Coroutine<> {
    Lock lock;
    auto acquire = lock.acquire();
    co_await acquire;
    lock.release();
    const std::string again = co_await outcome_of_await(acquire);
    ev(again, lock.locked());
  };
  EXPECT_EQ(trace_of(program), "RuntimeError(cannot reuse already awaited coroutine) False");
}

TEST(SecondAwait, IsRefusedWhereTheFirstWasCancelled) {
  const auto program = [](Events& ev) -> Coroutine<> {
    Event event;
    auto wait = event.wait();
    auto task = create_task(outcome_of_await(wait));
    co_await sleep(0s);
    task.cancel();
    const std::string cancelled = co_await task;
    const std::string again = co_await outcome_of_await(wait);
    ev(cancelled);
    ev(again);
  };
  EXPECT_EQ(trace_of(program), "CancelledError() | RuntimeError(cannot reuse already awaited coroutine)");
}

TEST(AwaitOfWhatWasMovedFrom, IsRefused) {
  const auto program = [](Events& ev) -> Coroutine<> {
    const auto refused = [&ev](auto awaiter) -> Coroutine<> {
      const auto moved = std::move(awaiter);
      const std::string outcome = co_await outcome_of_await(awaiter);  // NOLINT(bugprone-use-after-move)
      ev(outcome);
    };
    Event event;
    event.set();
    co_await refused(event.wait());
    co_await refused(Lock().acquire());
    co_await refused(Lock().guard());
    co_await refused(Semaphore().acquire());
    co_await refused(Queue<int>().get());
    co_await refused(sleep(1s, std::string("result")));
  };
  const std::string each = "RuntimeError(cannot reuse already awaited coroutine)";
  EXPECT_EQ(trace_of(program), each + " | " + each + " | " + each + " | " + each + " | " + each + " | " + each);
}

}  // namespace
}  // namespace segue::modern
