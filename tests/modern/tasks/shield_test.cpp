#include <segue/modern/tasks/shield.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/os_error.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::iterate;
using testing::make_loop;
using Strings = std::vector<std::string>;

template <class F>
Coroutine<bool> is_cancelled(F future) {
  try {
    co_await future;
  } catch (const CancelledError&) {
    co_return true;
  }
  co_return false;
}

TEST(Shield, rule_103_keeps_the_cancellation_of_the_outer_one_from_the_inner) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    auto inner = create_task(sleep(5ms, std::string("in")));
    auto outer = shield(inner);
    outer.cancel();
    const bool cancelled = co_await is_cancelled(outer);
    EXPECT_TRUE(cancelled);
    const std::string result = co_await inner;
    EXPECT_EQ(result, "in");
  };
  loop->run_until_complete(main());
}

TEST(Shield, rule_103_ends_as_the_inner_one_does) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const int result = co_await shield(sleep(1ms, 4));
    EXPECT_EQ(result, 4);

    auto cancelled = create_task(sleep(9s));
    auto outer = shield(cancelled);
    co_await sleep(0s);
    cancelled.cancel();
    const bool outer_cancelled = co_await is_cancelled(outer);
    EXPECT_TRUE(outer_cancelled);
    EXPECT_TRUE(outer.cancelled());

    auto failed = get_running_loop().create_future<int>();
    auto outer_of_failed = shield(failed);
    failed.set_exception(ValueError("v"));
    try {
      co_await outer_of_failed;
      ADD_FAILURE();
    } catch (const ValueError&) {
    }
  };
  loop->run_until_complete(main());
}

TEST(Shield, rule_103_returns_a_done_future_as_it_is) {
  auto loop = make_loop();
  auto done = loop->create_future<int>();
  done.set_result(1);
  loop->call_soon([done] { EXPECT_TRUE(shield(done) == done); });
  iterate(*loop);
}

TEST(Shield, rule_104_reports_a_failure_that_nobody_waits_for_any_more) {
  auto loop = make_loop();
  Strings reports;
  loop->set_exception_handler([&](EventLoop&, const ExceptionContext& c) { reports.push_back(c.message); });
  const auto main = []() -> Coroutine<> {
    auto inner = get_running_loop().create_future<int>();
    shield(inner).cancel();
    shield(inner).cancel();
    co_await sleep(0s);
    inner.set_exception(OSError("late"));
    co_await sleep(1ms);
  };
  loop->run_until_complete(main());
  EXPECT_EQ(reports, Strings{"OSError exception in shielded future"});
}

TEST(Shield, ReportsNothingWhereTheInnerOneEndsWellAfterTheOuterOneWasCancelled) {
  auto loop = make_loop();
  testing::Reports reports{*loop};
  const auto main = []() -> Coroutine<> {
    auto inner = get_running_loop().create_future<int>();
    auto outer = shield(inner);
    outer.cancel();
    co_await sleep(0s);
    EXPECT_TRUE(outer.cancelled());
    inner.set_result(1);
    co_await sleep(1ms);
    EXPECT_EQ(inner.result(), 1);
  };
  loop->run_until_complete(main());
  EXPECT_TRUE(reports.messages().empty());
}

TEST(Shield, AroundAGatherOrWithinOneIsCancelledAlone) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    EventLoop& running = get_running_loop();
    const auto one = running.create_future<int>();
    const auto two = running.create_future<int>();
    auto gathered = gather(one, two);
    auto around = shield(gathered);
    auto inside_one = shield(one);
    auto inside_two = shield(two);
    auto outer = gather(inside_one, inside_two);
    co_await sleep(0s);
    around.cancel();
    outer.cancel();
    co_await sleep(0s);
    EXPECT_TRUE(around.cancelled());
    EXPECT_TRUE(inside_one.cancelled());
    EXPECT_TRUE(inside_two.cancelled());
    co_await sleep(0s);
    EXPECT_TRUE(holds<CancelledError>(outer.exception()));
    EXPECT_FALSE(one.done());
    EXPECT_FALSE(two.done());
    one.set_result(1);
    two.set_result(2);
    const auto results = co_await gathered;
    EXPECT_EQ(results, std::make_tuple(1, 2));
  };
  loop->run_until_complete(main());
}

TEST(Shield, LeavesNothingBehindWhereNeitherEnds) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    auto outer = shield(get_running_loop().create_future<int>());
    auto inner = get_running_loop().create_future<int>();
    shield(inner);
    outer.cancel();
    co_await sleep(0s);
  };
  loop->run_until_complete(main());
}

}  // namespace
}  // namespace segue::modern
