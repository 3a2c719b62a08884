// Steps of async generators: what each of them ends with, taken one by one, by hand and in a loop.
#include <any>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/async_generators.hpp>
#include <segue/modern/tasks/outcome.hpp>
#include <segue/modern/tasks/runners.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/yield.hpp>
#include <segue/modern/testing/manual_reactor.hpp>

#include "modern/attempt.hpp"
#include "modern/stepped.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::attempt;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::make_loop;
using testing::Reports;
using testing::sent;
using testing::thrown;
using testing::Trace;

using Numbers = AsyncGenerator<int>;

/// Awaits a step, which is kept by its owner; gives what it gives, as text: `1`, `None`, `ValueError(bad)`.
template <class Step>
Coroutine<std::string> taken(Step& step) {
  try {
    if constexpr (std::is_void_v<await_result_t<Step&>>) {
      co_await step;
      co_return "None";
    } else {
      auto value = co_await step;
      if constexpr (requires { value.has_value(); }) {
        co_return value.has_value() ? std::to_string(*value) : "None";
      } else {
        co_return std::to_string(value);
      }
    }
  } catch (const GeneratorExit&) {
    throw;
  } catch (...) {
    co_return testing::text(std::current_exception());
  }
}

template <class Step>
Coroutine<std::string> taken_from(Step step) {
  co_return co_await taken(step);
}

/// All that the generator gives up to its end; it may fail on the way.
Coroutine<Trace> steps_of(Numbers generator) {
  Trace steps;
  while (steps.empty() || steps.back() != "StopAsyncIteration()") {
    auto step = generator.anext();
    steps.push_back(co_await taken(step));
  }
  co_return steps;
}

TEST(AsyncGeneratorStep, by_hand_gives_what_the_body_waits_for_and_then_its_value) {
  const auto body = []() -> Numbers {
    co_await yield_(1);
    co_yield 123;
    co_await yield_(2);
  };
  auto g = body();
  auto first = taken_from(g.anext());
  EXPECT_EQ(sent(first), "yields 1");
  EXPECT_EQ(sent(first), "StopIteration(123)");
  auto second = taken_from(g.anext());
  EXPECT_EQ(sent(second), "yields 2");
  EXPECT_EQ(sent(second), "StopIteration(StopAsyncIteration())");
}

TEST(AsyncGeneratorStep, gives_each_value_or_error_of_the_body_and_then_the_end) {
  auto loop = make_loop();
  const auto steps = [&](const auto& body) { return loop->run_until_complete(steps_of(body())); };
  EXPECT_THAT(steps([]() -> Numbers {
                co_yield 1;
                co_await sleep(10ms);
                co_yield 2;
                co_await sleep(10ms);
              }),
              ElementsAre("1", "2", "StopAsyncIteration()"));
  const auto fails = []() -> Coroutine<> {
    co_await sleep(10ms);
    throw ValueError("bad");
  };
  EXPECT_THAT(steps([&]() -> Numbers {
                co_yield 1;
                co_await fails();
                co_yield 2;
              }),
              ElementsAre("1", "ValueError(bad)", "StopAsyncIteration()"));
  EXPECT_THAT(steps([]() -> Numbers {
                co_yield 1;
                throw ValueError("bad");
              }),
              ElementsAre("1", "ValueError(bad)", "StopAsyncIteration()"));
  for (const bool waits : {false, true}) {
    EXPECT_THAT(steps([waits]() -> Numbers {  // a `finally` that yields
                  std::exception_ptr error;
                  try {
                    if (waits) co_await sleep(1ms);
                    co_yield 1;
                    throw ValueError("bad");
                  } catch (...) {
                    error = std::current_exception();
                  }
                  co_yield 2;
                  if (waits) co_await sleep(1ms);
                  co_yield 3;
                  std::rethrow_exception(error);
                }),
                ElementsAre("1", "2", "3", "ValueError(bad)", "StopAsyncIteration()"));
    EXPECT_THAT(steps([waits]() -> Numbers {
                  co_yield 1;
                  if (waits) co_await sleep(1ms);
                  co_yield 2;
                  throw ValueError("bad");
                }),
                ElementsAre("1", "2", "ValueError(bad)", "StopAsyncIteration()"));
  }
  const auto is_cancelled = []() -> Coroutine<> {
    const Task<> task = create_task(sleep(10ms));
    get_running_loop().call_later(5ms, [task] { task.cancel(); });
    co_await task;
  };
  EXPECT_THAT(steps([&]() -> Numbers {
                co_yield 1;
                co_await is_cancelled();
                co_yield 2;
              }),
              ElementsAre("1", "CancelledError()", "StopAsyncIteration()"));
}

// Cleans up, which takes two waits, however it is left; then what it was left with.
Numbers cleans_up(Trace& trace, Coroutine<> (*between)(), bool handles) {
  std::exception_ptr error;
  try {
    co_await sleep(10ms);
    bool handled = false;
    try {
      co_yield 1;
    } catch (const ValueError&) {
      if (!handles) throw;
      handled = true;
    }
    if (between != nullptr) co_await between();
    co_yield handled ? 2000 : 2;
  } catch (...) {
    error = std::current_exception();
  }
  co_await sleep(10ms);
  co_await sleep(10ms);
  trace.push_back("cleaned up");
  if (error) std::rethrow_exception(error);
}

TEST(AsyncGeneratorStep, ends_when_the_clean_up_of_the_body_has) {
  auto loop = make_loop();
  Coroutine<> (*const fails)() = []() -> Coroutine<> {
    co_await sleep(10ms);
    throw TypeError("fails");
  };
  Coroutine<> (*const is_cancelled)() = []() -> Coroutine<> {
    co_await sleep(10ms);
    throw CancelledError("inner");
  };
  struct {
    Coroutine<> (*between)();
    bool handles;
    const char* after_next;
    const char* after_throw;
  } const cases[] = {{nullptr, true, "2", "2000"},
                     {nullptr, false, "2", "ValueError(thrown in)"},
                     {fails, true, "TypeError(fails)", "TypeError(fails)"},
                     {is_cancelled, true, "CancelledError(inner)", "CancelledError(inner)"}};
  for (const auto& each : cases) {
    for (const bool by_throw : {false, true}) {
      Trace trace;
      const auto main = [&]() -> Coroutine<> {
        auto g = cleans_up(trace, each.between, each.handles);
        auto first = g.anext();
        co_await first;
        std::string second;
        if (by_throw) {
          second = co_await taken_from(g.athrow(ValueError("thrown in")));
        } else {
          second = co_await taken_from(g.anext());
        }
        EXPECT_EQ(second, by_throw ? each.after_throw : each.after_next);
        trace.push_back(co_await taken_from(g.anext()));
      };
      loop->run_until_complete(main());
      EXPECT_THAT(trace, ElementsAre("cleaned up", "StopAsyncIteration()"));
    }
  }
}

Numbers swallows() {
  try {
    co_yield 1;
  } catch (...) {
  }
}

TEST(AsyncGeneratorStep, that_throws_into_a_body_which_swallows_that_is_its_end) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    auto resumed = swallows();
    co_await resumed.anext();
    EXPECT_EQ(co_await taken_from(resumed.anext()), "StopAsyncIteration()");
    auto thrown_into = swallows();
    co_await thrown_into.anext();
    EXPECT_EQ(co_await taken_from(thrown_into.athrow(ValueError("v"))), "StopAsyncIteration()");
    auto closed = swallows();
    co_await closed.anext();
    EXPECT_EQ(co_await taken_from(closed.aclose()), "None");
    EXPECT_EQ(co_await taken_from(closed.aclose()), "None");
    auto exhausted = swallows();
    co_await async_for(exhausted, [](int) {});
    EXPECT_EQ(co_await taken_from(exhausted.aclose()), "None");
    const auto two = []() -> Numbers {
      co_yield 10;
      co_yield 20;
    };
    auto exited = two();
    co_await exited.anext();
    Outcome<std::optional<int>> exit;
    try {
      exit.set_value(co_await exited.athrow(GeneratorExit()));
    } catch (const GeneratorExit&) {
      exit.set_exception(std::current_exception());
    }
    EXPECT_TRUE(holds<GeneratorExit>(exit.exception()));
  };
  loop->run_until_complete(main());
}

TEST(AsyncGeneratorStep, that_closes_waits_for_what_the_clean_up_waits_for) {
  auto loop = make_loop();
  Trace trace;
  const auto body = [&]() -> Numbers {
    const auto fails = []() -> Coroutine<> {
      co_await sleep(10ms);
      throw ValueError("of a task");
    };
    const Task<> task = create_task(fails());
    std::exception_ptr exit;
    try {
      co_yield 1;
    } catch (...) {
      exit = std::current_exception();
    }
    const Outcome<void> ended = co_await outcome(task);
    trace.push_back(testing::text(ended.exception()));
    std::rethrow_exception(exit);
  };
  const auto main = [&]() -> Coroutine<> {
    auto g = body();
    co_await g.anext();
    co_await g.aclose();
  };
  loop->run_until_complete(main());
  EXPECT_THAT(trace, ElementsAre("ValueError(of a task)"));
}

// Swallows what is thrown in, and waits on and on.
Numbers waits_on(bool yields_first) {
  if (yields_first) {
    try {
      co_yield 1;
    } catch (const ValueError&) {
    }
  }
  for (;;) {
    try {
      co_await yield_();
    } catch (const ValueError&) {
    }
  }
}

TEST(AsyncGeneratorStep, that_comes_while_another_one_waits_is_refused_and_used_up) {
  for (const bool first_throws : {false, true}) {
    auto g = waits_on(first_throws);
    auto begin = taken_from(g.anext());
    std::optional<Coroutine<std::string>> first;
    if (first_throws) {
      EXPECT_EQ(sent(begin), "StopIteration(1)");
      first = taken_from(g.athrow(ValueError("handled")));
      EXPECT_EQ(sent(*first), "yields");
    } else {
      EXPECT_EQ(sent(begin), "yields");
    }
    auto next = g.anext();
    auto throws = g.athrow(ValueError("v"));
    auto refused_next = taken(next);
    EXPECT_EQ(sent(refused_next), "StopIteration(RuntimeError(anext(): asynchronous generator is already running))");
    auto again = taken(next);
    EXPECT_EQ(sent(again), "StopIteration(RuntimeError(cannot reuse already awaited __anext__()/asend()))");
    auto refused_throw = taken(throws);
    EXPECT_EQ(sent(refused_throw), "StopIteration(RuntimeError(athrow(): asynchronous generator is already running))");
    auto throws_again = taken(throws);
    EXPECT_EQ(sent(throws_again), "StopIteration(RuntimeError(cannot reuse already awaited aclose()/athrow()))");
    EXPECT_EQ(thrown(first_throws ? *first : begin), "yields") << "the one that waits goes on";
    (first_throws ? *first : begin).close();
  }
}

TEST(AsyncGeneratorStep, of_its_own_body_is_refused) {
  auto loop = make_loop();
  std::optional<Numbers> me;
  const auto body = [&]() -> Numbers {
    co_await me->anext();
    co_yield 123;
  };
  me = body();
  const auto main = [&]() -> Coroutine<> {
    auto step = me->anext();
    EXPECT_EQ(co_await taken(step), "RuntimeError(anext(): asynchronous generator is already running)");
    EXPECT_EQ(co_await taken(step), "RuntimeError(cannot reuse already awaited __anext__()/asend())");
  };
  loop->run_until_complete(main());
}

TEST(AsyncGeneratorStep, that_was_left_by_an_exception_is_used_up) {
  const auto slow_to_close = []() -> Numbers {
    std::exception_ptr error;
    try {
      co_yield 1;
    } catch (...) {
      error = std::current_exception();
    }
    co_await yield_();
    std::rethrow_exception(error);
  };
  for (const bool closes : {false, true}) {
    auto g = slow_to_close();
    auto begin = taken_from(g.anext());
    EXPECT_EQ(sent(begin), "StopIteration(1)");
    auto closing = g.aclose();
    auto throwing = g.athrow(KeyError("k"));
    auto first = closes ? taken(closing) : taken(throwing);
    EXPECT_EQ(sent(first), "yields");
    EXPECT_EQ(thrown(first), "StopIteration(ValueError(thrown))");
    auto second = closes ? taken(closing) : taken(throwing);
    EXPECT_EQ(sent(second), "StopIteration(RuntimeError(cannot reuse already awaited aclose()/athrow()))");
  }
}

TEST(AsyncGeneratorStep, whose_waiter_is_closed_says_where_the_body_ignores_that) {
  const auto ignores = [](bool yields_first) -> Numbers {
    if (yields_first) {
      try {
        co_yield 1;
      } catch (const ValueError&) {
      }
    }
    try {
      co_await yield_();
    } catch (const GeneratorExit&) {
    }
    co_await yield_();
    co_yield 2;
  };
  const auto next = [](Numbers& g) -> Coroutine<> { co_await g.anext(); };
  const auto throw_in = [](Numbers& g) -> Coroutine<> { co_await g.athrow(ValueError("v")); };
  for (const bool by_throw : {false, true}) {
    auto g = ignores(by_throw);
    auto first = next(g);
    attempt([&] { first.send(); });
    auto second = throw_in(g);
    if (by_throw) second.send();
    EXPECT_EQ(attempt([&] { (by_throw ? second : first).close(); }), "RuntimeError(coroutine ignored GeneratorExit)");
    second.close();
  }
}

TEST(AsyncGeneratorStep, is_reported_where_it_is_never_awaited_but_not_where_it_was_refused) {
  auto loop = make_loop();
  const Reports reports(*loop);
  const auto main = []() -> Coroutine<> {
    auto g = swallows();
    static_cast<void>(g.anext());
    static_cast<void>(g.athrow(ValueError("v")));
    static_cast<void>(g.aclose());
    auto running = waits_on(false);
    auto first = taken_from(running.anext());
    sent(first);
    EXPECT_THAT(co_await taken_from(running.anext()), HasSubstr("already running"));
    EXPECT_THAT(co_await taken_from(running.athrow(ValueError("v"))), HasSubstr("already running"));
    first.close();
  };
  loop->run_until_complete(main());
  EXPECT_THAT(reports.messages(), ElementsAre("coroutine method 'asend' of 'swallows' was never awaited",
                                              "coroutine method 'athrow' of 'swallows' was never awaited",
                                              "coroutine method 'aclose' of 'swallows' was never awaited"));
}

TEST(AsyncGeneratorStep, may_give_what_is_an_exception_as_its_value) {
  auto loop = make_loop();
  const auto body = []() -> AsyncGenerator<StopIteration<int>> {
    int value = 1;
    try {
      co_yield StopIteration<int>(value);
    } catch (const ValueError&) {
      value = 3;
    }
    co_yield StopIteration<int>(value);
  };
  const auto main = [&]() -> Coroutine<> {
    auto g = body();
    const StopIteration<int> first = co_await g.anext();
    EXPECT_EQ(first.value, 1);
    const std::optional<StopIteration<int>> second = co_await g.athrow(ValueError("v"));
    EXPECT_EQ(second->value, 3);
    const Outcome<StopIteration<int>> end = co_await outcome(g.anext());
    EXPECT_TRUE(holds<StopAsyncIteration>(end.exception()));
  };
  loop->run_until_complete(main());
}

/// What run() reports of a generator that `async_for` has left after its first value, and that is kept or not.
std::vector<ExceptionContext> reported_by_run(const std::function<Numbers()>& make, bool keep) {
  std::vector<ExceptionContext> contexts;
  std::optional<Numbers> kept;
  const auto main = [&]() -> Coroutine<> {
    get_running_loop().set_exception_handler(
        [&](EventLoop&, const ExceptionContext& context) { contexts.push_back(context); });
    auto g = make();
    co_await async_for(g, [](int) { return LoopControl::break_; });
    if (keep) kept = std::move(g);
  };
  run(main(), {.loop_factory = [] { return new_event_loop(std::make_unique<ManualReactor>()); }});
  return contexts;
}

TEST(AsyncGenerator, that_is_left_by_async_for_is_closed_by_run_which_reports_its_error) {
  const auto quiet = []() -> Numbers {
    co_yield 1;
    co_yield 2;
  };
  const auto fails = []() -> Numbers {
    try {
      co_yield 1;
      co_yield 2;
    } catch (...) {
    }
    throw ValueError("clean-up");
  };
  for (const bool keep : {false, true}) {
    EXPECT_TRUE(reported_by_run(quiet, keep).empty());
    const auto contexts = reported_by_run(fails, keep);
    ASSERT_EQ(contexts.size(), 1U) << keep;
    EXPECT_EQ(testing::text(contexts[0].exception), "ValueError(clean-up)");
    EXPECT_THAT(contexts[0].message, HasSubstr(keep ? "an error occurred during closing of asynchronous generator"
                                                    : "unhandled exception during asyncio.run() shutdown"));
  }
}

TEST(AsyncGenerator, whose_waiters_are_cancelled_has_cleaned_up_before_shutdown_asyncgens) {
  auto loop = make_loop();
  int finalized = 0;
  const auto body = [&]() -> Numbers {
    std::exception_ptr error;
    try {
      co_await sleep(1s);
      co_yield 1;
    } catch (...) {
      error = std::current_exception();
    }
    co_await sleep(0s);
    ++finalized;
    if (error) std::rethrow_exception(error);
  };
  const auto use = [&]() -> Coroutine<> { co_await async_for(body(), [](int) {}); };
  const Task<> one = loop->create_task(use());
  const Task<> two = loop->create_task(use());
  loop->run_until_complete(sleep(100ms));
  one.cancel();
  two.cancel();
  EXPECT_EQ(attempt([&] { loop->run_until_complete(one); }), "CancelledError()");
  EXPECT_EQ(attempt([&] { loop->run_until_complete(two); }), "CancelledError()");
  loop->run_until_complete(loop->shutdown_asyncgens());
  EXPECT_EQ(finalized, 2);
}

}  // namespace
}  // namespace segue::modern
