#include <segue/bridge/portal.hpp>

#include <chrono>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "loop.hpp"

namespace segue::bridge {
namespace {

using namespace std::chrono_literals;
using modern::CancelledError;
using modern::Coroutine;
using modern::sleep;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using testing::make_loop;
using ::testing::StartsWith;
using testing::Trace;

// Knows of nothing: calls back three times.
int third_party(void (*callback)(void*, int), void* context) {
  for (int i = 0; i < 3; ++i) callback(context, i);
  return 3;
}

void waits_a_second(void* context, int number) {
  await_(sleep(1s));
  static_cast<Trace*>(context)->push_back("element " + std::to_string(number));
}

TEST(Portal, APlainFunctionMayWaitBelowAThirdPartysCallback) {
  const auto loop = make_loop();
  Trace trace;
  auto main = [&]() -> Coroutine<int> {
    loop->call_later(1500ms, [&] { trace.push_back("the loop goes on"); });
    auto parse = [&] { return third_party(waits_a_second, &trace); };
    co_return co_await portal(parse);
  };
  EXPECT_EQ(loop->run_until_complete(main()), 3);
  EXPECT_THAT(trace, ElementsAre("element 0", "the loop goes on", "element 1", "element 2"));
}

TEST(Portal, PassesItsArguments) {
  const auto loop = make_loop();
  auto add = [](int a, std::string b) { return std::to_string(a) + b; };
  EXPECT_EQ(loop->run_until_complete(portal(add, 1, "x")), "1x");
}

TEST(Portal, ACancellationLeavesThroughTheThirdParty) {
  const auto loop = make_loop();
  Trace trace;
  auto parse = [&] { return third_party(waits_a_second, &trace); };
  const auto task = loop->create_task(modern::detail::wrap_awaitable(portal(parse)));
  loop->call_later(1500ms, [&] { task.cancel(); });
  EXPECT_THROW(loop->run_until_complete(task), CancelledError);
  EXPECT_THAT(trace, ElementsAre("element 0"));
}

std::string here(unsigned line) { return std::string(__FILE__) + ":" + std::to_string(line); }

TEST(Portal, ItsTaskSaysWhoMadeItAndWhereItWaits) {
  const auto loop = make_loop();
  unsigned waits = 0;
  auto wait_below = [&] {
    waits = __LINE__ + 1;
    await_(sleep(1s));
  };
  const unsigned made = __LINE__ + 1;
  const auto task = loop->create_task(portal(wait_below), {.name = "work"});
  EXPECT_EQ(task.get_coro().where.line(), made);
  EXPECT_EQ(task.repr(), "<Task pending name='work' coro=<TestBody() running at " + here(made) + ">>");

  loop->call_later(500ms, [&] {
    EXPECT_EQ(task.get_coro().where.line(), waits);
    EXPECT_TRUE(task.get_coro().cr_await.empty());
    EXPECT_THAT(task.repr(), StartsWith("<Task pending name='work' coro=<<lambda>() running at " + here(waits) + ">"));
    EXPECT_EQ(task.get_stack().size(), 1u);
  });
  loop->run_until_complete(task);
  EXPECT_EQ(task.repr(), "<Task finished name='work' coro=<TestBody() done, defined at " + here(made) + ">>");
}

TEST(Portal, KnowsWhetherThereIsOne) {
  const auto loop = make_loop();
  EXPECT_FALSE(has_portal());
  auto ask = [] { return has_portal(); };
  EXPECT_TRUE(loop->run_until_complete(portal(ask)));
  auto stackless = []() -> Coroutine<bool> { co_return has_portal(); };
  EXPECT_FALSE(loop->run_until_complete(stackless()));
}

TEST(Portal, WaitingWithoutOneIsAnError) {
  try {
    await_(sleep(1s));
    FAIL();
  } catch (const RuntimeError& error) {
    EXPECT_THAT(error.what(), AllOf(StartsWith("await_() outside of a portal, in "),
                                    EndsWith(": call what it is in through portal(), or use co_await in a Coroutine")));
  }
}

TEST(Portal, TakesAFunctionThatCanOnlyBeMoved) {
  const auto loop = make_loop();
  auto without = portal([value = std::make_unique<int>(1)] { return *value; });
  EXPECT_EQ(loop->run_until_complete(std::move(without)), 1);
  auto with_argument =
      portal([value = std::make_unique<int>(1)](std::unique_ptr<int> other) { return *value + *other; },
             std::make_unique<int>(2));
  EXPECT_EQ(loop->run_until_complete(std::move(with_argument)), 3);
}

}  // namespace
}  // namespace segue::bridge
