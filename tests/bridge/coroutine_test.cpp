#include <segue/bridge/coroutine.hpp>

#include <any>
#include <chrono>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/sync/lock.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/graph.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait_for.hpp>
#include <segue/os_error.hpp>

#include "loop.hpp"
#include "modern/attempt.hpp"
#include "modern/parked.hpp"
#include "modern/throwing.hpp"
#include "small_stack.hpp"

namespace segue::bridge {
namespace {

using namespace std::chrono_literals;
using modern::CancelledError;
using modern::Coroutine;
using modern::EventLoop;
using modern::Future;
using modern::sleep;
using modern::testing::attempt;
using modern::testing::iterate;
using modern::testing::Local;
using modern::testing::said_by;
using segue::testing::on_small_stack;
using testing::collect_reports;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::make_loop;
using ::testing::MatchesRegex;
using ::testing::StartsWith;
using testing::Trace;

// --- chains to play with ---

Coroutine<int> native(int depth, Future<int> future);

// Fibers and stackless frames in turn; the innermost waits for the future.
const auto old_style = coroutine<int>([](int depth, Future<int> future) {
  return depth == 0 ? yield_from(future) : yield_from(native(depth - 1, future)) + 1;
});

Coroutine<int> native(int depth, Future<int> future) {
  if (depth == 0) co_return co_await future;
  co_return co_await old_style(depth - 1, future) + 1;
}

/// Counts how many of it are alive.
class Tracked {
 public:
  explicit Tracked(int& alive) noexcept : alive_(&alive) { ++*alive_; }
  Tracked(const Tracked& other) noexcept : alive_(other.alive_) { ++*alive_; }
  Tracked& operator=(const Tracked&) = delete;
  ~Tracked() { --*alive_; }

 private:
  int* alive_;
};

// --- awaiting ---

TEST(GeneratorCoroutine, RunsNothingUntilItIsAwaited) {
  const auto loop = make_loop();
  bool ran = false;
  const auto run = coroutine([&ran] { ran = true; });
  auto made = run();
  EXPECT_FALSE(ran);
  EXPECT_EQ(made.state(), CoroutineState::CORO_CREATED);
  loop->run_until_complete(made);
  EXPECT_TRUE(ran);
  EXPECT_EQ(made.state(), CoroutineState::CORO_CLOSED);
}

TEST(GeneratorCoroutine, IsAwaitedWithoutAnIterationOfTheLoop) {
  const auto loop = make_loop();
  Trace trace;
  auto main = [&]() -> Coroutine<> {
    modern::get_running_loop().call_soon([&] { trace.push_back("callback"); });
    const auto give = coroutine([](int n) { return n; });
    trace.push_back(std::to_string(co_await give(7)));
    co_await sleep(0s);
    trace.push_back("after");
  };
  loop->run_until_complete(main());
  EXPECT_THAT(trace, ElementsAre("7", "callback", "after"));
}

TEST(GeneratorCoroutine, AnAlternatingChainWakesAtItsLeaf) {
  const auto loop = make_loop();
  for (const int depth : {0, 1, 2, 3, 1000}) {
    const Future<int> future = loop->create_future<int>();
    loop->call_later(1s, [future] { future.set_result(10); });
    EXPECT_EQ(loop->run_until_complete(native(depth, future)), depth + 10);
    const Future<int> other = loop->create_future<int>();
    loop->call_later(1s, [other] { other.set_result(20); });
    EXPECT_EQ(loop->run_until_complete(old_style(depth, other)), depth + 20);
  }
}

TEST(GeneratorCoroutine, AnExceptionPassesThroughAnAlternatingChain) {
  const auto loop = make_loop();
  const Future<int> future = loop->create_future<int>();
  loop->call_later(1s, [future] { future.set_exception(ValueError("deep")); });
  EXPECT_THROW(loop->run_until_complete(native(100, future)), ValueError);
}

TEST(GeneratorCoroutine, CancellingTheTaskThrowsAtTheLeafAndUnwindsAll) {
  const auto loop = make_loop();
  const Future<int> future = loop->create_future<int>();
  const auto task = loop->create_task(native(101, future));
  loop->call_later(1s, [&] { task.cancel("enough"); });
  try {
    loop->run_until_complete(task);
    FAIL();
  } catch (const CancelledError& error) {
    EXPECT_STREQ(error.what(), "enough");
  }
  EXPECT_TRUE(future.cancelled());
}

TEST(GeneratorCoroutine, MayCatchACancellationAndGoOn) {
  const auto loop = make_loop();
  const auto stubborn = coroutine<std::string>([] {
    try {
      yield_from(sleep(1h));
    } catch (const CancelledError&) {
    }
    yield_from(sleep(1s));
    return "kept";
  });
  const auto task = loop->create_task(modern::detail::wrap_awaitable(stubborn()));
  loop->call_later(1s, [&] { task.cancel(); });
  EXPECT_EQ(loop->run_until_complete(task), "kept");
}

TEST(GeneratorCoroutine, IsTakenByCreateTaskAndGather) {
  const auto loop = make_loop();
  const auto give_after = coroutine<int>([](modern::Delay delay, int value) {
    yield_from(sleep(delay));
    return value;
  });
  auto main = [&]() -> Coroutine<int> {
    const auto task = modern::create_task(give_after(3s, 1));
    const auto [second, third] =
        co_await modern::gather(give_after(2s, 2), native(0, modern::ensure_future(give_after(1s, 3))));
    co_return co_await task * 100 + second * 10 + third;
  };
  EXPECT_EQ(loop->run_until_complete(main()), 123);
}

TEST(GeneratorCoroutine, is_made_a_task_of_by_a_loop_that_does_not_run_yet) {
  const auto loop = make_loop();
  const auto give = coroutine<int>([](int value) { return value; });
  const auto task = loop->create_task(give(7), {.name = "mine"});
  EXPECT_EQ(task.get_name(), "mine");
  EXPECT_EQ(loop->run_until_complete(task), 7);
}

TEST(GeneratorCoroutine, CannotBeAwaitedTwice) {
  const auto loop = make_loop();
  auto main = [&]() -> Coroutine<> {
    auto once = coroutine([] { return 1; })();
    co_await once;
    EXPECT_THROW(co_await once, RuntimeError);
  };
  loop->run_until_complete(main());
}

TEST(GeneratorCoroutine, AStopIterationThatLeavesItIsARuntimeError) {
  const auto loop = make_loop();
  const auto stop = coroutine([] { throw StopIteration<>(); });
  try {
    loop->run_until_complete(stop());
    FAIL();
  } catch (const RuntimeError& error) {
    EXPECT_STREQ(error.what(), "coroutine raised StopIteration");
    EXPECT_TRUE(holds<StopIterationBase>(error.cause()));
  }
}

TEST(GeneratorCoroutine, ReleasesItsArgumentsWhenItEnds) {
  const auto loop = make_loop();
  int alive = 0;
  const auto hold = coroutine([](Tracked) {});
  auto main = [&]() -> Coroutine<> {
    auto made = hold(Tracked(alive));
    EXPECT_EQ(alive, 1);
    co_await made;
    EXPECT_EQ(alive, 0);
  };
  loop->run_until_complete(main());
}

// --- who may suspend ---

TEST(YieldFrom, IsRefusedOutsideOfACoroutine) { EXPECT_THROW(yield_from(sleep(1s)), RuntimeError); }

// As CPython: what a delegate raises while its delegator handles an error has that error as its context.
TEST(YieldFrom, GivesWhatItThrowsTheContextOfTheHandlerThatItIsIn) {
  const auto loop = make_loop();
  const auto context_of = [&](auto awaitable, bool cancel) -> std::string {
    const auto parent = coroutine<>([&] {
      try {
        throw ValueError("handled");
      } catch (const ValueError&) {
        yield_from(awaitable());
      }
    });
    const auto task = loop->create_task(parent());
    if (cancel) loop->call_soon([&] { task.cancel(); });
    try {
      loop->run_until_complete(task);
    } catch (const BaseException& error) {
      return error.context() ? describe(error.context()).repr() : "no context";
    }
    return "no error";
  };
  const auto child = [] {
    return coroutine<>([] {
      yield_from(sleep(0s));
      throw OSError("child's");
    })();
  };
  EXPECT_EQ(context_of(child, false), "ValueError('handled')");
  const auto stackless = [] {
    return []() -> Coroutine<> {
      co_await sleep(0s);
      throw OSError("child's");
    }();
  };
  EXPECT_EQ(context_of(stackless, false), "ValueError('handled')");
  const auto in_vain = [] { return modern::wait_for(sleep(1h), 1ms); };
  EXPECT_EQ(context_of([] { return sleep(1h); }, true), "ValueError('handled')");
  const auto with_its_own = [] {
    return coroutine<>([] {
      try {
        throw TypeError("its own");
      } catch (const TypeError&) {
        throw OSError("child's");
      }
    })();
  };
  EXPECT_EQ(context_of(with_its_own, false), "TypeError('its own')");
  EXPECT_NE(context_of(in_vain, false), "no context");
}

TEST(YieldFrom, IsRefusedInAStacklessFrameOnAFibersStack) {
  const auto loop = make_loop();
  Trace trace;
  auto stackless = [&]() -> Coroutine<> {
    try {
      yield_from(sleep(1s));
    } catch (const RuntimeError& error) {
      trace.push_back(error.what());
    }
    co_return;
  };
  const auto stackful = coroutine([&] { yield_from(stackless()); });
  loop->run_until_complete(stackful());
  EXPECT_THAT(trace, ElementsAre(MatchesRegex("yield_from\\(\\) outside of a generator-based coroutine, in "
                                              "<lambda>\\(\\) at .*coroutine_test.cpp:[0-9]+: inside a Coroutine use "
                                              "co_await")));
}

TEST(YieldFrom, TakesALockByItsGuard) {
  const auto loop = make_loop();
  const modern::Lock lock;
  Trace trace;
  const auto in_turns = coroutine<>([&](std::string name) {
    const auto guard = yield_from(lock.guard());
    trace.push_back(name + " has it");
    yield_from(sleep(1ms));
    trace.push_back(name + " leaves");
  });
  const auto a = loop->create_task(in_turns("a"));
  const auto b = loop->create_task(in_turns("b"));
  loop->run_until_complete(modern::gather(a, b));
  EXPECT_THAT(trace, ElementsAre("a has it", "a leaves", "b has it", "b leaves"));
  EXPECT_FALSE(lock.locked());
}

TEST(Yield, IsRefusedOutsideOfAGeneratorBasedCoroutine) {
  try {
    yield_(1);
    ADD_FAILURE();
  } catch (const RuntimeError& error) {
    EXPECT_THAT(error.what(), StartsWith("yield_() outside of a generator-based coroutine, in TestBody() at "));
  }
}

TEST(Yield, AStringLiteralIsYieldedAsAString) {
  auto asking = coroutine<std::string>([] { return std::any_cast<std::string>(yield_("question")); })();
  EXPECT_EQ(std::any_cast<std::string>(*asking.send().value), "question");
  EXPECT_THROW(asking.send("answer"), StopIteration<std::string>);
}

TEST(YieldFrom, IsRefusedInTheBodyOfAGeneratorThatTheCoroutineDrives) {
  const auto loop = make_loop();
  const auto stackful = coroutine<int>([] {
    legacy::Generator<int> numbers([](auto& yield) {
      yield(1);
      yield_from(sleep(1s));
    });
    numbers.next();
    numbers.next();
    return 0;
  });
  EXPECT_THROW(loop->run_until_complete(stackful()), RuntimeError);
}

// --- bare and bad yields ---

TEST(Yield, rule_37_a_bare_one_costs_an_iteration) {
  const auto loop = make_loop();
  Trace trace;
  const auto two_turns = coroutine([&](std::string name) {
    for (int i = 0; i < 2; ++i) {
      trace.push_back(name + std::to_string(i));
      EXPECT_FALSE(yield_().has_value());
    }
  });
  auto main = [&]() -> Coroutine<> { co_await modern::gather(two_turns("a"), two_turns("b")); };
  loop->run_until_complete(main());
  EXPECT_THAT(trace, ElementsAre("a0", "b0", "a1", "b1"));
}

TEST(Yield, rule_38_a_task_refuses_a_value_inside_the_offender) {
  const auto loop = make_loop();
  const auto offender = coroutine<std::string>([]() -> std::string {
    try {
      yield_(42);
    } catch (const RuntimeError& error) {
      return error.what();
    }
    return "accepted";
  });
  EXPECT_EQ(loop->run_until_complete(offender()), "Task got bad yield: 42");
}

TEST(Yield, ATaskRefusesAFutureThatIsNotAwaited) {
  const auto loop = make_loop();
  const Future<int> future = loop->create_future<int>();
  const auto offender = coroutine([future] { yield_(future); });
  try {
    loop->run_until_complete(offender());
    FAIL();
  } catch (const RuntimeError& error) {
    EXPECT_THAT(error.what(), ::testing::StartsWith("yield was used instead of yield from in task"));
  }
}

// --- by hand ---

TEST(GeneratorCoroutine, IsSteppedByHandWithValuesBothWays) {
  auto asking = coroutine<int>([] { return std::any_cast<int>(yield_(std::string("how many?"))) * 2; })();
  const Yielded question = asking.send();
  EXPECT_EQ(std::any_cast<std::string>(*question.value), "how many?");
  EXPECT_EQ(asking.state(), CoroutineState::CORO_SUSPENDED);
  try {
    asking.send(21);
    FAIL();
  } catch (const StopIteration<int>& end) {
    EXPECT_EQ(end.value, 42);
  }
  EXPECT_THROW(asking.send(), RuntimeError);
}

TEST(GeneratorCoroutine, TakesNoValueBeforeItsStart) {
  auto made = coroutine([] { yield_(); })();
  EXPECT_THROW(made.send(1), TypeError);
  EXPECT_EQ(made.state(), CoroutineState::CORO_CREATED);
  made.close();
}

TEST(GeneratorCoroutine, ThrowReachesTheInnermostFrame) {
  Trace trace;
  auto inner = [&trace]() -> Coroutine<int> {
    try {
      co_await modern::yield_();
    } catch (const ValueError& error) {
      trace.push_back(error.what());
    }
    co_return 1;
  };
  auto outer = coroutine<int>([&] { return yield_from(inner()) + 1; })();
  outer.send();
  EXPECT_THROW(outer.throw_(ValueError("v")), StopIteration<int>);
  EXPECT_THAT(trace, ElementsAre("v"));
}

TEST(GeneratorCoroutine, CloseUnwindsAndRefusesToBeIgnored) {
  int alive = 0;
  auto good = coroutine([&alive] {
    const Tracked tracked(alive);
    yield_();
  })();
  good.send();
  good.close();
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(good.state(), CoroutineState::CORO_CLOSED);

  auto bad = coroutine([&alive] {
    const Tracked tracked(alive);
    try {
      yield_();
    } catch (const GeneratorExit&) {
    }
    yield_();
  })();
  bad.send();
  EXPECT_THROW(bad.close(), RuntimeError);
  EXPECT_EQ(alive, 1);
  bad.close();
  EXPECT_EQ(alive, 0);
}

TEST(GeneratorCoroutine, DestroyingASuspendedChainUnwindsEachFrame) {
  int alive = 0;
  auto inner = [&alive]() -> Coroutine<> {
    const Tracked tracked(alive);
    co_await modern::yield_();
  };
  {
    auto outer = coroutine([&] {
      const Tracked tracked(alive);
      yield_from(inner());
    })();
    outer.send();
    EXPECT_EQ(alive, 2);
  }
  EXPECT_EQ(alive, 0);
}

TEST(GeneratorCoroutine, IsClosedWhenTheOneThatReplacesItIsInItsPlace) {
  int alive = 0;
  const auto waiting = coroutine([&alive] {
    const Tracked tracked(alive);
    yield_();
  });
  GeneratorCoroutine<void>* place = nullptr;
  const auto replacing = coroutine([&] {
    try {
      yield_();
    } catch (const GeneratorExit&) {
      *place = waiting();
      place->send();
      throw;
    }
  });
  GeneratorCoroutine<void> variable = replacing();
  place = &variable;
  variable.send();
  variable = replacing();
  EXPECT_EQ(alive, 1);
  EXPECT_EQ(variable.state(), CoroutineState::CORO_SUSPENDED);
  variable.close();
  EXPECT_EQ(alive, 0);
}

TEST(GeneratorCoroutine, OneThatSwallowsItsEndAFewTimesIsStillUnwoundWhenDestroyed) {
  int alive = 0;
  {
    auto stubborn = coroutine([&alive] {
      const Tracked tracked(alive);
      for (int i = 0; i < 10; ++i) {
        try {
          yield_();
        } catch (const GeneratorExit&) {
        }
      }
    })();
    stubborn.send();
  }
  EXPECT_EQ(alive, 0);
}

const auto at_namespace_scope = coroutine([] {});

TEST(GeneratorCoroutine, OfALambdaOutsideOfFunctionsIsReportedAsALambda) {
  EXPECT_THAT(said_by([] { const auto made = at_namespace_scope(); }),
              HasSubstr("coroutine '<lambda>' was never awaited"));
}

TEST(GeneratorCoroutine, DestroyedUnawaitedItIsReported) {
  const auto loop = make_loop();
  Trace messages;
  collect_reports(*loop, messages);
  const auto never = coroutine([] {});
  loop->call_soon([&] {
    {
      auto made = never();
    }
    loop->stop();
  });
  loop->run_forever();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_THAT(messages[0], ::testing::HasSubstr("was never awaited"));
}

// --- the exception that is being handled belongs to the fiber ---

TEST(GeneratorCoroutine, GoesOnWhereItsOwnerIsDestroyedOrMovedWhileItIsAwaited) {
  Trace trace;
  const auto make = coroutine<int>([&trace] {
    const Local local(trace, "left");
    return std::any_cast<int>(yield_());
  });
  const auto wait = coroutine<int>([](GeneratorCoroutine<int>* inner) { return yield_from(*inner); });
  const auto await_it = [](GeneratorCoroutine<int>& inner) -> modern::Coroutine<int> { co_return co_await inner; };

  std::optional<GeneratorCoroutine<int>> inner = make();
  auto outer = await_it(*inner);
  outer.send();
  EXPECT_THAT(said_by([&] { inner.reset(); }), HasSubstr("was destroyed while it was being awaited"));
  EXPECT_THAT(trace, IsEmpty());
  EXPECT_EQ(attempt([&] { outer.send(4); }), "StopIteration(4)");
  EXPECT_THAT(trace, ElementsAre("left"));

  inner.emplace(make());
  auto fiber = wait(&*inner);
  fiber.send();
  auto moved = std::move(*inner);
  inner.reset();
  EXPECT_EQ(attempt([&] { fiber.send(5); }), "StopIteration(5)");
  EXPECT_EQ(attempt([&] { moved.send(); }), "RuntimeError(cannot reuse already awaited coroutine)");

  {
    inner.emplace(make());
    auto dropped = wait(&*inner);
    dropped.send();
    said_by([&] { inner.reset(); });
  }
  EXPECT_THAT(trace, ElementsAre("left", "left", "left"));
}

TEST(GeneratorCoroutine, MayDestroyItsOwnOwner) {
  std::optional<GeneratorCoroutine<int>> self;
  self.emplace(coroutine<int>([&self] {
    self.reset();
    return 5;
  })());
  said_by([&] { EXPECT_EQ(attempt([&] { self->send(); }), "StopIteration(5)"); });
  self.emplace(coroutine<int>([&self] {
    self.reset();
    yield_();
    return 5;
  })());
  said_by([&] {
    EXPECT_EQ(attempt([&] { self->send(); }), "RuntimeError(coroutine was destroyed while it was being executed)");
  });
}

TEST(GeneratorCoroutine, KeepsItsOwnHandledExceptionAcrossASuspension) {
  const auto loop = make_loop();
  const auto rethrow_after = coroutine<std::string>([](std::string name) -> std::string {
    try {
      try {
        throw ValueError(name);
      } catch (const ValueError&) {
        yield_from(sleep(1s));
        throw;
      }
    } catch (const ValueError& error) {
      return error.what();
    }
  });
  auto main = [&]() -> Coroutine<std::string> {
    const auto [first, second] = co_await modern::gather(rethrow_after("first"), rethrow_after("second"));
    co_return first + " " + second;
  };
  EXPECT_EQ(loop->run_until_complete(main()), "first second");
}

// --- awaiters of another library ---

struct Operation {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) { waiting = awaiting; }
  int await_resume() const noexcept { return 7; }
  std::coroutine_handle<> waiting;
};

auto wait_for_operation(Operation& operation) {
  return coroutine<int>([&operation] { return yield_from(operation); })();
}

TEST(YieldFromAnotherLibrary, goes_on_when_that_resumes) {
  const auto loop = make_loop();
  Operation operation;
  const auto task = loop->create_task(modern::detail::wrap_awaitable(wait_for_operation(operation)));
  iterate(*loop);
  operation.waiting.resume();
  EXPECT_EQ(loop->run_until_complete(task), 7);
}

TEST(YieldFromAnotherLibrary, takes_no_iteration_where_that_resumes_at_once) {
  struct AtOnce : Operation {
    void await_suspend(std::coroutine_handle<> awaiting) const { awaiting.resume(); }
  };
  struct Handed : Operation {
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) const noexcept { return awaiting; }
  };
  struct NotAtAll : Operation {
    bool await_suspend(std::coroutine_handle<>) const noexcept { return false; }
  };
  auto thrice = coroutine<int>([] { return yield_from(AtOnce()) + yield_from(Handed()) + yield_from(NotAtAll()); })();
  EXPECT_EQ(attempt([&] { thrice.send(); }), "StopIteration(21)");
  const auto loop = make_loop();
  bool iterated = false;
  const auto main = coroutine<bool>([&] {
    loop->call_soon([&] { iterated = true; });
    yield_from(AtOnce());
    yield_from(Handed());
    yield_from(NotAtAll());
    return iterated;
  });
  EXPECT_FALSE(loop->run_until_complete(main()));
}

TEST(YieldFromAnotherLibrary, that_is_closed_meanwhile_is_reported_by_its_own_name) {
  Operation operation;
  EXPECT_THAT(said_by([&] {
                auto waiting = wait_for_operation(operation);
                waiting.send();
              }),
              HasSubstr("coroutine 'wait_for_operation' was closed while it awaited something"));
  operation.waiting.resume();
}

TEST(YieldFromAnotherLibrary, may_be_asked_for_more_after_that_has_thrown_into_it) {
  const auto throwing = []() -> modern::testing::Throwing {
    throw ValueError("at once");
    co_return;
  };
  const auto body = coroutine<int>([&] {
    {
      modern::testing::Throwing thrown = throwing();
      std::string error;
      said_by([&] { error = attempt([&] { yield_from(thrown); }); });
      EXPECT_EQ(error, "ValueError(at once)");
    }
    return std::any_cast<int>(yield_());
  });
  auto stepped = body();
  stepped.send();
  EXPECT_EQ(attempt([&] { stepped.send(4); }), "StopIteration(4)");
}

// --- in the call graph ---

const auto shows_its_call_graph = coroutine<std::string>([] { return yield_from(modern::format_call_graph()); });

Coroutine<std::string> awaits_who_shows_its_call_graph() { co_return co_await shows_its_call_graph(); }

TEST(GeneratorCoroutine, IsAFiberInTheCallGraph) {
  const auto loop = make_loop();
  EXPECT_THAT(loop->run_until_complete(awaits_who_shows_its_call_graph()),
              MatchesRegex("\\* Task\\(name='[^']*', id=0x[0-9a-f]+\\)\n"
                           "  \\+ Call stack:\n"
                           "  \\|   File '[^']*', line [0-9]+, in async [^\n]+\\(\\)\n"
                           "  \\|   File '[^']*', line [0-9]+, in async awaits_who_shows_its_call_graph\\(\\)"));
}

TEST(GeneratorCoroutine, IsDestroyedWithoutRecursionInALongChainOfArguments) {
  on_small_stack([] {
    const auto link = coroutine<int>([](GeneratorCoroutine<int>&& inner) { return yield_from(std::move(inner)); });
    GeneratorCoroutine<int> top = coroutine<int>([] { return 1; })();
    for (int i = 0; i < 2000; ++i) top = link(std::move(top));
    said_by([&] { const auto dropped = std::move(top); });
  });
}

TEST(GeneratorCoroutine, RaisesAStopIterationAsItIsWhereItHasNotStarted) {
  auto fiber = coroutine<int>([] { return 1; })();
  EXPECT_THROW(fiber.throw_(StopIteration<int>(1)), StopIteration<int>);
  auto frame = []() -> Coroutine<int> { co_return 1; }();
  EXPECT_THROW(frame.throw_(StopIteration<int>(1)), StopIteration<int>);
}

}  // namespace
}  // namespace segue::bridge
