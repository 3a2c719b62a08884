#include <segue/modern/tasks/async_with.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/yield.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::make_loop;
using testing::Trace;

struct Manager {
  Trace& trace;
  bool suppress = false;
  void aenter() { trace.push_back("enter"); }
  bool aexit(const std::exception_ptr& error) {
    trace.push_back("exit " + describe(error).type);
    return suppress;
  }
};

struct SlowManager {
  Trace& trace;
  Coroutine<> aenter() {
    co_await sleep(1s);
    trace.push_back("entered");
  }
  Coroutine<bool> aexit(std::exception_ptr error) {
    co_await sleep(1s);
    trace.push_back("left " + describe(error).type);
    co_return false;
  }
};

TEST(AsyncWith, EntersRunsAndLeaves) {
  const EventLoopPtr loop = make_loop();
  Trace trace;
  auto body = [&](Manager&) -> Coroutine<int> {
    trace.push_back("body");
    co_await sleep(1s);
    co_return 7;
  };
  EXPECT_EQ(loop->run_until_complete(async_with(Manager{trace}, body)), 7);
  EXPECT_THAT(trace, ElementsAre("enter", "body", "exit NoneType"));
}

TEST(AsyncWith, AwaitsAManagerOfCoroutines) {
  const EventLoopPtr loop = make_loop();
  Trace trace;
  auto body = [](SlowManager&) -> Coroutine<> {
    throw ValueError("v");
    co_return;
  };
  EXPECT_THROW(loop->run_until_complete(async_with(SlowManager{trace}, body)), ValueError);
  EXPECT_THAT(trace, ElementsAre("entered", "left ValueError"));
}

TEST(AsyncWith, EndsAnExceptionWhereTheManagerSaysSo) {
  const EventLoopPtr loop = make_loop();
  Trace trace;
  auto body = [](Manager&) -> Coroutine<int> {
    throw ValueError("v");
    co_return 1;
  };
  EXPECT_EQ(loop->run_until_complete(async_with(Manager{trace, true}, body)), std::nullopt);
  EXPECT_THAT(trace, ElementsAre("enter", "exit ValueError"));
}

TEST(AsyncWith, LeavesNestedOnesFromTheInsideAndTheOuterOneDoesNotSeeWhatTheInnerOneEnds) {
  struct Named {
    Trace& trace;
    std::string name;
    Coroutine<std::string> aenter() {
      co_await yield_();
      trace.push_back("enter " + name);
      co_return name;
    }
    Coroutine<bool> aexit(std::exception_ptr error) {
      co_await yield_();
      trace.push_back("exit " + name + " " + describe(error).type);
      co_return name == "suppresses";
    }
  };
  for (const std::string& inner : {std::string("suppresses"), std::string("passes")}) {
    const EventLoopPtr loop = make_loop();
    Trace trace;
    const auto body = [&](const std::string& name) -> Coroutine<> {
      trace.push_back("body " + name);
      throw ValueError("v");
      co_return;
    };
    const auto within = [&](const std::string&) -> Coroutine<> {
      Named manager{trace, inner};
      co_await async_with(manager, body);
    };
    const std::string end =
        testing::attempt([&] { loop->run_until_complete(async_with(Named{trace, "outer"}, within)); });
    EXPECT_EQ(end, inner == "passes" ? "ValueError(v)" : "None");
    EXPECT_THAT(trace, ElementsAre("enter outer", "enter " + inner, "body " + inner, "exit " + inner + " ValueError",
                                   inner == "passes" ? "exit outer ValueError" : "exit outer NoneType"));
  }
}

TEST(AsyncWith, RaisesWhatEnteringOrLeavingRaises) {
  struct Fails {
    bool at_entry = false;
    Coroutine<> aenter() const {
      if (at_entry) throw ValueError("entry");
      co_return;
    }
    Coroutine<bool> aexit(std::exception_ptr error) const {
      if (at_entry) ADD_FAILURE();
      if (!error) throw TypeError("exit");
      try {
        std::rethrow_exception(error);
      } catch (const std::exception&) {
        throw TypeError("exit");
      }
      co_return true;
    }
  };
  const EventLoopPtr loop = make_loop();
  int bodies = 0;
  const auto body = [&]() -> Coroutine<> {
    ++bodies;
    co_return;
  };
  EXPECT_EQ(testing::error_of(*loop, async_with(Fails{true}, body)), "ValueError: entry");
  EXPECT_EQ(bodies, 0);
  EXPECT_EQ(testing::error_of(*loop, async_with(Fails{}, body)), "TypeError: exit");
  EXPECT_EQ(bodies, 1);
  const auto fails = []() -> Coroutine<> {
    throw RuntimeError("body");
    co_return;
  };
  const auto within = [&]() -> Coroutine<> { co_await async_with(Fails{}, fails); };
  try {
    loop->run_until_complete(async_with(Fails{}, within));
    FAIL();
  } catch (const TypeError& error) {
    const auto* const inner = exception_ptr_cast<TypeError>(error.context());
    ASSERT_NE(inner, nullptr);
    EXPECT_TRUE(holds<RuntimeError>(inner->context()));
  }
}

TEST(AsyncWith, TellsTheManagerOfACancellation) {
  const EventLoopPtr loop = make_loop();
  Trace trace;
  auto body = [](Manager&) -> Coroutine<> { co_await sleep(1h); };
  const auto task = loop->create_task(async_with(Manager{trace}, body));
  loop->call_later(1s, [&] { task.cancel(); });
  EXPECT_THROW(loop->run_until_complete(task), CancelledError);
  EXPECT_THAT(trace, ElementsAre("enter", "exit CancelledError"));
}

TEST(AsyncWith, RefersToALvalueManager) {
  const EventLoopPtr loop = make_loop();
  Trace trace;
  Manager manager{trace};
  Manager* seen = nullptr;
  auto body = [&seen](Manager& inside) -> Coroutine<> {
    seen = &inside;
    co_return;
  };
  loop->run_until_complete(async_with(manager, body));
  EXPECT_EQ(seen, &manager);
}

TEST(AsyncWith, KeepsATemporaryBodyAlive) {
  const EventLoopPtr loop = make_loop();
  Trace trace;
  std::string seen;
  auto task =
      loop->create_task(async_with(Manager{trace}, [&seen, text = std::string(100, 'x')](Manager&) -> Coroutine<> {
        co_await sleep(1s);
        seen = text;
      }));
  loop->run_until_complete(task);
  EXPECT_EQ(seen, std::string(100, 'x'));
}

}  // namespace
}  // namespace segue::modern
