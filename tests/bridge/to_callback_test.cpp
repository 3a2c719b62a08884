#include <segue/bridge/to_callback.hpp>

#include <cerrno>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/bridge/callback.hpp>
#include <segue/bridge/coroutine.hpp>
#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/log.hpp>
#include <segue/modern/tasks/finally.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/os_error.hpp>

#include "loop.hpp"

namespace segue::bridge {
namespace {

using namespace std::chrono_literals;
using modern::Coroutine;
using modern::Task;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Trace;

/// What the callers of before have.
class ToCallback : public testing::LoopTest {
 protected:
  static Coroutine<std::string> fetch(std::string url) {
    co_await modern::sleep(1s);
    if (url.empty()) throw ValueError("no url");
    co_return "page of " + url;
  }
  /// Notes what it is called with.
  auto note() {
    return [this](const std::exception_ptr& error, const std::string& page) {
      trace.push_back(error ? describe(error).type + "/" + page : page);
    };
  }
  void in_loop(std::function<void()> call) {
    loop->call_soon(std::move(call));
    loop->run_until_complete(modern::sleep(10s));
  }
};

TEST_F(ToCallback, CallsBackWithTheValue) {
  in_loop([this] { to_callback (&fetch)("home", note()); });
  EXPECT_THAT(trace, ElementsAre("page of home"));
}

TEST_F(ToCallback, CallsBackWithTheError) {
  in_loop([this] { to_callback (&fetch)("", note()); });
  EXPECT_THAT(trace, ElementsAre("ValueError/"));
  EXPECT_THAT(reports, IsEmpty());
}

TEST_F(ToCallback, CallsBackNeverWithinTheCall) {
  const auto at_once = []() -> Coroutine<int> { co_return 1; };
  in_loop([&] {
    to_callback(at_once)([this](const std::exception_ptr&, int) { trace.emplace_back("callback"); });
    trace.emplace_back("called");
  });
  EXPECT_THAT(trace, ElementsAre("called", "callback"));
}

TEST_F(ToCallback, TakesACallbackForNoValueOrForAnOutcome) {
  const auto nothing = []() -> Coroutine<> { co_return; };
  const auto owned = []() -> Coroutine<std::unique_ptr<int>> { co_return std::make_unique<int>(5); };
  in_loop([&] {
    to_callback(nothing)([this](const std::exception_ptr& error) { trace.emplace_back(error ? "error" : "done"); });
    to_callback(nothing)(
        [this](const Outcome<void>& done) { trace.emplace_back(done.has_value() ? "done" : "error"); });
    to_callback(owned)(
        [this](std::exception_ptr, std::unique_ptr<int> value) { trace.push_back(std::to_string(*value)); });
    to_callback(owned)([this](Outcome<std::unique_ptr<int>> done) { trace.push_back(std::to_string(*done.take())); });
  });
  EXPECT_THAT(trace, ElementsAre("done", "done", "5", "5"));
}

TEST_F(ToCallback, CallsBackWithAnErrorCodeFirst) {
  const auto measure = [](int error) -> Coroutine<int> {
    co_await modern::sleep(1s);
    if (error < 0) throw ValueError("no code");
    if (error > 0) std::rethrow_exception(make_os_error(error, "measure"));
    co_return 7;
  };
  std::vector<std::error_code> codes;
  const std::function<void(std::error_code, int)> old_callers = [&](std::error_code code, int value) {
    codes.push_back(code);
    trace.push_back(std::to_string(value));
  };
  const auto measure_then = to_callback(error_first, measure);
  in_loop([&] {
    measure_then(0, old_callers);
    measure_then(ENOENT, old_callers);
    measure_then(0, old_callers).cancel();
    measure_then(-1, old_callers);
  });
  EXPECT_THAT(trace, ::testing::UnorderedElementsAre("7", "0", "0", "0"));
  EXPECT_THAT(codes, ::testing::UnorderedElementsAre(std::error_code(),
                                                     std::make_error_code(std::errc::no_such_file_or_directory),
                                                     std::make_error_code(std::errc::operation_canceled),
                                                     std::make_error_code(std::errc::state_not_recoverable)));
  EXPECT_THAT(reports, ElementsAre("Exception in an operation that ends in an error code"));
}

/// A C caller's.
struct Seen {
  int error = -1;
  int value = -1;
};
void on_measured(int error, int value, void* user_data) { *static_cast<Seen*>(user_data) = {error, value}; }

TEST_F(ToCallback, CallsAFunctionOfCByALambda) {
  const auto measure = [](int size) -> Coroutine<int> {
    if (size < 0) std::rethrow_exception(make_os_error(EINVAL, "measure"));
    co_return size;
  };
  void (*const done)(int, int, void*) = &on_measured;
  const auto start = [&](int size, void* user_data) {
    to_callback(error_first, measure)(size, [=](int error, int value) { done(error, value, user_data); });
  };
  Seen good;
  Seen bad;
  in_loop([&] {
    start(3, &good);
    start(-3, &bad);
  });
  EXPECT_EQ(good.error, 0);
  EXPECT_EQ(good.value, 3);
  EXPECT_EQ(bad.error, EINVAL);
}

TEST_F(ToCallback, IsCancelledByWhatTheCallReturns) {
  in_loop([this] {
    const Task<std::string> request = to_callback(&fetch)("home", note());
    loop->call_later(500ms, [request] { request.cancel(); });
  });
  EXPECT_THAT(trace, ElementsAre("CancelledError/"));
  EXPECT_THAT(reports, IsEmpty());
}

// The body of a task that is cancelled before it begins is not run, and its callback is called all the same.
TEST_F(ToCallback, CallsBackWhereItIsCancelledBeforeItBegins) {
  in_loop([this] { to_callback (&fetch)("home", note()).cancel(); });
  EXPECT_THAT(trace, ElementsAre("CancelledError/"));
  EXPECT_THAT(reports, IsEmpty());
}

TEST_F(ToCallback, KeepsTheFunctionAndTheArguments) {
  const auto captured = std::make_shared<std::string>("x");
  in_loop([&] {
    const auto function = [captured](const std::string& a, std::unique_ptr<int> b) -> Coroutine<std::string> {
      co_await modern::sleep(1s);
      co_return *captured + a + std::to_string(*b);
    };
    to_callback(function)(std::string(100, 'a'), std::make_unique<int>(1), note());
  });
  EXPECT_THAT(trace, ElementsAre("x" + std::string(100, 'a') + "1"));
  EXPECT_EQ(captured.use_count(), 1);
}

TEST_F(ToCallback, TakesAGeneratorBasedCoroutine) {
  const auto old_style = coroutine<std::string>([](std::string url) {
    yield_from(modern::sleep(1s));
    return url;
  });
  in_loop([&] { to_callback(old_style)(std::string("home"), note()); });
  EXPECT_THAT(trace, ElementsAre("home"));
}

TEST_F(ToCallback, ReportsWhatTheCallbackThrows) {
  in_loop([] {
    to_callback (&fetch)("home", [](const std::exception_ptr&, const std::string&) { throw ValueError("bad"); });
  });
  EXPECT_EQ(reports.size(), 1U);
}

TEST_F(ToCallback, TakesACallbackThatDropsItself) {
  in_loop([this] {
    const auto self = std::make_shared<std::optional<Task<std::string>>>();
    *self = to_callback(&fetch)("home", [this, self](const std::exception_ptr&, const std::string& page) {
      (*self)->cancel();
      self->reset();
      trace.push_back(page);
    });
  });
  EXPECT_THAT(trace, ElementsAre("page of home"));
}

TEST_F(ToCallback, DestroysTheCallbackWithoutACallWhereTheLoopEnds) {
  const auto kept = std::make_shared<int>(1);
  loop->call_soon([this, kept] {
    to_callback (&fetch)("home",
                         [kept, this](const std::exception_ptr&, const std::string&) { trace.emplace_back("called"); });
  });
  loop->run_until_complete(modern::sleep(0s));
  loop->run_until_complete(modern::sleep(0s));
  EXPECT_EQ(kept.use_count(), 2);
  loop = nullptr;
  EXPECT_EQ(kept.use_count(), 1);
  EXPECT_THAT(trace, IsEmpty());
}

TEST_F(ToCallback, NeedsARunningLoop) {
  std::vector<std::string> logged;
  const auto former =
      modern::set_log_handler([&](modern::LogLevel, const std::string& line) { logged.push_back(line); });
  EXPECT_THROW(to_callback(&fetch)("home", note()), RuntimeError);
  modern::set_log_handler(former);
  EXPECT_THAT(trace, IsEmpty());
  EXPECT_THAT(logged, IsEmpty());  // no coroutine that was never awaited
}

// There and back: who has callbacks, awaits them, and offers callbacks again.
TEST_F(ToCallback, MeetsFromCallback) {
  const auto fetch_then = to_callback(&fetch);
  const auto main = [&]() -> Coroutine<std::string> {
    const auto start = [&](auto done) { fetch_then("home", std::move(done)); };
    co_return co_await from_callback<std::string>(error_first, start);
  };
  EXPECT_EQ(loop->run_until_complete(main()), "page of home");
}

TEST_F(ToCallback, BeginsNothingWhereTheCallbackCannotBeMoved) {
  struct Stubborn {
    explicit Stubborn(int moves) : left(moves) {}
    Stubborn(Stubborn&& other) : left(other.left - 1) {
      if (left < 0) throw ValueError("not to be moved");
    }
    void operator()(const std::exception_ptr&) const { ADD_FAILURE() << "called"; }
    int left;
  };
  int begun = 0;
  const auto operation = [&]() -> Coroutine<> {
    ++begun;
    co_return;
  };
  in_loop([&] {
    for (int moves = 0; moves < 2; ++moves) {
      EXPECT_THROW(to_callback(operation)(Stubborn(moves)), ValueError) << moves;
    }
  });
  EXPECT_EQ(begun, 0);
}

// A task tells by its cancel() that it was asked to, not that its callback will not come.
TEST_F(ToCallback, IsWaitedForWhereFromCallbackCancelsIt) {
  const auto slow = [this]() -> Coroutine<> {
    const auto left = modern::finally_([this] { trace.emplace_back("operation has ended"); });
    co_await modern::sleep(1h);
  };
  const auto start = [&](Callback<> done) {
    return to_callback(slow)([done = std::move(done)](const std::exception_ptr& error) { done.fail(error); });
  };
  const auto main = [&]() -> Coroutine<> {
    const Task<void> task = modern::create_task(from_callback<>(start));
    co_await modern::sleep(1s);
    task.cancel();
    try {
      co_await task;
    } catch (const modern::CancelledError&) {
      trace.emplace_back("await has ended");
    }
  };
  loop->run_until_complete(main());
  EXPECT_THAT(trace, ElementsAre("operation has ended", "await has ended"));
}

}  // namespace
}  // namespace segue::bridge
