#include <segue/testing/gtest.hpp>

#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/contextvars.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/testing/trace.hpp>

namespace segue::testing {
namespace {

using namespace std::chrono_literals;
using modern::Coroutine;

CO_TEST(CoTest, awaits_in_virtual_time) {
  co_await modern::sleep(1000h);
  SUCCEED();
}

CO_TEST(CoTest, goes_on_after_an_assertion_that_holds) {
  CO_ASSERT_EQ(1, 1);
  CO_ASSERT_TRUE(true);
  CO_ASSERT_LT(1, 2);
  co_return;
}

// --- in order, and in one context ---

Trace& lifecycle() {
  static Trace trace;
  return trace;
}
modern::ContextVar<int>& level() {
  static modern::ContextVar<int> variable("level");
  return variable;
}

class Lifecycle : public AsyncioTest {
 protected:
  void SetUp() override { lifecycle()("SetUp"); }
  Coroutine<void> async_set_up() override {
    co_await modern::sleep(1s);
    level().set(7);
    add_async_cleanup([] { lifecycle()("first clean-up"); });
    add_async_cleanup([]() -> Coroutine<> {
      co_await modern::sleep(1s);
      lifecycle()("last clean-up", level().get());
    });
    lifecycle()("async_set_up");
  }
  Coroutine<void> async_tear_down() override {
    co_await modern::sleep(1s);
    lifecycle()("async_tear_down");
  }
  void TearDown() override {
    lifecycle()("TearDown");
    EXPECT_EQ(lifecycle().str(),
              "SetUp | async_set_up | test 7 | async_tear_down | last clean-up 7 | first clean-up | TearDown");
    lifecycle().clear();
  }
};

CO_TEST_F(Lifecycle, has_an_order) {
  lifecycle()("test", level().get());
  co_return;
}

// --- what is entered ---

/// Says in the lifecycle's trace when it is entered and left.
struct Traced {
  Coroutine<std::string> aenter() {
    co_await modern::sleep(1s);
    lifecycle()("enter", name);
    co_return name;
  }
  Coroutine<> aexit(std::exception_ptr error) {
    co_await modern::sleep(1s);
    lifecycle()(error ? "leave with an error" : "leave", name);
  }
  std::string name;
};
struct Refuses {
  void aenter() { throw ValueError("closed"); }
  void aexit(const std::exception_ptr&) { lifecycle()("leave what was not entered"); }
};

class EntersManagers : public AsyncioTest {
 protected:
  Coroutine<void> async_set_up() override {
    Traced first{"first"};
    const std::string entered = co_await enter_async_context(std::move(first));
    EXPECT_EQ(entered, "first");
    add_async_cleanup([] { lifecycle()("clean-up"); });
  }
  void TearDown() override {
    EXPECT_EQ(lifecycle().str(), "enter first | enter second | test | leave second | clean-up | leave first");
    lifecycle().clear();
  }
};

CO_TEST_F(EntersManagers, and_leaves_them_as_clean_ups) {
  Traced second{"second"};
  co_await enter_async_context(std::move(second));
  bool refused = false;
  try {
    co_await enter_async_context(Refuses());
  } catch (const ValueError&) {
    refused = true;
  }
  EXPECT_TRUE(refused);
  lifecycle()("test");
}

// --- what fails ---

/// The failures of a body, which is not this test's.
template <class Body>
std::string failures_of(Body body) {
  class Fixture : public AsyncioTest {
   public:
    explicit Fixture(Body run) : run_(std::move(run)) {}
    using AsyncioTest::TestBody;

   private:
    Coroutine<void> co_test_body() override { return run_(); }
    Body run_;
  };
  ::testing::TestPartResultArray failures;
  {
    const ::testing::ScopedFakeTestPartResultReporter reporter(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &failures);
    Fixture(std::move(body)).TestBody();
  }
  std::string text;
  for (int i = 0; i < failures.size(); ++i) text += std::string(failures.GetTestPartResult(i).message()) + "\n";
  return text;
}

TEST(CoTestFailure, is_an_exception_of_the_body) {
  EXPECT_THAT(failures_of([]() -> Coroutine<> {
                throw ValueError("bad");
                co_return;
              }),
              ::testing::HasSubstr("ValueError: bad"));
}

TEST(CoTestFailure, is_whatever_nobody_retrieves) {
  EXPECT_THAT(failures_of([]() -> Coroutine<> {
                const auto fails = []() -> Coroutine<> {
                  throw ValueError("lost");
                  co_return;
                };
                modern::create_task(fails());
                co_await modern::sleep(1s);
              }),
              ::testing::HasSubstr("Task exception was never retrieved"));
}

TEST(CoTestFailure, is_nothing_that_is_left_and_can_be_cancelled) {
  EXPECT_EQ(failures_of([]() -> Coroutine<> {
              modern::create_task(modern::sleep(1h));
              co_await modern::sleep(0s);
            }),
            "");
}

TEST(CoTestFailure, is_an_interrupt_of_the_body) {
  EXPECT_EQ(failures_of([]() -> Coroutine<> {
              throw KeyboardInterrupt();
              co_return;
            }),
            "Failed\nKeyboardInterrupt\n");
}

class CancelsItself : public AsyncioTest {
 protected:
  Coroutine<void> async_tear_down() override {
    co_await modern::sleep(1s);
    lifecycle()("tear-down");
    modern::current_task()->cancel();
  }
  void TearDown() override {
    EXPECT_EQ(lifecycle().str(), "tear-down | clean-up");
    lifecycle().clear();
  }
};

CO_TEST_F(CancelsItself, and_is_torn_down_all_the_same) {
  add_async_cleanup([]() -> Coroutine<> {
    co_await modern::sleep(1s);
    lifecycle()("clean-up");
  });
  modern::current_task()->cancel();
  co_return;
}

}  // namespace
}  // namespace segue::testing
