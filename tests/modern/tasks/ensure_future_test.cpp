// ensure_future(), and what else makes a future or a task of an awaitable: of which loop that is, and what it results
// in.
#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/modern/kernel/contextvars.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/shield.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "modern/attempt.hpp"
#include "modern/parked.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::attempt;
using ::testing::HasSubstr;
using testing::make_loop;
using testing::said_by;

Coroutine<int> answer_of_42() { co_return 42; }

TEST(EnsureFuture, gives_a_future_as_it_is_and_a_task_for_the_rest) {
  auto loop = make_loop();
  const Future<int> future = loop->create_future<int>();
  EXPECT_EQ(ensure_future(future, *loop), future);
  EXPECT_EQ(loop->run_until_complete(ensure_future(sleep(1h, 3), *loop)), 3);
  const auto body = []() -> Coroutine<int> { co_return 4; };
  auto coroutine = body();
  const Task<int> task = ensure_future(coroutine, *loop);
  EXPECT_EQ(coroutine.state(), CoroutineState::CORO_CLOSED) << "the task has taken it over";
  EXPECT_EQ(loop->run_until_complete(task), 4);
  future.set_result(0);
}

TEST(EnsureFuture, of_a_future_of_another_loop_is_refused) {
  auto loop = make_loop();
  auto other = make_loop();
  const Future<int> future = loop->create_future<int>();
  future.set_result(7);
  const Task<int> task = loop->create_task(answer_of_42());
  EXPECT_EQ(ensure_future(future), future);
  EXPECT_EQ(ensure_future(task), task);
  EXPECT_EQ(ensure_future(task, *loop), task);
  const char* const refusal =
      "ValueError(The future belongs to a different loop than the one specified as the loop argument)";
  EXPECT_EQ(attempt([&] { ensure_future(future, *other); }), refusal);
  EXPECT_EQ(attempt([&] { ensure_future(task, *other); }), refusal);
  EXPECT_EQ(loop->run_until_complete(ensure_future(task)), 42);
}

TEST(EnsureFuture, and_others_that_are_given_coroutines_need_a_loop_that_runs_or_is_the_threads) {
  auto loop = make_loop();
  const auto all_of = [](auto made_by) {
    made_by([] { return ensure_future(answer_of_42()); });
    made_by([] { return shield(answer_of_42()); });
    made_by([] { return gather(answer_of_42(), answer_of_42()); });
    made_by([] { return gather(); });
  };
  all_of([](auto make) {
    said_by([&] {
      EXPECT_EQ(attempt([&] { make(); }), "RuntimeError(There is no current event loop in thread 'MainThread'.)");
    });
  });
  const auto main = [&]() -> Coroutine<> {
    all_of([&](auto make) { EXPECT_EQ(&make().get_loop(), loop.get()); });
    const int shielded = co_await shield(answer_of_42());
    EXPECT_EQ(shielded, 42);
    co_await sleep(1ms);
  };
  auto threads = make_loop();
  set_event_loop(*threads);
  loop->run_until_complete(main());
  all_of([&](auto make) {
    const auto made = make();
    EXPECT_EQ(&made.get_loop(), threads.get());
    threads->run_until_complete(made);
    EXPECT_TRUE(made.done());
  });
  set_event_loop(nullptr);
}

TEST(EnsureFuture, and_gather_of_futures_need_no_loop_that_runs) {
  auto loop = make_loop();
  const std::vector<Future<int>> futures{loop->create_future<int>(), loop->create_future<int>()};
  const auto gathering = gather(futures);
  EXPECT_EQ(&gathering.get_loop(), loop.get());
  testing::iterate(*loop);
  EXPECT_FALSE(gathering.done());
  for (const Future<int>& future : futures) future.set_result(1);
  loop->run_until_complete(gathering);
}

TEST(CreateTask, makes_a_task_of_the_loop_that_awaits_what_its_coroutine_awaits_and_no_more) {
  auto loop = make_loop();
  const Future<int> future = loop->create_future<int>();
  const auto gives_future = [&]() -> Coroutine<Future<int>> { co_return future; };
  const Task<Future<int>> task = loop->create_task(gives_future());
  EXPECT_EQ(&task.get_loop(), loop.get());
  EXPECT_EQ(loop->run_until_complete(task), future);
  EXPECT_FALSE(future.done());
  const auto adds = []() -> Coroutine<int> {
    const int one = co_await answer_of_42();
    const int other = co_await answer_of_42();
    co_return one + other;
  };
  for (const bool debug : {false, true}) {
    loop->set_debug(debug);
    EXPECT_EQ(loop->run_until_complete(adds()), 84);
  }
}

TEST(CreateTask, of_a_loop_that_is_closed_leaves_no_task) {
  auto loop = make_loop();
  loop->close();
  EXPECT_THAT(said_by([&] {
                EXPECT_EQ(attempt([&] { loop->create_task(answer_of_42()); }), "RuntimeError(Event loop is closed)");
              }),
              HasSubstr("was never awaited"));
  EXPECT_TRUE(all_tasks(*loop).empty());
}

TEST(EnsureFuture, of_a_loop_that_is_closed_closes_the_coroutine) {
  auto loop = make_loop();
  loop->close();
  EXPECT_EQ(said_by([&] {
              EXPECT_EQ(attempt([&] { ensure_future(answer_of_42(), *loop); }), "RuntimeError(Event loop is closed)");
            }),
            "");
}

TEST(EnsureFuture, asks_the_task_factory_of_the_loop) {
  auto loop = make_loop();
  loop->set_task_factory([](EventLoop&, TaskFactoryOptions& options) { options.name = "of the factory"; });
  const Task<int> task = ensure_future(answer_of_42(), *loop);
  EXPECT_EQ(task.get_name(), "of the factory");
  EXPECT_EQ(loop->run_until_complete(task), 42);
}

TEST(EnsureFuture, keeps_what_the_task_factory_has_made_of_its_own) {
  auto loop = make_loop();
  ContextVar<int> variable("variable", 0);
  int made = 0;
  loop->set_task_factory([&](EventLoop&, TaskFactoryOptions& options) {
    const std::string name =
        "a name that is too long for the short string optimization, number " + std::to_string(++made);
    Context context = copy_context();
    context.run([&] { variable.set(made); });
    options.name = name;
    options.context = context;
  });
  const auto get = [&]() -> Coroutine<int> { co_return variable.get(); };
  const Task<int> task = ensure_future(get(), *loop);
  EXPECT_EQ(task.get_name(), "a name that is too long for the short string optimization, number 1");
  EXPECT_EQ(loop->run_until_complete(task), 1);
}

TEST(CreateTask, of_what_is_no_coroutine_reports_none_where_it_cannot_be_made) {
  auto loop = make_loop();
  loop->set_task_factory([](EventLoop&, TaskFactoryOptions&) { throw ValueError("factory"); });
  const auto in_vain = [&] { return attempt([&] { loop->create_task(sleep(1h)); }); };
  EXPECT_EQ(said_by([&] { EXPECT_EQ(in_vain(), "ValueError(factory)"); }), "");
  loop->close();
  EXPECT_EQ(said_by([&] { EXPECT_EQ(in_vain(), "RuntimeError(Event loop is closed)"); }), "");
}

}  // namespace
}  // namespace segue::modern
