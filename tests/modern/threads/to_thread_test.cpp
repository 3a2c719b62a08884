#include <segue/modern/threads/to_thread.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/modern/kernel/log.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;

int add(int a, int b) { return a + b; }

/// A virtual-time loop, so that a test that would hang ends in an error.
using testing::make_loop;

TEST(ToThread, RunsElsewhereAndBringsTheResultBack) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<void> {
    const auto home = std::this_thread::get_id();
    std::thread::id away;
    int calls = 0;
    const auto work = [&](int a, int b) {
      ++calls;
      away = std::this_thread::get_id();
      return a + b;
    };
    const int sum = co_await to_thread(work, 2, 3);
    EXPECT_EQ(sum, 5);
    EXPECT_EQ(calls, 1);
    EXPECT_NE(away, home);
    EXPECT_EQ(std::this_thread::get_id(), home);
  };
  loop->run_until_complete(main());
}

TEST(ToThread, BringsTheExceptionBack) {
  auto loop = make_loop();
  EXPECT_THROW(loop->run_until_complete(to_thread([] { throw ValueError("no"); })), ValueError);
  EXPECT_THROW(loop->run_until_complete(to_thread([]() -> int { throw std::out_of_range("no"); })), std::out_of_range);
}

TEST(ToThread, TakesAndGivesWhatCanOnlyBeMoved) {
  auto loop = make_loop();
  const auto twice = [](std::unique_ptr<int> number) { return std::make_unique<int>(*number * 2); };
  EXPECT_EQ(*loop->run_until_complete(to_thread(twice, std::make_unique<int>(21))), 42);
}

TEST(ToThread, GivesReferences) {
  auto loop = make_loop();
  std::string text = "here";
  const auto find = [](std::string& where) -> std::string& { return where; };
  EXPECT_EQ(&loop->run_until_complete(to_thread(find, std::ref(text))), &text);
}

TEST(ToThread, KeepsCopiesOfItsArguments) {
  auto loop = make_loop();
  Coroutine<std::size_t> length = [] {
    const std::string gone(1000, 'x');
    return to_thread([](const std::string& text) { return text.size(); }, gone);
  }();
  EXPECT_EQ(loop->run_until_complete(std::move(length)), 1000U);
}

TEST(ToThread, CallsMemberFunctions) {
  auto loop = make_loop();
  EXPECT_EQ(loop->run_until_complete(to_thread(&std::string::size, std::string("four"))), 4U);
}

TEST(ToThread, RunsNothingBeforeItIsAwaited) {
  auto loop = make_loop();
  bool ran = false;
  auto call = to_thread([&ran] { ran = true; });
  call.close();
  EXPECT_FALSE(loop->has_executor());
  EXPECT_FALSE(ran);
}

struct Counted {
  explicit Counted(std::atomic<int>& count) : count(&count) { ++count; }
  Counted(const Counted& other) : count(other.count) { ++*count; }
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --*count; }
  std::atomic<int>* count;
};

TEST(ToThread, DestroysEachArgumentOnce) {
  std::atomic<int> alive = 0;
  {
    auto loop = make_loop();
    const auto main = [&alive]() -> Coroutine<void> {
      const Counted argument(alive);
      const auto work = [](const Counted& counted) { return counted.count->load(); };
      const int seen = co_await to_thread(work, argument);
      EXPECT_GE(seen, 2);
    };
    loop->run_until_complete(main());
  }
  EXPECT_EQ(alive, 0);
}

TEST(ToThread, LeavesTheLoopFree) {
  auto loop = make_loop();
  std::binary_semaphore go(0);
  const auto main = [&go]() -> Coroutine<void> {
    auto waiting = create_task(to_thread([&go] { go.acquire(); }));
    co_await sleep(0s);
    co_await sleep(0s);
    EXPECT_FALSE(waiting.done());
    go.release();
    co_await waiting;
  };
  loop->run_until_complete(main());
}

// Rule 161: the thread goes on, and what it works with stays alive.
TEST(ToThread, CancellingTheAwaitDoesNotStopTheThread) {
  auto loop = make_loop();
  std::binary_semaphore started(0);
  std::binary_semaphore go(0);
  std::string written;
  const auto main = [&]() -> Coroutine<void> {
    const auto work = [&started, &go, &written](const std::shared_ptr<std::string>& text) {
      started.release();
      go.acquire();
      written = *text;
    };
    auto task = create_task(to_thread(work, std::make_shared<std::string>("done")));
    co_await sleep(0s);
    started.acquire();
    task.cancel();
    bool cancelled = false;
    try {
      co_await task;
    } catch (const CancelledError&) {
      cancelled = true;
    }
    EXPECT_TRUE(cancelled);
    EXPECT_EQ(written, "");
    go.release();
    co_await get_running_loop().shutdown_default_executor();
    EXPECT_EQ(written, "done");
  };
  loop->run_until_complete(main());
}

/// Occupies every thread that the executor may have.
class AllThreadsBusy {
 public:
  explicit AllThreadsBusy(EventLoop& loop) {
    const unsigned threads = std::min(32U, std::max(1U, std::thread::hardware_concurrency()) + 4);
    for (unsigned i = 0; i < threads; ++i) {
      calls_.push_back(loop.run_in_executor([this] {
        std::unique_lock lock(mutex_);
        ++running_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return released_; });
      }));
    }
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this, threads] { return running_ == threads; });
  }
  void release() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }
  const std::vector<Future<void>>& calls() const { return calls_; }

 private:
  std::vector<Future<void>> calls_;
  std::mutex mutex_;
  std::condition_variable changed_;
  unsigned running_ = 0;
  bool released_ = false;
};

TEST(RunInExecutor, CancellingAQueuedCallKeepsItFromRunning) {
  auto loop = make_loop();
  AllThreadsBusy busy(*loop);
  bool ran = false;
  bool other_ran = false;
  const auto main = [&]() -> Coroutine<void> {
    auto queued = get_running_loop().run_in_executor([&ran] { ran = true; });
    auto other = get_running_loop().run_in_executor([&other_ran] { other_ran = true; });
    EXPECT_TRUE(queued.cancel());
    busy.release();
    co_await other;
    for (const auto& call : busy.calls()) co_await call;
    co_await get_running_loop().shutdown_default_executor();
  };
  loop->run_until_complete(main());
  EXPECT_FALSE(ran);
  EXPECT_TRUE(other_ran);
}

TEST(RunInExecutor, ReusesAThreadThatIdles) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<void> {
    const auto who = [] { return std::this_thread::get_id(); };
    const auto first = co_await to_thread(who);
    for (int i = 0; i < 20; ++i) {
      const auto next = co_await to_thread(who);
      EXPECT_EQ(next, first);
    }
  };
  loop->run_until_complete(main());
}

TEST(RunInExecutor, RunsMoreCallsThanThereAreThreads) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<void> {
    std::vector<Future<int>> calls;
    for (int i = 0; i < 500; ++i) calls.push_back(get_running_loop().run_in_executor(add, i, 1));
    int sum = 0;
    for (const auto& call : calls) sum += co_await call;
    EXPECT_EQ(sum, 500 * 501 / 2);
  };
  loop->run_until_complete(main());
}

TEST(RunInExecutor, IsRefusedByAClosedLoop) {
  auto loop = make_loop();
  loop->close();
  try {
    (void)loop->run_in_executor(add, 1, 2);
    FAIL();
  } catch (const RuntimeError& error) {
    EXPECT_STREQ(error.what(), "Event loop is closed");
  }
}

TEST(ShutdownDefaultExecutor, RefusesLaterCalls) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<void> {
    co_await get_running_loop().shutdown_default_executor();
    std::string message;
    try {
      co_await to_thread(add, 1, 2);
    } catch (const RuntimeError& error) {
      message = error.what();
    }
    EXPECT_EQ(message, "Executor shutdown has been called");
    co_await get_running_loop().shutdown_default_executor();
  };
  loop->run_until_complete(main());
}

TEST(ShutdownDefaultExecutor, WaitsForQueuedCallsWithoutBlockingTheLoop) {
  auto loop = make_loop();
  AllThreadsBusy busy(*loop);
  std::atomic<bool> ran = false;
  const auto main = [&]() -> Coroutine<void> {
    EventLoop& here = get_running_loop();
    auto queued = here.run_in_executor([&ran] { ran = true; });
    auto gone = create_task(here.shutdown_default_executor());
    co_await sleep(1h);
    EXPECT_FALSE(gone.done());
    busy.release();
    co_await gone;
    EXPECT_TRUE(ran);
    co_await queued;
  };
  loop->run_until_complete(main());
}

/// Tells of the end of the thread that it is made in.
struct EndOfThread {
  ~EndOfThread() {
    if (ended != nullptr) ended->release();
  }
  std::counting_semaphore<>* ended = nullptr;
};
thread_local EndOfThread end_of_thread;

/// A result whose taking over, in the loop's thread, calls a function.
struct CallsWhenTaken {
  explicit CallsWhenTaken(std::function<void()> call) : call(std::move(call)) {}
  CallsWhenTaken(CallsWhenTaken&& other) noexcept : call(std::move(other.call)), made_in(other.made_in) {
    if (std::this_thread::get_id() != made_in) std::exchange(call, [] {})();
  }
  std::function<void()> call;
  std::thread::id made_in = std::this_thread::get_id();
};

TEST(ShutdownDefaultExecutor, WaitsForACallThatEndsWhileTheLoopTakesAnother) {
  auto loop = make_loop();
  std::binary_semaphore both_run(0);
  std::binary_semaphore first_is_taken(0);
  std::counting_semaphore<> ended(0);
  const auto take = [&] {
    first_is_taken.release();
    for (int i = 0; i < 2; ++i) ended.acquire();  // both threads
  };
  const auto main = [&]() -> Coroutine<void> {
    EventLoop& here = get_running_loop();
    const auto second = here.run_in_executor([&] {
      end_of_thread.ended = &ended;
      both_run.release();
      first_is_taken.acquire();
    });
    const auto first = here.run_in_executor([&] {
      end_of_thread.ended = &ended;
      both_run.acquire();
      return CallsWhenTaken(take);
    });
    co_await here.shutdown_default_executor();
    EXPECT_TRUE(first.done());
    EXPECT_TRUE(second.done());
  };
  loop->run_until_complete(main());
}

TEST(ShutdownDefaultExecutor, StopsWaitingAtItsTimeoutAndSaysSo) {
  std::string logged;
  LogHandler before = set_log_handler([&logged](LogLevel, const std::string& message) { logged += message; });
  auto loop = make_loop();
  std::binary_semaphore go(0);
  const auto main = [&go]() -> Coroutine<void> {
    EventLoop& here = get_running_loop();
    auto call = here.run_in_executor([&go] { go.acquire(); });
    co_await here.shutdown_default_executor(10ms);
    EXPECT_FALSE(call.done());
    go.release();
    co_await call;
  };
  loop->run_until_complete(main());
  set_log_handler(std::move(before));
  EXPECT_EQ(logged, "The executor did not finish joining its threads within 0.01 seconds.");
}

TEST(ClosingTheLoop, DropsQueuedCallsAndLeavesRunningOnesUntilTheLoopGoes) {
  std::atomic<int> alive = 0;
  std::atomic<bool> closed = false;
  std::atomic<bool> released = false;
  bool ran = false;
  auto loop = make_loop();
  AllThreadsBusy busy(*loop);
  auto queued = loop->run_in_executor([&ran, counted = Counted(alive)] { ran = true; });
  std::jthread releaser([&] {
    while (!closed) std::this_thread::yield();
    released = true;
    busy.release();
  });
  loop->close();
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(released);
  closed = true;
  loop.reset();
  EXPECT_TRUE(released);
  EXPECT_FALSE(ran);
  EXPECT_FALSE(queued.done());
}

TEST(ClosingTheLoop, IsNoTroubleToACallThatPostsBack) {
  auto loop = make_loop();
  std::binary_semaphore started(0);
  std::string refusal;
  EventLoop* const address = loop.get();
  auto call = loop->run_in_executor([&started, &refusal, address] {
    started.release();
    try {
      for (;;) {
        address->call_soon_threadsafe([] {});
        std::this_thread::yield();
      }
    } catch (const RuntimeError& error) {
      refusal = error.what();
    }
  });
  started.acquire();
  loop.reset();
  EXPECT_EQ(refusal, "Event loop is closed");
  EXPECT_FALSE(call.done());
}

TEST(ClosingTheLoop, EndsTasksThatWaitForAThread) {
  auto loop = make_loop();
  std::binary_semaphore started(0);
  std::atomic<bool> cleaned_up = false;
  const auto wait = [&]() -> Coroutine<void> {
    struct CleanUp {
      explicit CleanUp(std::atomic<bool>& flag) : flag(flag) {}
      ~CleanUp() { flag = true; }
      std::atomic<bool>& flag;
    } const clean_up(cleaned_up);
    co_await to_thread([&started] { started.release(); });
    started.acquire();
    co_await to_thread([&started] { started.release(); });
    co_await get_running_loop().create_future<void>();
  };
  loop->set_exception_handler([](EventLoop&, const ExceptionContext&) {});
  auto task = loop->create_task(wait());
  loop->call_soon([&loop] { loop->stop(); });
  loop->run_forever();
  loop.reset();
  EXPECT_TRUE(cleaned_up);
  EXPECT_FALSE(task.cancelled());
}

}  // namespace
}  // namespace segue::modern
