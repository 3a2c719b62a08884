// from_thread and blocking portals: threads that call into a loop.
#include <segue/bridge/from_thread.hpp>

#include <atomic>
#include <chrono>
#include <exception>
#include <future>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/bridge/blocking_portal.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/contextvars.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/log.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/sync/event.hpp>
#include <segue/modern/tasks/runners.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/threads/concurrent_future.hpp>
#include <segue/modern/threads/to_thread.hpp>

#include "loop.hpp"
#include "modern/attempt.hpp"
#include "unraisable_reports.hpp"

namespace segue::bridge {
namespace {

using namespace std::chrono_literals;
using modern::CancelledError;
using modern::Coroutine;
using modern::sleep;
using modern::Task;
using modern::to_thread;
using modern::testing::attempt;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::Trace;

Coroutine<int> doubled(int number) {
  co_await sleep(0s);
  co_return 2 * number;
}

Coroutine<void> fails_in_the_loop() {
  co_await sleep(0s);
  throw ValueError("in the loop");
}

TEST(FromThread, RunsACoroutineFunctionInTheLoop) {
  auto in_thread = [](std::thread::id loops) {
    EXPECT_NE(std::this_thread::get_id(), loops);
    auto where = []() -> Coroutine<std::thread::id> { co_return std::this_thread::get_id(); };
    EXPECT_EQ(from_thread::run(where), loops);
    EXPECT_EQ(attempt([] { from_thread::run(fails_in_the_loop); }), "ValueError(in the loop)");
    auto move_only = [](std::unique_ptr<int> given) -> Coroutine<std::unique_ptr<int>> { co_return std::move(given); };
    EXPECT_EQ(*from_thread::run(move_only, std::make_unique<int>(5)), 5);
    return from_thread::run(doubled, 21);
  };
  EXPECT_EQ(modern::run(to_thread(in_thread, std::this_thread::get_id())), 42);
}

TEST(FromThread, RunsAPlainFunctionInTheLoopsThread) {
  auto in_thread = [](std::thread::id loops) {
    EXPECT_EQ(from_thread::run_sync([] { return std::this_thread::get_id(); }), loops);
    EXPECT_EQ(attempt([] { from_thread::run_sync([] { throw ValueError("v"); }); }), "ValueError(v)");
    return *from_thread::run_sync([](std::unique_ptr<int> given) { return given; }, std::make_unique<int>(5));
  };
  EXPECT_EQ(modern::run(to_thread(in_thread, std::this_thread::get_id())), 5);
}

TEST(FromThread, IsInACopyOfTheThreadsContext) {
  const modern::ContextVar<std::string> name("name", "none");
  auto main = [&]() -> Coroutine<void> {
    name.set("main's");
    auto in_thread = [&name] {
      EXPECT_EQ(from_thread::run_sync([&name] { return name.get(); }), "main's");
      name.set("thread's");
      auto change = [&name]() -> Coroutine<std::string> {
        std::string seen = name.get();
        name.set("lost");
        co_return seen;
      };
      EXPECT_EQ(from_thread::run(change), "thread's");
      EXPECT_EQ(name.get(), "thread's");
    };
    co_await to_thread(in_thread);
    EXPECT_EQ(name.get(), "main's");
  };
  modern::run(main());
}

TEST(FromThread, NeedsACallOfToThread) {
  const std::string text =
      "RuntimeError(This function can only be run from a worker thread: from_thread::run() was called in a thread that "
      "makes no to_thread() call for a loop: use start_blocking_portal(), or run_coroutine_threadsafe())";
  EXPECT_EQ(attempt([] { from_thread::run(doubled, 1); }), text);
  auto in_the_loop = []() -> Coroutine<std::string> { co_return attempt([] { from_thread::run(doubled, 1); }); };
  EXPECT_EQ(modern::run(in_the_loop()), text);
  auto in_another_thread = [] {
    std::string seen;
    std::thread([&seen] { seen = attempt([] { from_thread::run(doubled, 1); }); }).join();
    return seen;
  };
  EXPECT_EQ(modern::run(to_thread(in_another_thread)), text);
  EXPECT_THAT(attempt([] { from_thread::run_sync([] {}); }), StartsWith("RuntimeError("));
  EXPECT_THAT(attempt([] { from_thread::check_cancelled(); }), StartsWith("RuntimeError("));
}

TEST(FromThread, ACancelledAwaitCancelsWhatTheThreadWaitsFor) {
  Trace trace;
  auto main = [&trace]() -> Coroutine<void> {
    const modern::Event begun;
    const modern::Event ended;
    auto wait_for_ever = [&]() -> Coroutine<void> {
      begun.set();
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        trace.push_back("in the loop");
        throw;
      }
    };
    auto in_thread = [&] {
      from_thread::check_cancelled();
      trace.push_back(attempt([&] { from_thread::run(wait_for_ever); }));
      trace.push_back(attempt([&] { from_thread::run(doubled, 1); }));  // it does not even begin
      trace.push_back(attempt([&] { from_thread::check_cancelled(); }));
      from_thread::run_sync([&] { ended.set(); });
    };
    const Task<void> task = modern::create_task(to_thread(in_thread));
    co_await begun.wait();
    task.cancel();
    co_await ended.wait();
    EXPECT_TRUE(task.cancelled());
  };
  modern::run(main());
  EXPECT_THAT(trace, ElementsAre("in the loop", "CancelledError()", "CancelledError()", "CancelledError()"));
}

TEST(FromThread, ACoroutineThatIsCancelledCancelsTheThreadsWait) {
  auto cancels_itself = []() -> Coroutine<void> {
    modern::current_task()->cancel();
    co_await sleep(0s);
  };
  auto in_thread = [&] { return attempt([&] { from_thread::run(cancels_itself); }); };
  EXPECT_EQ(modern::run(to_thread(in_thread)), "CancelledError()");
}

// aiosqlite 241, bumble 947: a thread that is to deliver when the loop is closed.
TEST(FromThread, ALoopThatIsClosedMeanwhileEndsTheWait) {
  Trace trace;
  {
    const auto loop = modern::new_event_loop();
    auto wait_for_ever = [&]() -> Coroutine<void> {
      loop->stop();
      co_await sleep(1h);
    };
    auto in_thread = [&] {
      trace.push_back(attempt([&] { from_thread::run(wait_for_ever); }));
      trace.push_back(attempt([&] { from_thread::run(doubled, 1); }));
    };
    loop->set_exception_handler([](modern::EventLoop&, const modern::ExceptionContext&) {});
    const auto future = loop->run_in_executor(in_thread);
    loop->run_forever();
    loop->close();
  }
  EXPECT_THAT(trace, ElementsAre("CancelledError()", "RuntimeError(Event loop is closed)"));
}

TEST(BlockingPortal, CallsFunctionsOfEitherKindInItsLoop) {
  const BlockingPortal portal = start_blocking_portal();
  EXPECT_EQ(portal.call(doubled, 21), 42);
  EXPECT_EQ(attempt([&] { portal.call(fails_in_the_loop); }), "ValueError(in the loop)");
  EXPECT_NE(portal.call([] { return std::this_thread::get_id(); }), std::this_thread::get_id());
  EXPECT_EQ(portal.call([] { return &modern::get_running_loop(); }), &portal.loop());
  auto move_only = [](std::unique_ptr<int> given) -> Coroutine<std::unique_ptr<int>> { co_return std::move(given); };
  EXPECT_EQ(*portal.call(move_only, std::make_unique<int>(5)), 5);
}

TEST(BlockingPortal, StartsTasksForAnyThread) {
  const BlockingPortal portal = start_blocking_portal();
  std::vector<std::thread> threads;
  std::atomic<int> sum{0};
  for (int i = 1; i <= 4; ++i) {
    threads.emplace_back([&portal, &sum, i] {
      const auto first = portal.start_task_soon(doubled, i);
      const auto second = portal.start_task_soon(doubled, 10 * i);
      sum += first.result() + second.result();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sum, 220);
}

TEST(BlockingPortal, ItsTasksAreCancelledThroughTheirFutures) {
  const BlockingPortal portal = start_blocking_portal();
  std::promise<std::string> seen;
  auto wait_for_ever = [&]() -> Coroutine<void> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      seen.set_value("cancelled");
      throw;
    }
  };
  const auto future = portal.start_task_soon(wait_for_ever);
  portal.call([] {});  // it has begun
  portal.call(sleep, 0s);
  EXPECT_TRUE(future.cancel());
  EXPECT_EQ(seen.get_future().get(), "cancelled");
  auto cancels_itself = []() -> Coroutine<void> {
    modern::current_task()->cancel();
    co_await sleep(0s);
  };
  EXPECT_THROW(portal.call(cancels_itself), modern::concurrent::CancelledError);
}

TEST(BlockingPortal, WaitsUntilATaskSaysThatItIsReady) {
  const BlockingPortal portal = start_blocking_portal();
  auto serve = [](TaskStatus<int> status, int port) -> Coroutine<std::string> {
    co_await sleep(0s);
    status.started(port + 1);
    EXPECT_EQ(attempt([&] { status.started(1); }), "RuntimeError(called 'started' twice on the same task status)");
    co_await sleep(0s);
    co_return "served";
  };
  auto [future, port] = portal.start_task<int>(serve, 8000);
  EXPECT_EQ(port, 8001);
  EXPECT_EQ(future.result(), "served");
  auto fails_first = [](TaskStatus<>) -> Coroutine<void> { return fails_in_the_loop(); };
  EXPECT_EQ(attempt([&] { portal.start_task(fails_first); }), "ValueError(in the loop)");
  auto forgets = [](TaskStatus<>) -> Coroutine<void> { co_return; };
  EXPECT_EQ(attempt([&] { portal.start_task(forgets); }),
            "RuntimeError(Task exited without calling task_status.started())");
}

TEST(BlockingPortal, WaitsForItsTasksWhenItEnds) {
  std::atomic<bool> done{false};
  auto finishes = [&done]() -> Coroutine<void> {
    co_await sleep(10ms);
    done = true;
  };
  {
    const BlockingPortal portal = start_blocking_portal();
    portal.start_task_soon(finishes);
  }
  EXPECT_TRUE(done);
}

TEST(BlockingPortal, CancelsItsTasksWhereAnExceptionEndsItsScope) {
  modern::concurrent::Future<void> left;
  try {
    const BlockingPortal portal = start_blocking_portal();
    auto wait_for_ever = []() -> Coroutine<void> { co_await sleep(1h); };
    left = portal.start_task_soon(wait_for_ever);
    throw ValueError("v");
  } catch (const ValueError&) {
  }
  EXPECT_TRUE(left.cancelled());
}

/// Has the portal cancel what it runs, while it is being moved into a task of it.
struct CancelsTheOthers {
  explicit CancelsTheOthers(const BlockingPortal& of) : portal(of) {}
  CancelsTheOthers(const CancelsTheOthers&) = default;
  CancelsTheOthers(CancelsTheOthers&& other) : portal(other.portal) {  // NOLINT(performance-noexcept-move-constructor)
    portal.stop(true);
    for (int turn = 0; turn < 3; ++turn) {
      std::promise<void> turned;
      portal.loop().call_soon_threadsafe([&] { turned.set_value(); });
      turned.get_future().wait();
    }
  }
  Coroutine<> operator()() const { co_await sleep(1h); }

  const BlockingPortal& portal;
};

TEST(BlockingPortal, CancelsATaskThatComesAfterTheOthersWereCancelled) {
  const BlockingPortal portal = start_blocking_portal();
  const CancelsTheOthers late(portal);
  const auto future = portal.start_task_soon(late);
  EXPECT_THROW(future.result(), modern::concurrent::CancelledError);
}

TEST(BlockingPortal, TakesNothingAfterStop) {
  const BlockingPortal portal = start_blocking_portal();
  auto wait_for_ever = []() -> Coroutine<void> { co_await sleep(1h); };
  const auto left = portal.start_task_soon(wait_for_ever);
  portal.stop();
  EXPECT_EQ(attempt([&] { portal.call(doubled, 1); }), "RuntimeError(This portal is not running)");
  portal.stop(true);
  EXPECT_EQ(attempt([&] { left.result(); }), "CancelledError()");
}

/// Ends the portal's loop while it is copied for the first time.
struct EndsLoop {
  explicit EndsLoop(const BlockingPortal& portal) : portal(&portal) {}
  EndsLoop(const EndsLoop& other) : portal(std::exchange(other.portal, nullptr)) {
    if (portal == nullptr) return;
    portal->loop().call_soon_threadsafe([] { throw SystemExit(3); });
    while (!attempt([&] { portal->start_task_soon([] {}); }).starts_with("RuntimeError"));
    portal = nullptr;
  }
  EndsLoop& operator=(const EndsLoop&) = delete;
  mutable const BlockingPortal* portal;
};

TEST(BlockingPortal, TakesNothingOfWhoIsOnHisWayWhenItEnds) {
  const segue::testing::UnraisableReports ignored;
  const modern::LogHandler former =
      modern::set_log_handler([](modern::LogLevel, const std::string&) {});  // that what it refused was never awaited
  {
    const BlockingPortal portal = start_blocking_portal();
    const EndsLoop ends(portal);
    EXPECT_THROW(portal.start_task_soon([](const EndsLoop&) {}, ends), RuntimeError);
  }
  modern::set_log_handler(former);
  EXPECT_THAT(ignored.lines, ElementsAre("<BlockingPortal>: SystemExit(3)"));
}

TEST(BlockingPortal, RefusesToWaitForItself) {
  const BlockingPortal portal = start_blocking_portal();
  const auto here = [](unsigned line) { return "from_thread_test.cpp:" + std::to_string(line); };
  auto nothing = [] {};
  auto within = [&portal, nothing] { return attempt([&] { portal.call(nothing); }); };
  const unsigned called = std::source_location::current().line() - 1;
  const std::string refused = portal.call(within);
  EXPECT_THAT(refused, StartsWith("RuntimeError(This method cannot be called from the event loop thread: co_await "
                                  "there what it is to call (call() at "));
  EXPECT_THAT(refused, AllOf(HasSubstr(here(called)), HasSubstr(", in <Task pending")));
  auto with_arguments = [&portal] { return attempt([&] { portal.call(doubled, 1); }); };
  EXPECT_THAT(portal.call(with_arguments), HasSubstr("what it is to call (call(), in <Task pending"));

  auto result_within = [&portal, nothing] {
    return attempt([&] {
      const auto future = portal.start_task_soon(nothing);
      future.result();
    });
  };
  const unsigned waited = std::source_location::current().line() - 3;
  const std::string blocked = portal.call(result_within);
  EXPECT_THAT(blocked, StartsWith("RuntimeError(result() at "));
  EXPECT_THAT(blocked, AllOf(HasSubstr(here(waited - 1)), HasSubstr(here(waited))));
  auto result_with_arguments = [&portal] { return attempt([&] { portal.start_task_soon(doubled, 1).result(); }); };
  EXPECT_THAT(portal.call(result_with_arguments),
              HasSubstr("until that loop has done what it was asked for: co_await"));
}

}  // namespace
}  // namespace segue::bridge
