// The matrix: each generation waits for each. A test a cell and property, registered by name, so that a cell that is
// missing is seen: `Matrix.Coroutine_waits_for_callback/its_value`.
#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <exception>
#include <string>

#include <gtest/gtest.h>

#include <segue/bridge/callback.hpp>
#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait_for.hpp>
#include <segue/testing/cancel_everywhere.hpp>
#include <segue/testing/explore.hpp>

#include "bridge/loop.hpp"
#include "consumers.hpp"
#include "producers.hpp"

namespace segue::bridge::matrix {

using testing::collect_reports;
using testing::make_loop;
using testing::Trace;

/// Whether a producer notes that its wait was cancelled: a thread cannot.
template <class Producer>
inline constexpr bool can_be_stopped = true;
template <>
inline constexpr bool can_be_stopped<OfThread> = false;
template <>
inline constexpr bool can_be_stopped<OfStdFuture> = false;

/// The properties of a cell, each a coroutine that is run as the main task.
template <class Consumer, class Producer>
struct Cell {
  static Waiting begin(Deed deed) {
    producer_was_cancelled = false;
    return Consumer::begin([deed] { return Producer::get(deed); });
  }
  /// What the wait ends with; null for a value.
  static modern::Coroutine<std::exception_ptr> error_of(modern::Future<int> end) {
    try {
      co_await end;
    } catch (...) {
      co_return std::current_exception();
    }
    co_return nullptr;
  }

  static modern::Coroutine<> its_value() {
    const Waiting waiting = begin(Deed::gives_a_value);
    EXPECT_EQ(co_await waiting.end, 7);
  }
  static modern::Coroutine<> its_exception_with_the_context() {
    const Waiting waiting = begin(Deed::throws);
    const std::exception_ptr error = co_await error_of(waiting.end);
    EXPECT_EQ(exception_repr(error), "ValueError('of the producer')");
    const auto* const raised = exception_ptr_cast<const BaseException>(error);
    EXPECT_TRUE(raised != nullptr && holds<KeyError>(raised->context()));
  }
  static modern::Coroutine<> its_cancellation() {
    const Waiting waiting = begin(Deed::is_cancelled);
    const std::exception_ptr error = co_await error_of(waiting.end);
    EXPECT_TRUE(holds<modern::CancelledError>(error)) << exception_repr(error);
  }
  static modern::Coroutine<> until_it_is_cancelled() {
    const Waiting waiting = begin(Deed::goes_on_for_ever);
    for (int i = 0; i < 5; ++i) co_await modern::sleep(0s);
    EXPECT_FALSE(waiting.end.done());
    waiting.cancel();
    const std::exception_ptr error = co_await error_of(waiting.end);
    EXPECT_TRUE(holds<modern::CancelledError>(error)) << exception_repr(error);
    for (int i = 0; i < 5; ++i) co_await modern::sleep(0s);
    EXPECT_EQ(producer_was_cancelled, can_be_stopped<Producer>);
  }
  static modern::Coroutine<> until_a_time_out() {
    producer_was_cancelled = false;
    const auto make = [] { return limited(); };
    const Waiting waiting = Consumer::begin(make);
    const std::exception_ptr error = co_await error_of(waiting.end);
    EXPECT_TRUE(holds<TimeoutError>(error)) << exception_repr(error);
    EXPECT_EQ(producer_was_cancelled, can_be_stopped<Producer>);
  }
  static modern::Coroutine<> in_its_context() {
    number.set(5);
    const Waiting waiting = begin(Deed::gives_its_context);
    number.set(6);
    const int seen = co_await waiting.end;
    EXPECT_EQ(seen, 5);
  }
  /// Under 200 legal schedules.
  static void in_any_order() { segue::testing::explore(its_value, {.seeds = 200, .failed = &HasFailure}); }
  /// Wherever who waits for all of it is cancelled, nothing is left.
  static void cancelled_anywhere() {
    const auto report = segue::testing::cancel_everywhere(
        its_value, {.failed = &HasFailure, .may_leave_tasks = std::same_as<Consumer, ByCallback>});
    EXPECT_GT(report.cancelled, 0);
  }

 private:
  static bool HasFailure() { return ::testing::Test::HasFailure(); }
  static modern::Coroutine<int> limited() {
    co_return co_await modern::wait_for(Producer::get(Deed::goes_on_for_ever), 60s);
  }
};

/// Runs a property as the main task, in virtual time.
template <modern::Coroutine<> (*property)()>
void in_a_loop() {
  OfThread::begin_test();
  const auto loop = make_loop();
  Trace reports;
  collect_reports(*loop, reports);
  loop->run_until_complete(property());
  OfThread::end_test();
  EXPECT_TRUE(reports.empty()) << reports.front();
}

class MatrixTest : public ::testing::Test {
 public:
  explicit MatrixTest(void (*property)()) noexcept : property_(property) {}
  void TestBody() override { property_(); }

 private:
  void (*property_)();
};

template <class Consumer, class Producer>
void register_cell(const char* file, int line) {
  const auto add = [&](const char* name, void (*property)()) {
    std::string cell = std::string(Consumer::name) + "_waits_for_" + Producer::name + "/" + name;
    std::ranges::replace(cell, ' ', '_');
    std::ranges::replace(cell, '-', '_');
    std::ranges::replace(cell, ':', '_');
    ::testing::RegisterTest("Matrix", cell.c_str(), nullptr, nullptr, file, line,
                            [property]() -> ::testing::Test* { return new MatrixTest(property); });
  };
  using C = Cell<Consumer, Producer>;
  add("its_value", &in_a_loop<&C::its_value>);
  add("its_exception_with_the_context", &in_a_loop<&C::its_exception_with_the_context>);
  add("its_cancellation", &in_a_loop<&C::its_cancellation>);
  add("until_it_is_cancelled", &in_a_loop<&C::until_it_is_cancelled>);
  add("until_a_time_out", &in_a_loop<&C::until_a_time_out>);
  add("in_its_context", &in_a_loop<&C::in_its_context>);
  if constexpr (!std::same_as<Consumer, ByThread> && !std::same_as<Producer, OfStdFuture>) {  // whose threads are real
    add("in_any_order", &C::in_any_order);
    add("cancelled_anywhere", &C::cancelled_anywhere);
  }
}

/// Adds a row: whoever waits, for each producer.
template <class Consumer>
bool register_row(const char* file, int line) {
  [&]<class... Producers>(Columns<Producers...>) {
    (register_cell<Consumer, Producers>(file, line), ...);
  }(AllColumns());
  return true;
}

}  // namespace segue::bridge::matrix
