// What went wrong in other bridges between generations, told in segue's terms: a test a report.
#include <stdlib.h>

#include <chrono>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/bridge/c_callback.hpp>
#include <segue/bridge/callback.hpp>
#include <segue/bridge/coroutine.hpp>
#include <segue/bridge/emitter.hpp>
#include <segue/bridge/portal.hpp>
#include <segue/bridge/to_callback.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/scope_exit.hpp>
#include <segue/modern/sync/event.hpp>
#include <segue/modern/tasks/async_generators.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/contextlib.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/threads/thread_futures.hpp>
#include <segue/modern/threads/thread_pool_executor.hpp>
#include <segue/modern/threads/to_thread.hpp>

#include "loop.hpp"

namespace segue::bridge {
namespace {

using namespace std::chrono_literals;
using modern::CancelledError;
using modern::Coroutine;
using modern::Task;
using testing::collect_reports;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::make_loop;
using testing::Trace;

// aiosqlite 241: a connection's thread has statements left when the loop is closed, and must not die of their results.
TEST(KnownElsewhere, AiosqliteDeliversToALoopThatIsClosed) {
  std::deque<std::function<int()>> statements;
  std::vector<Callback<int>> waiting;
  auto loop = make_loop();
  const auto execute = [&](std::function<int()> statement) -> Coroutine<int> {
    const auto start = [&](auto done) {
      statements.push_back(std::move(statement));
      waiting.push_back(std::move(done));
    };
    co_return co_await from_callback<int>(start);
  };
  const Task<int> fine = loop->create_task(execute([] { return 1; }));
  const Task<int> failing = loop->create_task(execute([]() -> int { throw ValueError("no such table"); }));
  loop->run_until_complete(modern::sleep(1s));
  loop->close();
  int run = 0;
  std::thread([&] {
    for (std::size_t i = 0; i < statements.size(); ++i, ++run) {
      try {
        waiting[i](statements[i]());
      } catch (const ValueError&) {
        waiting[i].fail(std::current_exception());
      }
    }
    waiting.clear();
  }).join();
  EXPECT_EQ(run, 2);
  EXPECT_FALSE(fine.done() || failing.done());
}

// bumble 947: a transfer ends in the C library's own thread when the loop is closed. Nothing may be thrown through C.
TEST(KnownElsewhere, BumblesTransferEndsWhenTheLoopIsClosed) {
  struct Transfer {
    void (*call)(Transfer*) = nullptr;
    void* user_data = nullptr;
  };
  Transfer when_closed;
  Transfer when_gone;
  auto loop = make_loop();
  const auto receive = [](Transfer& transfer) -> Coroutine<> {
    const auto submit = [&](void (*call)(Transfer*), void* data) { transfer = {call, data}; };
    co_await from_callback<void(Transfer*)>(once | user_data<&Transfer::user_data>, submit);
  };
  const auto first = loop->create_task(receive(when_closed));
  const auto second = loop->create_task(receive(when_gone));
  loop->run_until_complete(modern::sleep(1s));
  loop->close();
  std::thread([&] { when_closed.call(&when_closed); }).join();
  loop = nullptr;
  std::thread([&] { when_gone.call(&when_gone); }).join();
  EXPECT_FALSE(first.done() || second.done());
}

// twisted 11841: a coroutine of one system that awaits, deep inside, a future of the other one. There is one system
// here: whoever starts the chain, whatever waits in it is waited for, and belongs to a task.
TEST(KnownElsewhere, TwistedAwaitsTheOtherSystemsFutureDeepInside) {
  const auto loop = make_loop();
  const auto deepest = [&]() -> Coroutine<int> {
    const modern::Future<int> future = loop->create_future<int>();
    loop->call_later(1s, [future] { future.set_result(7); });
    EXPECT_TRUE(modern::current_task());
    co_return co_await future;
  };
  const auto old_style = coroutine<int>([&] { return yield_from(deepest()); });
  const auto main = [&]() -> Coroutine<int> {
    const auto start = [&](auto done) { to_callback(old_style)(std::move(done)); };
    const int by_callback = co_await from_callback<int>(error_first, start);
    const int by_portal = co_await portal([&] { return await_(old_style()); });
    co_return by_callback + by_portal;
  };
  EXPECT_EQ(loop->run_until_complete(main()), 14);
}

// twisted 12470: what wraps a task is cancelled before the task has begun, and the cancellation is nobody's error.
TEST(KnownElsewhere, TwistedCancelsTheWrapperOfATaskThatHasNotBegun) {
  const auto loop = make_loop();
  Trace trace;
  Trace reports;
  collect_reports(*loop, reports);
  const auto work = [&]() -> Coroutine<int> {
    trace.emplace_back("begun");
    co_return 1;
  };
  const auto main = [&]() -> Coroutine<int> {
    const auto start = [&](auto done) {
      const Task<int> task = to_callback(work)(std::move(done));
      task.cancel();
      return task;
    };
    co_return co_await from_callback<int>(error_first, start);
  };
  EXPECT_THROW(loop->run_until_complete(main()), CancelledError);
  EXPECT_THAT(trace, IsEmpty());
  EXPECT_THAT(reports, IsEmpty());
}

// tornado 3664: a CancelledError that comes up in a generator-based coroutine, before it waits, after it, or out of
// what it waits for, is lost. It has to end the task.
TEST(KnownElsewhere, TornadosCoroutineIsCancelledWhereverThatComesFrom) {
  const auto loop = make_loop();
  const auto at_once = coroutine<void>([] { throw CancelledError(); });
  const auto later = coroutine<void>([] {
    yield_from(modern::sleep(1s));
    throw CancelledError();
  });
  const auto of_a_future = coroutine<void>([&] {
    const modern::Future<int> future = loop->create_future<int>();
    future.cancel();
    yield_from(future);
  });
  const auto of_a_callback = coroutine<void>([&] {
    yield_from(from_callback<>(
        [&](auto done) { loop->call_soon([done] { done.fail(std::make_exception_ptr(CancelledError())); }); }));
  });
  const auto expect_cancelled = [&](auto made) {
    const auto task = loop->create_task(std::move(made));
    EXPECT_THROW(loop->run_until_complete(task), CancelledError);
    EXPECT_TRUE(task.cancelled());
  };
  expect_cancelled(at_once());
  expect_cancelled(later());
  expect_cancelled(of_a_future());
  expect_cancelled(of_a_callback());
}

// asgiref 492: a thread waits for the loop, which starts a task that needs a thread again. One thread has to do.
TEST(KnownElsewhere, AsgirefNeedsItsOnlyThreadAgain) {
  const auto loop = modern::new_event_loop();
  loop->set_default_executor(std::make_shared<modern::concurrent::ThreadPoolExecutor>(1));
  Trace trace;
  const auto main = [&]() -> Coroutine<> {
    modern::Event done;
    std::optional<Task<void>> task;
    const auto inner = [&]() -> Coroutine<> {
      task = modern::create_task(modern::to_thread([&] { trace.emplace_back("inner"); }));
      task->add_done_callback([&](const auto& ended) {
        ended.result();
        done.set();
      });
      co_return;
    };
    const auto outer = [&] { modern::run_coroutine_threadsafe(inner(), *loop).result(); };
    co_await modern::to_thread(outer);
    co_await done.wait();
  };
  loop->run_until_complete(main());
  loop->run_until_complete(loop->shutdown_default_executor());
  EXPECT_THAT(trace, ElementsAre("inner"));
}

// boostorg/python 381 asks for a function of one language that awaits a coroutine of another, for each event of a
// stream from outside. Here the languages are two generations, and the stream comes by a callback in a thread.
TEST(KnownElsewhere, BoostPythonsStreamOfEventsIsHandledByCoroutinesOfAnotherGeneration) {
  const auto loop = make_loop();
  std::thread source;
  auto events = from_callbacks<int>([&](const Emitter<int>& emit) {
    source = std::thread([emit] {
      for (int i = 1; i <= 3; ++i) emit(i);
    });
  });
  const auto handle = coroutine<int>([](int event) {
    yield_from(modern::sleep(1s));
    return event * 10;
  });
  std::vector<int> handled;
  const auto main = [&]() -> Coroutine<> {
    while (true) {
      const std::optional<int> event = co_await events.next_or_none();
      if (!event) co_return;
      handled.push_back(co_await handle(*event));
    }
  };
  loop->run_until_complete(main());
  source.join();
  EXPECT_THAT(handled, ElementsAre(10, 20, 30));
}

// cobalt 20 asks for this: a coroutine calls a C function on a stack of its own, and what the C function calls back
// suspends the coroutine, below the C frame, which goes on when the coroutine does.
TEST(KnownElsewhere, CobaltsCoroutineIsSuspendedByTheCallbackOfACFunction) {
  const auto loop = make_loop();
  Trace trace;
  const auto compare = [](const void* a, const void* b, void* asked) {
    await_(modern::sleep(2s));
    static_cast<Trace*>(asked)->emplace_back("compared");
    return *static_cast<const int*>(a) - *static_cast<const int*>(b);
  };
  std::vector<int> numbers{2, 1};
  const auto sort = [&]() -> Coroutine<> {
    co_await portal([&] { ::qsort_r(numbers.data(), numbers.size(), sizeof(int), compare, &trace); });
    trace.emplace_back("sorted");
  };
  const auto tick = [&]() -> Coroutine<> {
    co_await modern::sleep(1s);
    trace.emplace_back("ticked");
  };
  const auto main = [&]() -> Coroutine<> {
    const auto ticking = modern::create_task(tick());
    co_await sort();
  };
  loop->run_until_complete(main());
  EXPECT_THAT(numbers, ElementsAre(1, 2));
  ASSERT_THAT(trace, Contains("compared"));  // how often is the library's
  EXPECT_EQ(trace.front(), "ticked");
  EXPECT_EQ(trace.back(), "sorted");
}

// cobalt 221: what a generator holds is let go of where the generator is, and not some time later. An async generator's
// clean-up may have to wait: as in CPython, aclosing() awaits it within the scope, and one that was merely dropped is
// closed by the loop, in its next iteration.
TEST(KnownElsewhere, CobaltsGeneratorCleansUpWhereItIsDropped) {
  const auto loop = make_loop();
  Trace trace;
  const auto numbers = [&](const char* name) -> modern::AsyncGenerator<int> {
    const modern::ScopeExit left([&trace, name] { trace.push_back(std::string("left ") + name); });
    co_yield 10;
    co_yield 11;
  };
  const auto take_one = [](modern::AsyncGenerator<int>& from) -> Coroutine<> { co_await from.anext(); };
  const auto main = [&]() -> Coroutine<> {
    {
      auto closed = numbers("closed");
      co_await modern::async_with(modern::aclosing(std::move(closed)), take_one);
    }
    trace.emplace_back("closed is out of scope");
    {
      auto dropped = numbers("dropped");
      co_await dropped.anext();
    }
    trace.emplace_back("dropped is out of scope");
    co_await modern::sleep(0s);
    co_await modern::sleep(0s);
    trace.emplace_back("two iterations later");
  };
  loop->run_until_complete(main());
  EXPECT_THAT(trace, ElementsAre("left closed", "closed is out of scope", "dropped is out of scope", "left dropped",
                                 "two iterations later"));
}

}  // namespace
}  // namespace segue::bridge
