// Rules of task groups, each beside the program that CPython runs for it.
#include <cstddef>
#include <exception>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/exception_groups.hpp>
#include <segue/modern/tasks/finally.hpp>
#include <segue/modern/tasks/runners.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/taskgroups.hpp>

#include "modern/trace.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::at;
using testing::attempt;
using testing::Events;
using testing::trace_of;

Coroutine<> fails_after(Delay delay, std::string text) {
  co_await sleep(delay);
  throw ValueError(text);
}

// Waits to be cancelled, cleans up for so long, and fails.
Coroutine<> fails_when_cancelled(std::string text, Delay clean_up = 0s) {
  bool cancelled = false;
  try {
    co_await sleep(9s);
  } catch (const CancelledError&) {
    cancelled = true;
  }
  if (clean_up > 0s) co_await sleep(clean_up);
  if (cancelled) throw ValueError(text);
}

Coroutine<> says_when_cancelled(Events& ev, std::string text) {
  const auto out = finally_([&] { ev(text); });
  co_await sleep(9s);
}

TEST(TaskGroupRules, rule_110_the_first_failure_cancels_the_rest_and_the_errors_come_out_as_a_group) {
  const auto program = [](Events& ev) -> Coroutine<> {
    const auto body = [&](TaskGroup& tg) -> Coroutine<> {
      tg.create_task(fails_after(5ms, "b"));
      tg.create_task(says_when_cancelled(ev, "sib"));
      co_await says_when_cancelled(ev, "body out");
    };
    try {
      co_await async_with(TaskGroup(), body);
    } catch (const BaseExceptionGroup& error) {
      except_star(error, except_<ValueError>([&](const BaseExceptionGroup& g) { ev(g.message(), g.exceptions()); }));
    }
  };
  EXPECT_EQ(trace_of(program), "sib | body out | unhandled errors in a TaskGroup [ValueError(b)]");
}

TEST(TaskGroupRules, rule_111_errors_come_in_the_order_in_which_the_children_failed_the_bodys_last) {
  const auto program = [](Events& ev) -> Coroutine<> {
    const auto body = [](TaskGroup& tg) -> Coroutine<> {
      tg.create_task(fails_when_cancelled("slow", 1ms));
      tg.create_task(fails_when_cancelled("quick"));
      co_await sleep(0s);
      throw LookupError("body");
    };
    try {
      co_await async_with(TaskGroup(), body);
    } catch (const BaseExceptionGroup& g) {
      ev(g.exceptions());
    }
  };
  EXPECT_EQ(trace_of(program), "[ValueError(quick), ValueError(slow), LookupError(body)]");
}

TEST(TaskGroupRules, rule_114_a_cancellation_from_outside_strikes_again_after_the_group_of_errors) {
  const auto program = [](Events& ev) -> Coroutine<> {
    const auto body = [](TaskGroup& tg) -> Coroutine<> {
      tg.create_task(fails_when_cancelled("c"));
      co_return;
    };
    const auto o = [&]() -> Coroutine<> {
      try {
        co_await async_with(TaskGroup(), body);
      } catch (const ExceptionGroup&) {
        ev("group", current_task()->cancelling());
      }
      co_await sleep(0s);
      ev("survived");
    };
    const auto t = create_task(o());
    co_await sleep(5ms);
    t.cancel();
    ev(co_await at(t));
  };
  EXPECT_EQ(trace_of(program), "group 1 | CancelledError()");
}

TEST(TaskGroupRules, rule_116_a_body_that_swallows_its_cancellation_goes_on_and_the_errors_come_after_it) {
  const auto program = [](Events& ev) -> Coroutine<> {
    const auto body = [&](TaskGroup& tg) -> Coroutine<> {
      tg.create_task(fails_after(0s, "b"));
      try {
        co_await sleep(9s);
      } catch (const CancelledError&) {
      }
      co_await sleep(0s);
      ev("body end");
    };
    try {
      co_await async_with(TaskGroup(), body);
    } catch (const ExceptionGroup&) {
      ev("raised");
    }
  };
  EXPECT_EQ(trace_of(program), "body end | raised");
}

TEST(TaskGroupRules, rule_117_what_ends_a_program_leaves_bare_and_another_BaseException_in_a_group) {
  struct B : BaseException {};
  const auto program = [](Events& ev) -> Coroutine<> {
    for (const auto& e : {std::make_exception_ptr(KeyboardInterrupt()), std::make_exception_ptr(SystemExit(3)),
                          std::make_exception_ptr(B())}) {
      const auto body = [&](TaskGroup& tg) -> Coroutine<> {
        tg.create_task(says_when_cancelled(ev, "sib out"));
        co_await sleep(0s);
        std::rethrow_exception(e);
      };
      try {
        co_await async_with(TaskGroup(), body);
      } catch (...) {
        ev(describe(std::current_exception()).type);
      }
    }
  };
  EXPECT_EQ(trace_of(program), "sib out | KeyboardInterrupt | sib out | SystemExit | sib out | BaseExceptionGroup");
}

// A refused coroutine belongs to the group, which closes it: else it would be reported that it was never awaited.
TEST(TaskGroupRules, rule_118_takes_tasks_from_when_it_is_entered_until_it_is_finished) {
  const auto program = [](Events& ev) -> Coroutine<> {
    get_running_loop().set_exception_handler([&](EventLoop&, const ExceptionContext& c) { ev(c.message); });
    const TaskGroup tg;
    const auto c = []() -> Coroutine<> { co_return; };
    ev(attempt([&] { tg.create_task(c()); }));
    const auto sp = [&]() -> Coroutine<> {
      tg.create_task(c());
      ev("late child ok");
      co_return;
    };
    const auto body = [&]() -> Coroutine<> {
      tg.create_task(sp());
      co_return;
    };
    co_await async_with(tg, body);
    ev(attempt([&] { tg.create_task(c()); }));
  };
  EXPECT_EQ(trace_of(program),
            "RuntimeError(TaskGroup <TaskGroup> has not been entered) | late child ok | "
            "RuntimeError(TaskGroup <TaskGroup entered> is finished)");
}

TEST(TaskGroupRules, rule_119_an_inner_group_fails_as_one_error_and_an_outer_failure_cancels_it) {
  const auto program = [](Events& ev) -> Coroutine<> {
    const auto inner_fails = [](TaskGroup&) -> Coroutine<> {
      const auto inner = [](TaskGroup& i) -> Coroutine<> {
        i.create_task(fails_after(5ms, "v"));
        co_return;
      };
      co_await async_with(TaskGroup(), inner);
    };
    try {
      co_await async_with(TaskGroup(), inner_fails);
    } catch (const BaseExceptionGroup& g) {
      const BaseExceptionGroup* const inner = as_group(g.exceptions().front());
      ev(describe(g.exceptions().front()).type, inner->exceptions());
    }
    const auto outer_fails = [&](TaskGroup& o) -> Coroutine<> {
      o.create_task(fails_after(5ms, "v"));
      const auto inner = [](TaskGroup& i) -> Coroutine<> {
        i.create_task(sleep(9s));
        co_return;
      };
      try {
        co_await async_with(TaskGroup(), inner);
      } catch (...) {
        ev(describe(std::current_exception()).type);
        throw;
      }
    };
    try {
      co_await async_with(TaskGroup(), outer_fails);
    } catch (const ExceptionGroup& g) {
      ev("outer", g.exceptions());
    }
  };
  EXPECT_EQ(trace_of(program), "ExceptionGroup [ValueError(v)] | CancelledError | outer [ValueError(v)]");
}

TEST(TaskGroupRules, one_that_was_not_entered_or_was_left_is_left_with_no_error_alone) {
  const auto program = [](Events& ev) -> Coroutine<> {
    const TaskGroup never_entered;
    const std::string in_vain = co_await at(never_entered.aexit(std::make_exception_ptr(ValueError("x"))));
    ev(in_vain);
    const TaskGroup left;
    left.aenter();
    co_await left.aexit(nullptr);
    const std::exception_ptr again = co_await left.aexit(nullptr);
    const std::string with_an_error = co_await at(left.aexit(std::make_exception_ptr(ValueError("x"))));
    ev(again == nullptr, with_an_error);
  };
  EXPECT_EQ(trace_of(program),
            "RuntimeError(TaskGroup <TaskGroup> has not been entered) | "
            "True RuntimeError(TaskGroup <TaskGroup entered> has not been entered)");
}

TEST(TaskGroupRules, two_coroutines_may_wait_for_its_end) {
  const auto program = [](Events& ev) -> Coroutine<> {
    const TaskGroup group;
    group.aenter();
    group.create_task(sleep(5ms));
    const auto other = create_task(group.aexit(nullptr));
    const std::exception_ptr error = co_await group.aexit(nullptr);
    const std::exception_ptr others = co_await other;
    ev(error == nullptr, others == nullptr);
  };
  EXPECT_EQ(trace_of(program), "True True");
}

TEST(TaskGroupRules, a_failure_after_the_end_of_the_parent_is_reported_with_both) {
  const auto program = [](Events& ev) -> Coroutine<> {
    get_running_loop().set_exception_handler([&](EventLoop&, const ExceptionContext& c) {
      const std::size_t parent =
          c.message.find("has errored out but its parent task <Task finished name='parent' coro=<");
      ev(parent != std::string::npos, c.message.ends_with("> is already completed"), c.exception);
    });
    const TaskGroup group;
    const auto enters = [&group]() -> Coroutine<> {
      group.aenter();
      group.create_task(fails_after(5ms, "x"));
      co_return;
    };
    co_await create_task(enters(), {.name = "parent"});
    co_await sleep(9ms);
  };
  EXPECT_EQ(trace_of(program), "True True ValueError(x)");
}

TEST(TaskGroupRules, what_ends_a_program_keeps_the_cancellation_that_it_has_caused_as_its_context) {
  std::string context;
  const auto interrupts = []() -> Coroutine<> {
    co_await sleep(0s);
    throw KeyboardInterrupt();
  };
  const auto main = [&]() -> Coroutine<> {
    const auto body = [&](TaskGroup& tg) -> Coroutine<> {
      tg.create_task(interrupts());
      co_await sleep(9s);
    };
    try {
      co_await async_with(TaskGroup(), body);
    } catch (const KeyboardInterrupt& interrupt) {
      context = testing::text(interrupt.context());
      throw;
    }
  };
  EXPECT_THROW(run(main(), {.loop_factory = testing::make_loop}), KeyboardInterrupt);
  EXPECT_EQ(context, "CancelledError()");
}

}  // namespace
}  // namespace segue::modern
