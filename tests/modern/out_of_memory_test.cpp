// What happens when there is no memory: every allocation of every scenario is refused once, and from there on. Whoever
// asked gets std::bad_alloc, or, where nobody can be told, the loop's handler is; nothing hangs, and nothing is lost.
// (With AddressSanitizer each frame and each task is an allocation; else they come out of a pool, which is filled.)
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/contextvars.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/foreign_awaiter.hpp>
#include <segue/modern/net/connect.hpp>
#include <segue/modern/streams/streams.hpp>
#include <segue/modern/sync/as_completed.hpp>
#include <segue/modern/sync/barrier.hpp>
#include <segue/modern/sync/condition.hpp>
#include <segue/modern/sync/event.hpp>
#include <segue/modern/sync/lock.hpp>
#include <segue/modern/sync/queues.hpp>
#include <segue/modern/sync/semaphore.hpp>
#include <segue/modern/sync/staggered.hpp>
#include <segue/modern/tasks/async_generators.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/contextlib.hpp>
#include <segue/modern/tasks/exception_groups.hpp>
#include <segue/modern/tasks/finally.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/outcome.hpp>
#include <segue/modern/tasks/runners.hpp>
#include <segue/modern/tasks/shield.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/taskgroups.hpp>
#include <segue/modern/tasks/timeouts.hpp>
#include <segue/modern/tasks/wait.hpp>
#include <segue/modern/tasks/wait_for.hpp>
#include <segue/modern/tasks/yield.hpp>

#include "modern/refused_allocations.hpp"
#include "modern/sockets.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::long_text;
using testing::make_loop;

class OutOfMemory : public testing::RefusedAllocations {};

Coroutine<std::string> give_long_text(Delay delay = 1s) {
  co_await sleep(delay);
  co_return long_text;
}
Coroutine<> fail_with_long_text() {
  co_await sleep(1s);
  throw ValueError(long_text);
}

TEST_F(OutOfMemory, of_coroutines_and_tasks) {
  run_refusing([]() -> Coroutine<> {
    const std::string first = co_await give_long_text();
    const auto task = create_task(give_long_text(), {.name = long_text});
    const std::string second = co_await task;
    EXPECT_EQ(first, second);
    const auto failing = create_task(fail_with_long_text());
    try {
      co_await failing;
    } catch (const ValueError&) {
    }
  });
}

TEST_F(OutOfMemory, of_steps_by_hand) {
  refuse_each_allocation([] {
    const auto body = []() -> Coroutine<std::string> {
      const std::any sent = co_await yield_(long_text);
      co_return std::any_cast<std::string>(sent) + long_text;
    };
    auto coroutine = body();
    coroutine.send();
    try {
      coroutine.send(long_text);
    } catch (const StopIteration<std::string>&) {
    }
  });
}

TEST_F(OutOfMemory, of_cancellation) {
  run_refusing([]() -> Coroutine<> {
    const auto task = create_task(give_long_text(1h));
    co_await sleep(1s);
    task.cancel(long_text);
    try {
      co_await task;
    } catch (const CancelledError&) {
    }
  });
}

TEST_F(OutOfMemory, of_a_cancellation_at_the_next_await) {
  run_refusing([]() -> Coroutine<> {
    const auto cancels_itself = [](bool by_a_future) -> Coroutine<> {
      current_task()->cancel(long_text);
      if (by_a_future) co_await get_running_loop().create_future();
      if (!by_a_future) co_await yield_();
    };
    for (const bool by_a_future : {true, false}) {
      bool cancelled = false;
      const auto task = create_task(cancels_itself(by_a_future));
      try {
        co_await task;
      } catch (const CancelledError&) {
        cancelled = true;
      }
      EXPECT_TRUE(cancelled);
    }
  });
}

TEST_F(OutOfMemory, of_what_a_task_may_not_await) {
  run_refusing([]() -> Coroutine<> {
    const EventLoopPtr other = make_loop();
    const auto awaits_itself = []() -> Coroutine<> { co_await *current_task(); };
    const auto awaits = [](Future<> future) -> Coroutine<> { co_await future; };
    const auto yields = []() -> Coroutine<> { co_await yield_(1); };
    std::vector<Task<>> tasks;
    tasks.push_back(create_task(awaits_itself(), {.name = long_text}));
    tasks.push_back(create_task(awaits(other->create_future())));
    tasks.push_back(create_task(yields()));
    for (const auto& task : tasks) {
      try {
        co_await task;
      } catch (const RuntimeError&) {
      }
    }
  });
}

TEST_F(OutOfMemory, of_futures_and_callbacks) {
  run_refusing([]() -> Coroutine<> {
    EventLoop& loop = get_running_loop();
    const Future<std::string> future = loop.create_future<std::string>();
    int called = 0;
    for (int i = 0; i < 3; ++i) future.add_done_callback([&called, text = long_text](auto) { ++called; });
    loop.call_soon([future, text = long_text]() mutable { future.set_result(std::move(text)); });
    loop.call_later(5s, [&called, text = long_text] { ++called; });
    loop.call_soon_threadsafe([&called, text = long_text] { ++called; });
    const std::string text = co_await future;
    EXPECT_EQ(text, long_text);
    co_await sleep(6s);
    const Future<> failed = loop.create_future();
    failed.set_exception(ValueError(long_text));  // reported
  });
}

TEST_F(OutOfMemory, of_gather) {
  run_refusing([]() -> Coroutine<> {
    const auto [a, b, c] = co_await gather(give_long_text(1s), give_long_text(2s), give_long_text(3s));
    std::vector<Task<std::string>> tasks;
    for (int i = 0; i < 5; ++i) tasks.push_back(create_task(give_long_text()));
    const auto all = co_await gather(tasks);
    EXPECT_EQ(all.size(), 5U);
    try {
      co_await gather(give_long_text(9s), fail_with_long_text());
    } catch (const ValueError&) {
    }
  });
}

// In a function: g++ 12 makes no std::vector{1, 2} in a coroutine.
std::vector<int> one_two_three() { return {1, 2, 3}; }

TEST_F(OutOfMemory, of_gather_of_a_view) {
  int alive = 0;
  const auto gather_view = [&alive] {
    return gather(one_two_three() |
                  std::views::transform([tracked = testing::Tracked(alive), &alive](int n) -> Coroutine<int> {
                    co_await sleep(1s);
                    EXPECT_GT(alive, 0) << "the function has gone";
                    co_return n;
                  }));
  };
  run_refusing([&]() -> Coroutine<> {
    bool failed = false;
    try {
      auto all = gather_view();
      const auto numbers = co_await std::move(all);
      EXPECT_EQ(numbers.size(), 3U);
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    if (failed) co_await sleep(2s);
    EXPECT_EQ(alive, 0);
  });
}

TEST_F(OutOfMemory, of_gather_with_return_exceptions) {
  run_refusing([]() -> Coroutine<> {
    auto results = co_await gather(give_long_text(), fail_with_long_text(), return_exceptions);
    EXPECT_TRUE(std::get<1>(results).has_exception() || std::get<1>(results).has_value());
  });
}

TEST_F(OutOfMemory, of_wait_wait_for_and_shield) {
  run_refusing([]() -> Coroutine<> {
    const auto quick = create_task(give_long_text(1s));
    const auto slow = create_task(give_long_text(3s));
    const auto waited = co_await wait(quick, slow, WaitOptions{.return_when = FIRST_COMPLETED});
    EXPECT_EQ(waited.done.size(), 1U);
    const std::string text = co_await wait_for(give_long_text(1s), 2s);
    EXPECT_EQ(text, long_text);
    try {
      co_await wait_for(give_long_text(9s), 1s);
    } catch (const TimeoutError&) {
    }
    const std::string shielded = co_await shield(give_long_text(1s));
    EXPECT_EQ(shielded, long_text);
    co_await slow;
  });
}

TEST_F(OutOfMemory, of_timeouts_outcomes_and_clean_up) {
  run_refusing([]() -> Coroutine<> {
    const auto body = [](const Timeout&) -> Coroutine<> { co_await sleep(9s); };
    try {
      co_await async_with(timeout(1s), body);
    } catch (const TimeoutError&) {
    }
    const Outcome<void> failed = co_await outcome(fail_with_long_text());
    EXPECT_TRUE(failed.has_exception());
    const auto work = [] { return give_long_text(); };
    const auto clean = [] { return give_long_text(); };
    const std::string text = co_await finally_(work, clean);
    EXPECT_EQ(text, long_text);
  });
}

TEST_F(OutOfMemory, of_task_groups) {
  run_refusing([]() -> Coroutine<> {
    const auto body = [](TaskGroup& group) -> Coroutine<> {
      group.create_task(give_long_text(1s));
      group.create_task(give_long_text(2s), {.name = long_text});
      co_return;
    };
    co_await async_with(TaskGroup(), body);
    const auto failing = [](TaskGroup& group) -> Coroutine<> {
      group.create_task(fail_with_long_text());
      group.create_task(give_long_text(9s));
      co_await sleep(8s);
    };
    try {
      co_await async_with(TaskGroup(), failing);
    } catch (const BaseExceptionGroup&) {
    }
  });
}

TEST_F(OutOfMemory, of_locks) {
  run_refusing([]() -> Coroutine<> {
    const Lock lock;
    const Event event;
    const Condition condition;
    const Semaphore semaphore(1);
    // Handles are copied: where this function fails, the workers go on.
    const auto worker = [](Lock lock, Event event, Condition condition, Semaphore semaphore) -> Coroutine<> {
      const auto body = []() -> Coroutine<> { co_await sleep(1s); };
      co_await async_with(lock, body);
      co_await async_with(semaphore, body);
      co_await event.wait();
      const auto notified = [condition]() -> Coroutine<> { co_await condition.wait(); };
      co_await async_with(condition, notified);
    };
    std::vector<Task<>> workers;
    for (int i = 0; i < 4; ++i) workers.push_back(create_task(worker(lock, event, condition, semaphore)));
    co_await sleep(9s);
    event.set();
    for (int i = 0; i < 9; ++i) {
      co_await sleep(1s);
      const auto notify = [&]() -> Coroutine<> {
        condition.notify_all();
        co_return;
      };
      co_await async_with(condition, notify);
    }
    const auto waited = co_await wait(workers, WaitOptions{.timeout = 1s});
    for (const auto& each : waited.pending) each.cancel();
  });
}

TEST_F(OutOfMemory, of_barriers_and_queues) {
  run_refusing([]() -> Coroutine<> {
    const Barrier barrier(3);
    const Queue<std::string> queue(2);
    const auto party = [](Barrier barrier, Queue<std::string> queue, int number) -> Coroutine<> {
      co_await barrier.wait();
      for (int i = 0; i < 3; ++i) co_await queue.put(long_text + std::to_string(number));
    };
    const auto one = create_task(party(barrier, queue, 1));
    const auto two = create_task(party(barrier, queue, 2));
    const auto take_all = [](Queue<std::string> queue) -> Coroutine<int> {
      int taken = 0;
      for (int i = 0; i < 6; ++i) {
        co_await queue.get();
        queue.task_done();
        ++taken;
      }
      co_await queue.join();
      co_return taken;
    };
    const auto taker = create_task(take_all(queue));
    const Outcome<int> met = co_await outcome(wait_for(barrier.wait(), 5s));
    if (met.has_exception()) {
      for (const AnyTask& each : {AnyTask(one), AnyTask(two), AnyTask(taker)}) each.cancel();
      std::rethrow_exception(met.exception());
    }
    const Outcome<int> all = co_await outcome(wait_for(taker, 5s));
    if (all.has_exception()) {
      one.cancel();
      two.cancel();
      std::rethrow_exception(all.exception());
    }
  });
}

TEST_F(OutOfMemory, of_run) {
  refuse_each_allocation([] {
    const auto main = []() -> Coroutine<> {
      create_task(give_long_text(1h));
      co_await sleep(1s);
    };
    run(main(), {.loop_factory = make_loop});
  });
}

TEST_F(OutOfMemory, of_a_loop_that_is_closed_with_pending_tasks) {
  refuse_each_allocation([] {
    const EventLoopPtr loop = make_loop();
    const auto main = []() -> Coroutine<> {
      const auto forgotten = create_task(give_long_text(1h));
      create_task(give_long_text(2h));
      get_running_loop().call_later(1h, [text = long_text] {});
      co_await sleep(1s);
      [[maybe_unused]] const auto never_awaited = give_long_text();
    };
    loop->run_until_complete(main());
  });
}

TEST_F(OutOfMemory, of_awaiting_another_librarys_awaiter) {
  struct Later {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
      get_running_loop().call_soon([waiting] { waiting.resume(); });
    }
    void await_resume() const noexcept {}
  };
  run_refusing([]() -> Coroutine<> {
    Later later;
    co_await later;
  });
}

TEST_F(OutOfMemory, of_streams) {
  refuse_each_allocation([] {
    testing::SocketPair pair;
    const EventLoopPtr loop = make_loop();
    const auto main = [&]() -> Coroutine<> {
      const ConnectionOptions options{.sock = pair.release_ours()};
      pair.send("line\nrest");
      auto [reader, writer] = co_await open_connection(options);
      const std::string line = co_await reader.readline();
      EXPECT_EQ(line, "line\n");
      for (const std::size_t size : {10'000, 20'000}) {  // the second is received into room for the first, and beyond
        pair.send(std::string(size, 'y'));
        for (int i = 0; i < 4; ++i) co_await sleep(0s);
        const std::string many = co_await reader.readexactly(static_cast<std::int64_t>(size));
        EXPECT_TRUE(many.ends_with("yyyy"));
      }
      writer.write(std::string(300'000, 'x'));
      const auto drained = [](StreamWriter to) -> Coroutine<> { co_await to.drain(); };
      const auto draining = create_task(drained(writer));
      for (int i = 0; i < 40; ++i) {
        pair.receive();
        co_await sleep(0s);
      }
      co_await draining;
      writer.close();
    };
    loop->run_until_complete(main());
  });
}

Coroutine<std::string> set_and_get(ContextVar<int> number, ContextVar<std::string> text) {
  number.set(2);
  co_await sleep(0s);
  co_return text.get();
}

TEST_F(OutOfMemory, of_context_variables) {
  const ContextVar<std::string> text("a variable whose name is too long to be kept without memory", long_text);
  const ContextVar<int> number("number", 0);
  run_refusing([&]() -> Coroutine<> {
    text.set(long_text + "1");
    Token<int> token = number.set(1);
    const auto task = create_task(set_and_get(number, text), {.context = copy_context()});
    get_running_loop().call_soon([&] { text.set(long_text + "2"); });
    const std::string read = co_await task;
    EXPECT_EQ(read, long_text + "1");
    number.reset(token);
    EXPECT_EQ(number.get(), 0);
    EXPECT_EQ(text.get(), long_text + "1");
  });
}

AsyncGenerator<std::string> long_texts() {
  std::exception_ptr error;
  try {
    for (int i = 0; i < 3; ++i) {
      co_yield long_text;
      co_await sleep(1s);
    }
  } catch (...) {
    error = std::current_exception();
  }
  co_await sleep(1s);
  if (error) std::rethrow_exception(error);
}

TEST_F(OutOfMemory, of_async_generators) {
  run_refusing([]() -> Coroutine<> {
    std::string all;
    co_await async_for(long_texts(), [&](const std::string& text) { all += text; });
    EXPECT_EQ(all.size(), 3U * long_text.size());
    auto closed = long_texts();
    co_await closed.anext();
    co_await closed.aclose();
    auto dropped = long_texts();
    co_await dropped.anext();
  });
}

TEST_F(OutOfMemory, of_context_managers) {
  run_refusing([]() -> Coroutine<> {
    int left = 0;
    const auto managed = asynccontextmanager([&](std::string text) -> AsyncGenerator<std::string> {
      co_yield text;
      ++left;
    });
    const auto body = [&](AsyncExitStack& stack) -> Coroutine<> {
      const std::string entered = co_await stack.enter_async_context(managed(long_text));
      EXPECT_EQ(entered, long_text);
      stack.callback([&left, text = long_text] { ++left; });
      stack.push_async_callback(
          [](int& left) -> Coroutine<> {
            co_await sleep(1s);
            ++left;
          },
          std::ref(left));
    };
    co_await async_with(AsyncExitStack(), body);
    EXPECT_EQ(left, 3);
  });
}

TEST_F(OutOfMemory, of_as_completed_and_eager_tasks) {
  run_refusing([]() -> Coroutine<> {
    std::vector<Task<std::string>> tasks;
    for (int i = 3; i > 0; --i)
      tasks.push_back(create_task(give_long_text(std::chrono::seconds(i)), {.eager_start = true}));
    for (Coroutine<std::string>& next : as_completed(tasks, {.timeout = 1h})) {
      const std::string text = co_await next;
      EXPECT_EQ(text, long_text);
    }
  });
}

TEST_F(OutOfMemory, of_a_staggered_race) {
  run_refusing([]() -> Coroutine<> {
    const std::vector<std::function<Coroutine<std::string>()>> entrants{
        [] { return give_long_text(std::chrono::seconds(3)); }, [] { return give_long_text(std::chrono::seconds(1)); }};
    const auto result = co_await staggered_race(entrants, 1s);
    EXPECT_EQ(result.winner_result.has_value(), result.winner_index.has_value());
  });
}

TEST_F(OutOfMemory, of_a_reset) {
  refuse_each_allocation([] {
    const ContextVar<int> var("var");
    Context().run([&] {
      for (const bool was_set : {false, true}) {
        if (was_set) var.set(1);
        auto token = var.set(2);
        const Context shares = copy_context();  // so that the map of both is copied
        try {
          var.reset(token);
        } catch (const std::bad_alloc&) {
          const segue::testing::NothingRefused again;
          EXPECT_EQ(var.get(), 2);
          var.reset(token);
          EXPECT_EQ(var.get(0), was_set ? 1 : 0);
          throw;
        }
      }
    });
  });
}

}  // namespace
}  // namespace segue::modern
