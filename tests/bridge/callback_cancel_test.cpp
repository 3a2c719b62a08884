// How a wait for a callback ends when it is not the callback that ends it.
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/bridge/callback.hpp>
#include <segue/bridge/coroutine.hpp>
#include <segue/bridge/portal.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/timeouts.hpp>
#include <segue/modern/tasks/wait.hpp>
#include <segue/modern/tasks/wait_for.hpp>
#include <segue/unraisable.hpp>

#include "loop.hpp"

namespace segue::bridge {
namespace {

using namespace std::chrono_literals;
using modern::CancelledError;
using modern::Coroutine;
using modern::Task;
using testing::collect_reports;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Trace;
using testing::wait_a_little;

/// An API whose callback is called by the test, and that can be asked to stop.
class CallbackCancel : public testing::LoopTest {
 protected:
  /// Awaits a callback; `cancel` is its cancel function.
  template <class Cancel>
  Coroutine<int> wait(Cancel cancel) {
    auto initiate = [this](auto callback) { done = std::move(callback); };
    co_return co_await from_callback<int>(initiate, cancel);
  }
  /// Has a task of it cancelled after a second. Gives how it ended.
  template <class A>
  std::string end_of(A awaitable) {
    const auto task = loop->create_task(std::move(awaitable));
    loop->call_later(1s, [task] { task.cancel("by the test"); });
    return end_of_task(task);
  }
  std::string end_of_task(const Task<int>& task) {
    try {
      return std::to_string(loop->run_until_complete(task));
    } catch (const CancelledError& error) {
      return "CancelledError " + error.message().value_or("without a message");
    } catch (const std::exception& error) {
      return error.what();
    }
  }
  void note(const std::string& what) { trace.push_back(what); }

  std::optional<Callback<int>> done;
};

TEST_F(CallbackCancel, WaitsForTheCallbackWhereTheCancelFunctionSaysNothing) {
  const auto start = loop->time();
  const auto cancel = [this] {
    note("cancel");
    loop->call_later(2s, [this] { (*done)(7); });
  };
  EXPECT_EQ(end_of(wait(cancel)), "CancelledError by the test");
  EXPECT_THAT(trace, ElementsAre("cancel"));
  EXPECT_EQ(loop->time() - start, 3s);
  EXPECT_THAT(reports, IsEmpty());
}

TEST_F(CallbackCancel, WaitsForTheCallbackWhereTheCancelFunctionSaysThatItWillCome) {
  const auto start = loop->time();
  const auto cancel = [this] {
    loop->call_later(2s, [this] { (*done)(7); });
    return false;
  };
  EXPECT_EQ(end_of(wait(cancel)), "CancelledError by the test");
  EXPECT_EQ(loop->time() - start, 3s);
}

TEST_F(CallbackCancel, EndsAtOnceWhereTheCancelFunctionSaysThatTheCallbackWillNotCome) {
  const auto start = loop->time();
  const auto cancel = [this] {
    note("cancel");
    return true;
  };
  EXPECT_EQ(end_of(wait(cancel)), "CancelledError by the test");
  EXPECT_THAT(trace, ElementsAre("cancel"));
  EXPECT_EQ(loop->time() - start, 1s);
  done.reset();
  run_for(1s);
  EXPECT_THAT(reports, IsEmpty());
}

TEST_F(CallbackCancel, TakesACallbackThatComesWithinTheCancelFunction) {
  const auto cancel = [this] { (*done)(7); };
  EXPECT_EQ(end_of(wait(cancel)), "CancelledError by the test");
  EXPECT_THAT(reports, IsEmpty());
}

TEST_F(CallbackCancel, DropsTheErrorThatTheCancelledOperationEndsWith) {
  const auto cancel = [this] {
    loop->call_later(2s, [this] { done->fail(std::make_exception_ptr(OSError(ECANCELED, "cancelled"))); });
  };
  EXPECT_EQ(end_of(wait(cancel)), "CancelledError by the test");
  EXPECT_THAT(reports, IsEmpty());
}

TEST_F(CallbackCancel, EndsWhereTheCancelledOperationDropsItsCallback) {
  const auto cancel = [this] { done.reset(); };
  EXPECT_EQ(end_of(wait(cancel)), "CancelledError by the test");
  EXPECT_THAT(reports, IsEmpty());
}

TEST_F(CallbackCancel, ReportsACancelFunctionThatThrowsAndEndsAtOnce) {
  const auto line = std::source_location::current().line() + 3;
  const auto main = [this]() -> Coroutine<int> {
    auto initiate = [this](auto callback) { done = std::move(callback); };
    auto waiting = from_callback<int>(initiate, [] { throw ValueError("cannot stop"); });
    co_return co_await waiting;
  };
  EXPECT_EQ(end_of(main()), "CancelledError by the test");
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_THAT(reports[0], HasSubstr("cancel function of a callback (made at "));
  EXPECT_THAT(reports[0], HasSubstr("callback_cancel_test.cpp:" + std::to_string(line)));
}

TEST_F(CallbackCancel, CancelsTheOperationOnce) {
  const auto task = loop->create_task(wait([this] { note("cancel"); }));
  loop->call_later(1s, [task] { task.cancel("first"); });
  loop->call_later(2s, [task] { task.cancel("second"); });
  loop->call_later(3s, [this] { (*done)(7); });
  EXPECT_EQ(end_of_task(task).substr(0, 14), "CancelledError");
  EXPECT_THAT(trace, ElementsAre("cancel"));
}

TEST_F(CallbackCancel, DoesNotCancelAnOperationThatHasEnded) {
  const auto task = loop->create_task(wait([this] { note("cancel"); }));
  loop->call_later(1s, [&] {
    (*done)(7);
    task.cancel("too late for the operation");
  });
  EXPECT_EQ(end_of_task(task), "CancelledError too late for the operation");
  EXPECT_THAT(trace, IsEmpty());
}

TEST_F(CallbackCancel, StartsNothingInATaskThatIsCancelledBeforeItBegins) {
  const auto task = loop->create_task(wait([this] { note("cancel"); }));
  task.cancel("early");
  EXPECT_EQ(end_of_task(task), "CancelledError early");
  EXPECT_FALSE(done);
  EXPECT_THAT(trace, IsEmpty());
}

// --- what the initiation returns

/// Of an operation that goes on until it is stopped. It cannot be copied.
class Job {
 public:
  Job(Trace& trace, std::string name) : trace_(&trace), name_(std::make_unique<std::string>(std::move(name))) {}
  bool cancel() {
    trace_->push_back("cancel " + *name_);
    return true;
  }
  void stop() { trace_->push_back("stop " + *name_); }

 private:
  Trace* trace_;
  std::unique_ptr<std::string> name_;
};

TEST_F(CallbackCancel, CancelsByWhatTheInitiationReturns) {
  const auto main = [this]() -> Coroutine<int> {
    auto start = [this](auto callback) {
      done = std::move(callback);
      return Job(trace, "a");
    };
    co_return co_await from_callback<int>(start);
  };
  EXPECT_EQ(end_of(main()), "CancelledError by the test");
  EXPECT_THAT(trace, ElementsAre("cancel a"));
}

TEST_F(CallbackCancel, GivesTheCancelFunctionWhatTheInitiationReturns) {
  const auto main = [this]() -> Coroutine<int> {
    auto start = [this](auto callback) {
      done = std::move(callback);
      return Job(trace, "a");
    };
    co_return co_await from_callback<int>(start, [this](Job& job) {
      job.stop();
      done.reset();
    });
  };
  EXPECT_EQ(end_of(main()), "CancelledError by the test");
  EXPECT_THAT(trace, ElementsAre("stop a"));
}

TEST_F(CallbackCancel, KeepsWhatTheInitiationReturnsUntilTheEndOfTheAwait) {
  const auto kept = std::make_shared<int>(1);
  const auto main = [&]() -> Coroutine<int> {
    auto start = [&](auto callback) {
      loop->call_later(1s, [callback] { callback(7); });
      return kept;
    };
    const int value = co_await from_callback<int>(start);
    EXPECT_EQ(kept.use_count(), 1);
    co_return value;
  };
  const auto task = loop->create_task(main());
  run_for(500ms);
  EXPECT_EQ(kept.use_count(), 2);
  EXPECT_EQ(loop->run_until_complete(task), 7);
}

// --- timeouts, and the other kinds of coroutines

TEST_F(CallbackCancel, HasATimeout) {
  const auto cancel = [this] {
    note("cancel");
    (*done)(7);
  };
  EXPECT_THROW(loop->run_until_complete(modern::wait_for(wait(cancel), 1s)), TimeoutError);
  const auto main = [&]() -> Coroutine<> {
    const auto body = [&](modern::Timeout&) -> Coroutine<> { co_await wait(cancel); };
    co_await modern::async_with(modern::timeout(1s), body);
  };
  EXPECT_THROW(loop->run_until_complete(main()), TimeoutError);
  EXPECT_THAT(trace, ElementsAre("cancel", "cancel"));
}

TEST_F(CallbackCancel, IsCancelledInAGeneratorBasedCoroutineAndBelowAPortal) {
  const auto cancel = [this] {
    note("cancel");
    loop->call_later(1s, [this] { (*done)(7); });
  };
  const auto start = [this](auto callback) { done = std::move(callback); };
  const auto old_style = coroutine<int>([&] { return yield_from(from_callback<int>(start, cancel)); });
  EXPECT_EQ(end_of(old_style()), "CancelledError by the test");
  EXPECT_EQ(end_of(portal([&] { return await_(from_callback<int>(start, cancel)); })), "CancelledError by the test");
  EXPECT_THAT(trace, ElementsAre("cancel", "cancel"));
}

// --- the wait is destroyed while it waits

TEST_F(CallbackCancel, IsCancelledWhereTheCoroutineIsClosed) {
  std::optional<Coroutine<int>> stepped = wait([this] { note("cancel"); });
  loop->call_soon([&] {
    stepped->send();
    stepped->close();
  });
  run_for(1s);
  EXPECT_THAT(trace, ElementsAre("cancel"));
  loop->call_soon([this] { (*done)(7); });
  run_for(1s);
  EXPECT_THAT(reports, IsEmpty());
}

TEST_F(CallbackCancel, IsCancelledWhereTheCoroutineIsDestroyed) {
  std::optional<Coroutine<int>> stepped = wait([this] { note("cancel"); });
  loop->call_soon([&] {
    stepped->send();
    stepped.reset();
  });
  run_for(1s);
  EXPECT_THAT(trace, ElementsAre("cancel"));
}

// What is never awaited any more must not be reported as an exception that nobody has asked for.
TEST_F(CallbackCancel, IgnoresTheErrorOfAnOperationThatNobodyWaitsForAnyMore) {
  const auto error = std::make_exception_ptr(OSError(ECANCELED, "cancelled"));
  const auto close_while_it_waits = [&](auto stepped) {
    loop->call_soon([stepped = std::make_shared<Coroutine<int>>(std::move(stepped))] {
      stepped->send();
      stepped->close();
    });
    run_for(1s);
  };
  close_while_it_waits(wait([&] { done->fail(error); }));
  close_while_it_waits(wait([] {}));
  done->fail(error);
  run_for(1s);
  close_while_it_waits(wait([] {}));
  done.reset();
  run_for(1s);
  const auto without_cancel = [this]() -> Coroutine<int> {
    auto initiate = [this](auto callback) { done = std::move(callback); };
    co_return co_await from_callback<int>(initiate);
  };
  close_while_it_waits(without_cancel());
  done->fail(error);
  run_for(1s);
  close_while_it_waits(without_cancel());
  done.reset();
  run_for(1s);
  EXPECT_THAT(reports, IsEmpty());
}

TEST_F(CallbackCancel, IsCancelledWhereTheLoopEnds) {
  std::optional<Task<int>> task = loop->create_task(wait([this] { note("cancel"); }));
  run_for(1s);
  task.reset();
  loop->close();
  loop = nullptr;
  EXPECT_THAT(trace, ElementsAre("cancel"));
  (*done)(7);
}

TEST_F(CallbackCancel, TakesACallbackThatComesWithinTheCancelFunctionWhenTheLoopEnds) {
  loop->call_soon([this] {
    loop->create_task(wait([this] {
      note("cancel");
      (*done)(7);
      done.reset();
    }));
  });
  run_for(1s);
  loop = nullptr;
  EXPECT_THAT(trace, ElementsAre("cancel"));
}

TEST_F(CallbackCancel, StartsTheOperationAgainWhenItIsAwaitedAgain) {
  int started = 0;
  const auto main = [&]() -> Coroutine<int> {
    auto initiate = [&](auto callback) {
      ++started;
      done = std::move(callback);
    };
    auto waiting = from_callback<int>(initiate, [this] {
      note("cancel");
      return true;
    });
    try {
      co_await waiting;
    } catch (const CancelledError&) {
    }
    loop->call_later(1s, [this] { (*done)(8); });
    co_return co_await waiting;
  };
  EXPECT_EQ(end_of(main()), "8");
  EXPECT_EQ(started, 2);
  EXPECT_THAT(trace, ElementsAre("cancel"));
}

TEST_F(CallbackCancel, MayDestroyTheCancelFunctionsOwnStateWithinIt) {
  auto state = std::make_unique<std::string>(100, 'x');
  const auto cancel = [&] {
    note(std::to_string(state->size()));
    state = nullptr;
    done.reset();
    return true;
  };
  EXPECT_EQ(end_of(wait(cancel)), "CancelledError by the test");
  EXPECT_THAT(trace, ElementsAre("100"));
}

// The call comes while the cancellation is anywhere within its way. For ThreadSanitizer above all.
TEST(CallbackCancelInThreads, EndsTheWaitOnceWhoeverIsFirst) {
  constexpr int times = 60;
  const auto loop = modern::new_event_loop();
  Trace reports;
  collect_reports(*loop, reports);
  int ended = 0;
  const auto loops_thread = std::this_thread::get_id();
  const auto main = [&]() -> Coroutine<> {
    for (int i = 0; i < times; ++i) {
      std::atomic<bool> go = false;
      std::thread worker;
      int cancelled = 0;
      const auto start = [&](auto done) {
        worker = std::thread([&go, done = std::move(done), i] {
          while (!go) go.wait(false);
          if (i % 3 == 0) return;  // dropped without a call
          done(i);
        });
      };
      const auto cancel = [&] {
        EXPECT_EQ(std::this_thread::get_id(), loops_thread);
        ++cancelled;
        return i % 2 == 0;
      };
      const auto waiting = [&]() -> Coroutine<int> { co_return co_await from_callback<int>(start, cancel); };
      const auto task = modern::create_task(waiting());
      co_await modern::sleep(0s);
      go = true;
      go.notify_one();
      wait_a_little(i);
      task.cancel();
      const std::vector tasks{task};
      co_await modern::wait(tasks);
      if (task.done()) ++ended;
      EXPECT_EQ(cancelled, 1);
      worker.join();
    }
  };
  loop->run_until_complete(main());
  EXPECT_EQ(ended, times);
  EXPECT_THAT(reports, IsEmpty());
}

}  // namespace
}  // namespace segue::bridge
