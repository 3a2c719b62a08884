// Debug mode: who takes long, who was never awaited or retrieved, and where it was made.
#include <chrono>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/log.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/sync/event.hpp>
#include <segue/modern/sync/lock.hpp>
#include <segue/modern/sync/queues.hpp>
#include <segue/modern/sync/semaphore.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/runners.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/testing/manual_reactor.hpp>

#include "modern/attempt.hpp"
#include "unraisable_reports.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::attempt;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::iterate;
using testing::Reports;

/// A loop in virtual time whose callbacks take as long as they say.
class DebugMode : public ::testing::Test {
 protected:
  DebugMode() : loop(testing::make_loop()), reports(*loop) {
    loop->set_debug(true);
    before_ = set_log_handler([this](LogLevel, const std::string& message) { said.push_back(message); });
  }
  ~DebugMode() override { set_log_handler(std::move(before_)); }

  void take(std::chrono::nanoseconds time) { static_cast<ManualReactor&>(loop->reactor()).advance(time); }

  std::vector<std::string> said;
  EventLoopPtr loop;
  Reports reports;

 private:
  LogHandler before_;
};

struct SlowCallback {
  void operator()() const { take(); }
  std::function<void()> take;
};

TEST_F(DebugMode, warns_of_a_slow_callback_by_name_and_seconds) {
  loop->call_soon(SlowCallback{[this] { take(120ms); }});
  loop->call_soon([this] { take(99ms); });
  iterate(*loop);
  ASSERT_EQ(said.size(), 1U);
  EXPECT_THAT(said.front(), ContainsRegex("^Executing <Handle .*SlowCallback.*> took 0.120 seconds$"));
}

std::function<void()> take_long;
void slow_function() { take_long(); }
void slow_done_callback(const Task<>&) { take_long(); }
struct SlowObject {
  void slow_member() { take_long(); }
};

TEST_F(DebugMode, warns_of_a_slow_function_by_its_name_and_place) {
  take_long = [this] { take(120ms); };
  SlowObject object;
  loop->call_soon(slow_function);
  loop->call_soon(&SlowObject::slow_member, &object);
  loop->call_soon([] { take_long(); });
  const auto task = loop->create_task(sleep(0s));
  task.add_done_callback(slow_done_callback);
  for (int i = 0; i < 3; ++i) iterate(*loop);
  take_long = nullptr;
  const std::string place = " at .*debug_test.cpp:[0-9]+";
  EXPECT_THAT(said, ElementsAre(ContainsRegex("^Executing <Handle slow_function\\(\\)" + place + " created"),
                                ContainsRegex("^Executing <Handle slow_member\\(\\)" + place + " created"),
                                ContainsRegex("^Executing <Handle .*TestBody.*" + place + " created"),
                                ContainsRegex("^Executing <Handle slow_done_callback\\(\\)" + place + "> took")));
}

TEST_F(DebugMode, warns_of_a_slow_step_by_the_tasks_repr) {
  const auto main = [this]() -> Coroutine<> {
    co_await sleep(0s);
    take(250ms);
    co_await sleep(0s);
  };
  loop->create_task(main(), {.name = "busy"});
  for (int i = 0; i < 3; ++i) iterate(*loop);
  ASSERT_EQ(said.size(), 1U);
  EXPECT_THAT(said.front(), ContainsRegex("^Executing <Task pending name='busy' coro=<<lambda>\\(\\) running at "
                                          ".*debug_test.cpp:[0-9]+>.*> took 0.250 seconds$"));
}

TEST_F(DebugMode, warns_of_the_step_that_ends_a_task) {
  const auto main = [this]() -> Coroutine<> {
    take(1s);
    co_return;
  };
  loop->run_until_complete(main());
  ASSERT_EQ(said.size(), 1U);
  EXPECT_THAT(said.front(), HasSubstr("<Task finished name="));
}

TEST_F(DebugMode, says_nothing_of_what_takes_less_than_slow_callback_duration) {
  loop->slow_callback_duration = 300ms;
  loop->call_soon([this] { take(299ms); });
  loop->call_soon([this] { take(300ms); });
  iterate(*loop);
  EXPECT_EQ(said.size(), 1U);
}

TEST_F(DebugMode, is_not_slow_while_it_waits) {
  loop->run_until_complete(sleep(1h));
  EXPECT_THAT(said, ElementsAre());
}

TEST_F(DebugMode, is_off_unless_the_environment_says_otherwise) {
  EXPECT_FALSE(testing::make_loop()->get_debug());
  ::setenv("SEGUE_DEBUG", "1", 1);
  EXPECT_TRUE(testing::make_loop()->get_debug());
  ::setenv("SEGUE_DEBUG", "", 1);
  EXPECT_FALSE(testing::make_loop()->get_debug());
  ::unsetenv("SEGUE_DEBUG");
}

TEST_F(DebugMode, says_nothing_outside_of_it) {
  loop->set_debug(false);
  loop->call_soon([this] { take(1h); });
  iterate(*loop);
  EXPECT_THAT(said, ElementsAre());
}

// --- where it was made ---

Coroutine<> forgotten_coroutine() { co_return; }

[[gnu::noinline]] void forget_a_coroutine() { [[maybe_unused]] const Coroutine<> forgotten = forgotten_coroutine(); }

TEST_F(DebugMode, tells_who_called_a_coroutine_function_whose_coroutine_was_never_awaited) {
  loop->call_soon(forget_a_coroutine);
  iterate(*loop);
  ASSERT_EQ(reports.messages(), std::vector<std::string>{"coroutine 'forgotten_coroutine' was never awaited"});
  const ExceptionContext& context = reports.contexts().front();
  EXPECT_THAT(context.source_traceback, HasSubstr("in forget_a_coroutine"));
  EXPECT_THAT(to_string(context), HasSubstr("Object created at (most recent call last):\n  File \""));
}

[[gnu::noinline]] void forget_by_another_call() {
  forget_a_coroutine();
  asm volatile("");  // no tail call
}

TEST_F(DebugMode, tells_the_calls_in_their_order) {
  loop->call_soon(forget_by_another_call);
  iterate(*loop);
  EXPECT_THAT(reports.contexts().front().source_traceback,
              ContainsRegex("in forget_by_another_call.*\n.*in forget_a_coroutine"));
}

TEST_F(DebugMode, tells_nothing_outside_of_it) {
  loop->set_debug(false);
  loop->call_soon(forget_a_coroutine);
  iterate(*loop);
  EXPECT_EQ(reports.contexts().front().source_traceback, "");
}

Coroutine<> failing_coroutine() {
  throw ValueError("lost");
  co_return;
}

[[gnu::noinline]] void start_and_forget(EventLoop& loop) { loop.create_task(failing_coroutine()); }

TEST_F(DebugMode, tells_who_made_a_task_that_was_never_retrieved) {
  start_and_forget(*loop);
  iterate(*loop);
  ASSERT_EQ(reports.messages(), std::vector<std::string>{"Task exception was never retrieved"});
  EXPECT_THAT(reports.contexts().front().source_traceback, HasSubstr("in start_and_forget"));
  EXPECT_THAT(reports.contexts().front().future, HasSubstr(" created at "));
}

[[gnu::noinline]] Future<int> make_a_future(EventLoop& loop) { return loop.create_future<int>(); }

TEST_F(DebugMode, tells_who_made_a_future) {
  {
    const Future<int> future = make_a_future(*loop);
    EXPECT_THAT(future.repr(), ContainsRegex("^<Future pending created at .+>$"));
    future.set_exception(ValueError("lost"));
  }
  EXPECT_THAT(reports.contexts().front().source_traceback, HasSubstr("in make_a_future"));
}

[[gnu::noinline]] void schedule_a_failure(EventLoop& loop) {
  loop.call_soon([] { throw std::runtime_error("bad"); });
}

TEST_F(DebugMode, tells_who_scheduled_a_callback_that_fails) {
  schedule_a_failure(*loop);
  iterate(*loop);
  EXPECT_THAT(reports.contexts().front().source_traceback, HasSubstr("in schedule_a_failure"));
  EXPECT_THAT(reports.contexts().front().handle, HasSubstr(" created at "));
  EXPECT_THAT(to_string(reports.contexts().front()), HasSubstr("Object created at (most recent call last):"));
}

Coroutine<> never_ends() { co_await sleep(1h); }

[[gnu::noinline]] void leave_a_task(EventLoop& loop) { loop.create_task(never_ends()); }

TEST(DebugModeAtTheEnd, tells_who_made_a_task_that_is_destroyed_while_it_is_pending) {
  auto loop = testing::make_loop();
  const Reports reports(*loop);
  loop->set_debug(true);
  leave_a_task(*loop);
  iterate(*loop);
  loop.reset();
  ASSERT_EQ(reports.messages(), std::vector<std::string>{"Task was destroyed but it is pending!"});
  EXPECT_THAT(reports.contexts().front().source_traceback, HasSubstr("in leave_a_task"));
}

TEST(DebugModeOfRun, is_an_option) {
  const auto main = []() -> Coroutine<bool> { co_return get_running_loop().get_debug(); };
  EXPECT_TRUE(run(main(), {.debug = true}));
  EXPECT_FALSE(run(main(), {.debug = false}));
}

// --- other threads ---

TEST_F(DebugMode, refuses_to_end_what_a_task_waits_for_in_another_thread) {
  const Future<int> future = loop->create_future<int>();
  const auto wait = [&]() -> Coroutine<int> { co_return co_await future; };
  const auto main = [&]() -> Coroutine<> {
    const Task<int> waiting = create_task(wait);
    co_await sleep(0s);
    std::string refused;
    std::thread([&] { refused = attempt([&] { waiting.cancel(); }); }).join();
    EXPECT_EQ(refused, "RuntimeError(Non-thread-safe operation invoked on an event loop other than the current one)");
  };
  loop->run_until_complete(main());
}

constexpr const char* refused_in_another_thread =
    "RuntimeError(Non-thread-safe operation invoked on an event loop other than the current one)";

/// What `call` gives or throws in another thread, while this one waits.
template <class Call>
std::string attempt_elsewhere(Call call) {
  std::string outcome;
  std::thread([&] { outcome = attempt(call); }).join();
  return outcome;
}

TEST_F(DebugMode, leaves_what_is_refused_in_another_thread_as_it_was) {
  const auto main = [&]() -> Coroutine<> {
    const Lock lock;
    const Semaphore semaphore(0);
    const Event event;
    const Queue<int> queue;
    const Future<int> future = loop->create_future<int>();
    co_await lock.acquire();
    const auto wait = [](auto awaitable) -> Coroutine<> { co_await std::move(awaitable); };
    const std::vector<Task<>> waiting{create_task(wait(lock.acquire())), create_task(wait(semaphore.acquire())),
                                      create_task(wait(event.wait())), create_task(wait(queue.get())),
                                      create_task(wait(future))};
    co_await sleep(0s);
    EXPECT_EQ(attempt_elsewhere([&] { lock.release(); }), refused_in_another_thread);
    EXPECT_EQ(attempt_elsewhere([&] { semaphore.release(); }), refused_in_another_thread);
    EXPECT_EQ(attempt_elsewhere([&] { event.set(); }), refused_in_another_thread);
    EXPECT_EQ(attempt_elsewhere([&] { future.set_result(1); }), refused_in_another_thread);
    EXPECT_EQ(attempt_elsewhere([&] { future.set_exception(ValueError("x")); }), refused_in_another_thread);
    EXPECT_TRUE(lock.locked());
    EXPECT_FALSE(event.is_set());
    EXPECT_FALSE(future.done());
    EXPECT_TRUE(waiting.front().cancel());
    lock.release();
    semaphore.release();
    event.set();
    queue.put_nowait(1);
    future.set_result(2);
    co_await gather(waiting, return_exceptions);
    EXPECT_TRUE(waiting.front().cancelled());
    EXPECT_FALSE(lock.locked());
    EXPECT_TRUE(semaphore.locked());
    EXPECT_EQ(future.result(), 2);
  };
  loop->run_until_complete(main());
  EXPECT_THAT(reports.messages(), IsEmpty());
}

TEST_F(DebugMode, reports_what_a_guard_is_refused_in_another_thread) {
  segue::testing::UnraisableReports unraisable;
  const auto main = [&]() -> Coroutine<> {
    const Lock lock;
    const Semaphore semaphore(1);
    LockGuard guard = co_await lock.guard();
    SemaphoreGuard permit = co_await semaphore.guard();
    const auto wait = [](auto awaitable) -> Coroutine<> { co_await std::move(awaitable); };
    const auto one = create_task(wait(lock.acquire()));
    const auto other = create_task(wait(semaphore.acquire()));
    co_await sleep(0s);
    std::thread([&] {
      const LockGuard unlocks = std::move(guard);
      const SemaphoreGuard gives_back = std::move(permit);
    }).join();
    lock.release();
    semaphore.release();
    co_await one;
    co_await other;
  };
  loop->run_until_complete(main());
  EXPECT_THAT(unraisable.lines, ElementsAre(HasSubstr("Non-thread-safe"), HasSubstr("Non-thread-safe")));
}

}  // namespace
}  // namespace segue::modern
