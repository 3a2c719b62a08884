#include <segue/bridge/asio/from_asio.hpp>

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/bridge/asio/co_spawn.hpp>
#include <segue/bridge/coroutine.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait_for.hpp>

#include "bridge/loop.hpp"

namespace segue::bridge {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace boost::asio::experimental::awaitable_operators;
using boost::system::system_error;
using modern::CancelledError;
using modern::Coroutine;
using testing::collect_reports;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Trace;

asio::awaitable<void> wait(asio::steady_timer::duration delay) {
  asio::steady_timer timer(co_await asio::this_coro::executor, delay);
  co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<std::string> answer(std::string text) {
  co_await wait(1ms);
  co_return text;
}

asio::awaitable<int> fail() {
  co_await wait(1ms);
  throw ValueError("of the awaitable");
}

/// A loop with an io_context, and what happens in either.
class FromAsio : public ::testing::Test {
 protected:
  /// Waits until it is cancelled, and says so.
  asio::awaitable<void> wait_for_ever() {
    trace.emplace_back("waits");
    try {
      co_await wait(1h);
    } catch (const system_error& error) {
      EXPECT_EQ(error.code(), asio::error::operation_aborted);
      trace.emplace_back("aborted");
      throw;
    }
  }
  Coroutine<> sleep_for_ever() {
    trace.emplace_back("sleeps");
    try {
      co_await modern::sleep(1h);
    } catch (const CancelledError&) {
      trace.emplace_back("cancelled");
      throw;
    }
  }

  Trace trace;
  modern::EventLoopPtr loop = modern::new_event_loop();
  asio::io_context& io = io_context(*loop);
};

TEST_F(FromAsio, gives_the_value_in_either_style) {
  auto main = [&]() -> Coroutine<std::string> {
    const std::string text = co_await from_asio(answer("a"));
    co_return text + co_await from_asio(io, answer("b"));
  };
  EXPECT_EQ(loop->run_until_complete(main()), "ab");
  const auto other_style =
      coroutine<std::string>([&] { return yield_from(from_asio(io.get_executor(), answer("c"))); });
  EXPECT_EQ(loop->run_until_complete(other_style()), "c");
}

TEST_F(FromAsio, throws_the_exception_as_it_is) {
  auto main = [&]() -> Coroutine<int> { co_return co_await from_asio(fail()); };
  EXPECT_THROW(loop->run_until_complete(main()), ValueError);
  auto aborted = [&]() -> asio::awaitable<void> {
    throw system_error(asio::error::operation_aborted);
    co_return;
  };
  auto waits = [&]() -> Coroutine<> { co_await from_asio(aborted()); };
  EXPECT_THROW(loop->run_until_complete(waits()), system_error);  // nobody has cancelled the task
}

TEST_F(FromAsio, cancelling_the_task_ends_the_awaitable_first) {
  const auto task = loop->create_task([&]() -> Coroutine<> {
    try {
      co_await from_asio(wait_for_ever());
    } catch (const CancelledError& error) {
      trace.emplace_back(error.what());
      throw;
    }
  });
  loop->run_until_complete(modern::sleep(1ms));
  task.cancel("enough");
  EXPECT_THROW(loop->run_until_complete(task), CancelledError);
  EXPECT_THAT(trace, ElementsAre("waits", "aborted", "enough"));
}

TEST_F(FromAsio, cancelled_before_it_begins_it_never_does) {
  std::vector<std::string> reports;
  loop->set_exception_handler(
      [&](modern::EventLoop&, const modern::ExceptionContext& context) { reports.push_back(context.message); });
  const auto waits = [&]() -> Coroutine<> { co_await from_asio(wait_for_ever()); };
  const auto task = loop->create_task(waits());
  loop->call_soon([&] { task.cancel(); });
  EXPECT_THROW(loop->run_until_complete(task), CancelledError);
  loop->run_until_complete(modern::sleep(1ms));
  EXPECT_THAT(trace, IsEmpty());
  EXPECT_THAT(reports, IsEmpty());
}

TEST_F(FromAsio, a_timeout_ends_it) {
  auto main = [&]() -> Coroutine<> { co_await modern::wait_for(from_asio(wait_for_ever()), 100ms); };
  EXPECT_THROW(loop->run_until_complete(main()), TimeoutError);
  EXPECT_THAT(trace, ElementsAre("waits", "aborted"));
}

TEST_F(FromAsio, a_coroutine_of_segues_within_one_of_asios_is_cancelled_through_it) {
  auto between = [&]() -> asio::awaitable<void> { co_await co_spawn(*loop, sleep_for_ever(), asio::use_awaitable); };
  const auto task = loop->create_task([&]() -> Coroutine<> { co_await from_asio(between()); });
  loop->run_until_complete(modern::sleep(1ms));
  task.cancel();
  EXPECT_THROW(loop->run_until_complete(task), CancelledError);
  EXPECT_THAT(trace, ElementsAre("sleeps", "cancelled"));
}

TEST_F(FromAsio, asios_operators_cancel_coroutines_of_segues) {
  auto race = [&]() -> asio::awaitable<std::size_t> {
    const auto first = co_await (co_spawn(*loop, sleep_for_ever(), asio::use_awaitable) || wait(1ms));
    co_return first.index();
  };
  auto main = [&]() -> Coroutine<std::size_t> { co_return co_await from_asio(race()); };
  EXPECT_EQ(loop->run_until_complete(main()), 1U);
  EXPECT_THAT(trace, ElementsAre("sleeps", "cancelled"));
}

TEST_F(FromAsio, a_parallel_group_has_operations_of_both) {
  auto number = []() -> Coroutine<int> {
    co_await modern::sleep(1ms);
    co_return 3;
  };
  auto main = [&]() -> Coroutine<> {
    asio::steady_timer timer(io, 1h);
    auto group = asio::experimental::make_parallel_group(co_spawn(*loop, number, asio::deferred),
                                                         timer.async_wait(asio::deferred));
    auto [order, error, value, code] =
        co_await group.async_wait(asio::experimental::wait_for_one(), asio::as_tuple(use_segue));
    EXPECT_EQ(order[0], 0U);
    EXPECT_FALSE(error);
    EXPECT_EQ(value, 3);
    EXPECT_EQ(code, asio::error::operation_aborted);
  };
  loop->run_until_complete(main());
}

TEST_F(FromAsio, an_awaitable_waits_for_a_task_that_fails) {
  auto failing = []() -> Coroutine<> {
    throw ValueError("of the task");
    co_return;
  };
  auto catching = [&]() -> asio::awaitable<std::string> {
    std::string text;
    try {
      co_await co_spawn(*loop, failing(), asio::use_awaitable);
    } catch (const ValueError& error) {
      text = error.what();
    }
    co_return text;
  };
  auto main = [&]() -> Coroutine<std::string> { co_return co_await from_asio(catching()); };
  EXPECT_EQ(loop->run_until_complete(main()), "of the task");
}

TEST_F(FromAsio, runs_in_another_thread_where_the_executor_does) {
  asio::thread_pool pool(1);
  const auto here = std::this_thread::get_id();
  auto where = []() -> asio::awaitable<std::optional<std::thread::id>> {
    co_await wait(1ms);
    co_return std::this_thread::get_id();
  };
  auto main = [&]() -> Coroutine<> {
    const auto there = co_await from_asio(pool, where());
    EXPECT_NE(there, here);
    EXPECT_EQ(std::this_thread::get_id(), here);
  };
  loop->run_until_complete(main());
}

TEST_F(FromAsio, is_cancelled_in_the_thread_where_it_runs) {
  asio::thread_pool pool(2);
  const auto strand = asio::make_strand(pool);
  const auto here = std::this_thread::get_id();
  std::atomic<bool> waits = false;
  auto there = [&]() -> asio::awaitable<void> {
    waits = true;
    try {
      co_await wait(1h);
    } catch (const system_error&) {
      EXPECT_NE(std::this_thread::get_id(), here);
      EXPECT_TRUE(strand.running_in_this_thread());
      throw;
    }
  };
  for (int i = 0; i < 100; ++i) {
    waits = false;
    const auto task = loop->create_task([&]() -> Coroutine<> { co_await from_asio(strand, there()); });
    while (i % 2 == 0 && !waits) loop->run_until_complete(modern::sleep(0s));
    loop->run_until_complete(modern::sleep(0s));
    task.cancel();
    EXPECT_THROW(loop->run_until_complete(task), CancelledError);
  }
  pool.join();
}

}  // namespace
}  // namespace segue::bridge
