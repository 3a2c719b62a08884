#include <segue/modern/tasks/graph.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/sync/event.hpp>
#include <segue/modern/tasks/async_generators.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/shield.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/taskgroups.hpp>
#include <segue/modern/tasks/timeouts.hpp>
#include <segue/modern/tasks/wait.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::attempt;
using testing::iterate;
using testing::make_loop;
using ::testing::MatchesRegex;

/// The functions of this file alone: `inner < outer`.
std::string stack_of(const FutureCallGraph& graph) {
  std::string text;
  for (const FrameCallGraphEntry& entry : graph.call_stack) {
    if (!entry.frame.where || !std::string_view(entry.frame.where->file_name()).ends_with("graph_test.cpp")) continue;
    text += (text.empty() ? "" : " < ") + entry.frame.name;
  }
  return text;
}

/// `Task-1[inner < outer] by (…, …)`
std::string walk(const FutureCallGraph& graph) {
  const bool is_task = graph.future.state()->task() != nullptr;
  std::string text = (is_task ? graph.future.state()->task()->name() : "F") + "[" + stack_of(graph) + "]";
  if (graph.awaited_by.empty()) return text;
  text += " by (";
  for (const FutureCallGraph& each : graph.awaited_by)
    text += (&each == graph.awaited_by.data() ? "" : ", ") + walk(each);
  return text + ")";
}

Coroutine<std::string> innermost(CallGraphOptions options) {
  co_await sleep(1s);
  std::optional<FutureCallGraph> graph = co_await capture_call_graph(options);
  co_return walk(*graph);
}
Coroutine<std::string> middle(CallGraphOptions options) { co_return co_await innermost(options); }
/// The call graph of the task that it runs in.
Coroutine<std::string> outer(CallGraphOptions options = {}) { co_return co_await middle(options); }

template <class Main>
auto run_named_main(Main main) {
  const EventLoopPtr loop = make_loop();
  return loop->run_until_complete(loop->create_task(main(), {.name = "main"}));
}

TEST(CallGraph, of_the_running_task_begins_with_who_asks) {
  const EventLoopPtr loop = make_loop();
  const auto of_a_task = [&](CallGraphOptions options) {
    return loop->run_until_complete(loop->create_task(outer(options), {.name = "t"}));
  };
  EXPECT_EQ(of_a_task({}), "t[innermost < middle < outer]");
  EXPECT_EQ(of_a_task({.depth = 2}), "t[middle < outer]");
  EXPECT_EQ(of_a_task({.depth = 9}), "t[]");
  EXPECT_EQ(of_a_task({.limit = 2}), "t[middle < outer]");
  EXPECT_EQ(of_a_task({.limit = -2}), "t[innermost < middle]");
  EXPECT_EQ(of_a_task({.limit = 0}), "t[]");
  EXPECT_EQ(of_a_task({.limit = 9}), "t[innermost < middle < outer]");
  EXPECT_EQ(of_a_task({.limit = -9}), "t[innermost < middle < outer]");
  EXPECT_EQ(of_a_task({.depth = 2, .limit = -1}), "t[middle]");
}

Coroutine<> waits_for_ever(Event event) { co_await event.wait(); }
Coroutine<> waits_below(Event event) { co_await waits_for_ever(event); }

TEST(CallGraph, of_a_task_that_waits_goes_from_its_innermost_function_to_its_own) {
  const EventLoopPtr loop = make_loop();
  const Event event;
  const Task<> task = loop->create_task(waits_below(event), {.name = "t"});
  EXPECT_EQ(walk(capture_call_graph(task)), "t[waits_below]");
  iterate(*loop);
  EXPECT_EQ(walk(capture_call_graph(task)), "t[waits_for_ever < waits_below]");
  EXPECT_EQ(walk(capture_call_graph(task, {.limit = 1})), "t[waits_below]");
  EXPECT_EQ(walk(capture_call_graph(task, {.limit = 0})), "t[]");
  event.set();
  loop->run_until_complete(task);
  EXPECT_EQ(walk(capture_call_graph(task)), "t[]");
}

TEST(CallGraph, of_the_running_task_that_is_given_shows_its_own_function) {
  const auto inner = []() -> Coroutine<std::string> { co_return walk(capture_call_graph(*current_task())); };
  const auto main = [&]() -> Coroutine<std::string> { co_return co_await inner(); };
  EXPECT_EQ(run_named_main(main), "main[<lambda>]");
}

// --- who waits ---

Coroutine<std::string> waits_for(Task<std::string> task) { co_return co_await task; }

TEST(CallGraph, shows_the_tasks_that_wait_and_those_of_its_group) {
  Task<std::string> task;
  const auto body = [&](TaskGroup& group) -> Coroutine<> {
    task = group.create_task(outer(), {.name = "root"});
    group.create_task(waits_for(task), {.name = "a"});
    group.create_task(waits_for(task), {.name = "b"});
    co_return;
  };
  const auto main = [&]() -> Coroutine<> { co_await async_with(TaskGroup(), body); };
  run_named_main(main);
  EXPECT_EQ(task.result(),
            "root[innermost < middle < outer] by "
            "(main[<lambda>], a[waits_for] by (main[<lambda>]), b[waits_for] by (main[<lambda>]))");
}

TEST(CallGraph, shows_who_waits_for_a_gather_in_its_place) {
  const auto main = []() -> Coroutine<std::string> {
    const auto [first, nothing] = co_await gather(outer(), sleep(1s));
    co_return first;
  };
  EXPECT_THAT(run_named_main(main),
              MatchesRegex(R"(Task-[0-9]+\[innermost < middle < outer\] by \(main\[<lambda>\]\))"));
  const auto nested = []() -> Coroutine<std::string> {
    auto both = gather(outer(), sleep(1s));
    const auto [first, nothing] = co_await gather(std::move(both), sleep(1s));
    co_return std::get<0>(first);
  };
  EXPECT_THAT(run_named_main(nested),
              MatchesRegex(R"(Task-[0-9]+\[innermost < middle < outer\] by \(main\[<lambda>\]\))"));
}

TEST(CallGraph, shows_who_waits_twice_for_the_same_once) {
  const auto main = []() -> Coroutine<std::string> {
    const auto task = create_task(outer(), {.name = "t"});
    const auto [one, two] = co_await gather(task, shield(task));
    co_return one;
  };
  EXPECT_EQ(run_named_main(main), "t[innermost < middle < outer] by (main[<lambda>])");
}

TEST(CallGraph, shows_who_waits_behind_a_shield_and_in_wait) {
  const auto shields = []() -> Coroutine<std::string> {
    const auto task = create_task(outer(), {.name = "t"});
    co_return co_await shield(task);
  };
  EXPECT_EQ(run_named_main(shields), "t[innermost < middle < outer] by (main[<lambda>])");
  const auto waits = []() -> Coroutine<std::string> {
    const auto task = create_task(outer(), {.name = "t"});
    co_await wait(task);
    co_return task.result();
  };
  EXPECT_EQ(run_named_main(waits), "t[innermost < middle < outer] by (main[<lambda>])");
}

TEST(CallGraph, is_not_disturbed_by_a_timeout) {
  const auto main = []() -> Coroutine<std::string> {
    std::string graph;
    const auto body = [&](const Timeout&) -> Coroutine<> { graph = co_await outer(); };
    co_await async_with(timeout(9s), body);
    co_return graph;
  };
  EXPECT_EQ(run_named_main(main), "main[innermost < middle < outer < <lambda> < <lambda>]");
}

AsyncGenerator<std::string> yields_its_graph() {
  co_yield "first";
  co_yield co_await outer();
}

TEST(CallGraph, goes_through_async_generators) {
  const auto main = []() -> Coroutine<std::string> {
    AsyncGenerator<std::string> generator = yields_its_graph();
    co_await generator.anext();
    const std::string graph = co_await generator.anext();
    co_await generator.aclose();
    co_return graph;
  };
  EXPECT_EQ(run_named_main(main), "main[innermost < middle < outer < yields_its_graph < <lambda>]");
}

Coroutine<> waits_for_a_future(Future<> future) { co_await future; }

TEST(CallGraph, of_a_future_shows_who_waits_in_the_order_in_which_they_came) {
  const EventLoopPtr loop = make_loop();
  const Future<> future = loop->create_future();
  EXPECT_EQ(walk(capture_call_graph(future)), "F[]");
  const Task<> a = loop->create_task(waits_for_a_future(future), {.name = "a"});
  const Task<> b = loop->create_task(waits_for_a_future(future), {.name = "b"});
  const Task<> c = loop->create_task(waits_for_a_future(future), {.name = "c"});
  iterate(*loop);
  EXPECT_EQ(walk(capture_call_graph(future)),
            "F[] by (a[waits_for_a_future], b[waits_for_a_future], c[waits_for_a_future])");
  future.set_result();
  EXPECT_EQ(walk(capture_call_graph(future)), "F[]");
  loop->run_until_complete(gather(a, b, c));
}

// --- what is said of who waits ---

TEST(CallGraph, shows_who_is_said_to_wait_until_that_is_taken_back) {
  const EventLoopPtr loop = make_loop();
  const Future<> future = loop->create_future();
  const Future<> waiter = loop->create_future();
  const Task<> task = loop->create_task(waits_for_a_future(waiter), {.name = "t"});
  iterate(*loop);
  future_discard_from_awaited_by(future, waiter);
  future_add_to_awaited_by(future, waiter);
  future_add_to_awaited_by(future, waiter);
  EXPECT_EQ(walk(capture_call_graph(future)), "F[] by (F[] by (t[waits_for_a_future]))");
  future_add_to_awaited_by(future, task);
  EXPECT_EQ(walk(capture_call_graph(future)), "F[] by (F[] by (t[waits_for_a_future]), t[waits_for_a_future])");
  future_discard_from_awaited_by(future, waiter);
  EXPECT_EQ(walk(capture_call_graph(future)), "F[] by (t[waits_for_a_future])");
  future_discard_from_awaited_by(future, task);
  EXPECT_EQ(walk(capture_call_graph(future)), "F[]");
  waiter.set_result();
  loop->run_until_complete(task);
}

TEST(CallGraph, lets_go_of_who_is_said_to_wait_at_the_end_of_the_wait) {
  const EventLoopPtr loop = make_loop();
  const Future<> future = loop->create_future();
  const Future<> waiter = loop->create_future();
  future_add_to_awaited_by(future, waiter);
  EXPECT_FALSE(waiter.state()->unique());
  future.set_result();
  iterate(*loop);
  EXPECT_TRUE(waiter.state()->unique());
  future_add_to_awaited_by(future, waiter);
  EXPECT_TRUE(waiter.state()->unique());
  future_discard_from_awaited_by(future, waiter);
}

TEST(CallGraph, of_a_ring_ends_where_it_comes_round) {
  const EventLoopPtr loop = make_loop();
  const Future<> a = loop->create_future();
  const Future<> b = loop->create_future();
  future_add_to_awaited_by(a, b);
  future_add_to_awaited_by(b, a);
  EXPECT_EQ(walk(capture_call_graph(a)), "F[] by (F[] by (F[]))");
  future_discard_from_awaited_by(a, b);
  future_discard_from_awaited_by(b, a);
}

TEST(CallGraph, of_a_chain_of_any_length_takes_no_stack) {
  const EventLoopPtr loop = make_loop();
  const Future<> first = loop->create_future();
  AnyFuture last = first;
  std::vector<Task<>> tasks;
  constexpr std::size_t length = 100'000;
  tasks.reserve(length);
  const auto awaits = [](AnyFuture future) -> Coroutine<> { co_await future; };
  for (std::size_t i = 0; i < length; ++i) last = tasks.emplace_back(loop->create_task(awaits(last)));
  iterate(*loop);
  {
    const FutureCallGraph graph = capture_call_graph(first);
    std::size_t depth = 0;
    for (const FutureCallGraph* each = &graph; !each->awaited_by.empty(); each = &each->awaited_by.front()) ++depth;
    EXPECT_EQ(depth, length);
  }
  first.set_result();
  loop->run_until_complete(tasks.back());
}

// --- as a text ---

TEST(CallGraph, is_written_as_python_writes_it) {
  const EventLoopPtr loop = make_loop();
  const Event event;
  const Task<> task = loop->create_task(waits_below(event), {.name = "waiting"});
  const auto gathers = [&]() -> Coroutine<> { co_await gather(task); };
  const Task<> by = loop->create_task(gathers(), {.name = "main"});
  iterate(*loop);
  iterate(*loop);
  const std::string text = format_call_graph(task, {.limit = 2});
  EXPECT_THAT(text, MatchesRegex(R"(\* Task\(name='waiting', id=0x[0-9a-f]+\)
  \+ Call stack:
  \|   File '[^']*graph_test.cpp', line [0-9]+, in async waits_for_ever\(\)
  \|   File '[^']*graph_test.cpp', line [0-9]+, in async waits_below\(\)
  \+ Awaited by:
    \* Task\(name='main', id=0x[0-9a-f]+\)
      \+ Call stack:
      \|   File '[^']*graph_test.cpp', line [0-9]+, in async <lambda>\(\))"));
  EXPECT_THAT(format_call_graph(loop->create_future()), MatchesRegex(R"(\* Future\(id=0x[0-9a-f]+\))"));
  ::testing::internal::CaptureStdout();
  print_call_graph(task, {.limit = 2});
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), text + "\n");
  event.set();
  loop->run_until_complete(by);
}

TEST(CallGraph, of_the_running_task_is_written_as_well) {
  const auto main = []() -> Coroutine<std::string> {
    const std::string formatted = co_await format_call_graph();
    ::testing::internal::CaptureStderr();
    co_await print_call_graph({}, stderr);
    const std::string printed = ::testing::internal::GetCapturedStderr();
    EXPECT_THAT(printed, ::testing::StartsWith("* Task(name='main', id="));
    co_return formatted;
  };
  EXPECT_THAT(run_named_main(main), MatchesRegex(R"(\* Task\(name='main', id=0x[0-9a-f]+\)
  \+ Call stack:
  \|   File '[^']*graph_test.cpp', line [0-9]+, in async <lambda>\(\))"));
}

// --- where no task runs ---

TEST(CallGraph, of_the_running_task_is_none_where_no_task_runs) {
  const EventLoopPtr loop = make_loop();
  const auto asks = []() -> Coroutine<std::string> {
    const std::optional<FutureCallGraph> graph = co_await capture_call_graph();
    EXPECT_FALSE(graph);
    co_return co_await format_call_graph();
  };
  std::string asked;
  loop->call_soon([&] {
    Coroutine<std::string> coroutine = asks();
    asked = attempt<std::string>([&] { coroutine.send(); });
  });
  iterate(*loop);
  EXPECT_EQ(asked, "StopIteration()");
}

TEST(CallGraph, of_the_running_task_needs_a_running_loop) {
  const auto asks = []() -> Coroutine<> { co_await print_call_graph(); };
  Coroutine<> coroutine = asks();
  EXPECT_EQ(attempt([&] { coroutine.send(); }),
            "RuntimeError(capture_call_graph() is called outside of a running event loop and no *future* to introspect "
            "was provided)");
}

}  // namespace
}  // namespace segue::modern
