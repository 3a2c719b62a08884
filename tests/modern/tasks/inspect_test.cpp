#include <segue/modern/tasks/inspect.hpp>

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/modern/kernel/coroutine_info.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/async_generators.hpp>
#include <segue/modern/tasks/runners.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/yield.hpp>

#include "modern/attempt.hpp"
#include "modern/parked.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using testing::iterate;
using testing::make_loop;
using testing::said_by;

Coroutine<int> inspected_coroutine(int) { co_return 1; }
AsyncGenerator<int> inspected_generator() { co_yield 1; }
Future<int> returns_a_future() { return get_running_loop().create_future<int>(); }

TEST(Inspect, tells_functions_by_what_they_return) {
  const auto lambda = [](int) -> Coroutine<> { co_return; };
  const auto generic = [](auto) -> Coroutine<> { co_return; };
  EXPECT_TRUE(iscoroutinefunction(inspected_coroutine));
  EXPECT_TRUE(iscoroutinefunction(lambda));
  EXPECT_FALSE(iscoroutinefunction(generic));  // it has no signature
  EXPECT_FALSE(iscoroutinefunction(inspected_generator));
  EXPECT_FALSE(iscoroutinefunction(returns_a_future));
  EXPECT_FALSE(iscoroutinefunction(3));
  EXPECT_TRUE(isasyncgenfunction(inspected_generator));
  EXPECT_FALSE(isasyncgenfunction(inspected_coroutine));
}

TEST(Inspect, tells_objects_by_their_types) {
  auto loop = make_loop();
  const Future<int> future = loop->create_future<int>();
  Coroutine<int> coroutine = inspected_coroutine(1);
  const AsyncGenerator<int> generator = inspected_generator();
  EXPECT_TRUE(iscoroutine(coroutine));
  EXPECT_FALSE(iscoroutine(future));
  EXPECT_FALSE(iscoroutine(generator));
  EXPECT_TRUE(isawaitable(coroutine));
  EXPECT_TRUE(isawaitable(future));
  EXPECT_FALSE(isawaitable(generator));
  EXPECT_FALSE(isawaitable(3));
  EXPECT_TRUE(isasyncgen(generator));
  EXPECT_FALSE(isasyncgen(coroutine));
  coroutine.close();
}

// --- states ---

Coroutine<> tells_its_own_state(Coroutine<>*& self, std::string& state) {
  state = to_string(getcoroutinestate(*self));
  co_await yield_();
}

TEST(CoroutineInspection, tells_its_state) {
  std::string running;
  Coroutine<>* self = nullptr;
  Coroutine<> coroutine = tells_its_own_state(self, running);
  self = &coroutine;
  EXPECT_EQ(getcoroutinestate(coroutine), CoroutineState::CORO_CREATED);
  coroutine.send();
  EXPECT_EQ(running, "CORO_RUNNING");
  EXPECT_EQ(getcoroutinestate(coroutine), CoroutineState::CORO_SUSPENDED);
  coroutine.close();
  EXPECT_EQ(getcoroutinestate(coroutine), CoroutineState::CORO_CLOSED);
}

AsyncGenerator<int> tells_its_own_state_and_yields(AsyncGenerator<int>*& self, AsyncGeneratorState& state) {
  state = getasyncgenstate(*self);
  co_yield 1;
}

TEST(AsyncGeneratorInspection, tells_its_state) {
  auto state_while_it_runs = AsyncGeneratorState::AGEN_CREATED;
  AsyncGenerator<int>* self = nullptr;
  AsyncGenerator<int> generator = tells_its_own_state_and_yields(self, state_while_it_runs);
  self = &generator;
  EXPECT_EQ(getasyncgenstate(generator), AsyncGeneratorState::AGEN_CREATED);
  const auto main = [&]() -> Coroutine<> {
    co_await generator.anext();
    EXPECT_EQ(state_while_it_runs, AsyncGeneratorState::AGEN_RUNNING);
    EXPECT_EQ(getasyncgenstate(generator), AsyncGeneratorState::AGEN_SUSPENDED);
    co_await generator.aclose();
    EXPECT_EQ(getasyncgenstate(generator), AsyncGeneratorState::AGEN_CLOSED);
  };
  run(main());
}

// --- what it awaits ---

std::vector<std::string> names(const std::vector<SuspendedFrame>& frames) {
  std::vector<std::string> names;
  for (const SuspendedFrame& frame : frames) names.push_back(frame.name);
  return names;
}

TEST(CoroutineInspection, tells_what_it_awaits_down_to_who_waits) {
  testing::Trace trace;
  Coroutine<int> coroutine = testing::park_below(trace, 1);
  EXPECT_THAT(coroutine.cr_await(), ElementsAre());
  EXPECT_FALSE(coroutine.cr_suspended());
  coroutine.send();
  EXPECT_TRUE(coroutine.cr_suspended());
  EXPECT_THAT(names(coroutine.cr_await()), ElementsAre("park_below", "park"));
  EXPECT_THAT(coroutine.cr_await().back().str(), ContainsRegex("^  File \".*parked.hpp\", line [0-9]+, in park$"));
  coroutine.close();
  EXPECT_THAT(coroutine.cr_await(), ElementsAre());
}

Coroutine<> awaits_an_lvalue(Coroutine<>& inner) { co_await inner; }

Coroutine<> looks_at_itself(Coroutine<>*& self, std::vector<SuspendedFrame>& seen, bool& running) {
  running = self->cr_running();
  seen = self->cr_await();
  co_await yield_();
}

TEST(CoroutineInspection, tells_nothing_while_it_runs) {
  std::vector<SuspendedFrame> seen{{"old", std::nullopt}};
  bool running = false;
  Coroutine<>* self = nullptr;
  Coroutine<> inner = looks_at_itself(self, seen, running);
  Coroutine<> outer = awaits_an_lvalue(inner);
  self = &outer;
  outer.send();
  EXPECT_TRUE(running);
  EXPECT_THAT(seen, ElementsAre());
  EXPECT_THAT(names(outer.cr_await()), ElementsAre("looks_at_itself"));
  EXPECT_THAT(inner.cr_await(), ElementsAre());
  outer.close();
}

// --- of tasks ---

Coroutine<> innermost_of_a_task() { co_await sleep(1h); }
Coroutine<> outermost_of_a_task() { co_await innermost_of_a_task(); }

TEST(TaskInspection, tells_its_coroutine) {
  auto loop = make_loop();
  const Task<> task = loop->create_task(outermost_of_a_task());
  EXPECT_EQ(task.get_coro().state, CoroutineState::CORO_CREATED);
  iterate(*loop);
  EXPECT_EQ(task.get_coro().name, "outermost_of_a_task");
  EXPECT_EQ(task.get_coro().state, CoroutineState::CORO_SUSPENDED);
  const std::vector<std::string> awaited = names(task.get_coro().cr_await);
  ASSERT_FALSE(awaited.empty());
  EXPECT_EQ(awaited.front(), "innermost_of_a_task");
  task.cancel();
  for (int i = 0; i < 3; ++i) iterate(*loop);
  EXPECT_EQ(task.get_coro().state, CoroutineState::CORO_CLOSED);
  EXPECT_THAT(task.get_coro().cr_await, ElementsAre());
}

TEST(TaskInspection, tells_the_frame_of_its_coroutine_alone) {
  auto loop = make_loop();
  const Task<> task = loop->create_task(outermost_of_a_task(), {.name = "t"});
  iterate(*loop);
  EXPECT_THAT(names(task.get_stack()), ElementsAre("outermost_of_a_task"));
  EXPECT_THAT(said_by([&] { task.print_stack(); }),
              ContainsRegex("^Stack for <Task pending name='t' .*> \\(most recent call last\\):\n"
                            "  File \".*inspect_test.cpp\", line [0-9]+, in outermost_of_a_task\n$"));
  task.cancel();
  for (int i = 0; i < 3; ++i) iterate(*loop);
  EXPECT_THAT(task.get_stack(), ElementsAre());
  EXPECT_THAT(said_by([&] { task.print_stack(); }), ContainsRegex("^No stack for <Task cancelled name='t' .*>\n$"));
}

TEST(TaskInspection, prints_how_it_failed_with_the_notes) {
  auto loop = make_loop();
  const auto fail = []() -> Coroutine<> {
    ValueError bad("bad");
    bad.add_note("in line 3");
    throw ValueError(bad);
    co_return;
  };
  const Task<> task = loop->create_task(fail(), {.name = "t"});
  iterate(*loop);
  EXPECT_THAT(said_by([&] { task.print_stack(); }),
              ContainsRegex("^No stack for <Task .*\nValueError: bad\nin line 3\n$"));
  EXPECT_THROW(task.result(), ValueError);
}

Coroutine<> looks_at_its_task(std::vector<std::string>& stack, std::string& printed) {
  const AnyTask self = *current_task();
  stack = names(self.get_stack());
  printed = said_by([&] { self.print_stack(); });
  co_return;
}
Coroutine<> awaits_who_looks_at_its_task(std::vector<std::string>& stack, std::string& printed) {
  co_await looks_at_its_task(stack, printed);
}

TEST(TaskInspection, tells_the_frame_of_its_coroutine_while_it_runs) {
  std::vector<std::string> stack;
  std::string printed;
  run(looks_at_its_task(stack, printed));
  EXPECT_THAT(stack, ElementsAre("looks_at_its_task"));
  EXPECT_THAT(printed, ContainsRegex("^Stack for <Task pending .*looks_at_its_task\\(\\) running.*> "));
  run(awaits_who_looks_at_its_task(stack, printed));
  EXPECT_THAT(stack, ElementsAre("awaits_who_looks_at_its_task"));
  EXPECT_THAT(printed, ContainsRegex("^Stack for <Task pending .*awaits_who_looks_at_its_task\\(\\) running.*> "));
}

TEST(TaskInspection, of_what_is_no_coroutine_of_the_users_tells_its_stack_all_the_same) {
  auto loop = make_loop();
  AsyncGenerator<int> generator = inspected_generator();
  const Task<> closing = loop->create_task(generator.aclose());
  EXPECT_EQ(closing.get_stack().size(), 1U);
  loop->run_until_complete(closing);
  EXPECT_THAT(closing.get_stack(), ElementsAre());
}

TEST(TaskInspection, of_an_eager_task_that_is_done_at_once_tells_that_it_is_closed) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const Task<int> done = create_task(inspected_coroutine(1), {.eager_start = true});
    EXPECT_TRUE(done.done());
    EXPECT_EQ(done.get_coro().state, CoroutineState::CORO_CLOSED);
    EXPECT_THAT(done.get_coro().cr_await, ElementsAre());
    EXPECT_THAT(done.get_stack(), ElementsAre());
    co_return;
  };
  loop->run_until_complete(main());
}

TEST(TaskInspection, prints_the_exception_that_it_ended_with) {
  auto loop = make_loop();
  const auto fails = []() -> Coroutine<> {
    throw ValueError("bad");
    co_return;
  };
  const Task<> task = loop->create_task(fails());
  iterate(*loop);
  EXPECT_THAT(said_by([&] { task.print_stack(); }),
              ContainsRegex("No stack for <Task finished .*>\nValueError: bad\n$"));
  task.exception();
}

}  // namespace
}  // namespace segue::modern
