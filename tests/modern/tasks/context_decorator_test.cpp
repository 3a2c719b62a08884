#include <segue/modern/tasks/context_decorator.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::error_of;
using testing::make_loop;

class Traced : public AsyncContextDecorator<Traced> {
 public:
  explicit Traced(std::string& trace) : trace_(trace) {}
  Coroutine<> aenter() {
    co_await sleep(1s);
    trace_ += "<";
  }
  Coroutine<> aexit(std::exception_ptr error) {
    co_await sleep(1s);
    trace_ += error ? "!>" : ">";
  }

 private:
  std::string& trace_;
};

TEST(AsyncContextDecorator, runs_each_call_of_a_function_within_the_manager) {
  auto loop = make_loop();
  std::string trace;
  const auto decorated = Traced(trace)([&trace](std::string text, int times) -> Coroutine<int> {
    co_await sleep(1s);
    for (int i = 0; i < times; ++i) trace += text;
    co_return times;
  });
  EXPECT_EQ(loop->run_until_complete(decorated("a", 2)), 2);
  EXPECT_EQ(loop->run_until_complete(decorated("b", 1)), 1);
  EXPECT_EQ(trace, "<aa><b>");
}

TEST(AsyncContextDecorator, keeps_manager_function_and_arguments_until_the_calls_end) {
  auto loop = make_loop();
  std::string trace;
  const auto call = [&] {
    const auto decorated = Traced(trace)([&trace, held = std::make_shared<std::string>("held ")](
                                             std::unique_ptr<int> number, std::string& changed) -> Coroutine<> {
      co_await sleep(1s);
      trace += *held + std::to_string(*number);
      changed = "changed";
    });
    return decorated;
  };
  std::string changed;
  Coroutine<> called = call()(std::make_unique<int>(7), std::ref(changed));
  loop->run_until_complete(std::move(called));
  EXPECT_EQ(trace, "<held 7>");
  EXPECT_EQ(changed, "changed");
}

TEST(AsyncContextDecorator, tells_the_manager_what_the_function_throws) {
  auto loop = make_loop();
  std::string trace;
  const auto decorated = Traced(trace)([] { throw ValueError("bad"); });
  EXPECT_EQ(error_of(*loop, decorated()), "ValueError: bad");
  EXPECT_EQ(trace, "<!>");
}

/// Can be entered once.
class Once : public AsyncContextDecorator<Once> {
 public:
  void aenter() {
    if (std::exchange(entered_, true)) throw RuntimeError("entered twice");
  }
  bool aexit(const std::exception_ptr& error) const { return error != nullptr; }

 private:
  bool entered_ = false;
};

TEST(AsyncContextDecorator, makes_the_manager_anew_for_each_call_and_lets_it_keep_exceptions) {
  auto loop = make_loop();
  const auto decorated = Once()([](bool fails) -> Coroutine<int> {
    co_await sleep(1s);
    if (fails) throw ValueError("kept");
    co_return 7;
  });
  const auto both = [&]() -> Coroutine<std::pair<std::optional<int>, std::optional<int>>> {
    const auto [one, other] = co_await gather(decorated(false), decorated(true));
    co_return std::pair(one, other);
  };
  const auto [one, other] = loop->run_until_complete(both());
  EXPECT_EQ(one, 7);
  EXPECT_EQ(other, std::nullopt);
}

}  // namespace
}  // namespace segue::modern
