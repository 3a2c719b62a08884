// Mistakes that were reported of other libraries' coroutines over Asio, as situations in which segue has to behave.
#include <chrono>
#include <exception>
#include <memory>
#include <thread>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/bridge/asio.hpp>
#include <segue/bridge/coroutine.hpp>
#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/async_generators.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "bridge/loop.hpp"

namespace segue::bridge {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using modern::CancelledError;
using modern::Coroutine;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Trace;

constexpr int rounds = 200;  // what needs a certain moment is tried at many

asio::awaitable<void> finish() { co_return; }

asio::awaitable<void> wait_for_ever() {
  asio::steady_timer timer(co_await asio::this_coro::executor, 1h);
  co_await timer.async_wait(asio::use_awaitable);
}

class ReportedOfOthers : public ::testing::Test {
 protected:
  ReportedOfOthers() { testing::collect_reports(*loop, reports); }

  Trace reports;
  modern::EventLoopPtr loop = modern::new_event_loop();
};

// asio 1372: a coroutine with a stack of its own that waits for one without, which has started from it.
TEST_F(ReportedOfOthers, a_stackful_coroutine_starts_stackless_ones_and_waits_for_them) {
  auto ours = []() -> Coroutine<int> { co_return 1; };
  const auto main = coroutine<int>([&] {
    yield_from(from_asio(finish()));
    const int sum = yield_from(co_spawn(*loop, ours, use_segue)) + yield_from(ours());
    const auto nested = coroutine<int>([sum] { return sum + 1; });
    return yield_from(co_spawn(*loop, nested(), use_segue));
  });
  EXPECT_EQ(loop->run_until_complete(main()), 3);
}

// asio 1372: the same by Asio's spawn(), whose bare yield_context takes no operation that ends in an exception_ptr.
TEST_F(ReportedOfOthers, a_stackful_coroutine_of_asios_starts_stackless_ones_and_waits_for_them) {
  asio::io_context io;
  loop = modern::new_event_loop(make_reactor(io));
  testing::collect_reports(*loop, reports);
  auto ours = []() -> Coroutine<int> {
    co_await modern::sleep(0s);
    co_return 1;
  };
  auto nothing = []() -> Coroutine<> { co_return; };
  auto fails = []() -> Coroutine<> {
    co_await modern::sleep(0s);
    throw EOFError("end");
  };
  const auto body = [&](asio::yield_context yield) {
    auto [none] = co_spawn(*loop, nothing, asio::as_tuple(yield));
    EXPECT_FALSE(none);
    auto [error, value] = co_spawn(*loop, ours, asio::as_tuple(yield));
    EXPECT_FALSE(error);
    EXPECT_EQ(value, 1);
    auto [failed] = co_spawn(*loop, fails, asio::as_tuple(yield));
    EXPECT_TRUE(holds<EOFError>(failed));
    co_spawn_as<void(boost::system::error_code)>(*loop, nothing, yield);
    EXPECT_EQ((co_spawn_as<void(boost::system::error_code, int)>(*loop, ours, yield)), 1);
    boost::system::error_code code;
    co_spawn_as<void(boost::system::error_code)>(*loop, fails, yield[code]);
    EXPECT_EQ(code, asio::error::eof);
  };
  bool ended = false;
  asio::spawn(io, body, [&](const std::exception_ptr& error) {
    ended = !error;
    loop->stop();
  });
  loop->run_forever();
  loop = nullptr;  // before what it runs in
  EXPECT_TRUE(ended);
  EXPECT_THAT(reports, IsEmpty());
}

// asio 1332: of two in a group one fails, and the other one ends while its cancellation is on the way.
TEST_F(ReportedOfOthers, a_cancellation_that_comes_when_its_operation_has_ended_finds_nobody) {
  asio::thread_pool pool(2);
  auto fail = []() -> asio::awaitable<void> {
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    throw ValueError("first");
  };
  auto end_soon = []() -> asio::awaitable<void> {
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
  };
  auto both = [&]() -> Coroutine<> {
    const auto second = modern::create_task(from_asio(asio::make_strand(pool), end_soon()));
    bool failed = false;
    try {
      co_await from_asio(asio::make_strand(pool), fail());
    } catch (const ValueError&) {
      failed = true;
    }
    EXPECT_TRUE(failed);
    second.cancel();
    const auto ended = modern::gather(second, modern::return_exceptions);
    co_await ended;
  };
  for (int i = 0; i < rounds; ++i) loop->run_until_complete(both());
  EXPECT_THAT(reports, IsEmpty());
}

// asio 1576: somebody in another thread cancels at whatever moment.
TEST_F(ReportedOfOthers, a_signal_of_another_thread_ends_it_once_whenever_it_comes) {
  asio::io_context elsewhere(1);
  int ended = 0;
  for (int i = 0; i < rounds; ++i) {
    elsewhere.restart();
    auto steps = []() -> Coroutine<> {
      for (int step = 0; step < 3; ++step) co_await modern::sleep(0s);
    };
    asio::cancellation_signal signal;
    auto count = asio::bind_executor(elsewhere, [&ended](const std::exception_ptr&) { ++ended; });
    co_spawn(*loop, steps, asio::bind_cancellation_slot(signal.slot(), count));
    std::thread other([&] {
      for (int step = 0; step < i % 7; ++step) std::this_thread::yield();
      asio::post(elsewhere, [&] { signal.emit(asio::cancellation_type::terminal); });
      elsewhere.run();  // until the handler was called
      loop->call_soon_threadsafe([this] { loop->stop(); });
    });
    loop->run_forever();
    other.join();
    EXPECT_EQ(ended, i + 1);
  }
}

// asio 1377: the program ends while coroutines of either kind wait in each other: what they hold is freed.
TEST_F(ReportedOfOthers, coroutines_that_wait_when_the_loop_ends_are_destroyed) {
  const auto held = std::make_shared<int>();
  auto asios = [](std::shared_ptr<int>) -> asio::awaitable<void> { co_await wait_for_ever(); };
  auto ours = [&](std::shared_ptr<int>) -> Coroutine<> { co_await from_asio(asios(held)); };
  auto between = [&](std::shared_ptr<int> kept) -> asio::awaitable<void> {
    co_await co_spawn(*loop, ours(std::move(kept)), asio::use_awaitable);
  };
  loop->create_task([&]() -> Coroutine<> { co_await from_asio(between(held)); });
  loop->run_until_complete(modern::sleep(1ms));
  EXPECT_EQ(held.use_count(), 3);  // ours() has it, and asios()
  loop = nullptr;
  EXPECT_EQ(held.use_count(), 1);
}

/// Sums up what it is sent, and takes an hour for each.
modern::AsyncGenerator<int, int> sums(asio::io_context& io, Trace& trace) {
  for (int sum = 0;;) {
    sum += co_yield sum;
    asio::steady_timer timer(io, 1h);
    try {
      co_await timer.async_wait(use_segue);
    } catch (const CancelledError&) {
      trace.emplace_back("cancelled");
      throw;
    }
  }
}

// cobalt 142: a generator that a cancellation has ended is sent one more value.
TEST_F(ReportedOfOthers, a_generator_that_was_cancelled_takes_nothing_more) {
  Trace trace;
  auto numbers = sums(io_context(*loop), trace);
  const auto send = [&](int number) -> Coroutine<int> { co_return co_await numbers.asend(number); };
  EXPECT_EQ(loop->run_until_complete(numbers.next_or_none()), 0);
  const auto task = loop->create_task(send(1));
  loop->run_until_complete(modern::sleep(1ms));
  task.cancel();
  EXPECT_THROW(loop->run_until_complete(task), CancelledError);
  EXPECT_THAT(trace, ElementsAre("cancelled"));
  EXPECT_THROW(loop->run_until_complete(send(2)), modern::StopAsyncIteration);
  EXPECT_THAT(reports, IsEmpty());
}

// cobalt 194: a task is cancelled when what it has started in another thread is about to end, or has ended.
TEST_F(ReportedOfOthers, a_task_is_cancelled_at_the_moment_when_another_threads_coroutine_ends) {
  asio::thread_pool pool(1);
  for (int i = 0; i < rounds; ++i) {
    const auto task = loop->create_task([&]() -> Coroutine<> { co_await from_asio(pool, finish()); });
    for (int turn = 0; turn <= i % 5; ++turn) loop->run_until_complete(modern::sleep(0s));
    if (task.cancel()) {
      EXPECT_THROW(loop->run_until_complete(task), CancelledError);
    } else {
      EXPECT_FALSE(task.cancelled());
    }
  }
  EXPECT_THAT(reports, IsEmpty());
}

modern::AsyncGenerator<int> fails_to_close() {
  try {
    co_yield 0;
  } catch (const GeneratorExit&) {
    throw ValueError("while it is closed");
  }
}

// cobalt 227: a consumer is cancelled while its generator stands at a yield; what the generator throws when it is
// closed, in a task of the loop's, goes to the loop's exception handler, and not through whoever runs the loop.
TEST_F(ReportedOfOthers, a_generator_that_goes_with_its_cancelled_consumer_takes_nobody_along) {
  auto consume = [&]() -> Coroutine<> {
    auto numbers = fails_to_close();
    co_await numbers.anext();
    asio::steady_timer timer(io_context(*loop), 1h);
    co_await timer.async_wait(use_segue);
  };
  const auto task = loop->create_task(consume());
  loop->run_until_complete(modern::sleep(1ms));
  task.cancel();
  EXPECT_THROW(loop->run_until_complete(task), CancelledError);
  loop->run_until_complete(modern::sleep(1ms));
  EXPECT_THAT(reports, ElementsAre("Task exception was never retrieved"));
}

}  // namespace
}  // namespace segue::bridge
