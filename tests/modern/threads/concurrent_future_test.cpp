// Futures of threads that meet the user's code: copies, callbacks and destructors that ask them, end them, or throw.
#include <segue/modern/threads/concurrent_future.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/log.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using testing::attempt;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

/// A value whose copies and moves call a function.
class ValueThatCalls {
 public:
  explicit ValueThatCalls(std::function<void()> call) : call_(std::move(call)) {}
  ValueThatCalls(const ValueThatCalls& other) : call_(other.call_) { call_(); }
  ValueThatCalls(ValueThatCalls&& other) noexcept(false) : call_(other.call_) { call_(); }
  ValueThatCalls& operator=(const ValueThatCalls&) = delete;
  ~ValueThatCalls() = default;

 private:
  std::function<void()> call_;
};

TEST(ConcurrentFutureResult, is_made_by_code_that_may_ask_the_future) {
  const concurrent::Future<ValueThatCalls> future;
  testing::Trace trace;
  const ValueThatCalls asks([&] {
    trace.push_back(future.done() ? "done" : "not done");
    trace.push_back(future.cancel() ? "cancelled" : "not cancelled");
    trace.push_back(attempt([&] { future.set_exception(std::make_exception_ptr(ValueError("v"))); }).substr(0, 26));
  });
  future.set_result(asks);
  EXPECT_THAT(trace, ElementsAre("not done", "not cancelled", "InvalidStateError(PENDING:"));
  EXPECT_TRUE(future.done());
}

TEST(ConcurrentFutureResult, that_cannot_be_made_leaves_it_as_it_was) {
  const concurrent::Future<ValueThatCalls> future;
  EXPECT_EQ(attempt([&] { future.set_result(ValueThatCalls([] { throw ValueError("copy"); })); }), "ValueError(copy)");
  EXPECT_FALSE(future.done());
  future.set_result([] {});
  EXPECT_TRUE(future.done());
}

TEST(ConcurrentFutureResult, of_a_future_that_nobody_keeps_is_the_callers_own) {
  const auto make = [] {
    concurrent::Future<std::string> future;
    future.set_result("a text that is too long for the short string optimization");
    return future;
  };
  const std::string& text = make().result();
  EXPECT_THAT(text, HasSubstr("too long"));

  concurrent::Future<std::unique_ptr<int>> future;
  const auto same = future;
  future.set_result(std::make_unique<int>(4));
  EXPECT_EQ(*std::as_const(future).result(), 4);
  const std::unique_ptr<int> taken = std::move(future).result();
  EXPECT_EQ(*taken, 4);
  EXPECT_EQ(attempt([&] { same.result(); }), "InvalidStateError(the result was moved out already)");
}

TEST(ConcurrentFutureCallbacks, are_called_though_one_of_them_drops_the_last_handle) {
  testing::Trace trace;
  std::optional<concurrent::Future<int>> future(std::in_place);
  future->add_done_callback([&](const auto&) {
    trace.push_back("first");
    future.reset();
  });
  future->add_done_callback([&](const auto& done) { trace.push_back("second of " + std::to_string(done.result())); });
  future->set_result(1);
  EXPECT_THAT(trace, ElementsAre("first", "second of 1"));
}

/// A future, and each next one kept by a callback of the one before, which calls `end` with it.
std::vector<concurrent::Future<int>> chain_of_futures(std::size_t length,
                                                      const std::function<void(const concurrent::Future<int>&)>& end) {
  std::vector<concurrent::Future<int>> ends{concurrent::Future<int>()};
  concurrent::Future<int> last = ends.front();
  for (std::size_t i = 0; i < length; ++i) {
    const concurrent::Future<int> next;
    last.add_done_callback([next, end](const auto&) { end(next); });
    last = next;
  }
  ends.push_back(last);
  return ends;
}

constexpr std::size_t long_chain_of_futures = 100'000;

TEST(ConcurrentFutureChain, of_any_length_completes) {
  const auto ends =
      chain_of_futures(long_chain_of_futures, [](const concurrent::Future<int>& next) { next.set_result(1); });
  ends.front().set_result(1);
  EXPECT_TRUE(ends.back().done());
}

TEST(ConcurrentFutureChain, of_any_length_is_cancelled) {
  const auto ends = chain_of_futures(long_chain_of_futures, [](const concurrent::Future<int>& next) { next.cancel(); });
  ends.front().cancel();
  EXPECT_TRUE(ends.back().cancelled());
}

TEST(ConcurrentFutureChain, of_any_length_is_destroyed) {
  auto ends = chain_of_futures(long_chain_of_futures, [](const concurrent::Future<int>&) {});
  const std::weak_ptr last = ends.back().state();
  ends.clear();
  EXPECT_TRUE(last.expired());
}

TEST(ConcurrentFutureCallbacks, may_end_the_program_when_the_others_were_called) {
  testing::Trace trace;
  const auto exits = [](const concurrent::Future<int>&) { throw SystemExit(3); };
  const concurrent::Future<int> future;
  future.add_done_callback(exits);
  future.add_done_callback([&](const auto&) { trace.push_back("second"); });
  trace.push_back(attempt([&] { future.set_result(1); }));
  trace.push_back(attempt([&] { future.add_done_callback(exits); }));
  const concurrent::Future<int> cancelled;
  cancelled.add_done_callback([](const auto&) { throw KeyboardInterrupt(); });
  trace.push_back(attempt([&] { cancelled.cancel(); }));
  EXPECT_THAT(trace, ElementsAre("second", "SystemExit(3)", "SystemExit(3)", "KeyboardInterrupt()"));
  EXPECT_EQ(future.result(), 1);
}

TEST(ConcurrentFutureCallbacks, may_end_the_program_in_a_chain) {
  const auto ends = chain_of_futures(100, [](const concurrent::Future<int>& next) { next.set_result(1); });
  ends.back().add_done_callback([](const auto&) { throw SystemExit(3); });
  EXPECT_EQ(attempt([&] { ends.front().set_result(1); }), "SystemExit(3)");
  const concurrent::Future<> other;
  other.set_result();
  EXPECT_TRUE(other.done());
}

TEST(ConcurrentFutureTexts, name_the_future) {
  std::string logged;
  LogHandler previous = set_log_handler([&](LogLevel, const std::string& line) { logged += line; });
  const concurrent::Future<int> future;
  EXPECT_THAT(future.repr(), MatchesRegex("<Future at 0x[0-9a-f]+ state=pending>"));
  future.add_done_callback([](const auto&) { throw ValueError("x"); });
  future.set_result(1);
  EXPECT_THAT(future.repr(), MatchesRegex("<Future at 0x[0-9a-f]+ state=finished returned int>"));
  EXPECT_THAT(logged, HasSubstr("exception calling callback for " + future.repr() + "\n"));
  EXPECT_EQ(attempt([&] { future.set_result(2); }), "InvalidStateError(FINISHED: " + future.repr() + ")");
  logged.clear();
  EXPECT_EQ(attempt([&] { future.set_running_or_notify_cancel(); }), "RuntimeError(Future in unexpected state)");
  EXPECT_THAT(logged, MatchesRegex("Future [0-9]+ in unexpected state: FINISHED"));
  set_log_handler(std::move(previous));

  const concurrent::Future<> done;
  done.set_result();
  EXPECT_THAT(done.repr(), HasSubstr("state=finished returned NoneType>"));
  const concurrent::Future<> failed;
  failed.set_exception(std::make_exception_ptr(ValueError("v")));
  EXPECT_THAT(failed.repr(), HasSubstr("state=finished raised ValueError>"));
  const concurrent::Future<> cancelled;
  cancelled.cancel();
  EXPECT_THAT(attempt([&] { cancelled.set_result(); }), HasSubstr("(CANCELLED: <Future at "));
  cancelled.set_running_or_notify_cancel();
  EXPECT_THAT(attempt([&] { cancelled.set_result(); }), HasSubstr("(CANCELLED_AND_NOTIFIED: <Future at "));
}

}  // namespace
}  // namespace segue::modern
