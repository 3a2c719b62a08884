#include <segue/modern/tasks/async_with.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

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
