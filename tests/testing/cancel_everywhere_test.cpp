#include <segue/testing/cancel_everywhere.hpp>

#include <unistd.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/sync/lock.hpp>
#include <segue/modern/sync/semaphore.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/threads/to_thread.hpp>

namespace segue::testing {
namespace {

using namespace std::chrono_literals;
using modern::Coroutine;
using ::testing::AllOf;
using ::testing::HasSubstr;

template <class Run>
std::string failure_of(Run run) {
  try {
    run();
  } catch (const CancellationFailure& error) {
    return error.what();
  }
  return "none";
}

Coroutine<> sleeps_twice() {
  co_await modern::sleep(1s);
  co_await modern::sleep(1s);
}

TEST(CancelEverywhere, cancels_before_the_first_step_and_at_each_await) {
  const CancelReport report = cancel_everywhere(sleeps_twice);
  EXPECT_GE(report.awaits, 3U);
  EXPECT_EQ(report.cancelled, report.awaits);
  EXPECT_EQ(report.completed, 0U);
}

TEST(CancelEverywhere, counts_what_goes_on_in_spite_of_it) {
  const auto stubborn = []() -> Coroutine<> {
    try {
      co_await modern::sleep(1s);
    } catch (const modern::CancelledError&) {
    }
  };
  const CancelReport report = cancel_everywhere(stubborn);
  EXPECT_GT(report.completed, 0U);
  EXPECT_GT(report.cancelled, 0U);  // before it had begun
}

TEST(CancelEverywhere, finds_a_task_that_is_left) {
  const auto leaves = []() -> Coroutine<> {
    const auto child = modern::create_task(modern::sleep(1s), {.name = "child"});
    co_await modern::sleep(2s);  // cancelled here, it forgets its child
    co_await child;
  };
  EXPECT_THAT(failure_of([&] { cancel_everywhere(leaves); }),
              AllOf(HasSubstr("cancel_everywhere(): cancelled at "), HasSubstr("cancel_everywhere_test.cpp:"),
                    HasSubstr(": left a task that is pending: <Task pending name='child'")));
}

TEST(CancelEverywhere, ends_at_a_program_that_goes_on_for_ever) {
  const auto waits_for_ever_beside_a_heartbeat = []() -> Coroutine<> {
    const auto beat = []() -> Coroutine<> {
      while (true) co_await modern::sleep(1s);
    };
    const auto heart = modern::create_task(beat());
    bool cancelled = false;
    try {
      co_await modern::sleep(1s);
    } catch (const modern::CancelledError&) {
      cancelled = true;
    }
    if (cancelled) co_await modern::get_running_loop().create_future<void>();
    heart.cancel();
  };
  EXPECT_THAT(failure_of([&] { cancel_everywhere(waits_for_ever_beside_a_heartbeat); }),
              AllOf(HasSubstr("no end after 1000000 iterations: <Task "), HasSubstr("cancel_everywhere_test.cpp")));
}

TEST(CancelEverywhere, finds_what_the_program_throws_instead) {
  const auto translates = []() -> Coroutine<> {
    try {
      co_await modern::sleep(1s);
    } catch (const modern::CancelledError&) {
      throw ValueError("no");
    }
  };
  EXPECT_THAT(failure_of([&] { cancel_everywhere(translates); }), HasSubstr("ValueError: no"));
}

TEST(CancelEverywhere, looks_at_what_is_left_alone_where_a_program_may_fail) {
  const auto translates = []() -> Coroutine<> {
    try {
      co_await modern::sleep(1s);
    } catch (const modern::CancelledError&) {
      throw ValueError("no");
    }
  };
  EXPECT_GT(cancel_everywhere(translates, {.may_fail = true}).completed, 0U);
  const auto leaks = []() -> Coroutine<> {
    const int fd = ::dup(0);
    co_await modern::sleep(1s);
    ::close(fd);
  };
  EXPECT_THAT(failure_of([&] { cancel_everywhere(leaks, {.may_fail = true}); }),
              HasSubstr("left a descriptor that is open"));
}

TEST(CancelEverywhere, finds_what_only_the_program_knows_of_by_asking) {
  int open = 0;
  const auto forgets = [&]() -> Coroutine<> {
    ++open;
    co_await modern::sleep(1s);
    --open;
  };
  const auto check = [&] {
    if (std::exchange(open, 0) != 0) throw RuntimeError("it is open");
  };
  EXPECT_THAT(failure_of([&] { cancel_everywhere(forgets, {.check = check}); }), HasSubstr("it is open"));
}

/// Takes and gives back by hand, what a guard would give back when it is cancelled.
template <class Primitive>
Coroutine<> hold(Primitive primitive) {
  co_await primitive.acquire();
  co_await modern::sleep(1s);
  primitive.release();
}

TEST(CancelEverywhere, finds_locks_that_are_held_and_permits_that_were_not_given_back) {
  const modern::Lock lock;
  const modern::Semaphore semaphore(100);
  const std::vector<std::function<Coroutine<>()>> forgetful = {
      [&] { return hold(lock); },
      [] { return hold(modern::Lock()); },
      [&] { return hold(semaphore); },
      [] { return hold(modern::BoundedSemaphore()); },
  };
  for (const auto& program : forgetful)
    EXPECT_THAT(failure_of([&] { cancel_everywhere(program); }), HasSubstr("left a lock that is held, or a permit"));
}

TEST(CancelEverywhere, lets_a_semaphore_count_what_it_likes) {
  const auto signals = []() -> Coroutine<> {
    const modern::Semaphore done(0);
    const auto task = modern::create_task(
        [](modern::Semaphore signal) -> Coroutine<> {
          signal.release();
          co_return;
        },
        done);
    co_await done.acquire();
    co_await modern::sleep(1s);
  };
  EXPECT_GT(cancel_everywhere(signals, {.may_leave_tasks = true}).cancelled, 0U);
}

TEST(CancelEverywhere, finds_a_descriptor_that_is_open) {
  const auto leaks = []() -> Coroutine<> {
    const int fd = ::dup(0);
    co_await modern::sleep(1s);
    ::close(fd);
  };
  EXPECT_THAT(failure_of([&] { cancel_everywhere(leaks); }), HasSubstr("left a descriptor that is open"));
}

TEST(CancelEverywhere, tells_that_a_program_is_wrong_by_itself) {
  const auto wrong = []() -> Coroutine<> {
    throw ValueError("bad");
    co_return;
  };
  EXPECT_THAT(failure_of([&] { cancel_everywhere(wrong); }), HasSubstr("not cancelled at all: ValueError: bad"));
  const auto waits_for_ever = []() -> Coroutine<> { co_await modern::get_running_loop().create_future<void>(); };
  EXPECT_THAT(failure_of([&] { cancel_everywhere(waits_for_ever); }), HasSubstr("waits for ever"));
}

TEST(CancelEverywhere, waits_for_threads) {
  const auto program = []() -> Coroutine<> {
    co_await modern::to_thread([] {});
    co_await modern::sleep(1s);
  };
  EXPECT_GT(cancel_everywhere(program).cancelled, 0U);
}

TEST(CancelEverywhere, finds_nothing_wrong_with_locks_and_groups_of_waits) {
  struct Shared {
    modern::Lock lock;
    modern::BoundedSemaphore semaphore{1};
  };
  std::optional<Shared> shared;  // new ones for each run's loop
  const auto program = [&]() -> Coroutine<> {
    shared.emplace();
    const auto inside = []() -> Coroutine<> { co_await modern::sleep(1s); };
    const auto with_permit = [&]() -> Coroutine<> { co_await modern::async_with(shared->semaphore, inside); };
    const auto work = [&]() -> Coroutine<> { co_await modern::async_with(shared->lock, with_permit); };
    co_await modern::gather(work(), work(), work());
  };
  const auto check = [&] {
    if (shared && (shared->lock.locked() || shared->semaphore.locked())) throw RuntimeError("something is held");
  };
  const CancelReport report = cancel_everywhere(program, {.check = check});
  EXPECT_EQ(report.cancelled, report.awaits);
}

}  // namespace
}  // namespace segue::testing
