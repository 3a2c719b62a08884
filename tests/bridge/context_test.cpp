// Context variables across the styles: the cases in which other bridges between generations lost, split or leaked them.
#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/bridge/callback.hpp>
#include <segue/bridge/coroutine.hpp>
#include <segue/bridge/portal.hpp>
#include <segue/bridge/to_callback.hpp>
#include <segue/modern/kernel/contextvars.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/sync/event.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait_for.hpp>
#include <segue/modern/threads/thread_futures.hpp>
#include <segue/modern/threads/to_thread.hpp>

#include "bridge/loop.hpp"

namespace segue::bridge {
namespace {

using namespace std::chrono_literals;
using modern::ContextVar;
using modern::Coroutine;
using modern::Token;
using ::testing::ElementsAre;
using testing::make_loop;
using testing::Trace;

const ContextVar<std::string> user("user", "nobody");

Coroutine<> native_sleep() { co_await modern::sleep(1s); }

// Tornado 2731: each yield of a decorated coroutine had a context of its own, so that a token from before it could not
// be used after it.
TEST(ContextOfGeneratorCoroutines, is_one_from_beginning_to_end) {
  const auto loop = make_loop();
  auto decorated = coroutine<std::string>([] {
    Token token = user.set("Ada");
    yield_from(native_sleep());
    const std::string meanwhile = user.get();
    yield_from(modern::sleep(1s));
    user.reset(token);
    return meanwhile + ", then " + user.get();
  });
  EXPECT_EQ(loop->run_until_complete(decorated()), "Ada, then nobody");
}

// What is set below a portal is set in the task: before, while and after it waits.
TEST(ContextOfPortals, is_the_tasks) {
  const auto loop = make_loop();
  Trace trace;
  const auto sets = []() -> Coroutine<> {
    co_await modern::sleep(1s);
    user.set("set below");
  };
  const auto main = [&]() -> Coroutine<> {
    user.set("set above");
    auto call = [&] {
      trace.push_back(user.get());
      await_(sets());
      trace.push_back(user.get());
      user.set("set by a plain function");
    };
    co_await portal(call);
    trace.push_back(user.get());
  };
  loop->run_until_complete(main());
  EXPECT_THAT(trace, ElementsAre("set above", "set below", "set by a plain function"));
  EXPECT_EQ(user.get(), "nobody");
}

// greenback 17: a task that was given its portal by another one, which had one itself, ran in that one's context.
TEST(ContextOfPortals, is_not_that_of_who_has_made_the_task_after_that) {
  const auto loop = make_loop();
  Trace trace;
  const auto child = [&]() -> Coroutine<> {
    auto call = [&] {
      trace.push_back("child " + user.get());
      user.set("child's");
      await_(modern::sleep(1s));
      trace.push_back("child " + user.get());
    };
    co_await portal(call);
  };
  const auto main = [&]() -> Coroutine<> {
    auto call = [&] {
      user.set("main's");
      const modern::Task<> task = modern::create_task(child());
      user.set("main's, later");
      await_(modern::sleep(500ms));
      trace.push_back("main " + user.get());
      await_(task);
      trace.push_back("main " + user.get());
    };
    co_await portal(call);
  };
  loop->run_until_complete(main());
  EXPECT_THAT(trace, ElementsAre("child main's", "main main's, later", "child child's", "main main's, later"));
}

// greenback 16: an eager first step of a new task's portal, inside of the running one, must end where it began.
TEST(ContextOfPortals, of_a_task_that_begins_inside_of_another_one_ends_there) {
  const auto loop = make_loop();
  Trace trace;
  const auto child = [&]() -> Coroutine<> {
    auto call = [&] {
      user.set("child's");
      await_(modern::sleep(1s));
      trace.push_back("child " + user.get());
    };
    co_await portal(call);
  };
  const auto main = [&]() -> Coroutine<> {
    auto call = [&] {
      user.set("main's");
      const modern::Task<> task = modern::create_task(child(), {.eager_start = true});
      trace.push_back("main " + user.get());
      await_(task);
      trace.push_back("main " + user.get());
    };
    co_await portal(call);
  };
  loop->run_until_complete(main());
  EXPECT_THAT(trace, ElementsAre("main main's", "child child's", "main main's"));
}

// asgiref 249: what a thread had set was not seen by the coroutine that it ran in the loop.
TEST(ContextOfThreads, goes_along_into_the_loop_and_is_not_changed_from_there) {
  const auto loop = make_loop();
  Trace trace;
  const auto in_the_loop = [&]() -> Coroutine<> {
    trace.push_back("in the loop " + user.get());
    user.set("the loop's");
    co_return;
  };
  const auto in_a_thread = [&] {
    user.set("the thread's");
    modern::run_coroutine_threadsafe(in_the_loop(), *loop).result();
    trace.push_back("in the thread " + user.get());
  };
  const auto main = [&]() -> Coroutine<> {
    user.set("main's");
    co_await modern::to_thread(in_a_thread);
    trace.push_back("main " + user.get());
  };
  loop->run_until_complete(main());
  EXPECT_THAT(trace, ElementsAre("in the loop the thread's", "in the thread the thread's", "main main's"));
}

// asgiref 348: a thread that waits for a coroutine that waits for a thread, within a time limit, waited for ever.
TEST(ContextOfThreads, goes_along_through_threads_within_threads_with_a_time_limit) {
  const auto loop = modern::new_event_loop();  // in real time, which is what the threads take
  const auto innermost = [] { return user.get() + " innermost"; };
  const auto in_the_loop = [&]() -> Coroutine<std::string> {
    co_return co_await modern::wait_for(modern::to_thread(innermost), 1h);
  };
  const auto in_a_thread = [&] { return modern::run_coroutine_threadsafe(in_the_loop(), *loop).result(); };
  const auto main = [&]() -> Coroutine<std::string> {
    user.set("main's");
    co_return co_await modern::wait_for(modern::to_thread(in_a_thread), 1h);
  };
  EXPECT_EQ(loop->run_until_complete(main()), "main's innermost");
}

// Whoever calls back has a context of its own, and sets what it likes there.
TEST(ContextOfCallbacks, is_that_of_the_task_after_the_call) {
  const auto loop = make_loop();
  const auto main = [&]() -> Coroutine<std::string> {
    std::thread thread;
    const auto later = [&](auto done) {
      user.set("set by the initiation");
      loop->call_later(1s, [done] {
        user.set("set by who calls");
        done();
      });
    };
    co_await from_callback<>(later);
    const std::string first = user.get();
    const auto elsewhere = [&](auto done) {
      thread = std::thread([done] {
        user.set("set in another thread");
        done();
      });
    };
    co_await from_callback<>(elsewhere);
    thread.join();
    co_return first + ", then " + user.get();
  };
  EXPECT_EQ(loop->run_until_complete(main()), "set by the initiation, then set by the initiation");
}

// As a done callback's: its caller's, not the task's.
TEST(ContextOfCallbacks, is_their_callers_where_a_coroutine_calls_them) {
  const auto loop = make_loop();
  const auto work = []() -> Coroutine<> {
    co_await modern::sleep(1s);
    user.set("set by the coroutine");
  };
  Trace trace;
  loop->call_soon([&] {
    user.set("set by the caller");
    to_callback(work)([&](const std::exception_ptr&) { trace.push_back(user.get()); });
  });
  loop->run_until_complete(modern::sleep(2s));
  EXPECT_THAT(trace, ElementsAre("set by the caller"));
}

}  // namespace
}  // namespace segue::bridge
