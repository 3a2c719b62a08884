#include <segue/modern/threads/thread_futures.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/log.hpp>
#include <segue/modern/sync/event.hpp>
#include <segue/modern/tasks/runners.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/threads/concurrent_future.hpp>
#include <segue/modern/threads/thread_pool_executor.hpp>
#include <segue/modern/threads/to_thread.hpp>
#include <segue/os_error.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::attempt;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Trace;

TEST(ConcurrentFuture, goes_through_its_states) {
  const concurrent::Future<int> future;
  EXPECT_FALSE(future.done());
  EXPECT_EQ(attempt([&] { return future.result(0s); }), "TimeoutError()");
  EXPECT_TRUE(future.set_running_or_notify_cancel());
  EXPECT_TRUE(future.running());
  EXPECT_FALSE(future.cancel());
  EXPECT_EQ(attempt([&] { future.set_running_or_notify_cancel(); }), "RuntimeError(Future in unexpected state)");
  future.set_result(7);
  EXPECT_EQ(future.result(), 7);
  EXPECT_EQ(future.exception(), nullptr);
  EXPECT_THAT(attempt([&] { future.set_result(8); }), HasSubstr("InvalidStateError(FINISHED: "));

  const concurrent::Future<> cancelled;
  EXPECT_TRUE(cancelled.cancel());
  EXPECT_TRUE(cancelled.cancel());
  EXPECT_TRUE(cancelled.cancelled());
  EXPECT_FALSE(cancelled.set_running_or_notify_cancel());
  EXPECT_EQ(attempt([&] { cancelled.result(); }), "CancelledError()");
  EXPECT_THAT(attempt([&] { cancelled.set_result(); }), HasSubstr("InvalidStateError(CANCELLED_AND_NOTIFIED: "));

  const concurrent::Future<> failed;
  try {
    throw ValueError("v");
  } catch (const Exception& error) {
    failed.set_exception(error);
  }
  EXPECT_EQ(attempt([&] { failed.result(); }), "ValueError(v)");
  EXPECT_EQ(testing::text(failed.exception()), "ValueError(v)");
  EXPECT_THROW(failed.set_exception(nullptr), TypeError);
}

TEST(ConcurrentFuture, calls_back_in_order_and_logs_what_a_callback_throws) {
  Trace trace;
  const auto previous =
      set_log_handler([&](LogLevel, std::string_view line) { trace.emplace_back(line.substr(0, 37)); });
  {
    const concurrent::Future<int> future;
    future.add_done_callback(
        [&](const concurrent::Future<int>& done) { trace.push_back(std::to_string(done.result())); });
    future.add_done_callback([](const concurrent::Future<int>&) { throw ValueError("x"); });
    future.set_result(1);
    future.add_done_callback([&](const concurrent::Future<int>&) { trace.push_back("at once"); });
  }
  set_log_handler(previous);
  EXPECT_THAT(trace, ElementsAre("1", "exception calling callback for <Futur", "at once"));
}

TEST(ThreadPoolExecutor, makes_calls_in_its_threads) {
  concurrent::ThreadPoolExecutor pool({.max_workers = 2});
  const auto main = std::this_thread::get_id();
  EXPECT_NE(pool.submit([] { return std::this_thread::get_id(); }).result(), main);
  EXPECT_EQ(pool.submit([](std::unique_ptr<int> n) { return *n; }, std::make_unique<int>(4)).result(), 4);
  EXPECT_EQ(attempt([&] { pool.submit([] { throw ValueError("v"); }).result(); }), "ValueError(v)");
  std::vector<int> squares;
  for (const int square : pool.map([](int n) { return n * n; }, std::vector{1, 2, 3})) squares.push_back(square);
  EXPECT_THAT(squares, ElementsAre(1, 4, 9));
  pool.shutdown();
  EXPECT_EQ(attempt([&] { pool.submit([] {}); }), "RuntimeError(cannot schedule new futures after shutdown)");
  EXPECT_EQ(attempt([] { concurrent::ThreadPoolExecutor({.max_workers = 0}); }),
            "ValueError(max_workers must be greater than 0, not 0)");
}

TEST(ThreadPoolExecutor, shutdown_may_cancel_what_has_not_started) {
  concurrent::ThreadPoolExecutor pool({.max_workers = 1});
  std::atomic<bool> go = false;
  const auto running = pool.submit([&] { go.wait(false); });
  while (!running.running()) std::this_thread::yield();
  const auto queued = pool.submit([] { ADD_FAILURE(); });
  pool.shutdown(false, true);
  EXPECT_TRUE(queued.cancelled());
  go = true;
  go.notify_all();
  running.result();
}

TEST(ThreadPoolExecutor, is_broken_by_an_initializer_that_fails) {
  std::string line;
  const auto previous = set_log_handler([&](LogLevel, std::string_view text) { line = text; });
  {
    concurrent::ThreadPoolExecutor pool({.max_workers = 1, .initializer = [] { throw ValueError("not ready"); }});
    const auto lost = pool.submit([] {});
    EXPECT_THAT(attempt([&] { lost.result(); }), HasSubstr("BrokenThreadPool(A thread initializer failed"));
    EXPECT_THAT(attempt([&] { pool.submit([] {}); }), HasSubstr("BrokenThreadPool"));
  }
  set_log_handler(previous);
  EXPECT_THAT(line, HasSubstr("not ready"));
}

TEST(ThreadPoolExecutor, rule_161_a_running_call_goes_on_and_a_queued_one_is_prevented) {
  Trace trace;
  concurrent::ThreadPoolExecutor pool({.max_workers = 1});
  std::atomic<bool> started = false;
  std::atomic<bool> go = false;
  run([&]() -> Coroutine<> {
    EventLoop& loop = get_running_loop();
    const Future<> a = loop.run_in_executor(pool, [&] {
      started = true;
      started.notify_all();
      go.wait(false);
      trace.push_back("a");
    });
    const Future<> b = loop.run_in_executor(pool, [&] { trace.push_back("b"); });
    started.wait(false);
    EXPECT_TRUE(a.cancel());
    EXPECT_TRUE(b.cancel());
    co_await sleep(0s);
    go = true;
    go.notify_all();
  }());
  pool.shutdown();
  EXPECT_THAT(trace, ElementsAre("a"));
}

TEST(ThreadPoolExecutor, can_be_the_default_one) {
  const auto pool = std::make_shared<concurrent::ThreadPoolExecutor>(
      concurrent::ThreadPoolOptions{.max_workers = 1, .thread_name_prefix = "own"});
  run([&]() -> Coroutine<> {
    EventLoop& loop = get_running_loop();
    EXPECT_THROW(loop.set_default_executor(nullptr), TypeError);
    loop.set_default_executor(pool);
    const auto pools = pool->submit([] { return std::this_thread::get_id(); }).result();
    const auto here = [] { return std::this_thread::get_id(); };
    EXPECT_EQ(co_await to_thread(here), pools);
    const auto fails = [] { throw ValueError("v"); };
    try {
      co_await to_thread(fails);
      ADD_FAILURE();
    } catch (const ValueError&) {
    }
  }());
  EXPECT_EQ(attempt([&] { pool->submit([] {}); }), "RuntimeError(cannot schedule new futures after shutdown)")
      << "run() shuts the default executor down";
}

TEST(WrapFuture, ends_as_the_threads_future_does) {
  run([]() -> Coroutine<> {
    const concurrent::Future<int> source;
    const Future<int> wrapped = wrap_future(source);
    std::thread thread([&] { source.set_result(5); });
    EXPECT_EQ(co_await wrapped, 5);
    thread.join();

    const concurrent::Future<std::unique_ptr<int>> moved;
    const auto wrapped_move = wrap_future(moved);
    moved.set_result(std::make_unique<int>(6));
    const auto pointer = co_await wrapped_move;
    EXPECT_EQ(*pointer, 6);

    const concurrent::Future<> failed;
    const Future<> wrapped_failure = wrap_future(failed);
    failed.set_exception(std::make_exception_ptr(ValueError("v")));
    EXPECT_EQ(attempt([&] { failed.result(); }), "ValueError(v)");
    try {
      co_await wrapped_failure;
      ADD_FAILURE();
    } catch (const ValueError&) {
    }

    const concurrent::Future<> cancelled;
    const Future<> wrapped_cancellation = wrap_future(cancelled);
    cancelled.cancel();
    co_await sleep(0s);
    EXPECT_TRUE(wrapped_cancellation.cancelled());
  }());
}

TEST(WrapFuture, rule_162_a_cancellation_goes_both_ways) {
  Trace trace;
  run([&]() -> Coroutine<> {
    const concurrent::Future<int> source;
    const Future<int> wrapped = wrap_future(source);
    wrapped.cancel();
    co_await sleep(0s);
    EXPECT_TRUE(source.cancelled());

    EventLoop& loop = get_running_loop();
    Event cancelled;
    Event entered;
    const auto body = [&]() -> Coroutine<> {
      try {
        entered.set();
        co_await sleep(1h);
      } catch (const CancelledError&) {
        trace.push_back("task cancelled");
        cancelled.set();
        throw;
      }
    };
    std::atomic<bool> waits = false;
    const auto thread = [&] {
      const concurrent::Future<> future = run_coroutine_threadsafe(body(), loop);
      waits.wait(false);
      return future.cancel();
    };
    const Task<bool> asking = create_task(to_thread(thread));
    co_await entered.wait();
    waits = true;
    waits.notify_all();
    EXPECT_TRUE(co_await asking);
    co_await cancelled.wait();
  }());
  EXPECT_THAT(trace, ElementsAre("task cancelled"));
}

TEST(WrapFuture, belongs_to_the_threads_loop_where_none_runs) {
  const concurrent::Future<int> source;
  EXPECT_EQ(attempt([&] { wrap_future(source); }),
            "RuntimeError(There is no current event loop in thread 'MainThread'.)");
  const EventLoopPtr loop = testing::make_loop();
  set_event_loop(*loop);
  const Future<int> wrapped = wrap_future(source);
  set_event_loop(nullptr);
  EXPECT_EQ(&wrapped.get_loop(), loop.get());
  source.set_result(42);
  EXPECT_EQ(loop->run_until_complete(wrapped), 42);
}

TEST(WrapFuture, belongs_to_the_running_loop_and_leaves_a_loops_future_as_it_is) {
  const concurrent::Future<int> source;
  const EventLoopPtr loop = testing::make_loop();
  loop->run_until_complete([&]() -> Coroutine<> {
    const Future<int> wrapped = wrap_future(source);
    EXPECT_EQ(&wrapped.get_loop(), loop.get());
    EXPECT_EQ(wrap_future(wrapped), wrapped);
    source.set_result(42);
    EXPECT_TRUE(wrapped.cancel()) << "it has not heard of the result";
    co_await sleep(0s);
    EXPECT_TRUE(wrapped.cancelled());
    EXPECT_FALSE(source.cancelled());
    EXPECT_EQ(source.result(), 42);
  }());
}

TEST(RunCoroutineThreadsafe, gives_results_and_errors_to_a_thread) {
  Trace trace;
  run([&]() -> Coroutine<> {
    EventLoop& loop = get_running_loop();
    const auto answers = [](bool fails) -> Coroutine<std::string> {
      co_await sleep(0s);
      if (fails) throw ValueError("bad");
      co_return "good";
    };
    const auto thread = [&] {
      trace.push_back(run_coroutine_threadsafe(answers(false), loop).result());
      trace.push_back(attempt([&] { return run_coroutine_threadsafe(answers(true), loop).result(); }));
    };
    co_await to_thread(thread);
  }());
  EXPECT_THAT(trace, ElementsAre("good", "ValueError(bad)"));
}

TEST(RunCoroutineThreadsafe, ends_as_its_task_does_or_as_that_cannot_be_made) {
  Trace trace;
  std::size_t left = 1;
  run([&]() -> Coroutine<> {
    EventLoop& loop = get_running_loop();
    const auto cancels_itself = []() -> Coroutine<int> {
      current_task()->cancel();
      co_await sleep(0s);
      co_return 1;
    };
    const auto never = []() -> Coroutine<> { co_await sleep(1h); };
    const auto ask = [&] {
      trace.push_back(attempt([&] { return run_coroutine_threadsafe(cancels_itself(), loop).result(); }));
      const concurrent::Future<> late = run_coroutine_threadsafe(never(), loop);
      trace.push_back(attempt([&] { late.result(0s); }));
      EXPECT_TRUE(late.cancel());
    };
    co_await to_thread(ask);
    co_await sleep(0s);
    co_await sleep(0s);
    left = all_tasks().size();

    testing::Reports reports(loop);
    loop.set_task_factory([](EventLoop&, TaskFactoryOptions&) { throw ValueError("no task"); });
    const auto ask_in_vain = [&] {
      trace.push_back(attempt([&] { run_coroutine_threadsafe(never(), loop).result(); }));
    };
    co_await to_thread(ask_in_vain);
    loop.set_task_factory(nullptr);
    for (const ExceptionContext& context : reports.contexts())
      if (context.exception) trace.push_back(testing::text(context.exception));
  }());
  EXPECT_THAT(trace, ElementsAre("CancelledError()", "TimeoutError()", "ValueError(no task)", "ValueError(no task)"));
  EXPECT_EQ(left, 1U) << "the one that asks";
}

TEST(RunCoroutineThreadsafe, is_cancelled_where_its_loop_ends_before_it) {
  const auto never = []() -> Coroutine<> { co_await sleep(1h); };
  concurrent::Future<> not_started;
  concurrent::Future<> started;
  {
    const EventLoopPtr loop = testing::make_loop();
    testing::Reports reports(*loop);
    started = run_coroutine_threadsafe(never(), *loop);
    loop->run_until_complete(sleep(1ms));
    EXPECT_FALSE(started.done());
    not_started = run_coroutine_threadsafe(never(), *loop);
    loop->close();
    EXPECT_EQ(attempt([&] { run_coroutine_threadsafe(never(), *loop); }), "RuntimeError(Event loop is closed)");
    EXPECT_TRUE(not_started.cancelled());
    EXPECT_TRUE(started.cancelled()) << "also where the loop is kept";
  }
}

TEST(RunCoroutineThreadsafe, ends_for_a_worker_that_waits_in_it_when_the_loop_ends) {
  Trace trace;
  {
    const EventLoopPtr loop = testing::make_loop();
    testing::Reports reports(*loop);
    Event begun;
    const auto never = [](Event& event) -> Coroutine<> {
      event.set();
      co_await sleep(1h);
    };
    const auto ask = [&] { trace.push_back(attempt([&] { run_coroutine_threadsafe(never(begun), *loop).result(); })); };
    const Future<> asked = loop->run_in_executor(ask);
    loop->run_until_complete(begun.wait());
    loop->close();
    EXPECT_FALSE(asked.done());
  }
  EXPECT_THAT(trace, ElementsAre("CancelledError()"));
}

TEST(RunCoroutineThreadsafe, from_several_threads_at_once) {
  constexpr int calls = 2'000;
  std::atomic<int> sum = 0;
  run([&]() -> Coroutine<> {
    EventLoop& loop = get_running_loop();
    const auto one = []() -> Coroutine<int> { co_return 1; };
    const auto ask = [&] {
      for (int i = 0; i < calls; ++i) sum += run_coroutine_threadsafe(one(), loop).result();
    };
    std::vector<Task<>> threads;
    for (int i = 0; i < 3; ++i) threads.push_back(create_task(to_thread(ask)));
    for (const Task<>& thread : threads) co_await thread;
  }());
  EXPECT_EQ(sum, 3 * calls);
}

}  // namespace
}  // namespace segue::modern
