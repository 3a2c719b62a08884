// Awaiting what another library has made: awaiters that know nothing but std::coroutine_handle.
#include <segue/modern/kernel/foreign_awaiter.hpp>

#include <chrono>
#include <coroutine>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/coroutine_methods.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait_for.hpp>
#include <segue/modern/tasks/yield.hpp>

#include "modern/attempt.hpp"
#include "modern/parked.hpp"
#include "modern/throwing.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::attempt;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::iterate;
using testing::make_loop;
using testing::said_by;
using testing::Trace;

// Another library's operation: keeps whom it is to resume, and writes its result where its awaiter is.
struct Operation {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) { waiting = awaiting; }
  int await_resume() const { return result; }
  void complete(int value) {
    result = value;
    std::exchange(waiting, nullptr).resume();
  }
  std::coroutine_handle<> waiting;
  int result = 0;
};

// Another library's lazy coroutine.
class Lazy {
 public:
  struct promise_type {
    Lazy get_return_object() { return Lazy(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    struct Final {
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> frame) const noexcept {
        return frame.promise().continuation;
      }
      void await_resume() const noexcept {}
    };
    Final final_suspend() const noexcept { return {}; }
    void return_value(int value) noexcept { result = value; }
    void unhandled_exception() noexcept { error = std::current_exception(); }
    std::coroutine_handle<> continuation;
    std::exception_ptr error;
    int result = 0;
  };

  explicit Lazy(std::coroutine_handle<promise_type> frame) : frame_(frame) {}
  Lazy(Lazy&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Lazy& operator=(Lazy&&) = delete;
  ~Lazy() {
    if (frame_) frame_.destroy();
  }
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
    frame_.promise().continuation = awaiting;
    return frame_;
  }
  int await_resume() const {
    if (frame_.promise().error) std::rethrow_exception(frame_.promise().error);
    return frame_.promise().result;
  }

 private:
  std::coroutine_handle<promise_type> frame_;
};

// Another library's coroutine that nobody waits for, with what it fails with.
struct Detached {
  struct promise_type {
    explicit promise_type(std::string& failure) : error(failure) {}
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() { error = testing::text(std::current_exception()); }
    std::string& error;
  };
};

Detached sleep_detached(std::string& /*error*/) { co_await sleep(1s); }

// One that throws out of its resume().
testing::Throwing throw_after_yield() {
  co_await yield_();
  throw ValueError("out of resume()");
}

struct Any : Operation {
  void await_suspend(auto awaiting) { waiting = awaiting; }
};

class ForeignAwait : public ::testing::Test {
 protected:
  Coroutine<> wait(Operation& operation) {
    trace.push_back("waits");
    try {
      const int result = co_await operation;
      trace.push_back("result " + std::to_string(result));
    } catch (const CancelledError& error) {
      trace.push_back("cancelled");
      throw;
    }
  }

  Trace trace;
  EventLoopPtr loop = make_loop();
};

TEST_F(ForeignAwait, goes_on_in_its_task_when_the_operation_has_completed) {
  Operation operation;
  const auto main = [&]() -> Coroutine<> {
    auto task = create_task(wait(operation));
    co_await sleep(1s);
    trace.push_back("completes");
    operation.complete(5);
    trace.push_back("completed");
    co_await task;
  };
  loop->run_until_complete(main());
  EXPECT_THAT(trace, ElementsAre("waits", "completes", "completed", "result 5"));
}

TEST_F(ForeignAwait, goes_on_in_its_loop_when_another_thread_completes_it) {
  const auto main = [&]() -> Coroutine<std::thread::id> {
    Operation operation;
    std::thread other;
    get_running_loop().call_soon([&] { other = std::thread([&] { operation.complete(7); }); });
    const int result = co_await operation;
    EXPECT_EQ(result, 7);
    other.join();
    co_return std::this_thread::get_id();
  };
  auto real = new_event_loop();
  EXPECT_EQ(real->run_until_complete(main()), std::this_thread::get_id());
}

TEST_F(ForeignAwait, takes_no_iteration_where_the_operation_completes_at_once) {
  struct AtOnce : Operation {
    void await_suspend(std::coroutine_handle<> awaiting) {
      waiting = awaiting;
      complete(3);
    }
  };
  const auto main = [&]() -> Coroutine<int> {
    AtOnce operation;
    bool iterated = false;
    get_running_loop().call_soon([&] { iterated = true; });
    const int result = co_await operation;
    EXPECT_FALSE(iterated);
    co_await sleep(0s);
    EXPECT_TRUE(iterated);
    co_return result;
  };
  EXPECT_EQ(loop->run_until_complete(main()), 3);
}

TEST_F(ForeignAwait, goes_on_where_await_suspend_says_that_it_need_not_wait) {
  struct Refusing : Operation {
    bool await_suspend(std::coroutine_handle<>) noexcept { return false; }
  };
  const auto main = []() -> Coroutine<int> {
    const int first = co_await Refusing();
    co_await sleep(0s);
    co_return first + 1;
  };
  EXPECT_EQ(loop->run_until_complete(main()), 1);
}

TEST_F(ForeignAwait, throws_what_await_suspend_throws) {
  struct Failing : Operation {
    void await_suspend(std::coroutine_handle<>) { throw std::runtime_error("no"); }
  };
  const auto main = []() -> Coroutine<> {
    co_await sleep(0s);
    co_await Failing();
  };
  EXPECT_EQ(attempt([&] { loop->run_until_complete(main()); }), "runtime_error(no)");
}

TEST_F(ForeignAwait, of_another_librarys_coroutine_that_awaits_segues) {
  const auto inner = [](int value) -> Lazy {
    co_await sleep(10ms);
    co_await sleep(10ms);
    co_return value;
  };
  const auto outer = [&](int value) -> Lazy {
    const int result = co_await inner(value);
    co_return result + 1;
  };
  const auto main = [&]() -> Coroutine<int> {
    const int first = co_await outer(1);
    const int second = co_await outer(first);
    co_return second;
  };
  EXPECT_EQ(loop->run_until_complete(main()), 3);
}

TEST_F(ForeignAwait, of_another_librarys_coroutine_that_never_suspends) {
  const auto inner = []() -> Lazy { co_return 4; };
  const auto main = [&]() -> Coroutine<int> {
    int sum = 0;
    for (int i = 0; i < 100; ++i) {
      const int result = co_await inner();
      sum += result;
    }
    co_return sum;
  };
  EXPECT_EQ(loop->run_until_complete(main()), 400);
}

TEST_F(ForeignAwait, a_cancellation_reaches_what_another_librarys_coroutine_awaits) {
  const auto inner = [&]() -> Lazy {
    try {
      co_await sleep(1s);
    } catch (const CancelledError&) {
      trace.push_back("inner");
      throw;
    }
    co_return 1;
  };
  const auto main = [&]() -> Coroutine<> { co_await inner(); };
  auto task = loop->create_task(main());
  iterate(*loop);
  task.cancel();
  EXPECT_EQ(attempt([&] { loop->run_until_complete(task); }), "CancelledError()");
  EXPECT_THAT(trace, ElementsAre("inner"));
}

TEST_F(ForeignAwait, a_cancellation_is_thrown_when_the_operation_has_come_back) {
  Operation operation;
  auto task = loop->create_task(wait(operation));
  iterate(*loop);
  EXPECT_TRUE(task.cancel());
  for (int i = 0; i < 3; ++i) iterate(*loop);
  EXPECT_FALSE(task.done());
  operation.complete(1);
  EXPECT_THROW(loop->run_until_complete(task), CancelledError);
  EXPECT_THAT(trace, ElementsAre("waits", "cancelled"));
}

TEST_F(ForeignAwait, that_is_closed_meanwhile_is_reported_and_may_complete_later) {
  std::coroutine_handle<> waiting;
  const auto body = [&]() -> Coroutine<> {
    Operation operation;
    get_running_loop().call_soon([&] { waiting = operation.waiting; });
    co_await operation;
  };
  std::vector<std::string> reports;
  loop->set_exception_handler([&](EventLoop&, const ExceptionContext& context) { reports.push_back(context.message); });
  loop->create_task(body());
  iterate(*loop);
  iterate(*loop);
  const std::string said = said_by([&] {
    loop->close();
    loop = nullptr;
  });
  EXPECT_THAT(::testing::PrintToString(reports) + said, HasSubstr("another library has still to resume"));
  waiting.resume();
}

TEST_F(ForeignAwait, fails_where_the_handle_is_destroyed) {
  Operation operation;
  auto task = loop->create_task(wait(operation));
  iterate(*loop);
  operation.waiting.destroy();
  EXPECT_THAT(attempt([&] { loop->run_until_complete(task); }), HasSubstr("destroyed, not resumed"));
}

TEST_F(ForeignAwait, of_an_awaiter_that_takes_any_handle) {
  Any operation;
  const auto main = [&]() -> Coroutine<int> { co_return co_await operation; };
  auto task = loop->create_task(main());
  iterate(*loop);
  operation.complete(9);
  EXPECT_EQ(loop->run_until_complete(task), 9);
}

TEST_F(ForeignAwait, of_suspend_always_is_a_bare_yield) {
  const auto main = [&]() -> Coroutine<> {
    get_running_loop().call_soon([&] { trace.push_back("iteration"); });
    co_await std::suspend_always();
    trace.push_back("after");
    co_await std::suspend_never();
  };
  loop->run_until_complete(main());
  EXPECT_THAT(trace, ElementsAre("iteration", "after"));
}

TEST_F(ForeignAwait, works_by_hand_without_a_loop) {
  Operation operation;
  const auto body = [&]() -> Coroutine<int> { co_return co_await operation; };
  auto coroutine = body();
  EXPECT_TRUE(coroutine.send().bare());
  operation.complete(6);
  EXPECT_EQ(attempt([&] { coroutine.send(); }), "StopIteration(6)");

  Operation pending;
  const auto early = [&]() -> Coroutine<int> { co_return co_await pending; };
  auto resumed_early = early();
  resumed_early.send();
  said_by([&] { EXPECT_THAT(attempt([&] { resumed_early.send(); }), HasSubstr("resumed before the library")); });
  pending.complete(1);
}

// By whoever steps it by hand while the first one is being suspended.
TEST_F(ForeignAwait, that_is_completed_in_another_drivers_step_goes_on_in_its_own) {
  struct ByAnother : Operation {
    explicit ByAnother(Trace& steps) : trace(steps) {}
    void await_suspend(std::coroutine_handle<> awaiting) {
      waiting = awaiting;
      const auto completing = [this]() -> Coroutine<> {
        complete(3);
        co_await yield_();
        trace.push_back("stepped again");
      };
      auto other = completing();
      trace.push_back(other.send().bare() ? "other waits" : "");
      trace.push_back(attempt([&] { other.send(); }));
    }
    Trace& trace;
  };
  const auto main = [&]() -> Coroutine<int> { co_return co_await ByAnother(trace); };
  EXPECT_EQ(loop->run_until_complete(main()), 3);
  EXPECT_THAT(trace, ElementsAre("other waits", "stepped again", "StopIteration(None)"));
  trace.clear();
  auto by_hand = main();
  EXPECT_EQ(attempt([&] { by_hand.send(); }), "StopIteration(3)");
  EXPECT_THAT(trace, ElementsAre("other waits", "stepped again", "StopIteration(None)"));
}

TEST_F(ForeignAwait, is_not_overtaken_by_what_the_library_runs_after_it_has_resumed) {
  struct RunsMore : Operation {
    explicit RunsMore(std::string& failure) : error(failure) {}
    void await_suspend(std::coroutine_handle<> awaiting) {
      waiting = awaiting;
      complete(4);
      sleep_detached(error);
    }
    std::string& error;
  };
  std::string error;
  const auto main = [&]() -> Coroutine<int> {
    RunsMore operation(error);
    const int result = co_await operation;
    co_await sleep(1s);
    co_return result;
  };
  EXPECT_EQ(loop->run_until_complete(main()), 4);
  EXPECT_THAT(error, HasSubstr("await outside of a coroutine"));
}

TEST_F(ForeignAwait, that_another_thread_has_completed_is_not_reported_where_the_loop_ends_first) {
  Operation operation;
  loop->create_task(wait(operation));
  iterate(*loop);
  std::thread([&] { operation.complete(1); }).join();
  const testing::Reports reports(*loop);
  const std::string said = said_by([&] { loop = nullptr; });
  EXPECT_THAT(reports.messages(), ElementsAre("Task was destroyed but it is pending!"));
  EXPECT_EQ(said, "");
}

TEST_F(ForeignAwait, whose_library_throws_into_the_driver_leaves_a_coroutine_that_can_only_be_destroyed) {
  const auto body = [&]() -> Coroutine<> {
    const testing::Local local(trace, "left");
    co_await throw_after_yield();
  };
  std::optional<Coroutine<>> coroutine = body();
  coroutine->send();
  EXPECT_EQ(attempt([&] { coroutine->send(); }), "ValueError(out of resume())");
  EXPECT_EQ(coroutine->state(), CoroutineState::CORO_SUSPENDED);
  EXPECT_EQ(attempt([&] { coroutine->send(); }), "RuntimeError(cannot reuse already awaited coroutine)");
  EXPECT_EQ(attempt([&] { loop->create_task(std::move(*coroutine)); }),
            "RuntimeError(cannot reuse already awaited coroutine)");
  said_by([&] { coroutine.reset(); });
  EXPECT_THAT(trace, ElementsAre("left"));

  const Task<> task = loop->create_task(body());
  iterate(*loop);
  EXPECT_EQ(attempt([&] { iterate(*loop); }), "ValueError(out of resume())");
  EXPECT_FALSE(task.done());
  const testing::Reports reports(*loop);
  said_by([&] { loop = nullptr; });
  EXPECT_THAT(trace, ElementsAre("left", "left"));
  EXPECT_THAT(reports.messages(), ::testing::Contains("Task was destroyed but it is pending!"));
}

// What closes the chain from its leaf throws, too.
TEST_F(ForeignAwait, whose_library_throws_while_the_chain_is_closed) {
  const auto inner = [&]() -> Coroutine<> {
    const testing::Local local(trace, "inner");
    co_await throw_after_yield();
  };
  const auto outer = [&]() -> Coroutine<> {
    const testing::Local local(trace, "outer");
    co_await inner();
  };
  std::optional<Coroutine<>> coroutine = outer();
  coroutine->send();
  EXPECT_EQ(attempt([&] { coroutine->close(); }), "GeneratorExit()");
  said_by([&] { coroutine.reset(); });
  EXPECT_THAT(trace, ElementsAre("inner", "outer"));
}

}  // namespace
}  // namespace segue::modern
