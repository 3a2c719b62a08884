#include <segue/bridge/callback.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/bridge/coroutine.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "loop.hpp"

namespace segue::bridge {
namespace {

using namespace std::chrono_literals;
using modern::CancelledError;
using modern::Coroutine;
using testing::collect_reports;
using ::testing::ElementsAre;
using testing::make_loop;
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

TEST(FromCallback, ThrowsWhatTheInitiationThrows) {
  const auto loop = make_loop();
  auto initiate = [](auto) { throw ValueError("refused"); };
  EXPECT_THROW(loop->run_until_complete(from_callback<int>(initiate)), ValueError);
}

TEST(FromCallback, EndsTheWaitWhereNobodyCanCallAnyMore) {
  const auto loop = make_loop();
  auto initiate = [&](auto done) { loop->call_later(1s, [kept = std::optional(done)]() mutable { kept.reset(); }); };
  try {
    loop->run_until_complete(from_callback<int>(initiate));
    FAIL();
  } catch (const RuntimeError& error) {
    EXPECT_STREQ(error.what(), "callback was destroyed without being called");
  }
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

TEST(FromCallback, AnErrorFirstCallbackThrowsItsError) {
  const auto loop = make_loop();
  auto code = [](auto done) { done(std::make_error_code(std::errc::no_such_file_or_directory), 0); };
  try {
    loop->run_until_complete(from_callback<int>(error_first, code));
    FAIL();
  } catch (const OSError& error) {
    EXPECT_EQ(error.errno_code(), ENOENT);
  }
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
