#include <segue/bridge/callback.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <source_location>
#include <string>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/bridge/coroutine.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "counted_allocations.hpp"
#include "loop.hpp"

namespace segue::bridge {
namespace {

using namespace std::chrono_literals;
using modern::CancelledError;
using modern::Coroutine;
using testing::collect_reports;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::make_loop;
using ::testing::StartsWith;
using testing::Trace;

TEST(FromCallback, TakesACallWithinTheInitiation) {
  const auto loop = make_loop();
  auto initiate = [](auto done) { done(4); };
  EXPECT_EQ(loop->run_until_complete(from_callback<int>(initiate)), 4);
}

TEST(FromCallback, TakesACallLater) {
  const auto loop = make_loop();
  auto initiate = [&](auto done) { loop->call_later(1h, [done] { done("x"); }); };
  EXPECT_EQ(loop->run_until_complete(from_callback<std::string>(initiate)), "x");
}

TEST(FromCallback, TakesACallFromAnotherThread) {
  const auto loop = make_loop();
  std::thread thread;
  auto initiate = [&](auto done) { thread = std::thread([done] { done(std::make_unique<int>(5)); }); };
  EXPECT_EQ(*loop->run_until_complete(from_callback<std::unique_ptr<int>>(initiate)), 5);
  thread.join();
}

TEST(FromCallback, GivesNothingOneValueOrATuple) {
  const auto loop = make_loop();
  auto nothing = [](auto done) { done(); };
  loop->run_until_complete(from_callback<>(nothing));
  auto two = [](auto done) { done(1, "b"); };
  EXPECT_EQ(loop->run_until_complete((from_callback<int, std::string>(two))), std::tuple(1, "b"));
}

TEST(FromCallback, WorksInAGeneratorBasedCoroutine) {
  const auto loop = make_loop();
  const auto old_style = coroutine<int>(
      [&] { return yield_from(from_callback<int>([&](auto done) { loop->call_later(1s, [done] { done(6); }); })); });
  EXPECT_EQ(loop->run_until_complete(old_style()), 6);
}

// Each argument is destroyed once, with g++ 12 as well.
TEST(FromCallback, KeepsTheArgumentsOfItsInitiation) {
  const auto loop = make_loop();
  const auto token = std::make_shared<int>(7);
  const auto main = [&]() -> Coroutine<int> {
    const int sum = co_await from_callback<int>(
        [](auto done, const std::shared_ptr<int>& kept, int more) {
          modern::get_running_loop().call_later(1s, [done, &kept, more] { done(*kept + more); });
        },
        token, 1);
    EXPECT_EQ(token.use_count(), 1);
    const std::string text = co_await from_callback<std::string>(
        error_first, [](auto done, std::string& key) { done(0, key + "!"); }, std::string(100, 'x'));
    EXPECT_EQ(text, std::string(100, 'x') + "!");
    co_return sum;
  };
  EXPECT_EQ(loop->run_until_complete(main()), 8);
  EXPECT_EQ(token.use_count(), 1);
}

TEST(FromCallback, SaysWhereItIsAwaitedWhereItHasArguments) {
  const auto loop = make_loop();
  const auto main = [&]() -> Coroutine<int> { co_return co_await from_callback<int>([](auto, int) {}, 1); };
  const auto line = std::source_location::current().line() - 1;
  try {
    loop->run_until_complete(main());
    FAIL();
  } catch (const RuntimeError& error) {
    EXPECT_THAT(error.what(), HasSubstr("callback_test.cpp:" + std::to_string(line)));
  }
}

TEST(FromCallback, ThrowsWhatTheInitiationThrows) {
  const auto loop = make_loop();
  auto initiate = [](auto) { throw ValueError("refused"); };
  EXPECT_THROW(loop->run_until_complete(from_callback<int>(initiate)), ValueError);
}

TEST(FromCallback, EndsTheWaitWhereNobodyCanCallAnyMore) {
  const auto loop = make_loop();
  auto initiate = [&](auto done) { loop->call_later(1s, [kept = std::optional(done)]() mutable { kept.reset(); }); };
  const auto line = std::source_location::current().line() + 2;
  try {
    loop->run_until_complete(from_callback<int>(initiate));
    FAIL();
  } catch (const RuntimeError& error) {
    EXPECT_THAT(error.what(), StartsWith("callback was destroyed without being called (made at "));
    EXPECT_THAT(error.what(), HasSubstr("callback_test.cpp:" + std::to_string(line)));
  }
}

TEST(FromCallback, WaitsForACallThatNeverComesUntilTheLoopEndsWhichSaysWhere) {
  auto loop = make_loop();
  std::vector<std::string> tasks;
  loop->set_exception_handler([&](modern::EventLoop&, const modern::ExceptionContext& context) {
    tasks.push_back(context.message + " " + context.task);
  });
  std::optional<Callback<int>> kept;
  const auto keep = [&](Callback<int> done) { kept = std::move(done); };
  const auto wait = [&]() -> Coroutine<int> { co_return co_await from_callback<int>(keep); };
  const auto line = std::source_location::current().line() - 1;
  loop->call_soon([&] { loop->create_task(wait()); });
  loop->run_until_complete(modern::sleep(1h));
  EXPECT_TRUE(tasks.empty());
  loop = nullptr;
  ASSERT_EQ(tasks.size(), 1U);
  EXPECT_THAT(tasks[0], StartsWith("Task was destroyed but it is pending!"));
  EXPECT_THAT(tasks[0], HasSubstr("callback_test.cpp:" + std::to_string(line)));
}

TEST(FromCallback, FailsTheWaitWhereThereIsNoMemoryToSayThatNobodyCanCall) {
  if (!segue::testing::allocations_counted) GTEST_SKIP() << "no allocation can be refused under ThreadSanitizer";
  const auto loop = make_loop();
  std::optional<Callback<int>> callback(*loop);
  const auto future = callback->future();
  callback.reset();
  {
    const segue::testing::RefusedAllocation refusal(1, segue::testing::Refused::once);
    loop->step();
    EXPECT_TRUE(refusal.happened());
  }
  EXPECT_THROW(loop->run_until_complete(future), std::bad_alloc);
}

TEST(FromCallback, ReportsASecondCall) {
  const auto loop = make_loop();
  Trace messages;
  collect_reports(*loop, messages);
  auto initiate = [](auto done) {
    done(1);
    done(2);
  };
  EXPECT_EQ(loop->run_until_complete(from_callback<int>(initiate)), 1);
  EXPECT_THAT(messages, ElementsAre("callback was called more than once"));
}

TEST(FromCallback, IgnoresACallAfterACancellation) {
  const auto loop = make_loop();
  Trace messages;
  collect_reports(*loop, messages);
  std::optional<Callback<int>> late;
  auto main = [&]() -> Coroutine<int> {
    auto initiate = [&](auto done) { late = done; };
    co_return co_await from_callback<int>(initiate);
  };
  const auto task = loop->create_task(main());
  loop->call_later(1s, [&] { task.cancel(); });
  EXPECT_THROW(loop->run_until_complete(task), CancelledError);
  (*late)(7);
  EXPECT_THAT(messages, ElementsAre());
  late.reset();
}

TEST(FromCallback, SaysWhereTheOneWasMadeThatIsCalledTwice) {
  const auto loop = make_loop();
  std::string source;
  loop->set_exception_handler(
      [&source](modern::EventLoop&, const modern::ExceptionContext& context) { source = context.source; });
  auto initiate = [](auto done) {
    done(1);
    done(2);
  };
  const auto line = std::source_location::current().line() + 1;
  loop->run_until_complete(from_callback<int>(initiate));
  EXPECT_TRUE(source.ends_with("callback_test.cpp:" + std::to_string(line))) << source;
}

// --- when the loop is closed, or gone ---

class LateCallback : public ::testing::Test {
 protected:
  /// Awaits a callback in vain.
  Coroutine<> wait() {
    auto initiate = [this](auto done) { late = done; };
    co_await from_callback<std::shared_ptr<int>>(initiate);
  }

  modern::EventLoopPtr loop = make_loop();
  std::optional<Callback<std::shared_ptr<int>>> late;
  std::shared_ptr<int> value = std::make_shared<int>(1);
};

TEST_F(LateCallback, IsIgnoredWhenTheLoopIsClosed) {
  const auto task = loop->create_task(wait());
  loop->run_until_complete(modern::sleep(0s));
  loop->close();
  (*late)(value);
  (*late)(value);
  EXPECT_EQ(value.use_count(), 1);
  EXPECT_FALSE(task.done());
}

TEST_F(LateCallback, IsIgnoredWhenTheLoopIsGone) {
  loop->call_soon([this] { loop->create_task(wait()); });
  loop->run_until_complete(modern::sleep(1s));
  loop = nullptr;
  std::thread([this] {
    (*late)(value);
    (*late)(value);
    late.reset();
  }).join();
  EXPECT_EQ(value.use_count(), 1);
}

TEST_F(LateCallback, IsIgnoredWhereAnotherLoopRunsInItsThread) {
  const auto task = loop->create_task(wait());
  loop->run_until_complete(modern::sleep(0s));
  loop = make_loop();  // at the same address, perhaps
  const auto next = loop->create_task(wait());
  loop->call_soon([this, first = *late] { first(value); });
  loop->call_later(1s, [this] { (*late)(value); });
  loop->run_until_complete(next);
  EXPECT_FALSE(task.done());
}

TEST_F(LateCallback, MayBeDroppedUncalledWhenTheLoopIsGone) {
  const auto task = loop->create_task(wait());
  loop->run_until_complete(modern::sleep(0s));
  loop = nullptr;
  late.reset();
  EXPECT_FALSE(task.done());
}

TEST_F(LateCallback, KeepsNothingOfALoopThatIsGone) {
  const modern::EventLoopRef kept(loop.get());
  loop->call_soon([this] { loop->create_task(wait()); });
  loop->run_until_complete(modern::sleep(0s));
  loop->run_until_complete(modern::sleep(0s));
  ASSERT_TRUE(late);
  loop = nullptr;
  EXPECT_TRUE(kept->core().unique());
}

TEST_F(LateCallback, CannotBeMadeForALoopThatIsGone) {
  const modern::EventLoopRef kept(loop.get());
  loop = nullptr;
  EXPECT_THROW(Callback<int>{*kept}, RuntimeError);
  EXPECT_TRUE(kept->core().unique());
}

/// Calls back with itself: it may be gone then, and its callback with it.
struct Connection {
  void connected(std::shared_ptr<Connection> self) const { (*done)(std::move(self)); }
  std::optional<Callback<std::shared_ptr<Connection>>> done;
};

TEST(FromCallback, MayBringWhatOwnsItWhenTheLoopIsGone) {
  auto loop = make_loop();
  auto connection = std::make_shared<Connection>();
  const std::weak_ptr<Connection> watched = connection;
  const auto connect = [](std::shared_ptr<Connection>& made) -> Coroutine<> {
    auto initiate = [&made](auto done) { made->done = std::move(done); };
    co_await from_callback<std::shared_ptr<Connection>>(initiate);
  };
  loop->call_soon([&] { loop->create_task(connect(connection)); });
  loop->run_until_complete(modern::sleep(0s));
  loop->run_until_complete(modern::sleep(0s));
  loop = nullptr;
  const Connection& called = *connection;
  called.connected(std::move(connection));
  EXPECT_TRUE(watched.expired());
}

TEST(FromCallback, MayBringWhatOwnsItToAWaitThatWasCancelled) {
  const auto loop = make_loop();
  auto connection = std::make_shared<Connection>();
  const std::weak_ptr<Connection> watched = connection;
  const auto connect = [](std::shared_ptr<Connection>& made) -> Coroutine<> {
    auto initiate = [&made](auto done) { made->done = std::move(done); };
    co_await from_callback<std::shared_ptr<Connection>>(initiate);
  };
  const auto task = loop->create_task(connect(connection));
  loop->call_later(1s, [&] { task.cancel(); });
  EXPECT_THROW(loop->run_until_complete(task), CancelledError);
  loop->call_soon([&] {
    const Connection& called = *connection;
    called.connected(std::move(connection));
  });
  loop->run_until_complete(modern::sleep(1s));
  EXPECT_TRUE(watched.expired());
}

TEST(FromCallback, RefusesToFailWithNothing) {
  const auto loop = make_loop();
  auto initiate = [&](auto done) {
    loop->call_soon([done] {
      EXPECT_THROW(done.fail(nullptr), TypeError);
      done.fail(std::make_exception_ptr(ValueError("v")));
    });
  };
  EXPECT_THROW(loop->run_until_complete(from_callback<int>(initiate)), ValueError);
}

// Each loop ends while the worker may be anywhere within its call. For ThreadSanitizer above all.
TEST(FromCallback, MayBeCalledWhileTheLoopEnds) {
  constexpr int loops = 100;
  std::vector<std::thread> workers;
  int got = 0;
  for (int i = 0; i < loops; ++i) {
    const auto loop = modern::new_event_loop();
    auto main = [&workers]() -> Coroutine<int> {
      auto initiate = [&workers](auto done) {
        workers.emplace_back([done = std::move(done)] {
          done(1);
          done(2);
        });
      };
      const auto waiting = from_callback<int>(initiate);
      const auto task = modern::create_task(waiting);
      while (!task.done()) co_await modern::sleep(0s);  // does not wait for the wake-up
      co_return co_await task;
    };
    loop->set_exception_handler([](auto&, const auto&) {});
    got += loop->run_until_complete(main());
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(got, loops);
}

/// Throws when it is moved for the `moves`-th time.
struct ThrowsWhenMoved {
  explicit ThrowsWhenMoved(int after) : moves(after) {}
  ThrowsWhenMoved(ThrowsWhenMoved&& other) : moves(other.moves - 1) {  // NOLINT(performance-noexcept-move-constructor)
    if (moves == 0) throw ValueError("not to be moved");
  }
  int moves;
};

TEST(FromCallback, ThrowsWhatMovingTheResultThrows) {
  int thrown = 0;
  for (int moves = 1; moves < 12; ++moves) {
    const auto loop = make_loop();
    std::string caller;
    auto main = [&]() -> Coroutine<std::string> {
      auto initiate = [&](auto done) {
        loop->call_soon([&, done] {
          try {
            done(ThrowsWhenMoved(moves));
          } catch (const ValueError&) {
            caller = "caller";  // it was not delivered: done is dropped without a call
          }
        });
      };
      try {
        co_await from_callback<ThrowsWhenMoved>(initiate);
      } catch (const ValueError&) {
        ++thrown;
        co_return "awaiter";
      } catch (const RuntimeError&) {
        co_return "dropped";
      }
      co_return "value";
    };
    const std::string got = loop->run_until_complete(main());
    EXPECT_EQ(got == "dropped", caller == "caller") << moves;
  }
  EXPECT_GT(thrown, 0);
}

TEST(FromCallback, AnErrorFirstCallbackThrowsItsError) {
  const auto loop = make_loop();
  auto code = [](auto done) { done(std::make_error_code(std::errc::no_such_file_or_directory), 0); };
  try {
    loop->run_until_complete(from_callback<int>(error_first, code));
    FAIL();
  } catch (const OSError& error) {
    EXPECT_EQ(error.errno_code(), ENOENT);
  }
  const auto fails_with = [&](std::errc error) {
    auto fail = [error](auto done) { done(std::make_error_code(error)); };
    return from_callback<int>(error_first, fail);
  };
  EXPECT_THROW(loop->run_until_complete(fails_with(std::errc::timed_out)), TimeoutError);
  EXPECT_THROW(loop->run_until_complete(fails_with(std::errc::no_such_file_or_directory)), FileNotFoundError);
  EXPECT_THROW(loop->run_until_complete(fails_with(std::errc::connection_refused)), ConnectionRefusedError);
  EXPECT_THROW(loop->run_until_complete(fails_with(std::errc::operation_not_permitted)), PermissionError);
  auto text = [](auto done) { done(std::string("broken")); };
  EXPECT_THROW(loop->run_until_complete(from_callback<int>(error_first, text)), RuntimeError);
  auto pointer = [](auto done) { done(std::make_exception_ptr(ValueError("v"))); };
  EXPECT_THROW(loop->run_until_complete(from_callback<int>(error_first, pointer)), ValueError);
}

TEST(FromCallback, AnErrorFirstCallbackGivesItsValueWithoutAnError) {
  const auto loop = make_loop();
  auto initiate = [](auto done) { done(std::error_code(), 8); };
  EXPECT_EQ(loop->run_until_complete(from_callback<int>(error_first, initiate)), 8);
}

TEST(FromCallback, AnErrorFirstCallbackWithoutErrorAndValueIsAnError) {
  const auto loop = make_loop();
  auto initiate = [](auto done) { done(std::error_code()); };
  EXPECT_THROW(loop->run_until_complete(from_callback<int>(error_first, initiate)), TypeError);
}

}  // namespace
}  // namespace segue::bridge
