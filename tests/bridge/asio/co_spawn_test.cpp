#include <segue/bridge/asio/co_spawn.hpp>

#include <cerrno>
#include <chrono>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/bridge/asio/use_segue.hpp>
#include <segue/bridge/coroutine.hpp>
#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/os_error.hpp>

#include "bridge/loop.hpp"

namespace segue::bridge {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using boost::system::error_code;
using modern::CancelledError;
using modern::Coroutine;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Trace;

Coroutine<int> answer() {
  co_await modern::sleep(1s);
  co_return 42;
}

Coroutine<int> fail(std::exception_ptr error) {
  co_await modern::sleep(1s);
  std::rethrow_exception(error);
}

/// What a handler was called with.
std::string text(const std::exception_ptr& error) {
  if (!error) return "done";
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& failed) {
    return failed.code() == asio::error::operation_aborted ? "aborted" : failed.what();
  } catch (const std::exception& failed) {
    return failed.what();
  } catch (const CancelledError&) {
    return "CancelledError";
  }
}

class CoSpawn : public ::testing::Test {
 protected:
  Coroutine<int> wait_for_ever() {
    trace.emplace_back("begin");
    try {
      co_await modern::sleep(1h);
    } catch (const CancelledError&) {
      trace.emplace_back("cancelled");
      throw;
    }
    co_return 0;
  }
  void run_for(modern::Delay delay) { loop->run_until_complete(modern::sleep(delay)); }
  auto handler() {
    return [this](const std::exception_ptr& error, int value) {
      trace.push_back(error ? text(error) : std::to_string(value));
    };
  }

  Trace trace;
  modern::EventLoopPtr loop = testing::make_loop();
};

TEST_F(CoSpawn, a_handler_gets_the_result_and_never_before_the_initiation_returns) {
  auto main = [&]() -> Coroutine<> {
    auto at_once = [this]() -> Coroutine<int> {
      trace.emplace_back("body");
      co_return 1;
    };
    co_spawn(*loop, at_once, handler());
    trace.emplace_back("initiated");
    co_await modern::sleep(1s);
  };
  loop->run_until_complete(main());
  EXPECT_THAT(trace, ElementsAre("initiated", "body", "1"));
}

TEST_F(CoSpawn, a_handler_gets_the_exception) {
  co_spawn(*loop, fail(std::make_exception_ptr(ValueError("bad"))), handler());
  run_for(2s);
  EXPECT_THAT(trace, ElementsAre("bad"));
}

TEST_F(CoSpawn, takes_each_style_of_coroutine_and_results_of_each_kind) {
  co_spawn(*loop, coroutine<int>([] {
    yield_from(modern::sleep(1s));
    return 7;
  })(),
           handler());
  auto nothing = []() -> Coroutine<> { co_await modern::sleep(1s); };
  co_spawn(*loop, nothing, [&](const std::exception_ptr& error) { trace.push_back(text(error)); });
  auto moved = []() -> Coroutine<std::unique_ptr<int>> { co_return std::make_unique<int>(8); };
  co_spawn(*loop, moved(),
           [&](const std::exception_ptr&, std::unique_ptr<int> value) { trace.push_back(std::to_string(*value)); });
  run_for(2s);
  EXPECT_THAT(trace, ElementsAre("8", "7", "done"));
}

TEST_F(CoSpawn, a_deferred_one_starts_when_it_is_called) {
  auto body = [this]() -> Coroutine<int> {
    trace.emplace_back("body");
    co_return 1;
  };
  auto operation = co_spawn(*loop, body, asio::deferred);
  run_for(1s);
  EXPECT_THAT(trace, IsEmpty());
  std::move(operation)(handler());
  run_for(1s);
  EXPECT_THAT(trace, ElementsAre("body", "1"));
}

TEST_F(CoSpawn, is_awaited_by_segue_itself) {
  auto main = [&]() -> Coroutine<int> { co_return co_await co_spawn(*loop, answer(), use_segue); };
  EXPECT_EQ(loop->run_until_complete(main()), 42);
  const auto task = loop->create_task([&]() -> Coroutine<> { co_await co_spawn(*loop, wait_for_ever(), use_segue); });
  run_for(1s);
  task.cancel("enough");
  EXPECT_THROW(loop->run_until_complete(task), CancelledError);
  EXPECT_THAT(trace, ElementsAre("begin", "cancelled"));
}

TEST_F(CoSpawn, a_handler_that_throws_is_the_loops_matter) {
  testing::collect_reports(*loop, trace);
  co_spawn(*loop, answer(), [](const std::exception_ptr&, int) { throw ValueError("bad handler"); });
  run_for(2s);
  EXPECT_THAT(trace, ElementsAre("Exception in callback"));
}

TEST_F(CoSpawn, a_handler_with_an_executor_is_posted_to_it_and_keeps_it_busy_until_then) {
  asio::io_context elsewhere;
  co_spawn(*loop, answer(), asio::bind_executor(elsewhere, handler()));
  elsewhere.poll();
  EXPECT_FALSE(elsewhere.stopped());  // the operation is under way
  run_for(2s);
  EXPECT_THAT(trace, IsEmpty());
  elsewhere.run();
  EXPECT_THAT(trace, ElementsAre("42"));
}

// A socket's executor is an any_io_executor, and so is that of a coroutine of Asio's.
TEST_F(CoSpawn, a_handler_is_bound_to_a_strand_of_a_type_erased_executor) {
  asio::io_context elsewhere;
  auto strand = asio::make_strand(asio::any_io_executor(elsewhere.get_executor()));
  co_spawn(*loop, answer(), asio::bind_executor(strand, handler()));
  auto wait = [&]() -> asio::awaitable<void> {
    auto own = asio::make_strand(co_await asio::this_coro::executor);
    const int value = co_await co_spawn(*loop, answer(), asio::bind_executor(own, asio::use_awaitable));
    EXPECT_TRUE(own.running_in_this_thread());
    trace.push_back("awaited " + std::to_string(value));
  };
  asio::co_spawn(elsewhere, wait, asio::detached);
  elsewhere.poll();
  EXPECT_FALSE(elsewhere.stopped());  // the operations are under way
  run_for(2s);
  EXPECT_THAT(trace, IsEmpty());
  elsewhere.run();
  EXPECT_THAT(trace, ElementsAre("42", "awaited 42"));
}

TEST_F(CoSpawn, a_handler_can_be_bound_to_the_loop) {
  const LoopExecutor executor(*loop);
  asio::post(executor, [this] { trace.emplace_back("posted"); });
  EXPECT_THAT(trace, IsEmpty());
  co_spawn(*loop, answer(), asio::bind_executor(executor, handler()));
  run_for(2s);
  EXPECT_THAT(trace, ElementsAre("posted", "42"));
}

/// Counts what is allocated by it and not freed yet, and how often.
template <class T>
struct CountingAllocator {
  using value_type = T;

  explicit CountingAllocator(std::pair<int, int>& counts) noexcept : counts_(&counts) {}
  template <class U>
  CountingAllocator(const CountingAllocator<U>& other) noexcept : counts_(other.counts_) {}
  T* allocate(std::size_t count) {
    ++counts_->first;
    ++counts_->second;
    return std::allocator<T>().allocate(count);
  }
  void deallocate(T* memory, std::size_t count) {
    --counts_->first;
    std::allocator<T>().deallocate(memory, count);
  }
  friend bool operator==(const CountingAllocator&, const CountingAllocator&) = default;

  std::pair<int, int>* counts_;
};

TEST_F(CoSpawn, a_handlers_allocator_serves_its_way_to_the_executor) {
  std::pair<int, int> counts;
  asio::io_context elsewhere;
  co_spawn(*loop, answer(),
           asio::bind_executor(elsewhere, asio::bind_allocator(CountingAllocator<void>(counts), handler())));
  run_for(2s);
  elsewhere.run();
  EXPECT_THAT(trace, ElementsAre("42"));
  EXPECT_EQ(counts.first, 0);
  EXPECT_GT(counts.second, 0);
}

TEST_F(CoSpawn, a_signal_to_its_slot_cancels_the_task) {
  asio::cancellation_signal signal;
  co_spawn(*loop, wait_for_ever(), asio::bind_cancellation_slot(signal.slot(), handler()));
  run_for(1s);
  signal.emit(asio::cancellation_type::total);  // asks for more than a coroutine can promise
  run_for(1s);
  EXPECT_THAT(trace, ElementsAre("begin"));
  signal.emit(asio::cancellation_type::terminal);
  EXPECT_THAT(trace, ElementsAre("begin"));  // it is the loop that cancels
  run_for(1s);
  EXPECT_THAT(trace, ElementsAre("begin", "cancelled", "aborted"));
  signal.emit(asio::cancellation_type::terminal);  // there is nothing left to cancel
  run_for(1s);
  EXPECT_EQ(trace.size(), 3U);
}

TEST_F(CoSpawn, one_that_is_cancelled_before_its_first_step_never_takes_it) {
  asio::cancellation_signal signal;
  co_spawn(*loop, wait_for_ever(), asio::bind_cancellation_slot(signal.slot(), handler()));
  signal.emit(asio::cancellation_type::partial);
  run_for(1s);
  EXPECT_THAT(trace, ElementsAre("aborted"));
}

TEST_F(CoSpawn, a_coroutine_that_ignores_the_cancellation_has_its_result) {
  asio::cancellation_signal signal;
  auto stubborn = []() -> Coroutine<int> {
    try {
      co_await modern::sleep(1h);
    } catch (const CancelledError&) {
    }
    co_return 5;
  };
  co_spawn(*loop, stubborn, asio::bind_cancellation_slot(signal.slot(), handler()));
  run_for(1s);
  signal.emit(asio::cancellation_type::terminal);
  run_for(1s);
  EXPECT_THAT(trace, ElementsAre("5"));
}

TEST_F(CoSpawn, a_task_that_somebody_else_cancels_is_aborted_too) {
  co_spawn(*loop, wait_for_ever(), handler());
  run_for(1s);
  for (const modern::AnyTask& task : modern::all_tasks(*loop)) task.cancel();
  run_for(1s);
  EXPECT_THAT(trace, ElementsAre("begin", "cancelled", "aborted"));
}

TEST_F(CoSpawn, a_signature_of_ones_own_turns_exceptions_into_error_codes) {
  struct Case {
    std::exception_ptr error;
    error_code code;
  };
  const std::vector<Case> cases = {
      {std::make_exception_ptr(CancelledError()), asio::error::operation_aborted},
      {std::make_exception_ptr(EOFError("end")), asio::error::eof},
      {make_os_error(ECONNREFUSED, "refused"), asio::error::connection_refused},
      {std::make_exception_ptr(TimeoutError()), asio::error::timed_out},
      {std::make_exception_ptr(std::system_error(std::make_error_code(std::errc::no_such_file_or_directory))),
       std::make_error_code(std::errc::no_such_file_or_directory)},
      {std::make_exception_ptr(boost::system::system_error(asio::error::host_not_found)), asio::error::host_not_found},
      {std::make_exception_ptr(std::bad_alloc()), asio::error::no_memory},
  };
  testing::collect_reports(*loop, trace);
  std::vector<error_code> codes;
  const auto keep_code = [&](error_code code, int value) {
    EXPECT_EQ(value, 0);
    codes.push_back(code);
  };
  for (const Case& each : cases) co_spawn_as<void(error_code, int)>(*loop, fail(each.error), keep_code);
  run_for(2s);
  ASSERT_EQ(codes.size(), cases.size());
  for (std::size_t i = 0; i < cases.size(); ++i) EXPECT_EQ(codes[i], cases[i].code);
  EXPECT_THAT(trace, IsEmpty());

  co_spawn_as<void(error_code, int)>(*loop, fail(std::make_exception_ptr(ValueError("no code"))), keep_code);
  run_for(2s);
  EXPECT_EQ(codes.back(), boost::system::errc::state_not_recoverable);
  EXPECT_THAT(trace, ElementsAre("Exception in an operation that ends in an error code"));
}

TEST_F(CoSpawn, a_tuple_is_several_values) {
  auto both = []() -> Coroutine<std::tuple<int, std::string>> { co_return {1, "one"}; };
  co_spawn_as<void(error_code, int, std::string)>(*loop, both, [&](error_code, int number, const std::string& name) {
    trace.push_back(std::to_string(number) + name);
  });
  run_for(1s);
  EXPECT_THAT(trace, ElementsAre("1one"));
}

TEST_F(CoSpawn, adapters_of_tokens_apply) {
  auto main = [&]() -> Coroutine<> {
    const auto fails = [] { return fail(std::make_exception_ptr(EOFError("end"))); };
    auto [error, value] = co_await co_spawn_as<void(error_code, int)>(*loop, fails, asio::as_tuple(use_segue));
    EXPECT_EQ(error, asio::error::eof);
    EXPECT_EQ(value, 0);
    error_code kept;
    value = co_await co_spawn_as<void(error_code, int)>(*loop, answer(), asio::redirect_error(use_segue, kept));
    EXPECT_EQ(value, 42);
    EXPECT_FALSE(kept);
    auto [exception, number] = co_await co_spawn(*loop, fails, asio::as_tuple(use_segue));
    EXPECT_TRUE(holds<EOFError>(exception));
    EXPECT_EQ(number, 0);
  };
  loop->run_until_complete(main());
}

/// Cannot be moved as often as that.
struct Heavy {
  Heavy() = default;
  explicit Heavy(int moves) : left(moves) {}
  Heavy(Heavy&& other) : left(other.left - 1) {
    if (left == 0) throw ValueError("too heavy");
  }
  Heavy& operator=(Heavy&&) = default;
  int left = -1;
};

TEST_F(CoSpawn, a_handler_gets_what_moving_the_result_throws) {
  for (int moves = 1; moves < 20; ++moves) {
    const auto heavy = [moves]() -> Coroutine<Heavy> { co_return Heavy(moves); };
    co_spawn(*loop, heavy, [this](const std::exception_ptr& error, const Heavy& result) {
      trace.push_back(error ? text(error) : result.left > 0 ? "light enough" : "no result");
    });
  }
  run_for(1s);
  EXPECT_EQ(trace.size(), 19U);
  EXPECT_THAT(trace, ::testing::Each(::testing::AnyOf("too heavy", "light enough")));
  EXPECT_THAT(trace, ::testing::Contains("light enough"));
}

TEST_F(CoSpawn, a_closed_loop_is_told_at_once) {
  loop->close();
  EXPECT_THROW(co_spawn(*loop, answer, handler()), RuntimeError);
  EXPECT_THAT(trace, IsEmpty());
}

TEST_F(CoSpawn, a_loop_that_is_closed_meanwhile_destroys_the_handler) {
  testing::collect_reports(*loop, trace);
  std::future<int> result = co_spawn(*loop, answer, asio::use_future);
  asio::cancellation_signal signal;
  co_spawn(*loop, answer, asio::bind_cancellation_slot(signal.slot(), handler()));
  run_for(0s);
  loop = nullptr;
  EXPECT_THROW(result.get(), std::future_error);
  signal.emit(asio::cancellation_type::terminal);
  EXPECT_THAT(trace, ElementsAre("Task was destroyed but it is pending!", "Task was destroyed but it is pending!"));
}

TEST_F(CoSpawn, any_thread_starts_one_and_waits_for_it) {
  const auto here = std::this_thread::get_id();
  std::optional<int> result;
  std::thread other([&] {
    auto body = [here]() -> Coroutine<int> { co_return std::this_thread::get_id() == here ? 1 : 0; };
    result = co_spawn(*loop, body, asio::use_future).get();
    loop->call_soon_threadsafe([this] { loop->stop(); });
  });
  loop->run_forever();
  other.join();
  EXPECT_EQ(result, 1);
}

}  // namespace
}  // namespace segue::bridge
