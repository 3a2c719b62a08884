#include <segue/modern/kernel/coroutine.hpp>

#include <any>
#include <coroutine>
#include <ranges>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/yield.hpp>

#include "modern/attempt.hpp"
#include "modern/parked.hpp"

namespace segue::modern {
namespace {

using testing::attempt;
using ::testing::ElementsAre;
using testing::make_loop;
using testing::park;
using testing::park_below;
using testing::said_by;
using testing::stay;
using testing::Trace;

Coroutine<int> forty_two() { co_return 42; }

template <class T>
std::string state(const Coroutine<T>& coroutine) {
  return to_string(getcoroutinestate(coroutine));
}

TEST(Coroutine, runs_nothing_when_it_is_called) {
  bool ran = false;
  const auto body = [&ran]() -> Coroutine<> {
    ran = true;
    co_return;
  };
  auto coroutine = body();
  EXPECT_FALSE(ran);
  EXPECT_EQ(state(coroutine), "CORO_CREATED");
  EXPECT_EQ(attempt([&] { coroutine.send(); }), "StopIteration(None)");
  EXPECT_TRUE(ran);
}

TEST(Coroutine, tells_its_name_until_it_is_closed) {
  auto coroutine = forty_two();
  EXPECT_EQ(coroutine.name(), "forty_two");
  coroutine.close();
  EXPECT_EQ(coroutine.name(), "");
}

// CPython's protocol: conformance rule "coroutine protocol = generator protocol".
TEST(Coroutine, rule_32_takes_no_value_before_it_has_started_and_none_after_it_has_ended) {
  auto coroutine = forty_two();
  EXPECT_EQ(attempt([&] { coroutine.send(1); }), "TypeError(can't send non-None value to a just-started coroutine)");
  EXPECT_EQ(state(coroutine), "CORO_CREATED");
  EXPECT_EQ(attempt([&] { coroutine.send(); }), "StopIteration(42)");
  EXPECT_EQ(state(coroutine), "CORO_CLOSED");
  const std::string reused = "RuntimeError(cannot reuse already awaited coroutine)";
  EXPECT_EQ(attempt([&] { coroutine.send(); }), reused);
  EXPECT_EQ(attempt([&] { coroutine.send(1); }), reused);
  EXPECT_EQ(attempt([&] { coroutine.throw_(ValueError("x")); }), reused);
  EXPECT_EQ(attempt([&] { coroutine.close(); }), "None");
}

TEST(Coroutine, gives_what_it_yields_and_takes_what_it_is_sent) {
  const auto body = []() -> Coroutine<std::string> {
    std::string got;
    for (int i = 0; i < 2; ++i) {
      const std::any sent = co_await yield_(i);
      got += sent.has_value() ? std::to_string(std::any_cast<int>(sent)) : "None";
    }
    co_return got;
  };
  auto coroutine = body();
  EXPECT_EQ(std::any_cast<int>(*coroutine.send().value), 0);
  EXPECT_EQ(std::any_cast<int>(*coroutine.send(7).value), 1);
  EXPECT_EQ(attempt<std::string>([&] { coroutine.send(); }), "StopIteration(7None)");
}

TEST(Coroutine, AStringLiteralIsSentAndYieldedAsAString) {
  const auto ask = []() -> Coroutine<std::string> {
    const std::any answer = co_await yield_("question");
    co_return std::any_cast<std::string>(answer);
  };
  Coroutine<std::string> asking = ask();
  EXPECT_EQ(std::any_cast<std::string>(*asking.send().value), "question");
  EXPECT_EQ(attempt<std::string>([&] { asking.send("answer"); }), "StopIteration(answer)");
}

TEST(Coroutine, gives_the_future_that_it_waits_on) {
  auto loop = make_loop();
  const Future<int> future = loop->create_future<int>();
  const auto body = [&]() -> Coroutine<int> { co_return co_await future; };
  auto coroutine = body();
  const Yielded yielded = coroutine.send();
  EXPECT_EQ(yielded.future, future.state().get());
  EXPECT_TRUE(yielded.blocking);
  future.set_result(7);
  EXPECT_EQ(attempt([&] { coroutine.send(); }), "StopIteration(7)");
}

TEST(Coroutine, resumed_before_its_future_is_done_complains) {
  auto loop = make_loop();
  const Future<int> future = loop->create_future<int>();
  const auto body = [&]() -> Coroutine<int> { co_return co_await future; };
  auto coroutine = body();
  coroutine.send();
  EXPECT_EQ(attempt([&] { coroutine.send(); }), "RuntimeError(await wasn't used with future)");
  EXPECT_EQ(state(coroutine), "CORO_CLOSED");
}

TEST(Coroutine, steps_the_innermost_of_a_chain) {
  Trace trace;
  auto coroutine = park_below(trace, 100);
  coroutine.send();
  EXPECT_EQ(attempt([&] { coroutine.send(5); }), "StopIteration(105)");
  EXPECT_EQ(trace.size(), 101U);
  EXPECT_EQ(trace.front(), "level 0");
  EXPECT_EQ(trace.back(), "level 100");
}

TEST(Coroutine, finishes_a_chain_that_is_too_deep_for_the_stack) {
  Trace trace;
  auto coroutine = park_below(trace, 20'000);
  coroutine.send();
  EXPECT_EQ(attempt([&] { coroutine.send(); }), "StopIteration(20000)");
}

TEST(Coroutine, passes_on_what_its_body_throws) {
  const auto fail = []() -> Coroutine<> {
    co_await yield_();
    throw ValueError("bad");
  };
  const auto foreign = []() -> Coroutine<> {
    co_await yield_();
    throw 7;  // not an exception of segue's, nor of std
  };
  const auto outer = [&](bool own) -> Coroutine<> {
    if (own) {
      co_await fail();
    } else {
      co_await foreign();
    }
  };
  auto one = outer(true);
  one.send();
  EXPECT_EQ(attempt([&] { one.send(); }), "ValueError(bad)");
  EXPECT_EQ(state(one), "CORO_CLOSED");
  auto other = outer(false);
  other.send();
  EXPECT_THROW(other.send(), int);
  EXPECT_EQ(state(other), "CORO_CLOSED");
}

TEST(Coroutine, lets_no_StopIteration_out) {  // PEP 479
  const auto body = []() -> Coroutine<> {
    co_await yield_();
    throw StopIteration<int>(3);
  };
  auto raised = body();
  raised.send();
  EXPECT_EQ(attempt([&] { raised.send(); }), "RuntimeError(coroutine raised StopIteration)");
  auto thrown_in = park();
  thrown_in.send();
  EXPECT_EQ(attempt([&] { thrown_in.throw_(StopIteration<int>(3)); }), "RuntimeError(coroutine raised StopIteration)");
}

TEST(Coroutine, may_give_a_coroutine_or_an_exception_as_its_value) {
  const auto gives_coroutine = []() -> Coroutine<Coroutine<int>> { co_return forty_two(); };
  const auto awaits_twice = [&]() -> Coroutine<int> {
    auto inner = co_await gives_coroutine();
    const int value = co_await inner;
    co_return value;
  };
  auto coroutine = awaits_twice();
  EXPECT_EQ(attempt([&] { coroutine.send(); }), "StopIteration(42)");
  const auto gives_stop = []() -> Coroutine<StopIteration<int>> { co_return StopIteration<int>(10); };
  auto stop = gives_stop();
  try {
    stop.send();
    FAIL();
  } catch (const StopIteration<StopIteration<int>>& end) {
    EXPECT_EQ(end.value.value, 10);
  }
}

TEST(Coroutine, is_no_range) {
  EXPECT_FALSE(std::ranges::range<Coroutine<>>);
  EXPECT_FALSE(std::ranges::range<Coroutine<int>>);
  EXPECT_TRUE(Awaitable<Coroutine<int>>);
}

TEST(Coroutine, awaits_what_has_the_functions_of_an_awaiter_and_nothing_else) {
  struct Nothing {};
  struct GivesAnInt {
    int operator co_await() const { return 1; }
  };
  struct GivesItself {
    GivesItself operator co_await() const { return {}; }
  };
  EXPECT_FALSE(Awaitable<int>);
  EXPECT_FALSE(Awaitable<Nothing>);
  EXPECT_FALSE(Awaitable<GivesAnInt>);
  EXPECT_FALSE(Awaitable<GivesItself>);
  EXPECT_FALSE(Awaitable<Coroutine<int> (*)()>);
  EXPECT_TRUE(Awaitable<std::suspend_never>);
}

TEST(Coroutine, translates_what_is_thrown_in_below_it) {
  const auto inner = []() -> Coroutine<std::string> {
    try {
      const std::any sent = co_await yield_();
      co_return std::any_cast<std::string>(sent);
    } catch (const ValueError&) {
      throw KeyError("marker");
    }
  };
  const auto outer = [&]() -> Coroutine<std::string> { co_return co_await inner(); };
  auto sent = outer();
  sent.send();
  EXPECT_EQ(attempt<std::string>([&] { sent.send("spam"); }), "StopIteration(spam)");
  auto thrown = outer();
  thrown.send();
  EXPECT_EQ(attempt([&] { thrown.throw_(ValueError("v")); }), "KeyError(marker)");
}

// --- throw_() ---

TEST(CoroutineThrow, into_a_created_one_runs_nothing_of_it_and_closes_it) {
  Trace trace;
  auto coroutine = park_below(trace, 0);
  EXPECT_EQ(said_by([&] { EXPECT_EQ(attempt([&] { coroutine.throw_(ValueError("v")); }), "ValueError(v)"); }), "");
  EXPECT_EQ(state(coroutine), "CORO_CLOSED");
  EXPECT_THAT(trace, ElementsAre());
}

TEST(CoroutineThrow, strikes_where_the_innermost_one_waits) {
  Trace trace;
  auto coroutine = park_below(trace, 2);
  coroutine.send();
  EXPECT_EQ(attempt([&] { coroutine.throw_(ValueError("v")); }), "ValueError(v)");
  EXPECT_THAT(trace, ElementsAre("level 0", "level 1", "level 2"));
  EXPECT_EQ(state(coroutine), "CORO_CLOSED");
}

TEST(CoroutineThrow, gives_what_is_waited_on_next_where_it_is_caught) {
  const auto inner = []() -> Coroutine<int> {
    try {
      co_await yield_(1);
    } catch (const ValueError&) {
    }
    co_await yield_(2);
    co_return 3;
  };
  const auto outer = [&]() -> Coroutine<int> { co_return co_await inner(); };
  auto coroutine = outer();
  coroutine.send();
  EXPECT_EQ(std::any_cast<int>(*coroutine.throw_(ValueError("v")).value), 2);
  EXPECT_EQ(attempt([&] { coroutine.send(); }), "StopIteration(3)");
}

// --- close() ---

TEST(CoroutineClose, of_a_created_one_runs_nothing_and_is_no_news) {
  Trace trace;
  EXPECT_EQ(said_by([&] {
              auto coroutine = park_below(trace, 0);
              coroutine.close();
              coroutine.close();
              EXPECT_EQ(state(coroutine), "CORO_CLOSED");
            }),
            "");
  EXPECT_THAT(trace, ElementsAre());
}

TEST(CoroutineClose, unwinds_the_chain_from_the_innermost_on) {
  Trace trace;
  auto coroutine = park_below(trace, 2);
  coroutine.send();
  EXPECT_EQ(attempt([&] { coroutine.close(); }), "None");
  EXPECT_THAT(trace, ElementsAre("level 0", "level 1", "level 2"));
  EXPECT_EQ(state(coroutine), "CORO_CLOSED");
  EXPECT_EQ(attempt([&] { coroutine.close(); }), "None");
}

TEST(CoroutineClose, throws_what_the_clean_up_throws) {
  const auto body = []() -> Coroutine<> {
    try {
      co_await yield_();
    } catch (const GeneratorExit&) {
      throw ValueError("clean-up");
    }
  };
  auto coroutine = body();
  coroutine.send();
  EXPECT_EQ(attempt([&] { coroutine.close(); }), "ValueError(clean-up)");
  EXPECT_EQ(state(coroutine), "CORO_CLOSED");
}

TEST(CoroutineClose, of_one_that_returns_instead_is_fine) {
  const auto body = []() -> Coroutine<int> {
    try {
      co_await yield_();
    } catch (const GeneratorExit&) {
    }
    co_return 5;
  };
  auto coroutine = body();
  coroutine.send();
  EXPECT_EQ(attempt([&] { coroutine.close(); }), "None");
  EXPECT_EQ(state(coroutine), "CORO_CLOSED");
}

TEST(CoroutineClose, of_one_that_waits_again_is_an_error_and_leaves_it_suspended) {
  Trace trace;
  auto coroutine = stay(trace, 1);
  coroutine.send();
  EXPECT_EQ(attempt([&] { coroutine.close(); }), "RuntimeError(coroutine ignored GeneratorExit)");
  EXPECT_EQ(state(coroutine), "CORO_SUSPENDED");
  EXPECT_EQ(attempt([&] { coroutine.close(); }), "None");
  EXPECT_THAT(trace, ElementsAre("left"));
}

TEST(CoroutineClose, happens_when_the_one_that_replaces_it_is_in_its_place) {
  Trace trace;
  Coroutine<int> variable = park();
  const auto replacing = [](Coroutine<int>& variable, Trace& trace) -> Coroutine<int> {
    try {
      co_await yield_();
    } catch (const GeneratorExit&) {
      trace.push_back(variable.name() == "park" ? "replaced" : variable.name());
      variable = park_below(trace, 0);
      variable.send();
    }
    co_return 0;
  };
  variable = replacing(variable, trace);
  variable.send();
  variable = park();
  EXPECT_THAT(trace, ElementsAre("replaced"));
  EXPECT_EQ(state(variable), "CORO_SUSPENDED");
  variable.close();
  EXPECT_THAT(trace, ElementsAre("replaced", "level 0"));
}

TEST(Coroutine, refuses_to_throw_nothing) {
  auto created = park();
  auto suspended = park();
  suspended.send();
  const std::string refused =
      "TypeError(exceptions must be classes or instances deriving from BaseException, not NoneType)";
  EXPECT_EQ(attempt([&] { created.throw_(std::exception_ptr()); }), refused);
  EXPECT_EQ(attempt([&] { suspended.throw_(std::exception_ptr()); }), refused);
  EXPECT_EQ(created.state(), CoroutineState::CORO_CREATED);
  EXPECT_EQ(suspended.state(), CoroutineState::CORO_SUSPENDED);
  created.close();
}

}  // namespace
}  // namespace segue::modern
