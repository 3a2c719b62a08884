// What a group makes of failures and cancellations that come together or in groups within groups, with tasks that
// begin at their next turn and with such that begin at once.
#include <chrono>
#include <exception>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/modern/kernel/contextvars.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/sync/event.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/exception_groups.hpp>
#include <segue/modern/tasks/outcome.hpp>
#include <segue/modern/tasks/runners.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/taskgroups.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::make_loop;
using testing::Reports;

class BaseError : public BaseException {
 public:
  using BaseException::BaseException;
};

Coroutine<> raise_after(Delay delay, std::exception_ptr error = std::make_exception_ptr(ValueError())) {
  co_await sleep(delay);
  std::rethrow_exception(error);
}

/// Sleeps; counts where it is cancelled, and goes on to raise `instead`, if there is one.
Coroutine<> count_cancellation(int& count, std::exception_ptr instead = nullptr) {
  const Outcome<void> slept = co_await outcome(sleep(1h), with_cancellation);
  ++count;
  std::rethrow_exception(instead ? instead : slept.exception());
}

/// `[ValueError, [TypeError]]` of a group of groups.
std::string shape_of(const std::exception_ptr& error) {
  if (!error) return "none";
  try {
    std::rethrow_exception(error);
  } catch (const BaseExceptionGroup& group) {
    std::string text;
    for (const std::exception_ptr& member : group.exceptions()) text += (text.empty() ? "" : ", ") + shape_of(member);
    return "[" + text + "]";
  } catch (...) {
    return describe(error).type;
  }
}

/// Runs `main` as a task, which `cancelled_after` cancels if it is not zero: the shape of what it ends with. By both
/// kinds of tasks, which make no difference.
template <class Main>
std::string ending_of(const Main& main, std::chrono::milliseconds cancelled_after = 0ms) {
  std::string shapes[2];
  for (const bool eager : {false, true}) {
    const EventLoopPtr loop = make_loop();
    if (eager) loop->set_task_factory(eager_task_factory);
    const auto ends = [&]() -> Coroutine<> {
      const Task<> owner = create_task(main());
      if (cancelled_after > 0ms) {
        co_await sleep(cancelled_after);
        EXPECT_FALSE(owner.done());
        owner.cancel();
      }
      const Outcome<void> ended = co_await outcome(owner, with_cancellation);
      shapes[eager] = shape_of(ended.exception());
    };
    try {
      loop->run_until_complete(ends());
    } catch (...) {
      shapes[eager] = "out of the loop: " + describe(std::current_exception()).type;
    }
  }
  EXPECT_EQ(shapes[false], shapes[true]) << "lazy, eager";
  return shapes[false];
}

/// A group with this body.
template <class Body>
Coroutine<> in_a_group(Body& body) {
  co_await async_with(TaskGroup(), body);
}

TEST(TaskGroupFailure, of_several_children_at_once_cancels_the_rest_and_the_body) {
  int cancelled = 0;
  auto body = [&](TaskGroup& group) -> Coroutine<> {
    for (int i = 0; i < 3; ++i) group.create_task(raise_after(100ms));
    group.create_task(count_cancellation(cancelled));
    co_await count_cancellation(cancelled);
  };
  EXPECT_EQ(ending_of([&] { return in_a_group(body); }), "[ValueError, ValueError, ValueError]");
  EXPECT_EQ(cancelled, 2 * 2);
}

TEST(TaskGroupFailure, of_the_body_cancels_the_children) {
  for (const bool waits : {false, true}) {
    int cancelled = 0;
    auto body = [&](TaskGroup& group) -> Coroutine<> {
      const std::vector<Task<>> children{group.create_task(count_cancellation(cancelled)),
                                         group.create_task(count_cancellation(cancelled))};
      co_await sleep(0s);
      if (waits) co_await sleep(100ms);
      throw ValueError();
    };
    EXPECT_EQ(ending_of([&] { return in_a_group(body); }), "[ValueError]");
    EXPECT_EQ(cancelled, 2 * 2);
  }
}

TEST(TaskGroupFailure, of_the_body_that_never_waited_cancels_children_that_never_began) {
  const EventLoopPtr loop = make_loop();
  std::vector<Task<>> children;
  auto body = [&](TaskGroup& group) -> Coroutine<> {
    for (int i = 0; i < 2; ++i) children.push_back(group.create_task(raise_after(1s)));
    throw ValueError();
    co_return;
  };
  EXPECT_THROW(loop->run_until_complete(in_a_group(body)), ExceptionGroup);
  for (const Task<>& child : children) EXPECT_TRUE(child.cancelled());
}

TEST(TaskGroupFailure, that_comes_of_the_owners_cancellation_is_raised_in_its_place) {
  int cancelled = 0;
  const auto error = std::make_exception_ptr(ValueError());
  auto children_fail = [&](TaskGroup& group) -> Coroutine<> {
    for (int i = 0; i < 3; ++i) group.create_task(count_cancellation(cancelled, error));
    co_await sleep(1h);
  };
  EXPECT_EQ(ending_of([&] { return in_a_group(children_fail); }, 100ms), "[ValueError, ValueError, ValueError]");
  auto body_fails = [&](TaskGroup&) -> Coroutine<> { co_await count_cancellation(cancelled, error); };
  EXPECT_EQ(ending_of([&] { return in_a_group(body_fails); }, 100ms), "[ValueError]");
  auto nobody_fails = [&](TaskGroup& group) -> Coroutine<> {
    for (int i = 0; i < 5; ++i) group.create_task(count_cancellation(cancelled));
    co_await count_cancellation(cancelled);
  };
  cancelled = 0;
  EXPECT_EQ(ending_of([&] { return in_a_group(nobody_fails); }, 100ms), "CancelledError");
  EXPECT_EQ(cancelled, 2 * 6);
  auto alone = [&](TaskGroup&) -> Coroutine<> { co_await count_cancellation(cancelled); };
  EXPECT_EQ(ending_of([&] { return in_a_group(alone); }, 100ms), "CancelledError");
}

TEST(TaskGroupFailure, during_the_clean_up_after_a_cancellation_is_raised_in_its_place) {
  auto body = [](TaskGroup& group) -> Coroutine<> {
    group.create_task(raise_after(300ms));
    const Outcome<void> slept = co_await outcome(sleep(10s), with_cancellation);
    co_await outcome(sleep(500ms), with_cancellation);
    std::rethrow_exception(slept.exception());
  };
  EXPECT_EQ(ending_of([&] { return in_a_group(body); }, 100ms), "[ValueError]");
  const auto as_a_task = [&]() -> Coroutine<> {
    const Task<> nested = create_task(in_a_group(body));
    co_await nested;
  };
  EXPECT_EQ(ending_of(as_a_task, 100ms), "[ValueError]");
}

TEST(TaskGroupFailure, of_a_group_in_a_group_is_one_failure_of_the_outer_one) {
  int cancelled = 0;
  const auto error = std::make_exception_ptr(ValueError());
  for (const bool outer_has_a_child : {false, true}) {
    auto inner = [&](TaskGroup& group) -> Coroutine<> {
      for (int i = 0; i < 2; ++i) group.create_task(count_cancellation(cancelled, error));
      co_await sleep(1h);
    };
    auto outer = [&](TaskGroup& group) -> Coroutine<> {
      if (outer_has_a_child) group.create_task(sleep(1h));
      co_await in_a_group(inner);
    };
    EXPECT_EQ(ending_of([&] { return in_a_group(outer); }, 100ms), "[[ValueError, ValueError]]");
  }
  for (const bool inner_fails : {false, true}) {
    auto inner = [&](TaskGroup& group) -> Coroutine<> {
      group.create_task(raise_after(inner_fails ? 100ms : 10s));
      co_return;
    };
    auto outer = [&](TaskGroup& group) -> Coroutine<> {
      group.create_task(raise_after(inner_fails ? 10s : 100ms));
      co_await in_a_group(inner);
    };
    EXPECT_EQ(ending_of([&] { return in_a_group(outer); }), inner_fails ? "[[ValueError]]" : "[ValueError]");
  }
}

TEST(TaskGroupFailure, that_is_no_exception_makes_a_base_group_and_one_that_ends_the_program_comes_alone) {
  int cancelled = 0;
  const auto both = [&](std::exception_ptr of_child, std::exception_ptr of_body) {
    auto body = [&](TaskGroup& group) -> Coroutine<> {
      group.create_task(raise_after(100ms, of_child));
      co_await count_cancellation(cancelled, of_body);
    };
    return ending_of([&] { return in_a_group(body); });
  };
  const auto value = std::make_exception_ptr(ValueError());
  const auto type = std::make_exception_ptr(TypeError());
  const auto base = std::make_exception_ptr(BaseError());
  EXPECT_EQ(both(value, type), "[ValueError, TypeError]");
  EXPECT_EQ(both(value, base), "[ValueError, BaseError]");
  EXPECT_EQ(both(base, type), "[BaseError, TypeError]");
  EXPECT_EQ(both(value, std::make_exception_ptr(KeyboardInterrupt())), "out of the loop: KeyboardInterrupt");
}

TEST(TaskGroupFailure, ends_a_group_whose_children_go_on_adding_children) {
  int heads = 0;
  const auto hydra = [&heads](const auto& self, TaskGroup group) -> Coroutine<> {
    ++heads;
    co_await sleep(10ms);
    for (int i = 0; i < 2; ++i) group.create_task(self(self, group));
  };
  const auto hercules = [&heads]() -> Coroutine<> {
    while (heads < 10) co_await sleep(15ms);
    throw ValueError();
  };
  auto body = [&](TaskGroup& group) -> Coroutine<> {
    heads = 0;
    group.create_task(hydra(hydra, group));
    co_await group.create_task(hercules());
  };
  EXPECT_EQ(ending_of([&] { return in_a_group(body); }), "[ValueError]");
  EXPECT_GE(heads, 10);
}

TEST(TaskGroupFailure, of_a_child_that_is_made_by_another_cancels_that) {
  int cancelled = 0;
  const auto third = []() -> Coroutine<> {
    throw ValueError();
    co_return;
  };
  const auto second = [&](TaskGroup group) -> Coroutine<> {
    group.create_task(third());
    co_await count_cancellation(cancelled);
  };
  auto body = [&](TaskGroup& group) -> Coroutine<> { co_await group.create_task(second(group)); };
  EXPECT_EQ(ending_of([&] { return in_a_group(body); }), "[ValueError]");
  EXPECT_EQ(cancelled, 2);
}

TEST(TaskGroupFailure, leaves_the_owners_count_of_cancellations_as_it_was) {
  std::vector<int> counts;
  const auto note = [&counts] { counts.push_back(current_task()->cancelling()); };
  const auto main = [&]() -> Coroutine<> {
    counts.clear();
    auto failing = [](TaskGroup& group) -> Coroutine<> {
      group.create_task(raise_after(0s));
      co_return;
    };
    co_await outcome(in_a_group(failing));
    note();
    auto outer = [&](TaskGroup& outer_group) -> Coroutine<> {
      auto inner = [&](TaskGroup& inner_group) -> Coroutine<> {
        inner_group.create_task(raise_after(0s));
        outer_group.create_task(raise_after(0s, std::make_exception_ptr(TypeError())));
        co_return;
      };
      const Outcome<void> ended = co_await outcome(in_a_group(inner));
      EXPECT_EQ(shape_of(ended.exception()), "[ValueError]");
      note();  // the outer group asks
    };
    const Outcome<void> ended = co_await outcome(in_a_group(outer));
    EXPECT_EQ(shape_of(ended.exception()), "[TypeError]");
    note();
    co_await sleep(0s);
  };
  EXPECT_EQ(ending_of(main), "none");
  EXPECT_THAT(counts, ElementsAre(0, 1, 0));
}

TEST(TaskGroupFailure, together_with_a_cancellation_from_outside_leaves_that_to_the_next_wait) {
  const EventLoopPtr loop = make_loop();
  bool went_on = false;
  const auto main = [&]() -> Coroutine<> {
    Event begun;
    const auto fail = [&]() -> Coroutine<> {
      begun.set();
      co_await sleep(0s);
      throw ValueError();
    };
    auto body = [&](TaskGroup& group) -> Coroutine<> {
      group.create_task(fail());
      co_await sleep(1s);
      ADD_FAILURE();
    };
    const auto inner = [&]() -> Coroutine<> {
      const Outcome<void> ended = co_await outcome(in_a_group(body));
      EXPECT_EQ(shape_of(ended.exception()), "[ValueError]");
      EXPECT_EQ(current_task()->cancelling(), 1);
      went_on = true;
      co_await sleep(1s);
      ADD_FAILURE();
    };
    const Task<> task = create_task(inner());
    co_await begun.wait();
    EXPECT_EQ(task.cancelling(), 0);
    task.cancel();
    EXPECT_EQ(task.cancelling(), 1);
    const Outcome<void> ended = co_await outcome(task, with_cancellation);
    EXPECT_TRUE(task.cancelled());
  };
  loop->run_until_complete(main());
  EXPECT_TRUE(went_on);
}

TEST(TaskGroups, give_their_tasks_names_and_contexts_and_forget_those_that_are_done) {
  const EventLoopPtr loop = make_loop();
  const ContextVar<int> v("v", 0);
  const auto set = [&](int value) -> Coroutine<std::string> {
    co_await sleep(0s);
    v.set(value);
    co_return current_task()->get_name();
  };
  auto body = [&](TaskGroup& group) -> Coroutine<> {
    const Context context = copy_context();
    for (int i = 1; i <= 2; ++i) {
      const std::string name = co_await group.create_task(set(i), {.name = "yolo", .context = context});
      EXPECT_EQ(name, "yolo");
      EXPECT_EQ(context[v], i);
    }
    for (int i = 0; i < 10; ++i) {
      co_await sleep(100ms);
      group.create_task(sleep(250ms));
      if (i == 5) {
        EXPECT_EQ(group.repr(), "<TaskGroup tasks=3 entered>");
      }
    }
    co_await sleep(1s);
    EXPECT_EQ(group.repr(), "<TaskGroup entered>");
  };
  loop->run_until_complete(in_a_group(body));
}

TEST(TaskGroups, are_entered_once_by_a_task_and_close_what_they_refuse) {
  const EventLoopPtr loop = make_loop();
  const Reports reports(*loop);
  const auto refused = [](const auto& call) { return testing::attempt(call); };
  const auto nothing = [](TaskGroup&) -> Coroutine<> { co_return; };
  const TaskGroup lost;
  loop->call_soon([&] {
    EXPECT_THAT(refused([&] { lost.aenter(); }), ::testing::HasSubstr("cannot determine the parent task"));
    EXPECT_THAT(refused([&] { lost.create_task(raise_after(0s)); }), ::testing::HasSubstr("has not been entered"));
  });
  testing::iterate(*loop);
  const TaskGroup group;
  auto body = [&](TaskGroup&) -> Coroutine<> {
    const Outcome<void> again = co_await outcome(async_with(group, nothing));
    EXPECT_THAT(testing::text(again.exception()), ::testing::HasSubstr("has already been entered"));
  };
  loop->run_until_complete(async_with(group, body));
  EXPECT_THAT(refused([&] { loop->run_until_complete(async_with(group, nothing)); }),
              ::testing::HasSubstr("has already been entered"));
  EXPECT_THAT(refused([&] { group.create_task(raise_after(0s)); }), ::testing::HasSubstr("is finished"));
  EXPECT_THAT(reports.messages(), ElementsAre()) << "nothing was never awaited";
}

TEST(TaskGroupFailure, is_raised_from_none) {
  run([]() -> Coroutine<> {
    const auto body = [](TaskGroup&) { throw ValueError("body"); };
    const auto ended = co_await outcome(async_with(TaskGroup(), body));
    const std::exception_ptr raised = ended.exception();
    const auto* const error = exception_ptr_cast<BaseException>(raised);
    EXPECT_TRUE(error->suppress_context());
    EXPECT_EQ(testing::text(error->context()), "ValueError(body)");
  }());
}

TEST(TaskGroups, supervise_their_tasks_without_a_handle) {
  run([]() -> Coroutine<> {
    const auto fails = []() -> Coroutine<> {
      throw ValueError("child");
      co_return;
    };
    {
      const TaskGroup group;
      group.aenter();
      group.create_task(fails());
    }
    const Outcome<void> slept = co_await outcome(sleep(1h), with_cancellation);
    EXPECT_TRUE(holds<CancelledError>(slept.exception()));
  }());
}

}  // namespace
}  // namespace segue::modern
