// A result whose copy or move throws (a bad_alloc, say): whoever waits for it gets what that threw, wherever it
// happens, and nobody waits for ever.
#include <chrono>
#include <exception>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/shield.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait_for.hpp>
#include <segue/modern/threads/to_thread.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;

/// Throws at the `left`-th copy or move from now on; never where that is negative.
class Fragile {
 public:
  explicit Fragile(int value) : value(value) {}
  Fragile(const Fragile& other) : value(other.value) { count(); }
  Fragile(Fragile&& other) : value(other.value) { count(); }  // NOLINT(performance-noexcept-move-constructor)
  Fragile& operator=(const Fragile&) = delete;
  ~Fragile() = default;

  static inline int left = -1;
  int value;

 private:
  static void count() {
    if (left > 0 && --left == 0) throw ValueError("fragile");
  }
};

Coroutine<Fragile> give_fragile(int value) {
  co_await sleep(0s);
  co_return Fragile(value);
}

class ThrowingResult : public ::testing::Test {
 protected:
  ~ThrowingResult() override { Fragile::left = -1; }

  /// Lets the first copy or move throw, then the second, … until none is left.
  static void each_fails_once(const std::function<Coroutine<int>()>& main) {
    int failures = 0;
    while (true) {
      auto loop = new_event_loop();  // real: to_thread() has to come back
      loop->set_exception_handler([](EventLoop&, const ExceptionContext&) {});
      Fragile::left = failures + 1;
      std::string outcome;
      try {
        outcome = std::to_string(loop->run_until_complete(main()));
      } catch (...) {
        outcome = testing::text(std::current_exception());
      }
      if (Fragile::left > 0) {
        EXPECT_EQ(outcome, "7");
        break;
      }
      EXPECT_EQ(outcome, "ValueError(fragile)") << "the copy or move number " << failures + 1;
      ++failures;
    }
    EXPECT_GT(failures, 0);
  }
};

TEST_F(ThrowingResult, of_a_coroutine) {
  each_fails_once([]() -> Coroutine<int> {
    const Fragile got = co_await give_fragile(7);
    co_return got.value;
  });
}

TEST_F(ThrowingResult, of_a_task) {
  each_fails_once([]() -> Coroutine<int> {
    const Task<Fragile> task = create_task(give_fragile(7));
    const Fragile got = co_await task;
    co_return got.value;
  });
}

TEST_F(ThrowingResult, of_gathered_children) {
  each_fails_once([]() -> Coroutine<int> {
    const auto gathering = gather(give_fragile(3), give_fragile(4));
    const auto& [three, four] = co_await gathering;
    co_return three.value + four.value;
  });
}

TEST_F(ThrowingResult, of_a_vector_of_gathered_children) {
  each_fails_once([]() -> Coroutine<int> {
    std::vector<Coroutine<Fragile>> children;
    children.push_back(give_fragile(3));
    children.push_back(give_fragile(4));
    const auto gathering = gather(std::move(children));
    const auto& all = co_await gathering;
    co_return all[0].value + all[1].value;
  });
}

TEST_F(ThrowingResult, of_a_shielded_task) {
  each_fails_once([]() -> Coroutine<int> {
    const auto shielded = shield(give_fragile(7));
    const Fragile got = co_await shielded;
    co_return got.value;
  });
}

TEST_F(ThrowingResult, within_a_timeout) {
  each_fails_once([]() -> Coroutine<int> {
    const Fragile got = co_await wait_for(give_fragile(7), 1h);
    co_return got.value;
  });
}

TEST_F(ThrowingResult, of_a_call_in_a_thread) {
  each_fails_once([]() -> Coroutine<int> {
    const auto call = [] { return Fragile(7); };
    const Fragile got = co_await to_thread(call);
    co_return got.value;
  });
}

/// Calls back when it is copied.
struct CallsBack {
  explicit CallsBack(std::function<void()> call) : on_copy(std::move(call)) {}
  CallsBack(const CallsBack& other) : on_copy(other.on_copy) {
    if (on_copy) on_copy();
  }
  CallsBack(CallsBack&&) = default;
  CallsBack& operator=(const CallsBack&) = delete;
  CallsBack& operator=(CallsBack&&) = default;
  ~CallsBack() = default;
  std::function<void()> on_copy;
};

TEST(ResultWhoseCopyCallsBack, may_end_the_future_that_it_is_for) {
  auto loop = testing::make_loop();
  const auto future = loop->create_future<CallsBack>();
  const CallsBack cancels([&] { future.cancel(); });
  EXPECT_THROW(future.set_result(cancels), InvalidStateError);
  EXPECT_TRUE(future.cancelled());

  const auto another = loop->create_future<CallsBack>();
  const CallsBack sets([&] { another.set_result(CallsBack(nullptr)); });
  EXPECT_THROW(another.set_result(sets), InvalidStateError);
  EXPECT_FALSE(another.result().on_copy);
}

}  // namespace
}  // namespace segue::modern
