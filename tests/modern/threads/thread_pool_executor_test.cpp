// Pools of threads whose futures the user ends, which are shut down twice, or which a loop uses.
#include <segue/modern/threads/thread_pool_executor.hpp>

#include <atomic>
#include <chrono>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/log.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/threads/thread_futures.hpp>
#include <segue/modern/threads/to_thread.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using testing::attempt;
using testing::error_of;
using ::testing::HasSubstr;
using testing::make_loop;
using ::testing::StartsWith;
using ThreadPool = concurrent::ThreadPoolExecutor;

/// What is logged while it lives, by pools that have gone before it.
class PoolLog {
 public:
  PoolLog()
      : previous_(set_log_handler([this](LogLevel level, const std::string& line) {
          if (level == LogLevel::critical) text_ += line;
        })) {}
  PoolLog(const PoolLog&) = delete;
  PoolLog& operator=(const PoolLog&) = delete;
  ~PoolLog() { set_log_handler(std::move(previous_)); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  LogHandler previous_;
};

TEST(PoolWorker, lives_on_where_somebody_else_has_ended_the_future) {
  const PoolLog log;
  {
    std::binary_semaphore go(0);
    ThreadPool pool(1);
    const auto future = pool.submit([&] {
      go.acquire();
      return 1;
    });
    while (!future.running()) std::this_thread::yield();
    future.set_result(7);
    go.release();
    EXPECT_EQ(pool.submit([] { return 2; }).result(), 2);
    EXPECT_EQ(future.result(), 7);
  }
  EXPECT_THAT(log.text(),
              AllOf(StartsWith("Exception in worker\n"), HasSubstr("InvalidStateError: FINISHED: <Future at")));
}

TEST(PoolWorker, lives_on_where_somebody_else_has_begun) {
  const PoolLog log;
  {
    std::binary_semaphore go(0);
    ThreadPool pool(1);
    pool.submit([&] { go.acquire(); });
    const auto begun = pool.submit([] { ADD_FAILURE(); });
    EXPECT_TRUE(begun.set_running_or_notify_cancel());
    go.release();
    EXPECT_EQ(pool.submit([] { return 2; }).result(), 2);
  }
  EXPECT_THAT(log.text(), HasSubstr("Exception in worker\n"));
  EXPECT_THAT(log.text(), HasSubstr("RuntimeError: Future in unexpected state"));
}

TEST(PoolWorker, lives_on_where_a_callback_ends_the_program) {
  const PoolLog log;
  {
    std::binary_semaphore go(0);
    ThreadPool pool(1);
    const auto future = pool.submit([&] { go.acquire(); });
    future.add_done_callback([](const auto&) { throw SystemExit(3); });
    go.release();
    EXPECT_EQ(pool.submit([] { return 2; }).result(), 2);
  }
  EXPECT_THAT(log.text(), AllOf(StartsWith("Exception in worker\n"), HasSubstr("SystemExit")));
}

TEST(PoolShutdown, waits_also_after_one_that_did_not) {
  std::atomic<bool> go = false;
  std::atomic<int> done = 0;
  const auto work = [&] {
    go.wait(false);
    for (int i = 0; i < 100; ++i) std::this_thread::yield();
    ++done;
  };
  std::optional<ThreadPool> pool(1);
  pool->submit(work);
  pool->shutdown(false);
  const auto let_go = [&] {
    go = true;
    go.notify_all();
  };
  {
    const std::jthread releaser(let_go);
    pool->shutdown();
    EXPECT_EQ(done, 1);
  }
  go = false;
  pool.emplace(1);
  pool->submit(work);
  pool->shutdown(false);
  const std::jthread releaser(let_go);
  pool.reset();
  EXPECT_EQ(done, 2);
}

TEST(PoolShutdown, waits_in_several_threads_at_once) {
  ThreadPool pool(2);
  std::atomic<int> waiting = 0;
  std::atomic<bool> done = false;
  pool.submit([&] {
    while (waiting < 2) std::this_thread::yield();
    for (int i = 0; i < 100; ++i) std::this_thread::yield();
    done = true;
  });
  const auto wait = [&] {
    ++waiting;
    pool.shutdown();
    EXPECT_TRUE(done);
  };
  const std::jthread other(wait);
  wait();
}

TEST(PoolShutdown, in_a_thread_of_its_own_leaves_that_one_to_itself) {
  std::promise<void> promise;
  const std::future<void> gone = promise.get_future();
  std::atomic<bool> go = false;
  auto pool = std::make_shared<ThreadPool>(2);
  pool->submit([&go, promise = std::move(promise), own = pool]() mutable {
    go.wait(false);
    own->shutdown();
    own.reset();
    promise.set_value();
  });
  pool.reset();
  go = true;
  go.notify_all();
  gone.wait();
}

TEST(PoolMap, gives_no_element_more_time_than_is_left_for_all) {
  using Results = concurrent::MapResults<int>;
  const concurrent::Future<int> done;
  done.set_result(1);
  const Results results({done, concurrent::Future<int>()}, Results::clock::now() - 1ms);
  auto each = results.begin();
  EXPECT_EQ(*each, 1);
  ++each;
  EXPECT_EQ(attempt([&] { return *each; }), "TimeoutError()");
}

Coroutine<int> five_of_the_loop() { co_return 5; }
Coroutine<void> to_thread_in_vain() {
  co_await to_thread([] { ADD_FAILURE(); });
}

TEST(PoolOfALoop, is_shut_down_while_its_own_call_waits_for_the_loop) {
  const auto pool = std::make_shared<ThreadPool>(1);
  const EventLoopPtr loop = make_loop();
  loop->set_default_executor(pool);
  const auto asks = pool->submit([&loop] { return run_coroutine_threadsafe(five_of_the_loop(), *loop).result(); });
  loop->run_until_complete(loop->shutdown_default_executor());
  EXPECT_EQ(asks.result(), 5);
}

TEST(PoolOfALoop, takes_nothing_more_at_once_and_is_waited_for_until_the_timeout) {
  std::string logged;
  LogHandler before = set_log_handler([&logged](LogLevel, const std::string& message) { logged += message; });
  std::binary_semaphore go(0);
  const auto pool = std::make_shared<ThreadPool>(1);
  pool->submit([&go] { go.acquire(); });
  const EventLoopPtr loop = make_loop();
  loop->set_default_executor(pool);
  const auto main = [&pool]() -> Coroutine<void> {
    const Task<> shut_down = create_task(get_running_loop().shutdown_default_executor(100ms));
    co_await sleep(1ms);
    EXPECT_FALSE(shut_down.done());
    EXPECT_EQ(attempt([&] { pool->submit([] {}); }), "RuntimeError(cannot schedule new futures after shutdown)");
    co_await shut_down;
  };
  loop->run_until_complete(main());
  go.release();
  set_log_handler(std::move(before));
  EXPECT_EQ(logged, "The executor did not finish joining its threads within 0.1 seconds.");
}

TEST(PoolOfALoop, may_be_replaced_while_its_call_waits_for_the_loop) {
  const EventLoopPtr loop = make_loop();
  loop->set_default_executor(std::make_shared<ThreadPool>(1));
  const auto main = []() -> Coroutine<int> {
    EventLoop& here = get_running_loop();
    const Future<int> asks =
        here.run_in_executor([&here] { return run_coroutine_threadsafe(five_of_the_loop(), here).result(); });
    here.set_default_executor(std::make_shared<ThreadPool>(1));
    co_return co_await asks;
  };
  EXPECT_EQ(loop->run_until_complete(main()), 5);
}

TEST(PoolOfALoop, is_not_waited_for_by_a_loop_whose_calls_are_queued_there) {
  std::binary_semaphore go(0);
  const auto pool = std::make_shared<ThreadPool>(1);
  pool->submit([&go] { go.acquire(); });
  std::optional<Future<void>> queued;
  {
    const EventLoopPtr loop = make_loop();
    loop->set_default_executor(pool);
    queued = loop->run_in_executor([] { ADD_FAILURE() << "the loop is gone"; });
  }
  EXPECT_FALSE(queued->done());
  go.release();
  pool->shutdown();
}

TEST(PoolOfALoop, says_each_time_that_it_is_broken) {
  const PoolLog log;
  const EventLoopPtr loop = make_loop();
  loop->set_default_executor(std::make_shared<ThreadPool>(1, "broken", [] { throw ValueError("init"); }));
  const std::string broken = "BrokenThreadPool: A thread initializer failed, the thread pool is not usable anymore";
  EXPECT_EQ(error_of(*loop, to_thread_in_vain()), broken);
  EXPECT_EQ(error_of(*loop, to_thread_in_vain()), broken);
  loop->run_until_complete(loop->shutdown_default_executor());
}

TEST(PoolOfALoop, cancels_what_was_queued_where_it_is_shut_down_so) {
  std::binary_semaphore go(0);
  const auto pool = std::make_shared<ThreadPool>(1);
  const EventLoopPtr loop = make_loop();
  loop->set_default_executor(pool);
  pool->submit([&go] { go.acquire(); });
  const auto main = [&]() -> Coroutine<void> {
    const Future<void> queued = get_running_loop().run_in_executor([] { ADD_FAILURE(); });
    pool->shutdown(false, true);
    co_await sleep(0s);
    EXPECT_TRUE(queued.cancelled());
  };
  loop->run_until_complete(main());
  go.release();
}

/// What a call that throws `E` is to the loop that waits for it, in a pool that is named, and in the default one.
template <class E>
std::string thrown_to_the_loop(bool is_named) {
  ThreadPool pool(1);
  const EventLoopPtr loop = make_loop();
  const auto fail = [] { throw E("x"); };
  const Future<void> future = is_named ? loop->run_in_executor(pool, fail) : loop->run_in_executor(fail);
  try {
    loop->run_until_complete(future);
  } catch (const CancelledError& error) {
    return std::string("asyncio.CancelledError ") + error.what() + (future.cancelled() ? " cancelled" : "");
  } catch (const InvalidStateError& error) {
    return std::string("asyncio.InvalidStateError ") + error.what();
  } catch (...) {
    return testing::text(std::current_exception());
  }
  return "nothing";
}

TEST(WrapFuture, gives_the_loop_asyncios_exceptions) {
  for (const bool is_named : {true, false}) {
    EXPECT_EQ(thrown_to_the_loop<concurrent::CancelledError>(is_named), "asyncio.CancelledError x");
    EXPECT_EQ(thrown_to_the_loop<concurrent::InvalidStateError>(is_named), "asyncio.InvalidStateError x");
    EXPECT_EQ(thrown_to_the_loop<ValueError>(is_named), "ValueError(x)");
  }
}

TEST(WrapFuture, of_what_cannot_be_copied_gives_it_once) {
  const EventLoopPtr loop = make_loop();
  const concurrent::Future<std::unique_ptr<int>> source;
  const auto first = wrap_future(source, *loop);
  const auto second = wrap_future(source, *loop);
  source.set_result(std::make_unique<int>(5));
  EXPECT_EQ(*loop->run_until_complete(first), 5);
  EXPECT_EQ(error_of(*loop, second), "InvalidStateError: the result was moved out already");
  EXPECT_EQ(attempt([&] { source.result(); }), "InvalidStateError(the result was moved out already)");
}

TEST(RunCoroutineThreadsafe, gives_the_thread_asyncios_exceptions) {
  const EventLoopPtr loop = make_loop();
  const auto fails = []() -> Coroutine<void> {
    throw concurrent::InvalidStateError("x");
    co_return;
  };
  const concurrent::Future<> future = run_coroutine_threadsafe(fails(), *loop);
  loop->run_until_complete(sleep(1ms));
  EXPECT_THROW(future.result(), InvalidStateError);
}

TEST(RunCoroutineThreadsafe, refuses_exception_by_its_own_name) {
  const EventLoopPtr loop = make_loop();
  std::string refused;
  loop->call_soon([&] {
    const concurrent::Future<int> future = run_coroutine_threadsafe(five_of_the_loop(), *loop);
    refused = attempt([&] { static_cast<void>(future.exception()); });
  });
  loop->run_until_complete(sleep(1ms));
  EXPECT_THAT(refused, StartsWith("RuntimeError(exception() at "));
}

}  // namespace
}  // namespace segue::modern
