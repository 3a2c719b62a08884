// Tasks whose first step is taken by create_task() itself.
#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/contextvars.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/exception_groups.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/taskgroups.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::make_loop;
using testing::Trace;

Coroutine<int> note_and_give(Trace& trace, int value) {
  trace.push_back("run");
  if (value > 0) co_await sleep(0s);
  co_return value;
}

TEST(EagerTask, rule_164_runs_up_to_its_first_wait_before_create_task_returns) {
  Trace trace;
  const EventLoopPtr loop = make_loop();
  loop->run_until_complete([&]() -> Coroutine<> {
    get_running_loop().set_task_factory(eager_task_factory);
    const Task<int> done = create_task(note_and_give(trace, 0));
    EXPECT_TRUE(done.done());
    EXPECT_EQ(done.result(), 0);
    const Task<int> waits = create_task(note_and_give(trace, 1));
    trace.push_back("made");
    EXPECT_FALSE(waits.done());
    EXPECT_EQ(all_tasks().size(), 2U);
    EXPECT_EQ(co_await waits, 1);
  }());
  EXPECT_THAT(trace, ElementsAre("run", "run", "made"));
}

TEST(EagerTask, rule_165_is_the_current_task_and_has_a_context_and_keeps_its_exception) {
  const ContextVar<int> v("v", 0);
  const EventLoopPtr loop = make_loop();
  loop->run_until_complete([&]() -> Coroutine<> {
    get_running_loop().set_task_factory(eager_task_factory);
    const AnyTask me = *current_task();
    const auto body = [&]() -> Coroutine<int> {
      EXPECT_NE(*current_task(), me);
      v.set(1);
      throw ValueError("e");
      co_return 0;
    };
    const Task<int> task = create_task(body());
    EXPECT_TRUE(task.done());
    EXPECT_EQ(testing::text(task.exception()), "ValueError(e)");
    EXPECT_EQ(*current_task(), me);
    EXPECT_EQ(v.get(), 0);
    co_return;
  }());
}

TEST(EagerTask, made_by_a_callback_has_a_context_of_its_own) {
  const ContextVar<int> v("v", 0);
  std::vector<int> seen;
  const EventLoopPtr loop = make_loop();
  const auto body = [&]() -> Coroutine<> {
    v.set(v.get() + 1);
    seen.push_back(v.get());
    co_await sleep(0s);
    seen.push_back(v.get());
  };
  loop->call_soon([&] {
    v.set(5);
    create_task(body(), {.eager_start = true});
    EXPECT_FALSE(current_task().has_value());
    seen.push_back(v.get());
  });
  loop->run_until_complete(sleep(1ms));
  EXPECT_THAT(seen, ElementsAre(6, 5, 6));
}

TEST(EagerTask, rule_166_gather_need_not_wait_and_a_group_is_cancelled_by_a_failing_one) {
  Trace trace;
  const EventLoopPtr loop = make_loop();
  loop->run_until_complete([&]() -> Coroutine<> {
    EventLoop& running = get_running_loop();
    running.set_task_factory(eager_task_factory);
    running.call_soon([&] { trace.push_back("callback"); });
    const auto [one, two] = co_await gather(note_and_give(trace, 0), note_and_give(trace, 0));
    trace.push_back(std::to_string(one + two));
    co_await sleep(0s);
    const auto bad = []() -> Coroutine<> {
      throw ValueError("bad");
      co_return;
    };
    const auto body = [&](TaskGroup& group) -> Coroutine<> {
      group.create_task(bad());
      trace.push_back("body goes on");
      co_await sleep(0s);
      trace.push_back("never");
    };
    try {
      co_await async_with(TaskGroup(), body);
    } catch (const BaseExceptionGroup&) {
      trace.push_back("group");
    }
  }());
  EXPECT_THAT(trace, ElementsAre("run", "run", "0", "callback", "body goes on", "group"));
}

TEST(EagerTask, is_of_no_factory_that_would_ask_an_empty_one) {
  EXPECT_THROW(create_eager_task_factory({}), TypeError);
}

TEST(EagerTask, rule_167_an_option_overrides_the_factory) {
  Trace trace;
  const EventLoopPtr loop = make_loop();
  loop->run_until_complete([&]() -> Coroutine<> {
    EXPECT_TRUE(create_task(note_and_give(trace, 0), {.eager_start = true}).done());
    get_running_loop().set_task_factory(create_eager_task_factory([&](EventLoop&, TaskFactoryOptions& options) {
      if (!options.name) options.name = "named by the factory";
    }));
    const Task<int> lazy = create_task(note_and_give(trace, 0), {.eager_start = false});
    EXPECT_FALSE(lazy.done());
    EXPECT_EQ(lazy.get_name(), "named by the factory");
    const Task<int> mine = create_task(note_and_give(trace, 0), {.name = "mine"});
    EXPECT_TRUE(mine.done());
    EXPECT_EQ(mine.get_name(), "mine");
    EXPECT_TRUE(get_running_loop().get_task_factory());
    get_running_loop().set_task_factory(nullptr);
    co_await lazy;
  }());
}

TEST(EagerTask, that_asks_the_program_to_end_throws_out_of_create_task) {
  const EventLoopPtr loop = make_loop();
  const auto ends = []() -> Coroutine<> {
    throw SystemExit(3);
    co_return;
  };
  const auto main = [&]() -> Coroutine<> {
    EXPECT_THROW(create_task(ends(), {.eager_start = true}), SystemExit);
    co_return;
  };
  loop->run_until_complete(main());
}

TEST(EagerTask, cannot_enter_the_context_that_its_maker_is_in_before_that_one_waits) {
  Trace trace;
  const Context context;
  const auto enter = [&]() -> Coroutine<> {
    for (int i = 0; i < 2; ++i) {
      try {
        context.run([&] { trace.push_back("entered"); });
      } catch (const RuntimeError& e) {
        trace.push_back(std::string(e.what()).substr(0, 20));
      }
      co_await sleep(0s);
    }
  };
  const auto make = [&]() -> Coroutine<> {
    create_task(enter(), {.eager_start = true});
    co_return;
  };
  const EventLoopPtr loop = make_loop();
  loop->run_until_complete([&]() -> Coroutine<> {
    create_task(make(), {.context = context});
    for (int i = 0; i < 3; ++i) co_await sleep(0s);
  }());
  EXPECT_THAT(trace, ElementsAre("cannot enter context", "entered"));
}

TEST(EagerTask, is_not_eager_where_its_loop_does_not_run) {
  Trace trace;
  const EventLoopPtr loop = make_loop();
  const Task<int> task = loop->create_task(note_and_give(trace, 0), {.eager_start = true});
  EXPECT_FALSE(task.done());
  EXPECT_EQ(loop->run_until_complete(task), 0);
}

TEST(EagerTask, is_the_same_task_before_and_after_it_waits) {
  const ContextVar<int> v("v", 0);
  const EventLoopPtr loop = make_loop();
  loop->set_task_factory(eager_task_factory);
  loop->run_until_complete([&]() -> Coroutine<> {
    const auto in_all_tasks = [](const AnyTask& task) {
      const std::vector<AnyTask> all = all_tasks();
      return std::find(all.begin(), all.end(), task) != all.end();
    };
    std::optional<AnyTask> first;
    const auto body = [&](bool waits) -> Coroutine<> {
      first = current_task();
      EXPECT_TRUE(in_all_tasks(*first));
      EXPECT_EQ(v.get(), 1);
      v.set(2);
      if (waits) {
        co_await sleep(100ms);
        EXPECT_EQ(current_task(), first);
        EXPECT_EQ(v.get(), 2);
        v.set(3);
      }
    };
    v.set(1);
    for (const bool waits : {false, true}) {
      const Task<> task = create_task(body(waits));
      EXPECT_EQ(first, AnyTask(task));
      EXPECT_EQ(in_all_tasks(task), waits);
      EXPECT_EQ(v.get(), 1);
      co_await task;
      EXPECT_FALSE(in_all_tasks(task));
      EXPECT_EQ(v.get(), 1);
    }
  }());
}

TEST(EagerTask, that_is_done_at_once_sets_what_is_awaited_next_and_cannot_be_cancelled) {
  const EventLoopPtr loop = make_loop();
  loop->set_task_factory(eager_task_factory);
  loop->run_until_complete([&]() -> Coroutine<> {
    const Future<std::string> future = get_running_loop().create_future<std::string>();
    const auto set = [&]() -> Coroutine<int> {
      future.set_result("my message");
      co_return 3;
    };
    const Task<int> task = create_task(set());
    EXPECT_FALSE(task.cancel());
    EXPECT_EQ(co_await future, "my message");
    EXPECT_EQ(co_await task, 3);
    EXPECT_FALSE(task.cancelled());
  }());
}

Coroutine<> gather_in_gathers(int width, int depth) {
  if (depth == 0) co_return;
  std::vector<Coroutine<>> children;
  for (int i = 0; i < width; ++i) children.push_back(gather_in_gathers(width, depth - 1));
  co_await gather(std::move(children));
}
Coroutine<> groups_in_groups(int width, int depth) {
  if (depth == 0) co_return;
  const auto body = [=](TaskGroup& group) -> Coroutine<> {
    for (int i = 0; i < width; ++i) group.create_task(groups_in_groups(width, depth - 1));
    co_return;
  };
  co_await async_with(TaskGroup(), body);
}
Coroutine<int> chain_of_awaits(int depth) {
  if (depth == 0) co_return 0;
  const int below = co_await chain_of_awaits(depth - 1);
  co_return below + 1;
}

TEST(EagerTask, is_made_of_each_coroutine_that_a_gather_or_a_group_is_given_and_of_no_other) {
  for (const bool eager : {false, true}) {
    const EventLoopPtr loop = make_loop();
    int made = 0;
    loop->set_task_factory([&](EventLoop& own, TaskFactoryOptions& options) {
      ++made;
      if (eager) eager_task_factory(own, options);
    });
    EXPECT_EQ(loop->run_until_complete(chain_of_awaits(100)), 100);
    EXPECT_EQ(made, 1);
    made = 0;
    loop->run_until_complete(gather_in_gathers(5, 4));
    EXPECT_EQ(made, 1 + 5 + 25 + 125 + 625);
    made = 0;
    loop->run_until_complete(groups_in_groups(5, 4));
    EXPECT_EQ(made, 1 + 5 + 25 + 125 + 625);
  }
}

TEST(EagerTask, can_be_cancelled_where_it_waits) {
  Trace trace;
  const EventLoopPtr loop = make_loop();
  loop->run_until_complete([&]() -> Coroutine<> {
    const Task<int> task = create_task(note_and_give(trace, 1), {.eager_start = true});
    EXPECT_TRUE(task.cancel("message"));
    EXPECT_EQ(task.cancelling(), 1);
    try {
      co_await task;
    } catch (const CancelledError& error) {
      trace.push_back(error.what());
    }
  }());
  EXPECT_THAT(trace, ElementsAre("run", "message"));
}

TEST(EagerTask, is_refused_a_context_that_is_entered) {
  const EventLoopPtr loop = make_loop();
  loop->run_until_complete([]() -> Coroutine<> {
    const auto runs = []() -> Coroutine<> {
      ADD_FAILURE();
      co_return;
    };
    Context context;
    const auto start = [&] { create_task(runs(), {.context = context, .eager_start = true}); };
    try {
      context.run(start);
      ADD_FAILURE();
    } catch (const RuntimeError& error) {
      EXPECT_EQ(error.what(), "cannot enter context: " + context.repr() + " is already entered");
    }
    const auto start_within = [&]() -> Coroutine<> {
      EXPECT_THROW(start(), RuntimeError);
      co_return;
    };
    co_await create_task(start_within(), {.context = context});
    EXPECT_EQ(all_tasks().size(), 1U);
    co_return;
  }());
}

}  // namespace
}  // namespace segue::modern
