// What would wait for ever, and is told instead: circles of tasks and locks, and loops that would wait for themselves.
#include <segue/modern/kernel/deadlocks.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/bridge/portal.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/sync/event.hpp>
#include <segue/modern/sync/lock.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/threads/concurrent_future.hpp>
#include <segue/modern/threads/thread_futures.hpp>
#include <segue/os_error.hpp>

#include "loop.hpp"
#include "modern/attempt.hpp"
#include "small_stack.hpp"

namespace segue::bridge {
namespace {

using namespace std::chrono_literals;
using modern::Coroutine;
using modern::Deadlock;
using modern::find_deadlocks;
using modern::Lock;
using modern::sleep;
using modern::Task;
using modern::testing::attempt;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::make_loop;
using ::testing::MatchesRegex;
using ::testing::SizeIs;
using ::testing::StartsWith;
using testing::Trace;

// A lock held across a portal's await: what makes most deadlocks of code that was never meant to wait.
void take_both(const Lock& first, const Lock& second) {
  const modern::LockGuard outer = await_(first.guard());
  await_(sleep(1s));
  const modern::LockGuard inner = await_(second.guard());
}

struct TwoLocks {
  Lock x;
  Lock y;
  Task<void> a;
  Task<void> b;
  explicit TwoLocks(modern::EventLoop& loop) {
    auto x_then_y = [this] { take_both(x, y); };
    auto y_then_x = [this] { take_both(y, x); };
    a = loop.create_task(portal(x_then_y), {.name = "A"});
    b = loop.create_task(portal(y_then_x), {.name = "B"});
  }
};

constexpr const char* two_locks_text =
    "deadlock: 2 tasks wait for each other\n"
    "  A waits in take_both\\(\\) at [^ ]*deadlocks_test.cpp:[0-9]+ for <asyncio.locks.Lock object at 0x[0-9a-f]+>, "
    "which B has taken\n"
    "  B waits in take_both\\(\\) at [^ ]*deadlocks_test.cpp:[0-9]+ for <asyncio.locks.Lock object at 0x[0-9a-f]+>, "
    "which A has taken";

TEST(Deadlocks, NamesACircleOfLocks) {
  const auto loop = make_loop();
  const TwoLocks locks(*loop);
  std::vector<Deadlock> found;
  auto main = [&]() -> Coroutine<void> {
    EXPECT_THAT(find_deadlocks(), IsEmpty());  // the locks are free still
    co_await sleep(500ms);
    EXPECT_THAT(find_deadlocks(), IsEmpty());  // both are taken, and nobody waits for one
    co_await sleep(1s);
    found = find_deadlocks();
    locks.a.cancel();
    co_await locks.b;
    EXPECT_THAT(find_deadlocks(), IsEmpty());
  };
  loop->run_until_complete(main());
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_THAT(found[0].str(), MatchesRegex(two_locks_text));
  EXPECT_EQ(locks.x.repr().substr(0, found[0].tasks[1].waits_for.size() - 1) + ">", found[0].tasks[1].waits_for);
}

TEST(Deadlocks, AreReportedOnceInDebugModeWhereTheLoopHasNothingElse) {
  const auto loop = make_loop();
  loop->set_debug(true);
  const TwoLocks locks(*loop);
  Trace messages;
  loop->set_exception_handler([&](modern::EventLoop&, const modern::ExceptionContext& context) {
    messages.push_back(context.message);
    loop->call_soon([&] {
      loop->call_soon_threadsafe([] {});  // it wakes, and has nothing to do again
      if (messages.size() == 1) loop->call_soon([&] { locks.a.cancel(); });
    });
  });
  loop->run_until_complete(locks.b);
  EXPECT_THAT(messages, ElementsAre(MatchesRegex(two_locks_text)));
}

TEST(Deadlocks, NamesTasksThatAwaitEachOther) {
  const auto loop = make_loop();
  std::vector<Deadlock> found;
  auto main = [&]() -> Coroutine<void> {
    std::optional<Task<void>> second;
    auto wait_for_second = [&]() -> Coroutine<void> {
      auto both = modern::gather(sleep(5s), *second);
      co_await std::move(both);
    };
    const Task<void> first = loop->create_task(wait_for_second(), {.name = "first"});
    auto wait_for_first = [&]() -> Coroutine<void> { co_await first; };
    second = loop->create_task(wait_for_first(), {.name = "second"});
    co_await sleep(1s);
    found = find_deadlocks();
    first.cancel();
    auto ended = modern::gather(first, *second, modern::return_exceptions);
    co_await std::move(ended);
  };
  loop->run_until_complete(main());
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_THAT(found[0].str(), AllOf(StartsWith("deadlock: 2 tasks wait for each other\n  first waits in "),
                                    HasSubstr(" for second\n  second waits in "), EndsWith(" for first")));
}

TEST(Deadlocks, NamesATaskThatWaitsForALockOfItsOwn) {
  const auto loop = make_loop();
  const Lock lock;
  auto twice = [&]() -> Coroutine<void> {
    co_await lock.acquire();
    co_await lock.acquire();
  };
  const Task<void> task = loop->create_task(twice(), {.name = "T"});
  auto main = [&]() -> Coroutine<std::string> {
    co_await sleep(1s);
    const std::vector<Deadlock> found = find_deadlocks();
    task.cancel();
    co_return found.at(0).str();
  };
  EXPECT_THAT(loop->run_until_complete(main()),
              AllOf(StartsWith("deadlock: a task waits for itself\n  T waits in "), EndsWith(", which T has taken")));
}

TEST(Deadlocks, ATaskThatWaitsForOneThatGoesOnIsNone) {
  const auto loop = make_loop();
  const Lock lock;
  auto hold = [&](modern::Delay time) -> Coroutine<void> {
    const modern::LockGuard guard = co_await lock.guard();
    co_await sleep(time);
    EXPECT_THAT(find_deadlocks(), IsEmpty());
  };
  auto main = [&]() -> Coroutine<void> {
    auto all = modern::gather(hold(1s), hold(1s), hold(1s));
    co_await std::move(all);
  };
  loop->run_until_complete(main());
}

// The task that took it has ended; one that has its address now has not taken anything.
TEST(Deadlocks, ALockThatNobodyIsLeftToReleaseIsNobodysFault) {
  const auto loop = make_loop();
  const Lock lock;
  auto take = [&]() -> Coroutine<void> { co_await lock.acquire(); };
  auto main = [&]() -> Coroutine<void> {
    for (int i = 0; i < 3; ++i) {
      if (!lock.locked()) co_await loop->create_task(take());
      const Task<void> waiting = loop->create_task(take());
      co_await sleep(1s);
      EXPECT_THAT(find_deadlocks(), IsEmpty());
      waiting.cancel();
      co_await sleep(1s);
    }
  };
  loop->run_until_complete(main());
}

TEST(Deadlocks, ACircleMayBeOfAnyLength) {
  segue::testing::on_small_stack([] {
    constexpr std::size_t length = 5'000;  // 52 bytes of stack a link are too many
    const auto loop = make_loop();
    std::vector<Task<void>> tasks(length);
    auto wait_for_next = [&](std::size_t i) -> Coroutine<void> { co_await tasks[(i + 1) % length]; };
    auto main = [&]() -> Coroutine<std::size_t> {
      for (std::size_t i = 0; i < length; ++i) tasks[i] = loop->create_task(wait_for_next(i));
      co_await sleep(1s);
      const std::vector<Deadlock> found = find_deadlocks();
      tasks[0].cancel();
      co_await sleep(1s);
      co_return found.at(0).tasks.size();
    };
    EXPECT_EQ(loop->run_until_complete(main()), length);
  });
}

TEST(Deadlocks, NeedALoop) {
  EXPECT_EQ(attempt([] { find_deadlocks(); }), "RuntimeError(no running event loop)");
}

// Loops that would wait for themselves.

TEST(SyncWaiting, ForWhatItsOwnLoopIsToFinishIsRefused) {
  const auto loop = make_loop();
  auto main = [&]() -> Coroutine<std::string> {
    const modern::concurrent::Future<void> future = modern::run_coroutine_threadsafe(sleep(1s), *loop);
    EXPECT_EQ(attempt([&] { future.result(0s); }), "TimeoutError()");  // which does not wait
    EXPECT_THAT(attempt([&] { future.exception(); }), StartsWith("RuntimeError("));
    const std::string text = attempt([&] { future.result(); });
    co_await sleep(2s);
    EXPECT_EQ(attempt([&] { future.result(); }), "None");  // nor does this
    co_return text;
  };
  const Task<std::string> task = loop->create_task(main(), {.name = "main task"});
  EXPECT_THAT(loop->run_until_complete(task),
              MatchesRegex("RuntimeError.result.. at .*deadlocks_test.cpp:[0-9]+ would block the loop of this thread, "
                           "in <Task pending name='main task' coro=<.*>>, until that loop has done what it was asked "
                           "for at .*deadlocks_test.cpp:[0-9]+: co_await the coroutine, or wait in another thread."));
}

TEST(SyncWaiting, OfALoopInsideOfATaskNamesTheTaskInANote) {
  const auto loop = make_loop();
  const auto other = make_loop();
  Trace notes;
  const auto refused = [&notes](modern::EventLoop& running) {
    try {
      running.run_until_complete(sleep(1s));
    } catch (const RuntimeError& error) {
      const auto added = error.notes();
      notes.insert(notes.end(), added.begin(), added.end());
      return std::string(error.what());
    }
    return std::string();
  };
  auto main = [&]() -> Coroutine<> {
    EXPECT_EQ(refused(*loop), "This event loop is already running");
    EXPECT_EQ(refused(*other), "Cannot run the event loop while another loop is running");
    co_return;
  };
  loop->run_until_complete(loop->create_task(main(), {.name = "main task"}));
  const auto whose = MatchesRegex(
      "<Task pending name='main task' coro=<.*>> waits for what it is to run: co_await that, or await_.. it below a "
      "portal");
  EXPECT_THAT(notes, ElementsAre(whose, whose));
}

}  // namespace
}  // namespace segue::bridge
