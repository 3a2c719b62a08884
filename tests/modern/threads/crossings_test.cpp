// Everything that crosses from a thread into the loop and back, all at once and many times. The thread sanitizer looks
// on in one configuration of the gate.
#include <array>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <segue/modern/kernel/contextvars.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/task.hpp>
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

}  // namespace
}  // namespace segue::modern
