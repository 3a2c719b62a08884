// Programs whose io_context is run by several threads, beside a loop in one: what docs/asio.md says that holds.
#include <atomic>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/bridge/asio.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "bridge/loop.hpp"

namespace segue::bridge {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using modern::CancelledError;
using modern::Coroutine;
using ::testing::Each;
using ::testing::ElementsAre;
using testing::Trace;

constexpr int threads = 3;
constexpr int burst_rounds = 200;

/// An io_context that several threads run, and a loop of its own in this one.
class ThreadedAsio : public ::testing::Test {
 protected:
  ThreadedAsio() {
    for (int i = 0; i < threads; ++i) runners_.emplace_back([this] { io.run(); });
  }
  ~ThreadedAsio() override {
    work_.reset();
    for (std::thread& runner : runners_) runner.join();
  }

  asio::io_context io;
  modern::EventLoopPtr loop = modern::new_event_loop();

 private:
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(io);
  std::vector<std::thread> runners_;
};

TEST_F(ThreadedAsio, a_task_awaits_operations_of_theirs_and_stays_in_its_thread) {
  const auto here = std::this_thread::get_id();
  auto main = [&]() -> Coroutine<> {
    for (int i = 0; i < burst_rounds; ++i) {
      co_await asio::post(io, use_segue);
      EXPECT_EQ(std::this_thread::get_id(), here);
    }
  };
  loop->run_until_complete(main());
}

TEST_F(ThreadedAsio, a_cancellation_reaches_an_operation_on_a_strand_whenever_it_comes) {
  auto wait = [&]() -> Coroutine<> {
    asio::steady_timer timer(asio::make_strand(io), 1h);
    co_await timer.async_wait(use_segue);
  };
  auto wait_briefly = [&](asio::steady_timer::duration delay) -> Coroutine<> {
    asio::steady_timer timer(asio::make_strand(io), delay);
    co_await timer.async_wait(use_segue);
  };
  for (int i = 0; i < burst_rounds; ++i) {
    const auto for_ever = loop->create_task(wait());
    const auto racing = loop->create_task(wait_briefly(20us));
    loop->run_until_complete(modern::sleep(0s));
    for_ever.cancel();
    const bool was_under_way = racing.cancel();
    EXPECT_THROW(loop->run_until_complete(for_ever), CancelledError);
    if (was_under_way) {
      EXPECT_THROW(loop->run_until_complete(racing), CancelledError);
    }
  }
}

TEST_F(ThreadedAsio, a_cancelled_read_leaves_its_buffer_alone_from_then_on) {
  using Socket = asio::local::stream_protocol::socket;
  for (int i = 0; i < burst_rounds; ++i) {
    const auto strand = asio::make_strand(io);
    Socket here(strand);
    Socket there(io);
    asio::local::connect_pair(here, there);
    auto read = [&]() -> Coroutine<> {
      char bytes[4];  // gone when the task is
      co_await asio::async_read(here, asio::buffer(bytes), use_segue);
    };
    const auto task = loop->create_task(read());
    loop->run_until_complete(modern::sleep(0s));
    std::thread writer([&] { asio::write(there, asio::buffer("abc", 3)); });
    task.cancel();
    EXPECT_THROW(loop->run_until_complete(task), CancelledError);
    writer.join();
    auto closed = [&]() -> Coroutine<> { co_await asio::post(strand, use_segue); };
    loop->run_until_complete(closed());  // nothing of the socket's is under way in the other threads
  }
}

TEST_F(ThreadedAsio, their_coroutines_wait_for_tasks_of_the_loop) {
  std::atomic<int> sum = 0;
  const auto here = std::this_thread::get_id();
  auto number = [here](int value) -> Coroutine<int> {
    co_await modern::sleep(0s);
    EXPECT_EQ(std::this_thread::get_id(), here);
    co_return value;
  };
  auto asking = [&]() -> asio::awaitable<void> {
    for (int i = 0; i < burst_rounds; ++i) {
      const int value = co_await co_spawn(*loop, number(1), asio::use_awaitable);
      EXPECT_NE(std::this_thread::get_id(), here);
      sum += value;
    }
  };
  auto main = [&]() -> Coroutine<> {
    std::vector<modern::Task<>> all;
    for (int i = 0; i < threads; ++i) all.push_back(modern::create_task(from_asio(asio::make_strand(io), asking())));
    for (const modern::Task<>& each : all) co_await each;
  };
  loop->run_until_complete(main());
  EXPECT_EQ(sum, threads * burst_rounds);
}

TEST_F(ThreadedAsio, their_handlers_call_into_the_loop_by_its_executor) {
  Trace trace;  // the loop's alone
  for (int i = 0; i < burst_rounds; ++i) {
    asio::post(io,
               [&, executor = LoopExecutor(*loop)] { asio::post(executor, [&] { trace.emplace_back("called"); }); });
  }
  auto all_called = [&]() -> Coroutine<> {
    while (trace.size() < burst_rounds) co_await modern::sleep(0s);
  };
  loop->run_until_complete(all_called());
  EXPECT_THAT(trace, Each("called"));
}

TEST(SecondThread, is_refused_by_a_guest_which_goes_on_in_the_first) {
  asio::io_context io;
  const auto loop = modern::new_event_loop();
  Guest guest(*loop, io);
  const auto task = loop->create_task([&]() -> Coroutine<> {
    co_await modern::sleep(1ms);
    guest.stop();
  });
  EXPECT_EQ(io.run_one(), 1U);
  std::thread([&io] { EXPECT_THROW(io.run(), RuntimeError); }).join();
  io.run();
  EXPECT_TRUE(task.done());
}

TEST(SecondThread, is_refused_by_a_loop_which_goes_on) {
  asio::io_context io;
  const auto loop = modern::new_event_loop(make_reactor(io));
  const auto work = asio::make_work_guard(io);
  std::atomic<bool> refused = false;
  std::thread second([&] {
    EXPECT_THROW(io.run(), RuntimeError);
    refused = true;
  });
  std::thread caller([&] {
    while (!refused) loop->call_soon_threadsafe([] {});  // wakes the loop, or the second thread in its place
    loop->call_soon_threadsafe([&] { loop->stop(); });
  });
  loop->run_forever();
  second.join();
  caller.join();
}

}  // namespace
}  // namespace segue::bridge
