// The matrix: each generation waits for each. A test a cell and property, registered by name, so that a cell that is
// missing is seen: `Matrix.Coroutine_waits_for_callback/its_value`.
#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <string>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/bridge/callback.hpp>
#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/graph.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait_for.hpp>
#include <segue/testing/cancel_everywhere.hpp>
#include <segue/testing/explore.hpp>

#include "bridge/coroutine2_bodies.hpp"
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

/// Whether what waits goes on where who looks at its end is cancelled.
template <class Consumer>
inline constexpr bool leaves_a_task = std::same_as<Consumer, ByCallback> || std::same_as<Consumer, ByAsioOperation> ||
                                      std::same_as<Consumer, ByThread> || std::same_as<Consumer, ByStdFuture>;

/// Whether who waits is a function of a task. Of Asio's and of a thread's the task does not know.
template <class Consumer>
inline constexpr bool shows_its_place =
    !leaves_a_task<Consumer> && !std::same_as<Consumer, ByFuture> && !std::same_as<Consumer, ByAsioAwaitable> &&
    !std::same_as<Consumer, ByFromThread>;

/// A pair of who waits and who is waited for, whatever their types.
struct Cell {
  Waiting (*begin)(Deed deed);
  Waiting (*begin_with_a_limit)();  ///< on what goes on for ever
  bool can_cancel;
  bool can_be_stopped;
  bool leaves_a_task;
  bool speaks_asio;  ///< its cancellation is operation_aborted
  bool shows_its_place;
  bool explored;
};

/// Whether the wait ended as one that was cancelled.
inline bool was_cancelled(const Cell& cell, const std::exception_ptr& error) {
  if (holds<modern::CancelledError>(error)) return true;
  const auto* const said = exception_ptr_cast<const boost::system::system_error>(error);
  return cell.speaks_asio && said != nullptr && said->code() == boost::asio::error::operation_aborted;
}

// --- the properties of a cell, each run as the main task

/// What a wait ends with; null for a value.
inline modern::Coroutine<std::exception_ptr> error_of(modern::Future<int> end) {
  try {
    co_await end;
  } catch (...) {
    co_return std::current_exception();
  }
  co_return nullptr;
}
inline Waiting begin(const Cell& cell, Deed deed) {
  producer_has_begun = producer_was_cancelled = false;
  return cell.begin(deed);
}
/// A thread takes its time to ask.
inline modern::Coroutine<> some_time() {
  while (!producer_has_begun) co_await modern::sleep(0s);
  for (int i = 0; i < 5; ++i) co_await modern::sleep(0s);
}

inline modern::Coroutine<> its_value(const Cell& cell) {
  const Waiting waiting = begin(cell, Deed::gives_a_value);
  EXPECT_EQ(co_await waiting.end, 7);
}
inline modern::Coroutine<> its_exception_with_the_context(const Cell& cell) {
  const Waiting waiting = begin(cell, Deed::throws);
  const std::exception_ptr error = co_await error_of(waiting.end);
  EXPECT_EQ(exception_repr(error), "ValueError('of the producer')");
  const auto* const raised = exception_ptr_cast<const BaseException>(error);
  EXPECT_TRUE(raised != nullptr && holds<KeyError>(raised->context()));
}
inline modern::Coroutine<> its_cancellation(const Cell& cell) {
  const Waiting waiting = begin(cell, Deed::is_cancelled);
  const std::exception_ptr error = co_await error_of(waiting.end);
  EXPECT_TRUE(was_cancelled(cell, error)) << exception_repr(error);
}
inline modern::Coroutine<> until_it_is_cancelled(const Cell& cell) {
  const Waiting waiting = begin(cell, Deed::goes_on_for_ever);
  co_await some_time();
  EXPECT_FALSE(waiting.end.done());
  waiting.cancel();
  const std::exception_ptr error = co_await error_of(waiting.end);
  EXPECT_TRUE(was_cancelled(cell, error)) << exception_repr(error);
  co_await some_time();
  EXPECT_EQ(producer_was_cancelled, cell.can_be_stopped);
}
inline modern::Coroutine<> until_a_time_out(const Cell& cell) {
  producer_has_begun = producer_was_cancelled = false;
  const Waiting waiting = cell.begin_with_a_limit();
  co_await some_time();
  const std::exception_ptr error = co_await error_of(waiting.end);
  EXPECT_TRUE(holds<TimeoutError>(error)) << exception_repr(error);
  EXPECT_EQ(producer_was_cancelled, cell.can_be_stopped);
  co_await some_time();  // for what a thread has waited for, to end
}
inline modern::Coroutine<> at_its_place(const Cell& cell) {
  const Waiting waiting = begin(cell, Deed::goes_on_for_ever);
  co_await some_time();
  EXPECT_THAT(modern::format_call_graph(waiting.end), ::testing::HasSubstr("matrix/consumers.hpp', line "));
  waiting.cancel();
  co_await error_of(waiting.end);
}
inline modern::Coroutine<> in_its_context(const Cell& cell) {
  number.set(5);
  const Waiting waiting = begin(cell, Deed::gives_its_context);
  number.set(6);
  const int seen = co_await waiting.end;
  EXPECT_EQ(seen, 5);
}

/// Runs a property in virtual time.
template <modern::Coroutine<> (*property)(const Cell&)>
void in_a_loop(const Cell& cell) {
  OfThread::begin_test();
  Trace reports;  // the loop may report when it goes
  const auto loop = make_loop();
  collect_reports(*loop, reports);
  loop->run_until_complete(property(cell));
  OfThread::end_test();
  EXPECT_TRUE(reports.empty()) << reports.front();
}

inline bool has_failed() { return ::testing::Test::HasFailure(); }

/// Under 200 legal schedules; a sanitizer, which is slow, looks at some of them.
inline void in_any_order(const Cell& cell) {
  constexpr std::size_t seeds = testing::sanitized ? 16 : 200;
  segue::testing::explore([&cell] { return its_value(cell); }, {.seeds = seeds, .failed = &has_failed});
}
/// Wherever who waits for all of it is cancelled, nothing is left.
inline void cancelled_anywhere(const Cell& cell) {
  const auto report = segue::testing::cancel_everywhere([&cell] { return its_value(cell); },
                                                        {.failed = &has_failed, .may_leave_tasks = cell.leaves_a_task});
  EXPECT_GT(report.cancelled, 0);
}

// --- as tests

using Property = void (*)(const Cell&);

class MatrixTest : public ::testing::Test {
 public:
  MatrixTest(Property property, const Cell& cell) noexcept : property_(property), cell_(cell) {}
  void TestBody() override { property_(cell_); }

 private:
  Property property_;
  Cell cell_;
};

inline void register_cell(const char* consumer, const char* producer, const Cell& cell, const char* file, int line) {
  const auto add = [&](const char* name, Property property) {
    std::string test = std::string(consumer) + "_waits_for_" + producer + "/" + name;
    for (const char each : {' ', '-', ':'}) std::ranges::replace(test, each, '_');
    ::testing::RegisterTest("Matrix", test.c_str(), nullptr, nullptr, file, line,
                            [property, cell]() -> ::testing::Test* { return new MatrixTest(property, cell); });
  };
  add("its_value", &in_a_loop<&its_value>);
  add("its_exception_with_the_context", &in_a_loop<&its_exception_with_the_context>);
  add("its_cancellation", &in_a_loop<&its_cancellation>);
  if (cell.can_cancel) add("until_it_is_cancelled", &in_a_loop<&until_it_is_cancelled>);
  add("until_a_time_out", &in_a_loop<&until_a_time_out>);
  if (cell.shows_its_place) add("at_its_place", &in_a_loop<&at_its_place>);
  add("in_its_context", &in_a_loop<&in_its_context>);
  if (!cell.explored) return;
  add("in_any_order", &in_any_order);
  add("cancelled_anywhere", &cancelled_anywhere);
}

/// Who looks at the end of a row that leaves a task cannot end the wait: its limit is given along. The others' is put
/// around the wait itself.
template <class Producer>
auto limited(Deed deed) {
  return modern::wait_for(Producer::get(deed), 60s);
}
template <class Consumer, class Producer>
Waiting begin_with_a_limit() {
  if constexpr (leaves_a_task<Consumer>) {
    return Consumer::begin(Make{&limited<Producer>, Deed::goes_on_for_ever});
  } else {
    return waiting_task(modern::wait_for(Consumer::begin(Make{&Producer::get, Deed::goes_on_for_ever}).end, 60s));
  }
}

/// Boost.Coroutine2 does not run under a sanitizer.
template <class Consumer, class Producer>
inline constexpr bool can_run =
    !testing::sanitized || (!std::same_as<Consumer, ByCoroutine2> && !std::same_as<Producer, OfCoroutine2>);

template <class Consumer, class Producer>
void register_pair(const char* file, int line) {
  if (!can_run<Consumer, Producer>) return;
  const Cell cell{
      .begin = [](Deed deed) { return Consumer::begin(Make{&Producer::get, deed}); },
      .begin_with_a_limit = &begin_with_a_limit<Consumer, Producer>,
      .can_cancel = !std::same_as<Consumer, ByStdFuture>,
      .can_be_stopped = can_be_stopped<Producer>,
      .leaves_a_task = leaves_a_task<Consumer>,
      .speaks_asio = std::same_as<Consumer, ByAsioOperation> || std::same_as<Consumer, ByAsioAwaitable>,
      .shows_its_place = shows_its_place<Consumer>,
      // A loop in virtual time gives each call of to_thread() 100 ms of real time: that is too long for hundreds.
      .explored = !std::same_as<Consumer, ByFromThread>,
  };
  register_cell(Consumer::name, Producer::name, cell, file, line);
}

/// Adds a row: whoever waits, for each producer.
template <class Consumer>
bool register_row(const char* file, int line) {
  [&]<class... Producers>(Columns<Producers...>) {
    (register_pair<Consumer, Producers>(file, line), ...);
  }(AllColumns());
  return true;
}

}  // namespace segue::bridge::matrix
