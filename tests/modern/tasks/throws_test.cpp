// An error is thrown where it arises and again where somebody awaits it, but not to learn what it is, nor to hand it on
// from one part of the loop to another.
#include <chrono>
#include <cstddef>
#include <exception>

#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/exception_groups.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/taskgroups.hpp>
#include <segue/modern/tasks/timeouts.hpp>
#include <segue/modern/tasks/wait_for.hpp>
#include <segue/os_error.hpp>

#include "counted_throws.hpp"
#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;

class Throws : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!segue::testing::throws_counted) GTEST_SKIP() << "a sanitizer counts for itself";
  }
};

Coroutine<> fail() {
  throw ValueError("bad");
  co_return;
}

Coroutine<> sleep_long() { co_await sleep(1h); }

// How often a task throws that awaits what `make` gives and handles the `Error` that comes out.
template <class Error, class Make>
Coroutine<std::size_t> counted(Make& make) {
  const std::size_t before = segue::testing::throws_made();
  bool handled = false;
  try {
    co_await make();
  } catch (const Error&) {
    handled = true;
  }
  EXPECT_TRUE(handled);
  co_return segue::testing::throws_made() - before;
}

template <class Error, class Make>
std::size_t throws_of(Make make) {
  return testing::make_loop()->run_until_complete(counted<Error>(make));
}

TEST_F(Throws, TwiceForAFailingCoroutine) {
  EXPECT_EQ(throws_of<ValueError>([] { return fail(); }), 2U);
}

TEST_F(Throws, TwiceForAFailingTaskThatIsAwaited) {
  EXPECT_EQ(throws_of<ValueError>([] { return create_task(fail()); }), 2U);
}

TEST_F(Throws, OnceForAFailingTaskThatIsAskedForItsException) {
  const auto loop = testing::make_loop();
  const std::size_t before = segue::testing::throws_made();
  const Task<> task = loop->create_task(fail());
  task.add_done_callback([&loop](const Future<>&) { loop->stop(); });
  loop->run_forever();
  EXPECT_TRUE(holds<ValueError>(task.exception()));
  EXPECT_EQ(segue::testing::throws_made() - before, 1U);
}

TEST_F(Throws, ThriceForAFailingTaskInAGroup) {
  const auto body = [](TaskGroup& group) -> Coroutine<> {
    group.create_task(fail());
    co_return;
  };
  EXPECT_EQ(throws_of<ExceptionGroup>([&body] { return async_with(TaskGroup(), body); }), 3U);
}

TEST_F(Throws, OnceForEachFurtherTaskOfAGroup) {
  const auto body = [](TaskGroup& group) -> Coroutine<> {
    for (int i = 0; i < 10; ++i) group.create_task(fail());
    co_return;
  };
  EXPECT_EQ(throws_of<ExceptionGroup>([&body] { return async_with(TaskGroup(), body); }), 12U);
}

TEST_F(Throws, TwiceForAFailingChildOfGather) {
  EXPECT_EQ(throws_of<ValueError>([] { return gather(fail()); }), 2U);
}

TEST_F(Throws, ThriceForATimeLimit) {
  // In sleep(), of wait_for() and where it is awaited; once more for the coroutine around sleep().
  EXPECT_EQ(throws_of<TimeoutError>([] { return wait_for(sleep(1h), 1s); }), 3U);
  EXPECT_EQ(throws_of<TimeoutError>([] { return wait_for(sleep_long(), 1s); }), 4U);
}

TEST_F(Throws, TwiceForACancelledTaskThatIsAwaited) {
  const auto loop = testing::make_loop();
  const Task<> task = loop->create_task(sleep_long());
  loop->call_later(1s, [&task] { task.cancel(); });
  const auto make = [&task] { return task; };
  EXPECT_EQ(loop->run_until_complete(counted<CancelledError>(make)), 2U);
}

}  // namespace
}  // namespace segue::modern
