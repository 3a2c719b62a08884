// await_() in the body of a generator that runs below a portal (greenback's issue 22).
#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/bridge/portal.hpp>
#include <segue/exceptions.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/legacy/inspect.hpp>
#include <segue/legacy/pull.hpp>
#include <segue/modern/kernel/contextvars.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "loop.hpp"

namespace segue::bridge {
namespace {

using namespace std::chrono_literals;
using legacy::Generator;
using legacy::Yielder;
using modern::CancelledError;
using modern::Coroutine;
using modern::sleep;
using ::testing::ElementsAre;
using testing::make_loop;
using ::testing::StartsWith;
using testing::Trace;

// Yields 0, 1, … and waits a second before each.
Generator<int> ticks(int end) {
  return Generator<int>([end](auto& yield) {
    for (int i = 0; i < end; ++i) {
      await_(sleep(1s));
      yield(i);
    }
  });
}

struct NotesLeaving {
  Trace& trace;
  std::string what;
  ~NotesLeaving() { trace.push_back(what); }
};

TEST(PortalGenerator, WaitsWithoutBlockingTheLoop) {
  const auto loop = make_loop();
  Trace trace;
  auto consume = [&] {
    for (const int i : ticks(2)) trace.push_back(std::to_string(i));
  };
  loop->call_later(1500ms, [&] { trace.push_back("the loop goes on"); });
  loop->run_until_complete(portal(consume));
  EXPECT_THAT(trace, ElementsAre("0", "the loop goes on", "1"));
}

TEST(PortalGenerator, WaitsAtAnyDepthOfGenerators) {
  const auto loop = make_loop();
  Trace trace;
  auto consume = [&] {
    Generator<int> delegating([](auto& yield) {
      yield.from(ticks(2));
      await_(sleep(1s));
    });
    Generator<int> doubling([&](auto& yield) {
      for (const int i : delegating) {
        await_(sleep(1s));
        yield(2 * i);
      }
    });
    for (const int i : doubling) trace.push_back(std::to_string(i));
    await_(sleep(1s));  // the portal's own stack is as it was
    return loop->time();
  };
  const auto begin = loop->time();
  EXPECT_EQ(loop->run_until_complete(portal(consume)) - begin, 6s);
  EXPECT_THAT(trace, ElementsAre("0", "2"));
}

// Knows of nothing: calls back three times, until it is told to stop.
void third_party(bool (*callback)(void*, int), void* context) {
  for (int i = 0; i < 3; ++i) {
    if (!callback(context, i)) return;
  }
}

bool waits_and_emits(void* context, int number) {
  auto& emit = legacy::Emitter<int>::from(context);
  return emit.guard([&] {
    await_(sleep(1s));
    emit.yield(number);
  });
}

TEST(PortalGenerator, WaitsBelowACallbackThatPullTurnsRound) {
  const auto loop = make_loop();
  auto sum = [] {
    int result = 0;
    auto numbers = legacy::pull<int>([](auto& emit) { third_party(waits_and_emits, &emit); });
    for (const int i : numbers) result += i;
    return result;
  };
  EXPECT_EQ(loop->run_until_complete(portal(sum)), 3);
}

TEST(PortalGenerator, CountsAsRunningMeanwhile) {
  const auto loop = make_loop();
  Trace trace;
  Generator<int> shared = ticks(1);
  auto consume = [&] { return shared.next(); };
  loop->call_later(500ms, [&] {
    trace.push_back(std::string(legacy::to_string(legacy::getgeneratorstate(shared))));
    try {
      shared.next();
    } catch (const ValueError& error) {
      trace.push_back(error.what());
    }
  });
  EXPECT_EQ(loop->run_until_complete(portal(consume)), 0);
  EXPECT_THAT(trace, ElementsAre("GEN_RUNNING", "generator already executing"));
}

TEST(PortalGenerator, ACancellationIsRaisedInTheBody) {
  const auto loop = make_loop();
  Trace trace;
  auto consume = [&] {
    Generator<int> body([&](auto& yield) {
      try {
        await_(sleep(1s));
      } catch (const CancelledError&) {
        trace.push_back("cancelled in the body");
        await_(sleep(1s));
        trace.push_back("cleaned up");
        throw;
      }
      yield(1);
    });
    const NotesLeaving leaving{trace, "left"};
    body.next();
  };
  const auto task = loop->create_task(portal(consume));
  loop->call_later(500ms, [&] { task.cancel(); });
  EXPECT_THROW(loop->run_until_complete(task), CancelledError);
  EXPECT_THAT(trace, ElementsAre("cancelled in the body", "cleaned up", "left"));
}

TEST(PortalGenerator, EachStackHandlesItsOwnExceptions) {
  const auto loop = make_loop();
  Trace trace;
  auto fail_with_wait_between = [&trace](std::string name) {
    try {
      throw ValueError(name + " portal");
    } catch (...) {
      Generator<int> body([&](auto& yield) {
        try {
          throw ValueError(name + " body");
        } catch (...) {
          await_(sleep(1s));
          try {
            throw;
          } catch (const ValueError& error) {
            trace.push_back(error.what());
          }
        }
        yield(std::uncaught_exceptions());
      });
      EXPECT_EQ(body.next(), 0);
      try {
        throw;
      } catch (const ValueError& error) {
        trace.push_back(error.what());
      }
    }
  };
  auto main = [&]() -> Coroutine<void> {
    auto both = modern::gather(portal(fail_with_wait_between, "A"), portal(fail_with_wait_between, "B"));
    co_await std::move(both);
  };
  loop->run_until_complete(main());
  EXPECT_THAT(trace, ElementsAre("A body", "A portal", "B body", "B portal"));
}

TEST(PortalGenerator, ATaskDestroyedMeanwhileUnwindsAllStacks) {
  Trace trace;
  {
    const auto loop = make_loop();
    auto consume = [&] {
      const NotesLeaving outer{trace, "portal"};
      Generator<int> body([&](auto& yield) {
        const NotesLeaving inner{trace, "body"};
        try {
          await_(loop->create_future<void>());
        } catch (const GeneratorExit&) {
          trace.push_back("GeneratorExit");
          throw;
        }
        yield(1);
      });
      body.next();
    };
    auto coroutine = portal(consume);
    static_cast<void>(coroutine.send());
    trace.push_back("waits");
  }
  EXPECT_THAT(trace, ElementsAre("waits", "GeneratorExit", "body", "portal"));
}

TEST(PortalGenerator, ItsOwnerMayGoMeanwhile) {
  const auto loop = make_loop();
  Trace trace;
  auto owned = std::make_unique<Generator<int>>([&](auto& yield) {
    const NotesLeaving leaving{trace, "left"};
    await_(sleep(1s));
    trace.push_back("goes on");
    yield(7);
  });
  auto consume = [&] { return owned->next(); };
  loop->call_later(500ms, [&] { owned = nullptr; });
  EXPECT_EQ(loop->run_until_complete(portal(consume)), 7);
  EXPECT_THAT(trace, ElementsAre("goes on", "left"));
}

TEST(PortalGenerator, WaitsForAStacklessCoroutineToo) {
  const auto loop = make_loop();
  auto answer = []() -> Coroutine<int> {
    co_await sleep(1s);
    co_return 42;
  };
  auto at_once = []() -> Coroutine<int> { co_return 1; };
  auto consume = [&] {
    Generator<int> body([&](auto& yield) { yield(await_(answer()) + await_(at_once())); });
    return body.next();
  };
  EXPECT_EQ(loop->run_until_complete(portal(consume)), 43);
}

TEST(PortalGenerator, IsInTheContextOfItsTask) {
  const auto loop = make_loop();
  modern::ContextVar<std::string> name("name");
  auto consume = [&](std::string mine) {
    Generator<std::string> body([&](auto& yield) {
      name.set(mine);
      await_(sleep(1s));
      yield(name.get());
    });
    const std::string seen = body.next();
    return seen + name.get();
  };
  auto main = [&]() -> Coroutine<std::string> {
    const auto a = loop->create_task(portal(consume, "a"));
    const auto b = loop->create_task(portal(consume, "b"));
    const std::string first = co_await a;
    co_return first + co_await b;
  };
  EXPECT_EQ(loop->run_until_complete(main()), "aabb");
}

TEST(PortalGenerator, GoesOnInAnotherThreadWhereItsLoopDoes) {
  const auto loop = make_loop();
  Trace trace;
  auto consume = [&] {
    Generator<int> inner([&](auto& yield) {
      try {
        throw ValueError("inner");
      } catch (...) {
        await_(sleep(1s));
        yield(1);  // back to a stack of the other thread
        try {
          throw;
        } catch (const ValueError& error) {
          trace.push_back(error.what());
        }
      }
    });
    Generator<int> outer([&](auto& yield) { yield.from(inner); });
    for (const int i : outer) trace.push_back(std::to_string(i));
  };
  const auto task = loop->create_task(portal(consume));
  loop->call_soon([&] { loop->stop(); });
  loop->run_forever();
  std::thread([&] { loop->run_until_complete(task); }).join();
  EXPECT_THAT(trace, ElementsAre("1", "inner"));
}

TEST(PortalGenerator, IsRefusedWhereAStacklessCoroutineLiesBetween) {
  const auto loop = make_loop();
  auto stackless = []() -> Coroutine<std::string> {
    Generator<std::string> body([](auto& yield) {
      EXPECT_FALSE(has_portal());
      try {
        await_(sleep(1s));
      } catch (const RuntimeError& error) {
        yield(std::string(error.what()));
      }
    });
    co_return body.next();
  };
  auto wait = [&] { return await_(stackless()); };
  EXPECT_THAT(loop->run_until_complete(portal(wait)), StartsWith("await_() outside of a portal, in "));
}

TEST(PortalGenerator, YieldFromIsStillItsCallersAlone) {
  const auto loop = make_loop();
  auto consume = [] {
    Generator<std::string> body([](auto& yield) {
      EXPECT_TRUE(has_portal());
      try {
        yield_from(sleep(1s));
      } catch (const RuntimeError& error) {
        yield(std::string(error.what()));
      }
    });
    return body.next();
  };
  EXPECT_THAT(loop->run_until_complete(portal(consume)),
              StartsWith("yield_from() outside of a generator-based coroutine, in "));
}

}  // namespace
}  // namespace segue::bridge
