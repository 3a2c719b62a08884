#include <segue/bridge/promisify.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <system_error>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/bridge/c_callback.hpp>
#include <segue/bridge/coroutine.hpp>
#include <segue/bridge/portal.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait_for.hpp>

#include "loop.hpp"

namespace segue::bridge {
namespace {

using namespace std::chrono_literals;
using modern::Coroutine;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::make_loop;

/// Gives `key` twice, after a second.
void fetch(const std::string& key, const Callback<std::string>& done) {
  modern::get_running_loop().call_later(1s, [key, done] { done(key + key); });
}

TEST(Promisify, MakesAnAwaitableFunction) {
  const auto loop = make_loop();
  const auto fetched = promisify<std::string>(&fetch);
  const auto main = [&]() -> Coroutine<std::string> {
    const std::string first = co_await fetched("a");
    const std::string second = co_await fetched(first);
    co_return second;
  };
  EXPECT_EQ(loop->run_until_complete(main()), "aaaa");
}

TEST(Promisify, PutsTheCallbackBeforeTheArgumentsWhereTheFunctionTakesItThere) {
  const auto loop = make_loop();
  const auto add = promisify<int>([](const Callback<int>& done, int a, int b) { done(a + b); });
  EXPECT_EQ(loop->run_until_complete(add(1, 2)), 3);
}

TEST(Promisify, TakesHowTheCallbackIsCalled) {
  const auto loop = make_loop();
  const auto open = promisify<int>(error_first, [](const std::string& name, auto done) {
    if (name.empty()) return done(std::make_error_code(std::errc::no_such_file_or_directory), 0);
    done(std::error_code(), 3);
  });
  EXPECT_EQ(loop->run_until_complete(open("notes")), 3);
  EXPECT_THROW(loop->run_until_complete(open("")), FileNotFoundError);
  const auto either = promisify<int>(success_failure, [](int value, auto succeeded, auto failed) {
    if (value < 0) return failed("negative");
    succeeded(value);
  });
  EXPECT_EQ(loop->run_until_complete(either(3)), 3);
  EXPECT_THROW(loop->run_until_complete(either(-3)), RuntimeError);
}

struct Table {
  int rows = 0;
};
void count_rows(Table* table, void (*call)(void*, int), void* data) { call(data, table->rows); }

TEST(Promisify, TakesACFunction) {
  const auto loop = make_loop();
  const auto count = promisify<void(void*, int)>(&count_rows);
  Table table{.rows = 5};
  EXPECT_EQ(loop->run_until_complete(count(&table)), 5);
}

TEST(Promisify, KeepsCopiesOfTheArgumentsUntilTheEndOfTheAwait) {
  const auto loop = make_loop();
  const auto later = promisify<int>([](const std::shared_ptr<int>& kept, const Callback<int>& done) {
    modern::get_running_loop().call_later(1s, [&kept, done] { done(*kept); });
  });
  auto argument = std::make_shared<int>(7);
  const std::weak_ptr<int> watched = argument;
  const auto main = [&]() -> Coroutine<int> {
    const int value = co_await later(std::move(argument));
    EXPECT_TRUE(watched.expired());
    co_return value;
  };
  EXPECT_EQ(loop->run_until_complete(main()), 7);
}

TEST(Promisify, MovesAnArgumentThatCannotBeCopied) {
  const auto loop = make_loop();
  const auto own = promisify<int>([](std::unique_ptr<int> value, const Callback<int>& done) { done(*value); });
  EXPECT_EQ(loop->run_until_complete(own(std::make_unique<int>(4))), 4);
}

TEST(Promisify, RunsItsCallsAtTheSameTime) {
  const auto loop = make_loop();
  const auto fetched = promisify<std::string>(&fetch);
  const auto start = loop->time();
  const auto main = [&]() -> Coroutine<> {
    const auto both = co_await modern::gather(fetched("a"), fetched("b"));
    EXPECT_EQ(both, std::tuple("aa", "bb"));
  };
  loop->run_until_complete(main());
  EXPECT_EQ(loop->time() - start, 1s);
}

TEST(Promisify, IsAwaitedInAGeneratorBasedCoroutineAndBelowAPortal) {
  const auto loop = make_loop();
  const auto fetched = promisify<std::string>(&fetch);
  const auto old_style = coroutine<std::string>([&] { return yield_from(fetched("a")); });
  EXPECT_EQ(loop->run_until_complete(old_style()), "aa");
  EXPECT_EQ(loop->run_until_complete(portal([&] { return await_(fetched("b")); })), "bb");
}

TEST(Promisify, CancelsByWhatTheFunctionReturns) {
  const auto loop = make_loop();
  testing::Trace trace;
  struct Request {
    bool cancel() const {
      trace->push_back("cancel " + url);
      return true;
    }
    testing::Trace* trace;
    std::string url;
  };
  const auto load = promisify<int>([&](const std::string& url, const Callback<int>& done) {
    modern::get_running_loop().call_later(1h, [done] { done(1); });
    return Request{&trace, url};
  });
  EXPECT_THROW(loop->run_until_complete(modern::wait_for(load("home"), 1s)), TimeoutError);
  EXPECT_THAT(trace, ElementsAre("cancel home"));
}

void divide(int a, int b, std::function<void(int)> done, std::function<void(std::string)> failed) {
  if (b == 0) return failed("by zero");
  done(a / b);
}
void divide_in_c(int a, int b, void (*done)(int, void*), void (*failed)(const char*, void*), void* data) {
  if (b == 0) return failed("by zero", data);
  done(a / b, data);
}

TEST(Promisify, TakesTheValuesOfTheFirstOfTwoCallbacks) {
  const auto loop = make_loop();
  const auto divided = promisify(success_failure, &divide);
  EXPECT_EQ(loop->run_until_complete(divided(6, 2)), 3);
  EXPECT_THROW(loop->run_until_complete(divided(6, 0)), RuntimeError);
  const auto in_c = promisify(success_failure, &divide_in_c);
  EXPECT_EQ(loop->run_until_complete(in_c(6, 2)), 3);
  EXPECT_THROW(loop->run_until_complete(in_c(6, 0)), RuntimeError);
}

struct Job {
  std::function<void(int)> done;
  bool stopped = false;
};
Job* start_job(Job& job, std::function<void(int)> done) {
  job.done = std::move(done);
  return &job;
}
void stop_job(Job* job) {
  job->stopped = true;
  job->done(-1);
}

TEST(Promisify, TakesACancelFunction) {
  const auto loop = make_loop();
  const auto run = promisify(&start_job, &stop_job);
  const auto run_or_fail = promisify<int>(
      error_first, [](Job& job, auto done) { return start_job(job, [done](int value) { done(value, value); }); },
      [](Job* job) {
        job->stopped = true;
        return true;
      });
  Job first;
  EXPECT_THROW(loop->run_until_complete(modern::wait_for(run(std::ref(first)), 1s)), TimeoutError);
  EXPECT_TRUE(first.stopped);
  Job second;
  EXPECT_THROW(loop->run_until_complete(modern::wait_for(run_or_fail(std::ref(second)), 1s)), TimeoutError);
  EXPECT_TRUE(second.stopped);
  Job third;
  loop->call_later(1s, [&] { third.done(3); });
  EXPECT_EQ(loop->run_until_complete(run(std::ref(third))), 3);
  EXPECT_FALSE(third.stopped);
}

void halve(int value, std::function<void(int, int)> done) noexcept { done(0, value / 2); }
void count_down(int value, void (*done)(void*, int) noexcept, void* data) noexcept { done(data, value - 1); }

TEST(Promisify, TakesFunctionsThatAreNoexcept) {
  const auto loop = make_loop();
  const auto halved = promisify(error_first, &halve);
  const auto lambda = promisify([](int value, std::function<void(int)> done) noexcept { done(value + 1); });
  const auto counted = promisify(&count_down);
  const auto main = [&]() -> Coroutine<int> {
    const int half = co_await halved(8);
    const int more = co_await lambda(half);
    auto start = [&](void (*done)(void*, int) noexcept, void* data) { count_down(more, done, data); };
    const int less = co_await from_callback<void(void*, int) noexcept>(start);
    co_return co_await counted(less);
  };
  EXPECT_EQ(loop->run_until_complete(main()), 3);
}

TEST(Promisify, SaysWhereItIsAwaited) {
  const auto loop = make_loop();
  const auto drop = promisify<int>([](int, const Callback<int>&) {});
  const auto main = [&]() -> Coroutine<int> { co_return co_await drop(1); };
  const auto line = std::source_location::current().line() - 1;
  try {
    loop->run_until_complete(main());
    FAIL();
  } catch (const RuntimeError& error) {
    EXPECT_THAT(error.what(), HasSubstr("promisify_test.cpp:" + std::to_string(line)));
  }
}

}  // namespace
}  // namespace segue::bridge
