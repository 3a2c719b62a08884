#include <segue/modern/tasks/async_generators.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/contextvars.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/log.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/outcome.hpp>
#include <segue/modern/tasks/runners.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/timeouts.hpp>
#include <segue/modern/tasks/yield.hpp>
#include <segue/modern/testing/manual_reactor.hpp>

#include "modern/attempt.hpp"
#include "unraisable_reports.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using testing::Trace;

/// How awaiting it ends, as a line of text.
template <class Step>
Coroutine<std::string> end_of(Step step) {
  try {
    if constexpr (std::is_void_v<await_result_t<Step>>) {
      co_await step;
      co_return "None";
    } else {
      auto value = co_await step;
      if constexpr (requires { value.has_value(); }) {
        if (!value.has_value()) co_return "None";
        co_return testing::text(*value);
      } else {
        co_return testing::text(value);
      }
    }
  } catch (...) {
    co_return testing::text(std::current_exception());
  }
}

AsyncGenerator<int> count(int n) {
  for (int i = 0; i < n; ++i) co_yield i;
}

AsyncGenerator<int> slow_count(int n) {
  for (int i = 0; i < n; ++i) {
    co_await sleep(5ms);
    co_yield i;
  }
}

/// Yields once, and has something to await at its end.
AsyncGenerator<int> with_cleanup(Trace& events) {
  std::exception_ptr error;
  try {
    co_yield 1;
  } catch (...) {
    error = std::current_exception();
  }
  co_await sleep(0s);
  events.push_back("fin");
  if (error) std::rethrow_exception(error);
}

AsyncGenerator<int> deaf() {
  bool asked = false;
  try {
    co_yield 1;
  } catch (const GeneratorExit&) {
    asked = true;
  }
  if (asked) co_yield 2;
  co_yield 3;
}

template <class Main>
void run_in_virtual_time(Main main) {
  run(main(), {.loop_factory = [] { return new_event_loop(std::make_unique<ManualReactor>()); }});
}

TEST(AsyncGenerator, rule_141_refuses_a_second_step_while_one_is_under_way) {
  Trace events;
  run_in_virtual_time([&]() -> Coroutine<> {
    auto g = slow_count(1);
    const auto next = [&]() -> Coroutine<int> { co_return co_await g.anext(); };
    const Task<int> task = create_task(next());
    co_await sleep(0s);
    events.push_back(co_await end_of(g.anext()));
    events.push_back(co_await end_of(g.athrow(ValueError("x"))));
    events.push_back(co_await end_of(g.aclose()));
    EXPECT_TRUE(g.ag_running());
    EXPECT_TRUE(g.ag_await().has_value());
    EXPECT_EQ(getasyncgenstate(g), AsyncGeneratorState::AGEN_RUNNING);
    EXPECT_EQ(co_await task, 0);
    EXPECT_FALSE(g.ag_running());
    EXPECT_FALSE(g.ag_await().has_value());
    EXPECT_TRUE(g.ag_suspended());
  });
  EXPECT_THAT(events, ElementsAre("RuntimeError(anext(): asynchronous generator is already running)",
                                  "RuntimeError(athrow(): asynchronous generator is already running)",
                                  "RuntimeError(aclose(): asynchronous generator is already running)"));
}

TEST(AsyncGenerator, rule_142_aclose_throws_GeneratorExit_at_the_yield_and_waits) {
  Trace events;
  run_in_virtual_time([&]() -> Coroutine<> {
    auto unbegun = with_cleanup(events);
    co_await unbegun.aclose();
    EXPECT_THAT(events, IsEmpty());
    EXPECT_EQ(getasyncgenstate(unbegun), AsyncGeneratorState::AGEN_CLOSED);
    auto g = with_cleanup(events);
    co_await g.anext();
    events.push_back(co_await end_of(g.aclose()));
    events.push_back(co_await end_of(g.anext()));
    auto ignores = deaf();
    co_await ignores.anext();
    events.push_back(co_await end_of(ignores.aclose()));
    events.push_back(co_await end_of(ignores.anext()));
    events.push_back(co_await end_of(ignores.aclose()));
    events.push_back(co_await end_of(ignores.anext()));
  });
  EXPECT_THAT(events,
              ElementsAre("fin", "None", "StopAsyncIteration()", "RuntimeError(async generator ignored GeneratorExit)",
                          "3", "StopAsyncIteration()", "StopAsyncIteration()"));
}

TEST(AsyncGenerator, rule_143_a_step_is_awaited_once) {
  Trace events;
  run_in_virtual_time([&]() -> Coroutine<> {
    auto g = count(1);
    auto step = g.anext();
    EXPECT_EQ(co_await step, 0);
    events.push_back(co_await end_of(std::move(step)));
    auto closing = g.aclose();
    co_await closing;
    events.push_back(co_await end_of(std::move(closing)));
  });
  EXPECT_THAT(events, ElementsAre("RuntimeError(cannot reuse already awaited __anext__()/asend())",
                                  "RuntimeError(cannot reuse already awaited aclose()/athrow())"));
}

TEST(AsyncGenerator, rule_145_one_that_is_dropped_is_closed_by_the_loop_later) {
  Trace events;
  run_in_virtual_time([&]() -> Coroutine<> {
    {
      auto g = with_cleanup(events);
      co_await g.anext();
    }
    events.push_back("dropped");
    for (int i = 0; i < 4; ++i) co_await sleep(0s);
    events.push_back("later");
  });
  EXPECT_THAT(events, ElementsAre("dropped", "fin", "later"));
}

TEST(AsyncGenerator, that_is_dropped_is_closed_by_a_task_that_begins_as_the_loop_has_tasks_begin) {
  Trace events;
  run_in_virtual_time([&]() -> Coroutine<> {
    get_running_loop().set_task_factory(eager_task_factory);
    {
      auto g = with_cleanup(events);
      co_await g.anext();
    }
    for (int i = 0; i < 3; ++i) {
      co_await sleep(0s);
      events.push_back(std::to_string(i));
    }
  });
  EXPECT_THAT(events, ElementsAre("0", "fin", "1", "2"));
}

TEST(AsyncGenerator, dropped_at_the_end_of_run_is_closed_all_the_same) {
  Trace trace;
  run_in_virtual_time([&]() -> Coroutine<> {
    auto g = with_cleanup(trace);
    co_await g.anext();
    trace.push_back("end");
  });
  EXPECT_THAT(trace, ElementsAre("end", "fin"));
}

TEST(AsyncGenerator, rule_146_shutdown_asyncgens_closes_all_and_reports_their_errors) {
  Trace events;
  const auto fails = [&](bool fails) -> AsyncGenerator<int> {
    std::exception_ptr error;
    try {
      co_yield 1;
    } catch (...) {
      error = std::current_exception();
    }
    events.push_back("fin");
    if (fails) throw ValueError("bad");
    if (error) std::rethrow_exception(error);
  };
  std::vector<AsyncGenerator<int>> kept;
  run_in_virtual_time([&]() -> Coroutine<> {
    get_running_loop().set_exception_handler([&](EventLoop&, const ExceptionContext& context) {
      events.push_back(context.message.substr(0, context.message.find(" <")) + ": " +
                       exception_repr(context.exception));
    });
    for (const bool bad : {false, true}) {
      kept.push_back(fails(bad));
      co_await kept.back().anext();
    }
    co_await get_running_loop().shutdown_asyncgens();
    events.push_back("after");
    EXPECT_EQ(getasyncgenstate(kept[0]), AsyncGeneratorState::AGEN_CLOSED);
  });
  EXPECT_THAT(events,
              ElementsAre("fin", "fin", "an error occurred during closing of asynchronous generator: ValueError('bad')",
                          "after"));
}

TEST(AsyncGenerator, run_closes_what_is_left_and_warns_of_what_begins_later) {
  Trace events;
  std::vector<AsyncGenerator<int>> kept;
  const auto previous = set_log_handler([&](LogLevel, std::string_view line) { events.emplace_back(line); });
  run_in_virtual_time([&]() -> Coroutine<> {
    kept.push_back(with_cleanup(events));
    co_await kept.back().anext();
    kept.push_back(count(3));
    co_await get_running_loop().shutdown_asyncgens();
    co_await kept.back().anext();
  });
  set_log_handler(previous);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0], "fin");
  EXPECT_THAT(events[1], StartsWith("asynchronous generator <async_generator object count at 0x"));
  EXPECT_THAT(events[1], HasSubstr("was scheduled after loop.shutdown_asyncgens() call"));
}

TEST(AsyncGenerator, rule_147_a_StopAsyncIteration_of_the_body_is_a_RuntimeError) {
  Trace events;
  run_in_virtual_time([&]() -> Coroutine<> {
    const auto raises = [](auto error) -> AsyncGenerator<int> {
      co_yield 1;
      throw error;
    };
    auto g = raises(StopAsyncIteration("x"));
    co_await g.anext();
    events.push_back(co_await end_of(g.anext()));
    events.push_back(co_await end_of(g.anext()));
    auto h = raises(StopIteration<void>());
    co_await h.anext();
    events.push_back(co_await end_of(h.anext()));
  });
  EXPECT_THAT(events, ElementsAre("RuntimeError(async generator raised StopAsyncIteration)", "StopAsyncIteration()",
                                  "RuntimeError(async generator raised StopIteration)"));
}

TEST(AsyncGenerator, its_yield_gives_what_is_sent_or_the_default) {
  std::vector<int> got;
  run_in_virtual_time([&]() -> Coroutine<> {
    const auto echo = [&]() -> AsyncGenerator<int, int> {
      for (int i = 0;; ++i) {
        const int sent = co_yield i;
        got.push_back(sent);
      }
    };
    auto g = echo();
    EXPECT_EQ(co_await end_of(g.asend(5)), "TypeError(can't send non-None value to a just-started async generator)");
    EXPECT_EQ(co_await g.anext(), 0);
    EXPECT_EQ(co_await g.asend(7), 1);
    const testing::Reports reports(get_running_loop());
    static_cast<void>(g.asend(9));
    EXPECT_THAT(reports.messages(), ElementsAre("coroutine method 'asend' of '<lambda>' was never awaited"));
    EXPECT_EQ(co_await g.anext(), 2);
  });
  EXPECT_THAT(got, ElementsAre(7, 0));
}

TEST(AsyncGenerator, yields_references_and_what_can_only_be_moved) {
  run_in_virtual_time([]() -> Coroutine<> {
    std::vector<int> numbers{1, 2};
    const auto each = [&]() -> AsyncGenerator<int&> {
      for (int& number : numbers) co_yield number;
    };
    co_await async_for(each(), [](int& number) { number *= 10; });
    EXPECT_THAT(numbers, ElementsAre(10, 20));
    const auto owned = []() -> AsyncGenerator<std::unique_ptr<int>> { co_yield std::make_unique<int>(3); };
    auto g = owned();
    const std::unique_ptr<int> got = co_await g.anext();
    EXPECT_EQ(*got, 3);
  });
}

TEST(AsyncGenerator, athrow_is_thrown_at_the_yield) {
  Trace events;
  run_in_virtual_time([&]() -> Coroutine<> {
    auto unbegun = count(3);
    events.push_back(co_await end_of(unbegun.athrow(ValueError("early"))));
    events.push_back(co_await end_of(unbegun.anext()));
    events.push_back(co_await end_of(unbegun.athrow(ValueError("late"))));
    const auto handles = []() -> AsyncGenerator<std::string> {
      std::string text = "first";
      for (;;) {
        try {
          co_yield text;
        } catch (const ValueError& error) {
          text = std::string("caught ") + error.what();
        }
      }
    };
    auto g = handles();
    co_await g.anext();
    events.push_back(co_await end_of(g.athrow(ValueError("v"))));
    events.push_back(co_await end_of(g.athrow(TypeError("t"))));
    events.push_back(co_await end_of(g.anext()));
    EXPECT_THROW(static_cast<void>(g.athrow(std::exception_ptr())), TypeError);
  });
  EXPECT_THAT(events, ElementsAre("ValueError(early)", "StopAsyncIteration()", "None", "caught v", "TypeError(t)",
                                  "StopAsyncIteration()"));
}

TEST(AsyncGenerator, a_cancellation_is_thrown_where_the_body_waits) {
  Trace events;
  run_in_virtual_time([&]() -> Coroutine<> {
    const auto waits = [&]() -> AsyncGenerator<int> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        events.push_back("cancelled inside");
        throw;
      }
      co_yield 1;
    };
    auto g = waits();
    const auto next = [&]() -> Coroutine<int> { co_return co_await g.anext(); };
    const Task<int> task = create_task(next());
    co_await sleep(0s);
    task.cancel("enough");
    events.push_back(co_await end_of(Task<int>(task)));
    events.push_back(co_await end_of(g.anext()));
    auto slow = slow_count(3);
    try {
      co_await async_with(timeout(1ms), [&]() -> Coroutine<> { co_await slow.anext(); });
    } catch (const TimeoutError&) {
      events.push_back("timeout");
    }
    EXPECT_EQ(getasyncgenstate(slow), AsyncGeneratorState::AGEN_CLOSED);
  });
  EXPECT_THAT(events, ElementsAre("cancelled inside", "CancelledError(enough)", "StopAsyncIteration()", "timeout"));
}

Coroutine<> await_next(AsyncGenerator<int>& g, Trace& events) {
  try {
    co_await g.anext();
  } catch (...) {
    events.push_back(testing::text(std::current_exception()));
    throw;
  }
}

TEST(AsyncGenerator, closing_who_awaits_it_closes_it_where_it_waits) {
  Trace events;
  const auto waits = [](bool yields, bool awaits) -> AsyncGenerator<int> {
    std::exception_ptr error;
    try {
      co_await yield_();
    } catch (...) {
      error = std::current_exception();
    }
    if (awaits) co_await yield_();
    if (!yields) std::rethrow_exception(error);
    co_yield 1;
    co_yield 2;
  };
  auto ends = waits(false, false);
  auto first = await_next(ends, events);
  first.send();
  first.close();
  EXPECT_EQ(getasyncgenstate(ends), AsyncGeneratorState::AGEN_CLOSED);

  auto yields = waits(true, false);
  auto second = await_next(yields, events);
  second.send();
  second.close();
  EXPECT_EQ(getasyncgenstate(yields), AsyncGeneratorState::AGEN_SUSPENDED);
  EXPECT_EQ(run(end_of(yields.anext())), "2");

  auto awaits = waits(true, true);
  auto third = await_next(awaits, events);
  third.send();
  EXPECT_THROW(third.close(), RuntimeError);
  EXPECT_EQ(getasyncgenstate(awaits), AsyncGeneratorState::AGEN_RUNNING);
  EXPECT_EQ(run(end_of(awaits.anext())), "RuntimeError(anext(): asynchronous generator is already running)");
  EXPECT_THAT(events,
              ElementsAre("GeneratorExit()", "GeneratorExit()", "RuntimeError(coroutine ignored GeneratorExit)"));
}

TEST(AsyncGenerator, without_a_loop_it_is_closed_by_its_destructor_as_far_as_that_goes) {
  Trace events;
  const segue::testing::UnraisableReports ignored;
  const auto notes = [&](bool waits) -> AsyncGenerator<int> {
    try {
      co_yield 1;
    } catch (const GeneratorExit&) {
      events.push_back("closed");
    }
    if (waits) co_await yield_();
    events.push_back("end");
  };
  for (const bool waits : {false, true}) {
    auto g = notes(waits);
    const auto next = [&]() -> Coroutine<> { co_await g.anext(); };
    EXPECT_THROW(next().send(), StopIteration<void>);
  }
  EXPECT_THAT(events, ElementsAre("closed", "end", "closed"));
  EXPECT_THAT(ignored.lines, ElementsAre(EndsWith(": RuntimeError('async generator ignored GeneratorExit')")));
}

TEST(AsyncGenerator, that_outlives_its_loop_is_closed_without_it) {
  Trace events;
  std::optional<AsyncGenerator<int>> kept;
  {
    const EventLoopPtr loop = new_event_loop(std::make_unique<ManualReactor>());
    loop->run_until_complete([&]() -> Coroutine<> {
      const auto notes = [&]() -> AsyncGenerator<int> {
        struct Note {
          Trace& events;
          ~Note() { events.push_back("gone"); }
        } note{events};
        co_yield 1;
      };
      kept = notes();
      co_await kept->anext();
    }());
    auto dropped = with_cleanup(events);
    loop->run_until_complete(end_of(dropped.anext()));
  }
  EXPECT_THAT(events, ElementsAre());
  kept.reset();
  EXPECT_THAT(events, ElementsAre("gone"));
}

TEST(AsyncGenerator, destroyed_while_a_step_is_under_way_goes_on_for_it) {
  Trace events;
  run_in_virtual_time([&]() -> Coroutine<> {
    std::optional<AsyncGenerator<int>> g = slow_count(2);
    const auto next = [](auto step) -> Coroutine<int> { co_return co_await step; };
    const Task<int> task = create_task(next(g->anext()));
    co_await sleep(0s);
    g.reset();
    EXPECT_EQ(co_await task, 0);
  });
}

TEST(AsyncGenerator, a_step_may_be_moved_or_dropped_while_it_is_awaited) {
  run_in_virtual_time([]() -> Coroutine<> {
    auto g = slow_count(3);
    std::optional<AsyncGeneratorNext<int, void>> step = g.anext();
    const auto next = [&]() -> Coroutine<int> { co_return co_await *step; };
    const Task<int> first = create_task(next());
    co_await sleep(0s);
    auto moved = std::move(*step);
    EXPECT_EQ(co_await first, 0);
    EXPECT_EQ(co_await end_of(std::move(moved)), "RuntimeError(cannot reuse already awaited __anext__()/asend())");
    step.emplace(g.anext());
    const Task<int> second = create_task(next());
    co_await sleep(0s);
    step.reset();
    EXPECT_EQ(co_await second, 1);
    EXPECT_EQ(co_await g.anext(), 2);
  });
}

AsyncGenerator<int> around(std::optional<AsyncGenerator<int>> inner) {
  if (inner) co_yield co_await inner->anext();
  co_yield 1;
}

TEST(AsyncGenerator, a_chain_of_them_ends_whatever_its_length) {
  std::optional<AsyncGenerator<int>> chain;
  for (int i = 0; i < 100'000; ++i) chain = around(std::move(chain));
  chain.reset();
}

TEST(AsyncGenerator, its_cleanup_may_wait_though_run_cancels_what_is_left) {
  Trace trace;
  const auto cleans = [](Trace& trace) -> AsyncGenerator<int> {
    std::exception_ptr error;
    try {
      co_yield 1;
    } catch (...) {
      error = std::current_exception();
      trace.push_back(testing::text(error));
    }
    co_await sleep(20ms);
    trace.push_back("cleaned");
    std::rethrow_exception(error);
  };
  run_in_virtual_time([&]() -> Coroutine<> {
    auto g = cleans(trace);
    co_await g.anext();
  });
  EXPECT_THAT(trace, ElementsAre("CancelledError()", "cleaned")) << "as in CPython";
}

TEST(AsyncGenerator, that_was_moved_from_says_so) {
  auto g = count(1);
  const auto moved = std::move(g);
  EXPECT_FALSE(g);
  EXPECT_TRUE(moved);
  EXPECT_THROW(static_cast<void>(g.anext()), RuntimeError);
}

TEST(AsyncGenerator, rule_81_runs_in_the_context_of_whoever_asks) {
  const ContextVar<int> v("v", 0);
  std::vector<int> seen;
  run_in_virtual_time([&]() -> Coroutine<> {
    const auto adds = [&]() -> AsyncGenerator<int> {
      for (;;) {
        v.set(v.get() + 1);
        co_yield v.get();
      }
    };
    auto g = adds();
    seen.push_back(co_await g.anext());
    const auto next = [&]() -> Coroutine<int> { co_return co_await g.anext(); };
    seen.push_back(co_await create_task(next(), {.context = Context()}));
    seen.push_back(v.get());
    seen.push_back(co_await g.anext());
  });
  EXPECT_THAT(seen, ElementsAre(1, 1, 1, 2));
}

TEST(AsyncFor, leaves_by_break_or_return_and_leaves_the_iterator_open) {
  std::vector<int> seen;
  run_in_virtual_time([&]() -> Coroutine<> {
    auto g = count(10);
    co_await async_for(g, [&](int i) {
      seen.push_back(i);
      return i == 1 ? LoopControl::break_ : LoopControl::continue_;
    });
    const std::optional<std::string> found = co_await async_for(g, [](int i) -> std::optional<std::string> {
      if (i < 4) return std::nullopt;
      return "found " + std::to_string(i);
    });
    EXPECT_EQ(found, "found 4");
    const auto add = [&](int i) -> Coroutine<> {
      co_await sleep(1ms);
      seen.push_back(i);
    };
    co_await async_for(g, add);
    const std::optional<int> none = co_await async_for(g, [](int i) { return std::optional<int>(i); });
    EXPECT_EQ(none, std::nullopt);
  });
  EXPECT_THAT(seen, ElementsAre(0, 1, 5, 6, 7, 8, 9));
}

TEST(AsyncFor, takes_any_async_iterator_and_what_has_an_aiter) {
  struct Countdown {
    int left;
    Coroutine<int> anext() {
      if (left == 0) throw StopAsyncIteration();
      co_return left--;
    }
  };
  struct From {
    int start;
    Countdown aiter() const { return {start}; }
  };
  std::vector<int> seen;
  run_in_virtual_time([&]() -> Coroutine<> {
    co_await async_for(Countdown{2}, [&](int i) { seen.push_back(i); });
    co_await async_for(From{2}, [&](int i) { seen.push_back(i * 10); });
    Countdown one{1};
    EXPECT_EQ(co_await anext(one, 7), 1);
    EXPECT_EQ(co_await anext(one, 7), 7);
  });
  EXPECT_THAT(seen, ElementsAre(2, 1, 20, 10));
}

TEST(AsyncFor, an_error_of_its_body_is_not_seen_by_the_generator) {
  Trace events;
  run_in_virtual_time([&]() -> Coroutine<> {
    auto g = with_cleanup(events);
    try {
      co_await async_for(g, [](int) { throw LookupError("consumer"); });
    } catch (const LookupError&) {
      events.push_back("consumer's");
    }
    EXPECT_TRUE(g.ag_suspended());
    co_await g.aclose();
  });
  EXPECT_THAT(events, ElementsAre("consumer's", "fin"));
}

TEST(Aiter, gives_what_an_iterable_has_and_an_iterator_itself) {
  struct Iterator {
    Coroutine<int> anext() { co_return 1; }
  };
  struct Iterable {
    Iterator aiter() { return {}; }
  };
  Iterator iterator;
  EXPECT_EQ(&aiter(iterator), &iterator);
  Iterable iterable;
  auto of_iterable = aiter(iterable);
  EXPECT_EQ(testing::make_loop()->run_until_complete(of_iterable.anext()), 1);
}

struct NoException : BaseException {};

TEST(AsyncGenerators, report_at_the_loops_end_what_is_an_exception) {
  const EventLoopPtr loop = testing::make_loop();
  const testing::Reports reports(*loop);
  const auto raises_at_end = []() -> AsyncGenerator<int> {
    try {
      co_yield 1;
    } catch (const GeneratorExit&) {
      throw NoException();
    }
  };
  auto generator = raises_at_end();
  const auto begin = [&]() -> Coroutine<> { co_await generator.anext(); };
  loop->run_until_complete(begin());
  loop->run_until_complete(loop->shutdown_asyncgens());
  EXPECT_EQ(generator.state(), AsyncGeneratorState::AGEN_CLOSED);
  EXPECT_TRUE(reports.messages().empty());
}

TEST(AsyncGenerators, get_the_cancellation_of_a_task_that_was_to_await_a_step) {
  const EventLoopPtr loop = testing::make_loop();
  const testing::Reports reports(*loop);
  Trace trace;
  const auto noting = [&]() -> AsyncGenerator<int> {
    try {
      co_yield 1;
    } catch (...) {
      trace.push_back(testing::text(std::current_exception()));
      throw;
    }
  };
  const auto main = [&]() -> Coroutine<> {
    for (const bool closes : {false, true}) {
      auto generator = noting();
      co_await generator.anext();
      if (closes) {
        const Task<> task = create_task(generator.aclose());
        task.cancel();
        const Outcome<void> ended = co_await outcome(task, with_cancellation);
        EXPECT_TRUE(ended.has_exception());
      } else {
        const Task<int> task = create_task(generator.anext());
        task.cancel();
        const Outcome<int> ended = co_await outcome(task, with_cancellation);
        EXPECT_TRUE(ended.has_exception());
      }
      EXPECT_EQ(generator.state(), AsyncGeneratorState::AGEN_CLOSED);
    }
  };
  loop->run_until_complete(main());
  EXPECT_THAT(trace, ElementsAre("CancelledError()", "CancelledError()"));
  EXPECT_TRUE(reports.messages().empty());
}

}  // namespace
}  // namespace segue::modern
