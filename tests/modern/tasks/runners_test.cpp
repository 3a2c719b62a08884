#include <segue/modern/tasks/runners.hpp>

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/modern/tasks/async_generators.hpp>
#include <segue/modern/tasks/finally.hpp>
#include <segue/modern/tasks/outcome.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/testing/manual_reactor.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

constexpr RunOptions in_virtual_time{.loop_factory = [] { return new_event_loop(std::make_unique<ManualReactor>()); }};

TEST(Run, GivesTheResultOfMain) {
  const auto main = []() -> Coroutine<int> {
    co_await sleep(1h);
    co_return 7;
  };
  EXPECT_EQ(run(main(), in_virtual_time), 7);
}

TEST(Run, WorksInRealTimeWithoutOptions) {
  const auto main = []() -> Coroutine<std::string> {
    co_await sleep(0s);
    co_return "real";
  };
  EXPECT_EQ(run(main()), "real");
}

TEST(Run, ThrowsWhatMainThrowsWhenTheLoopIsClosed) {
  EventLoop* loop = nullptr;
  bool finished = false;
  const auto other = [&finished]() -> Coroutine<> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      finished = true;
      throw;
    }
  };
  const auto main = [&]() -> Coroutine<> {
    loop = &get_running_loop();
    create_task(other());
    co_await sleep(0s);
    throw ValueError("main");
  };
  EXPECT_THROW(run(main(), in_virtual_time), ValueError);
  EXPECT_TRUE(finished);
}

// A child leaves its parent's loop behind.
TEST(Run, WorksInAChildThatIsForkedWhileALoopRuns) {
  const auto in_child = []() -> Coroutine<int> {
    co_await sleep(0s);
    co_return 42;
  };
  const auto main = [&]() -> Coroutine<int> {
    co_await sleep(0s);
    const pid_t child = ::fork();
    if (child == 0) {
      int status = 1;
      try {
        status = run(in_child());
        status = run(in_child());
      } catch (const std::exception& error) {
        std::fputs(error.what(), stderr);
      }
      ::_exit(status);
    }
    EXPECT_THROW(run(in_child()), RuntimeError);  // in the parent as ever
    int status = 0;
    ::waitpid(child, &status, 0);
    co_return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  };
  EXPECT_EQ(run(main()), 42);
}

TEST(Run, rule_157_cancels_what_is_left_reports_its_errors_and_closes_async_generators) {
  Strings log;
  std::optional<AsyncGenerator<int>> kept;
  const auto g = [&log]() -> AsyncGenerator<int> {
    const auto out = finally_([&log] { log.push_back("agen out"); });
    co_yield 1;
  };
  const auto left = [&log]() -> Coroutine<> {
    bool cancelled = false;
    try {
      co_await sleep(9s);
    } catch (const CancelledError&) {
      cancelled = true;
    }
    EXPECT_TRUE(cancelled);
    co_await sleep(0s);
    log.push_back("left out");
    throw ValueError("late");
  };
  const auto main = [&]() -> Coroutine<> {
    get_running_loop().set_exception_handler([&log](EventLoop&, const ExceptionContext& context) {
      log.push_back(context.message + ": " + describe(context.exception).message);
    });
    create_task(left());
    kept = g();
    co_await kept->anext();
    co_await sleep(0s);
    log.push_back("main out");
  };
  run(main(), in_virtual_time);
  EXPECT_EQ(log,
            (Strings{"main out", "left out", "unhandled exception during asyncio.run() shutdown: late", "agen out"}));
}

TEST(Run, rule_158_does_not_cancel_tasks_that_are_made_meanwhile) {
  Strings log;
  std::optional<Task<>> made_late;
  const auto late = [&log]() -> Coroutine<> {
    log.push_back("late runs");
    co_await sleep(9s);
  };
  const auto left = [&]() -> Coroutine<> {
    bool cancelled = false;
    try {
      co_await sleep(9s);
    } catch (const CancelledError&) {
      cancelled = true;
    }
    if (cancelled) made_late = create_task(late());
  };
  const auto main = [&]() -> Coroutine<> {
    get_running_loop().set_exception_handler(
        [&log](EventLoop&, const ExceptionContext& context) { log.push_back(context.message); });
    create_task(left());
    co_await sleep(0s);
  };
  run(main(), in_virtual_time);
  EXPECT_EQ(log, (Strings{"late runs", "Task was destroyed but it is pending!"}));
  EXPECT_FALSE(made_late->done());
}

TEST(Run, IsRefusedWhereALoopRuns) {
  const auto nothing = []() -> Coroutine<> { co_return; };
  const auto main = [&]() -> Coroutine<> {
    get_running_loop().set_exception_handler([](EventLoop&, const ExceptionContext&) {});
    try {
      run(nothing());
      ADD_FAILURE();
    } catch (const RuntimeError& e) {
      EXPECT_STREQ(e.what(), "asyncio.run() cannot be called from a running event loop");
    }
    co_return;
  };
  run(main(), in_virtual_time);
}

TEST(Run, SetsDebugMode) {
  const auto main = []() -> Coroutine<bool> { co_return get_running_loop().get_debug(); };
  RunOptions options = in_virtual_time;
  EXPECT_FALSE(run(main(), options));
  options.debug = true;
  EXPECT_TRUE(run(main(), options));
}

TEST(Runner, KeepsItsLoopUntilItIsClosed) {
  Runner runner(in_virtual_time);
  const auto main = []() -> Coroutine<EventLoop*> { co_return &get_running_loop(); };
  EventLoop* const loop = runner.run(main());
  EXPECT_EQ(runner.run(main()), loop);
  EXPECT_EQ(&runner.get_loop(), loop);
  runner.close();
  runner.close();
  try {
    runner.get_loop();
    FAIL();
  } catch (const RuntimeError& e) {
    EXPECT_STREQ(e.what(), "Runner is closed");
  }
}

TEST(Runner, HasTheLoopThatItsFactoryMakesAndNoneAfterItsEnd) {
  EventLoop* made = nullptr;
  RunOptions options;
  options.loop_factory = [] { return new_event_loop(); };
  Runner runner(options);
  made = &runner.get_loop();
  EXPECT_FALSE(made->get_debug());
  EXPECT_EQ(runner.run(sleep(0s, 5)), 5) << "anything that can be awaited";
  EXPECT_EQ(&runner.get_loop(), made);
  const auto nested = [&]() -> Coroutine<> {
    EXPECT_EQ(&get_running_loop(), made);
    try {
      runner.run(sleep(0s));
      ADD_FAILURE();
    } catch (const RuntimeError& error) {
      EXPECT_STREQ(error.what(), "Runner.run() cannot be called from a running event loop");
    }
    co_return;
  };
  runner.run(nested());
  runner.close();
  int runs = 0;
  const auto count = [&runs]() -> Coroutine<> {
    ++runs;
    co_return;
  };
  EXPECT_EQ(testing::attempt([&] { runner.run(count()); }), "RuntimeError(Runner is closed)");
  EXPECT_EQ(runs, 0);
}

TEST(Run, ClosesAsyncGeneratorsAfterTheTasksThatUseThemHaveFailed) {
  Strings log;
  std::optional<AsyncGenerator<int>> numbers;
  const auto endless = []() -> AsyncGenerator<int> {
    for (int i = 0;; ++i) {
      co_yield i;
      co_await sleep(1s);
    }
  };
  const auto spin = [&]() -> Coroutine<> {
    numbers = endless();
    try {
      co_await async_for(*numbers, [](int) {});
    } catch (const CancelledError&) {
      throw TypeError("spinning");
    }
  };
  const auto main = [&]() -> Coroutine<> {
    get_running_loop().set_exception_handler(
        [&log](EventLoop&, const ExceptionContext& context) { log.push_back(describe(context.exception).message); });
    create_task(spin());
    co_await sleep(0s);
    throw ValueError("main");
  };
  EXPECT_THROW(run(main(), in_virtual_time), ValueError);
  EXPECT_EQ(log, Strings{"spinning"});
  EXPECT_EQ(getasyncgenstate(*numbers), AsyncGeneratorState::AGEN_CLOSED);
}

TEST(Runner, IsClosedByItsDestructor) {
  bool cancelled = false;
  const auto left = [&]() -> Coroutine<> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      cancelled = true;
      throw;
    }
  };
  EventLoopRef loop;
  const auto main = [&]() -> Coroutine<> {
    loop = EventLoopRef(&get_running_loop());
    create_task(left());
    co_await sleep(0s);
  };
  {
    Runner runner(in_virtual_time);
    runner.run(main());
    EXPECT_FALSE(cancelled);
  }
  EXPECT_TRUE(cancelled);
  EXPECT_TRUE(loop->is_closed());
}

TEST(Runner, LetsACancellationOfMainOut) {
  const auto main = []() -> Coroutine<> {
    current_task()->cancel("by itself");
    co_await sleep(1s);
  };
  try {
    run(main(), in_virtual_time);
    FAIL();
  } catch (const CancelledError& e) {
    EXPECT_STREQ(e.what(), "by itself");
  }
}

Coroutine<std::string> wait_for_an_interrupt(Strings& trace, bool swallows) {
  ::raise(SIGINT);
  trace.push_back("alive");
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    trace.push_back("cancelled");
    if (!swallows) throw;
    current_task()->uncancel();
  }
  co_return "ok";
}

TEST(RunInterrupted, rule_160_a_SIGINT_cancels_main_and_run_throws_KeyboardInterrupt_unless_main_goes_on) {
  Strings trace;
  EXPECT_THROW(run(wait_for_an_interrupt(trace, false)), KeyboardInterrupt);
  EXPECT_EQ(run(wait_for_an_interrupt(trace, true)), "ok");
  EXPECT_EQ(trace, (Strings{"alive", "cancelled", "alive", "cancelled"}));
}

TEST(RunInterrupted, a_second_SIGINT_leaves_the_loop_at_once) {
  const auto deaf = []() -> Coroutine<> {
    for (int i = 0; i < 2; ++i) {
      try {
        ::raise(SIGINT);
        co_await sleep(1h);
      } catch (const CancelledError&) {
      }
    }
  };
  Strings trace;
  const auto main = [&]() -> Coroutine<> {
    try {
      co_await deaf();
    } catch (const CancelledError&) {
      trace.push_back("cancelled in the end");
      throw;
    }
  };
  EXPECT_THROW(run(main()), KeyboardInterrupt);
}

TEST(RunInterrupted, cancels_a_main_that_never_waits_long_and_what_it_waits_for) {
  const auto busy = []() -> Coroutine<> {
    get_running_loop().call_soon([] { ::raise(SIGINT); });
    for (;;) co_await sleep(0s);
  };
  EXPECT_THROW(run(busy()), KeyboardInterrupt);
  std::optional<Future<>> future;
  const auto waits = [&]() -> Coroutine<> {
    future = get_running_loop().create_future();
    get_running_loop().call_soon([] { ::raise(SIGINT); });
    co_await *future;
  };
  EXPECT_THROW(run(waits()), KeyboardInterrupt);
  EXPECT_TRUE(future->cancelled());
}

TEST(RunInterrupted, is_a_cancellation_where_main_is_cancelled_already) {
  const auto main = []() -> Coroutine<> {
    const AnyTask me = *current_task();
    get_running_loop().call_soon([me] {
      me.cancel();
      ::raise(SIGINT);
    });
    const Outcome<void> slept = co_await outcome(sleep(10s), with_cancellation);
    co_await outcome(sleep(10s), with_cancellation);
    std::rethrow_exception(slept.exception());
  };
  EXPECT_THROW(run(main()), CancelledError);
}

TEST(RunInterrupted, ends_the_wait_of_an_idle_loop) {
  std::atomic<bool> waits = false;
  const auto main = [&]() -> Coroutine<> {
    waits = true;
    waits.notify_all();
    co_await get_running_loop().create_future();
  };
  std::thread other([main_thread = ::pthread_self(), &waits] {
    waits.wait(false);
    ::pthread_kill(main_thread, SIGINT);
  });
  EXPECT_THROW(run(main()), KeyboardInterrupt);
  other.join();
}

TEST(RunInterrupted, is_not_run_s_affair_where_somebody_else_handles_it_or_before_and_after) {
  static std::atomic<int> handled = 0;
  struct sigaction previous{};
  struct sigaction own{};
  own.sa_handler = [](int) { ++handled; };
  ::sigaction(SIGINT, &own, &previous);
  const auto main = []() -> Coroutine<> {
    ::raise(SIGINT);
    co_await sleep(0s);
    co_await sleep(0s);
  };
  run(main());
  EXPECT_EQ(handled, 1);
  ::sigaction(SIGINT, &previous, nullptr);

  struct sigaction after{};
  run([]() -> Coroutine<> { co_return; }());
  ::sigaction(SIGINT, nullptr, &after);
  EXPECT_EQ(after.sa_handler, SIG_DFL);
}

TEST(RunInterruptedDeathTest, a_loop_that_is_stuck_ends_at_the_second_one) {
  const auto stuck = []() -> Coroutine<> {
    ::raise(SIGINT);
    ::raise(SIGINT);
    ADD_FAILURE();
    co_return;
  };
  EXPECT_EXIT(run(stuck()), ::testing::KilledBySignal(SIGINT), "");
}

TEST(Runner, IsNotClosedWhereItsLoopRuns) {
  Runner runner(in_virtual_time);
  const auto main = [&]() -> Coroutine<int> {
    try {
      runner.close();
      ADD_FAILURE();
    } catch (const RuntimeError& e) {
      EXPECT_STREQ(e.what(), "Cannot close a running event loop");
    }
    co_await sleep(1s);
    co_return 1;
  };
  EXPECT_EQ(runner.run(main()), 1);
  EXPECT_EQ(runner.run(main()), 1);
}

TEST(Runner, RefusesAFactoryThatMakesNoLoop) {
  Runner runner(RunOptions{.loop_factory = []() -> EventLoopPtr { return nullptr; }});
  EXPECT_THROW(runner.get_loop(), TypeError);
  EXPECT_THROW(runner.get_loop(), TypeError);
}

TEST(Runner, HasItsLoopUntilThatIsClosed) {
  Runner runner(in_virtual_time);
  bool same = false;
  const auto cleans_up = [&]() -> Coroutine<> {
    const auto out = finally_([&] { same = &runner.get_loop() == &get_running_loop(); });
    co_await sleep(1h);
  };
  const auto main = [&]() -> Coroutine<> {
    create_task(cleans_up());
    co_await sleep(0s);
  };
  runner.run(main());
  runner.close();
  EXPECT_TRUE(same);
  EXPECT_THROW(runner.get_loop(), RuntimeError);
}

}  // namespace
}  // namespace segue::modern
