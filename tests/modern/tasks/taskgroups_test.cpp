#include <segue/modern/tasks/taskgroups.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/exception_groups.hpp>
#include <segue/modern/tasks/sleep.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::make_loop;
using testing::Trace;
using ::testing::UnorderedElementsAre;

Coroutine<int> give_after(Delay delay, int value) {
  co_await sleep(delay);
  co_return value;
}

Coroutine<> fail_after(Delay delay, std::string text) {
  co_await sleep(delay);
  throw ValueError(text);
}

Coroutine<> wait_until_cancelled(Trace& trace, std::string name) {
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    trace.push_back(name + " cancelled");
    throw;
  }
}

Trace members(const BaseExceptionGroup& group) {
  Trace texts;
  for (const std::exception_ptr& member : group.exceptions()) texts.push_back(describe(member).repr());
  return texts;
}

// The group's errors, or what else came out.
template <class Body>
Coroutine<Trace> errors_of(Body& body) {
  Trace errors;
  std::exception_ptr escaped;
  try {
    co_await async_with(TaskGroup(), body);
  } catch (const BaseExceptionGroup& group) {
    errors = members(group);
  } catch (...) {
    escaped = std::current_exception();
  }
  if (escaped) errors.push_back("bare " + describe(escaped).repr());
  co_return errors;
}

TEST(TaskGroups, WaitsForItsTasks) {
  const EventLoopPtr loop = make_loop();
  std::optional<Task<int>> task;
  auto body = [&task](TaskGroup& group) -> Coroutine<> {
    task = group.create_task(give_after(2s, 7));
    co_return;
  };
  const auto start = loop->time();
  EXPECT_THAT(loop->run_until_complete(errors_of(body)), ElementsAre());
  EXPECT_EQ(loop->time() - start, 2s);
  EXPECT_EQ(task->result(), 7);
}

TEST(TaskGroups, TheFirstFailureCancelsTheOthersAndTheBody) {
  const EventLoopPtr loop = make_loop();
  Trace trace;
  auto body = [&trace](TaskGroup& group) -> Coroutine<> {
    group.create_task(wait_until_cancelled(trace, "sibling"));
    group.create_task(fail_after(1s, "first"));
    co_await wait_until_cancelled(trace, "body");
  };
  EXPECT_THAT(loop->run_until_complete(errors_of(body)), ElementsAre("ValueError('first')"));
  EXPECT_THAT(trace, UnorderedElementsAre("sibling cancelled", "body cancelled"));
}

TEST(TaskGroups, TheBodysOwnErrorComesLast) {
  const EventLoopPtr loop = make_loop();
  auto body = [](TaskGroup& group) -> Coroutine<> {
    group.create_task(fail_after(0s, "child"));
    std::exception_ptr cancelled;
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      cancelled = std::current_exception();
    }
    if (cancelled) throw TypeError("body");
  };
  EXPECT_THAT(loop->run_until_complete(errors_of(body)), ElementsAre("ValueError('child')", "TypeError('body')"));
}

TEST(TaskGroups, rule_112_a_cancelled_child_is_no_failure) {
  const EventLoopPtr loop = make_loop();
  std::optional<Task<int>> child;
  std::optional<Task<int>> other;
  auto body = [&](TaskGroup& group) -> Coroutine<> {
    child = group.create_task(give_after(1h, 1));
    other = group.create_task(give_after(1s, 2));
    co_await sleep(0s);
    child->cancel();
  };
  EXPECT_THAT(loop->run_until_complete(errors_of(body)), ElementsAre());
  EXPECT_TRUE(child->cancelled());
  EXPECT_EQ(other->result(), 2);
}

TEST(TaskGroups, rule_113_cancelling_the_owner_cancels_the_children_and_keeps_the_message) {
  const EventLoopPtr loop = make_loop();
  Trace trace;
  auto body = [&trace](TaskGroup& group) -> Coroutine<> {
    group.create_task(wait_until_cancelled(trace, "child"));
    co_return;
  };
  const auto owner = loop->create_task(errors_of(body));
  loop->call_later(1s, [&] { owner.cancel("stop"); });
  EXPECT_THAT(loop->run_until_complete(owner), ElementsAre("bare CancelledError('stop')"));
  EXPECT_THAT(trace, ElementsAre("child cancelled"));
  EXPECT_EQ(owner.cancelling(), 1);
}

TEST(TaskGroups, rule_115_its_own_cancellation_of_the_owner_does_not_leak) {
  const EventLoopPtr loop = make_loop();
  auto body = [](TaskGroup& group) -> Coroutine<> {
    group.create_task(fail_after(1s, "x"));
    co_return;
  };
  const auto owner = loop->create_task(errors_of(body));
  EXPECT_THAT(loop->run_until_complete(owner), ElementsAre("ValueError('x')"));
  EXPECT_EQ(owner.cancelling(), 0);
}

TEST(TaskGroups, ACancellationFromOutsideDuringAFailureIsDeliveredAtTheNextAwait) {
  const EventLoopPtr loop = make_loop();
  Trace trace;
  auto slow_cleanup = [](Trace& trace) -> Coroutine<> {
    bool cancelled = false;
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      cancelled = true;
    }
    if (cancelled) co_await sleep(2s);
    trace.push_back("cleaned up");
  };
  auto body = [&](TaskGroup& group) -> Coroutine<> {
    group.create_task(slow_cleanup(trace));
    group.create_task(fail_after(1s, "x"));
    co_return;
  };
  auto main = [&]() -> Coroutine<> {
    const Trace errors = co_await errors_of(body);
    trace.insert(trace.end(), errors.begin(), errors.end());
    co_await sleep(0s);
  };
  const auto owner = loop->create_task(main());
  loop->call_later(2s, [&] { owner.cancel("outside"); });
  EXPECT_THROW(loop->run_until_complete(owner), CancelledError);
  EXPECT_THAT(trace, ElementsAre("cleaned up", "ValueError('x')"));
}

TEST(TaskGroups, KeyboardInterruptLeavesAlone) {
  const EventLoopPtr loop = make_loop();
  auto body = [](TaskGroup&) -> Coroutine<> {
    throw KeyboardInterrupt("k");
    co_return;
  };
  EXPECT_THAT(loop->run_until_complete(errors_of(body)), ElementsAre("bare KeyboardInterrupt('k')"));
}

TEST(TaskGroups, RefusesTasksOutsideOfItsBlock) {
  const EventLoopPtr loop = make_loop();
  TaskGroup group;
  auto refused = [](TaskGroup& group) -> std::string {
    try {
      group.create_task(give_after(0s, 1));
    } catch (const RuntimeError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(refused(group), "TaskGroup <TaskGroup> has not been entered");
  auto body = [](TaskGroup&) -> Coroutine<> { co_return; };
  loop->run_until_complete(async_with(group, body));
  EXPECT_EQ(refused(group), "TaskGroup <TaskGroup entered> is finished");
  EXPECT_THROW(loop->run_until_complete(async_with(group, body)), RuntimeError);
}

TEST(TaskGroups, rule_118_refuses_tasks_while_it_cancels) {
  const EventLoopPtr loop = make_loop();
  std::string refusal;
  auto body = [&refusal](TaskGroup& group) -> Coroutine<> {
    group.create_task(fail_after(0s, "x"));
    bool cancelled = false;
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      cancelled = true;
    }
    try {
      if (cancelled) group.create_task(give_after(0s, 1));
    } catch (const RuntimeError& error) {
      refusal = error.what();
    }
  };
  EXPECT_THAT(loop->run_until_complete(errors_of(body)), ElementsAre("ValueError('x')"));
  EXPECT_EQ(refusal, "TaskGroup <TaskGroup errors=1 cancelling> is shutting down");
}

TEST(TaskGroups, AChildMayAddChildrenWhileTheBlockEnds) {
  const EventLoopPtr loop = make_loop();
  std::optional<Task<int>> grandchild;
  auto child = [&grandchild](TaskGroup& group) -> Coroutine<> {
    co_await sleep(1s);
    grandchild = group.create_task(give_after(1s, 3));
  };
  auto body = [&child](TaskGroup& group) -> Coroutine<> {
    group.create_task(child(group));
    co_return;
  };
  loop->run_until_complete(errors_of(body));
  EXPECT_EQ(grandchild->result(), 3);
}

}  // namespace
}  // namespace segue::modern
