// Rules of coroutines, each beside the program that CPython runs for it.
#include <string>

#include <gtest/gtest.h>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/async_generators.hpp>
#include <segue/modern/tasks/finally.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/yield.hpp>

#include "modern/trace.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::at;
using testing::attempt;
using testing::Events;
using testing::trace_of;

TEST(CoroutineRules, rule_34_a_StopIteration_is_a_RuntimeError_outside_and_a_StopAsyncIteration_that_of_a_generator) {
  const auto program = [](Events& ev) -> Coroutine<> {
    const auto a = []() -> Coroutine<> {
      throw StopIteration<>();
      co_return;
    };
    const auto b = []() -> Coroutine<> {
      throw StopAsyncIteration("b");
      co_return;
    };
    const auto g = []() -> AsyncGenerator<int> {
      co_yield 1;
      throw StopAsyncIteration("g");
    };
    const std::string of_a = co_await at(a());
    const std::string of_b = co_await at(b());
    ev(of_a, of_b);
    auto x = g();
    co_await x.anext();
    ev(co_await at(x.anext()));
  };
  EXPECT_EQ(trace_of(program),
            "RuntimeError(coroutine raised StopIteration) StopAsyncIteration(b) | "
            "RuntimeError(async generator raised StopAsyncIteration)");
}

TEST(CoroutineRules, rule_35_close_leaves_its_scopes_and_may_not_be_answered_by_a_wait) {
  Events ev;
  const auto good = [&]() -> Coroutine<> {
    const auto leave = finally_([&] { ev("finally"); });
    co_await yield_();
  };
  const auto bad = []() -> Coroutine<> {
    bool closed = false;
    try {
      co_await yield_();
    } catch (const GeneratorExit&) {
      closed = true;
    }
    if (closed) co_await yield_();
  };
  auto a = good();
  a.send();
  ev(attempt([&] { a.close(); }));
  auto b = bad();
  b.send();
  ev(attempt([&] { b.close(); }));
  EXPECT_EQ(ev.trace(), "finally | None | RuntimeError(coroutine ignored GeneratorExit)");
}

TEST(CoroutineRules, rule_36_awaiting_one_does_not_switch_nor_does_a_future_that_is_done) {
  const auto program = [](Events& ev) -> Coroutine<> {
    const auto c = [&]() -> Coroutine<int> {
      ev("in");
      co_return 1;
    };
    get_running_loop().call_soon([&] { ev("callback"); });
    ev(co_await c());
    const Future<int> f = get_running_loop().create_future<int>();
    f.set_result(2);
    ev(co_await f);
    ev("before sleep");
    co_await sleep(0s);
    ev("after");
  };
  EXPECT_EQ(trace_of(program), "in | 1 | 2 | before sleep | callback | after");
}

// In place of a warning, a report to the loop's exception handler.
TEST(CoroutineRules, rule_42_one_that_was_never_awaited_is_reported_unless_it_was_closed) {
  const auto program = [](Events& ev) -> Coroutine<> {
    get_running_loop().set_exception_handler([&](EventLoop&, const ExceptionContext& c) { ev(c.message); });
    const auto c = []() -> Coroutine<> { co_return; };
    {
      [[maybe_unused]] const auto forgotten = c();
    }
    ev("closes");
    auto x = c();
    x.close();
    co_return;
  };
  EXPECT_EQ(trace_of(program), "coroutine '<lambda>' was never awaited | closes");
}

}  // namespace
}  // namespace segue::modern
