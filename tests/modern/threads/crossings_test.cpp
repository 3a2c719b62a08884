// Everything that crosses from a thread into the loop and back, all at once and many times. The thread sanitizer looks
// on in one configuration of the gate.
#include <array>
#include <chrono>
#include <cstddef>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/contextvars.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exception_context.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/loop/threadsafe_handle.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait.hpp>
#include <segue/modern/threads/concurrent_future.hpp>
#include <segue/modern/threads/thread_futures.hpp>
#include <segue/modern/threads/thread_pool_executor.hpp>
#include <segue/modern/threads/to_thread.hpp>

namespace segue::modern {
namespace {

constexpr std::size_t crossing_threads = 4;

TEST(Crossings, a_million_calls_from_four_threads_arrive_each_in_its_threads_order) {
  constexpr int calls_per_thread = 250'000;
  const EventLoopPtr loop = new_event_loop();
  std::array<int, crossing_threads> next{};
  std::size_t finished = 0;
  bool in_order = true;
  const auto arrive = [&](std::size_t thread, int number) {
    in_order = in_order && next[thread] == number;
    ++next[thread];
    if (next[thread] == calls_per_thread && ++finished == crossing_threads) loop->stop();
  };
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < crossing_threads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int number = 0; number < calls_per_thread; ++number) loop->call_soon_threadsafe(arrive, thread, number);
    });
  }
  loop->run_forever();
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(in_order);
  EXPECT_EQ(finished, crossing_threads);
}

TEST(Crossings, all_kinds_work_at_once) {
  constexpr int rounds = 500;
  const EventLoopPtr loop = new_event_loop();
  const ContextVar<int> variable("variable", 0);
  const auto executor = std::make_shared<concurrent::ThreadPoolExecutor>(4);
  const auto add_one = [&](int number) -> Coroutine<int> { co_return number + variable.get(); };
  // From the loop to a thread, from there into the loop, and back twice.
  const auto there_and_back = [&](int number) -> Coroutine<int> {
    variable.set(1);
    const auto in_thread = [&, number] { return run_coroutine_threadsafe(add_one(number), *loop).result(); };
    const int once = co_await to_thread(in_thread);
    const int twice = co_await wrap_future(executor->submit([once] { return once + 1; }));
    const auto from_pool = loop->run_in_executor(*executor, [twice] { return twice + 1; });
    co_return co_await from_pool;
  };
  const auto main = [&]() -> Coroutine<int> {
    int sum = 0;
    for (int round = 0; round < rounds; ++round) {
      const auto [a, b, c, d] =
          co_await gather(there_and_back(1), there_and_back(2), there_and_back(3), there_and_back(4));
      sum += a + b + c + d;
    }
    co_return sum;
  };
  EXPECT_EQ(loop->run_until_complete(main()), rounds * (1 + 2 + 3 + 4 + 4 * 3));
  loop->run_until_complete(loop->shutdown_default_executor());
  executor->shutdown();
}

TEST(Crossings, all_kinds_are_cancelled_at_once_and_the_loop_is_closed_meanwhile) {
  constexpr int rounds = 200;
  constexpr std::size_t jobs = 16;
  const EventLoopPtr loop = new_event_loop();
  // Of the tasks that have not heard of their cancellation yet when the loop is closed.
  loop->set_exception_handler([](EventLoop&, const ExceptionContext& context) {
    EXPECT_EQ(context.message, "Task was destroyed but it is pending!");
  });
  const auto kept = std::make_shared<int>();  // by what is posted and submitted

  const auto post_and_cancel = [&] {
    // Both threads use it, without a lock: once cancelled, it is this one's alone.
    const auto calls = std::make_shared<int>(0);
    const ThreadsafeHandle handle = loop->call_soon_threadsafe([kept, calls] { EXPECT_EQ(++*calls, 1); });
    handle.cancel();
    ++*calls;
    EXPECT_TRUE(run_coroutine_threadsafe(sleep(std::chrono::hours(1)), *loop).cancel());
  };
  const auto post_until_closed = [&] {
    try {
      for (int number = 0;; ++number) {
        post_and_cancel();
        // Not faster than the loop, in the long run; cancelled where it is closed.
        if (number % 16 == 0) run_coroutine_threadsafe(sleep(std::chrono::seconds(0)), *loop).result();
      }
    } catch (const concurrent::CancelledError&) {
    } catch (const RuntimeError& error) {
      EXPECT_STREQ(error.what(), "Event loop is closed");
    }
  };
  const auto wrap_and_cancel = [&]() -> Coroutine<> {
    concurrent::ThreadPoolExecutor pool(2);
    std::vector<Future<std::size_t>> wraps;
    for (std::size_t job = 0; job < jobs; ++job) wraps.push_back(wrap_future(pool.submit([kept, job] { return job; })));
    const auto shut_down = loop->run_in_executor([&] { pool.shutdown(true, true); });
    for (std::size_t job = 0; job < jobs; job += 2) wraps[job].cancel();
    co_await wait(wraps);
    co_await shut_down;
    for (std::size_t job = 0; job < jobs; ++job) {
      if (!wraps[job].cancelled()) {
        EXPECT_EQ(wraps[job].result(), job);
      }
    }
  };
  const auto main = [&]() -> Coroutine<> {
    for (int round = 0; round < rounds; ++round) co_await wrap_and_cancel();
  };

  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < crossing_threads; ++thread) threads.emplace_back(post_until_closed);
  loop->run_until_complete(main());
  loop->run_until_complete(loop->shutdown_default_executor());
  {
    std::latch closed(1);
    concurrent::ThreadPoolExecutor pool(1);
    const Future<void> late = wrap_future(pool.submit([&] { closed.wait(); }), *loop);
    loop->close();
    closed.count_down();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(kept.use_count(), 1);
}

}  // namespace
}  // namespace segue::modern
