#include <segue/bridge/std_future.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/bridge/portal.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/contextvars.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/sync/event.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/runners.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/threads/to_thread.hpp>

#include "modern/attempt.hpp"

namespace segue::bridge {
namespace {

using namespace std::chrono_literals;
using modern::CancelledError;
using modern::Coroutine;
using modern::sleep;
using modern::Task;
using modern::testing::attempt;
using ::testing::StartsWith;

template <class T>
std::future<T> ready_future(T value) {
  std::promise<T> promise;
  promise.set_value(std::move(value));
  return promise.get_future();
}

TEST(FromStdFuture, GivesWhatIsThereAtOnce) {
  EXPECT_EQ(*modern::run(from_std_future(ready_future(std::make_unique<int>(5)))), 5);
  EXPECT_EQ(modern::run(from_std_future(ready_future(std::string("shared")).share())), "shared");
  std::promise<int> failed;
  failed.set_exception(std::make_exception_ptr(ValueError("v")));
  EXPECT_EQ(attempt([&] { modern::run(from_std_future(failed.get_future())); }), "ValueError(v)");
  EXPECT_THROW(modern::run(from_std_future(std::future<int>())), std::future_error);
}

TEST(FromStdFuture, WaitsWithoutBlockingTheLoop) {
  std::promise<int> promise;
  std::promise<int&> referring;
  int object = 1;
  auto fulfil = [&]() -> Coroutine<void> {
    co_await sleep(0s);  // the others wait by now
    promise.set_value(42);
    referring.set_value(object);
  };
  auto main = [&]() -> Coroutine<int> {
    const std::shared_future<int> shared = promise.get_future().share();
    const Task<void> fulfilling = modern::create_task(fulfil());
    auto all = modern::gather(from_std_future(shared), from_std_future(shared));
    auto [first, second] = co_await std::move(all);
    EXPECT_EQ(&co_await from_std_future(referring.get_future()), &object);
    co_return first + second;
  };
  EXPECT_EQ(modern::run(main()), 84);
}

TEST(FromStdFuture, RunsWhatWasDeferredInAThread) {
  auto deferred = std::async(std::launch::deferred, [] { return std::this_thread::get_id(); });
  EXPECT_NE(modern::run(from_std_future(std::move(deferred))), std::this_thread::get_id());
}

TEST(FromStdFuture, RunsWhatWasDeferredInACopyOfTheContext) {
  const modern::ContextVar<int> request("request", 0);
  const auto main = [&]() -> Coroutine<int> {
    request.set(3);
    const auto deferred = [&] {
      const int seen = request.get();
      request.set(4);
      return seen;
    };
    const int seen = co_await from_std_future(std::async(std::launch::deferred, deferred));
    EXPECT_EQ(request.get(), 3);
    co_return seen;
  };
  EXPECT_EQ(modern::run(main()), 3);
}

TEST(FromStdFuture, IsAwaitedBelowAPortal) {
  std::promise<void> promise;
  auto wait = [&] {
    modern::get_running_loop().call_soon([&] { promise.set_value(); });
    await_(from_std_future(promise.get_future()));
    return "waited";
  };
  EXPECT_STREQ(modern::run(portal(wait)), "waited");
}

TEST(FromStdFuture, ACancelledAwaitLeavesTheOtherSideAsItIs) {
  std::promise<std::string> promise;
  auto main = [&]() -> Coroutine<void> {
    const Task<std::string> task = modern::create_task(from_std_future(promise.get_future()));
    co_await sleep(0s);
    task.cancel();
    co_await sleep(0s);
    EXPECT_TRUE(task.done());
  };
  modern::run(main());
  promise.set_value("nobody is there");
}

TEST(FromStdFuture, ABrokenPromiseIsThrown) {
  auto promise = std::make_unique<std::promise<void>>();
  auto main = [&]() -> Coroutine<void> {
    const Task<void> task = modern::create_task(from_std_future(promise->get_future()));
    co_await sleep(0s);
    promise = nullptr;
    co_await task;
  };
  EXPECT_THROW(modern::run(main()), std::future_error);
}

Coroutine<int> plus_itself(int number) {
  co_await sleep(0s);
  co_return 2 * number;
}

TEST(ToStdFuture, HasTheOutcomeOfACoroutine) {
  auto fails = []() -> Coroutine<std::unique_ptr<int>> {
    co_await sleep(0s);
    throw ValueError("v");
  };
  auto main = [&]() -> Coroutine<std::string> {
    std::future<int> value = to_std_future(plus_itself(21));
    std::future<std::unique_ptr<int>> error = to_std_future(fails());
    std::future<void> nothing = to_std_future(sleep(0s));
    EXPECT_EQ(value.wait_for(0s), std::future_status::timeout);
    for (int i = 0; i < 5; ++i) co_await sleep(0s);
    nothing.get();
    co_return std::to_string(value.get()) + " " + attempt([&] { error.get(); });
  };
  EXPECT_EQ(modern::run(main()), "42 ValueError(v)");
}

TEST(ToStdFuture, TakesTasksAndFutures) {
  auto main = []() -> Coroutine<std::string> {
    const modern::Task<int> task = modern::create_task(plus_itself(21));
    const auto future = modern::get_running_loop().create_future<std::string>();
    std::future<int> of_task = to_std_future(task);
    std::future<std::string> of_future = to_std_future(future);
    future.set_result("there");
    for (int i = 0; i < 5; ++i) co_await sleep(0s);
    co_return std::to_string(of_task.get()) + " " + of_future.get() + " " + future.result();
  };
  EXPECT_EQ(modern::run(main()), "42 there there");
}

TEST(ToStdFuture, IsForOtherThreadsToo) {
  auto main = []() -> Coroutine<int> {
    auto in_thread = [&loop = modern::get_running_loop()] { return to_std_future(plus_itself(21), loop).get(); };
    co_return co_await modern::to_thread(in_thread);
  };
  EXPECT_EQ(modern::run(main()), 42);
}

TEST(ToStdFuture, SaysThatItsTaskWasCancelled) {
  auto main = []() -> Coroutine<std::string> {
    auto cancels_itself = []() -> Coroutine<void> {
      modern::current_task()->cancel();
      co_await sleep(0s);
    };
    std::future<void> future = to_std_future(cancels_itself());
    for (int i = 0; i < 5; ++i) co_await sleep(0s);
    co_return attempt([&] { future.get(); });
  };
  EXPECT_EQ(modern::run(main()), "CancelledError()");
}

TEST(ToStdFuture, IsBrokenWhereTheLoopGoes) {
  std::future<int> before;
  std::future<void> within;
  {
    const auto loop = modern::new_event_loop();
    loop->set_exception_handler([](modern::EventLoop&, const modern::ExceptionContext&) {});
    within = to_std_future(sleep(1h), *loop);
    loop->call_soon([&] { loop->call_soon([&] { loop->stop(); }); });
    loop->run_forever();
    before = to_std_future(plus_itself(1), *loop);
    loop->close();
    EXPECT_EQ(attempt([&] { to_std_future(plus_itself(1), *loop); }), "RuntimeError(Event loop is closed)");
  }
  EXPECT_THROW(before.get(), std::future_error);
  EXPECT_THROW(within.get(), std::future_error);
}

}  // namespace
}  // namespace segue::bridge
