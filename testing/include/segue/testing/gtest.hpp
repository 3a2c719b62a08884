// GoogleTest for coroutines (CPython: unittest.IsolatedAsyncioTestCase): tests whose bodies co_await, each on a loop of
// its own, in virtual time.
//
//   CO_TEST(Fetch, gives_the_page) {
//     const std::string page = co_await fetch("home");
//     CO_ASSERT_FALSE(page.empty());       // ASSERT_… returns, which a coroutine cannot
//     EXPECT_EQ(page, "<html>");
//   }
//
//   class WithServer : public testing::AsyncioTest {
//     Coroutine<> async_set_up() override { … }
//   };
//   CO_TEST_F(WithServer, answers) { … }
//
// Link GoogleTest beside segue::testing.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exception_context.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/contextlib.hpp>
#include <segue/modern/tasks/runners.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/testing/virtual_loop.hpp>

namespace segue::testing {

namespace detail {

/// Whether something has failed since it was made.
class FailuresSince {
 public:
  FailuresSince() : before_(count()) {}
  bool any() const { return count() > before_; }

 private:
  static int count() {
    const ::testing::TestResult& result = *::testing::UnitTest::GetInstance()->current_test_info()->result();
    int failures = 0;
    for (int i = 0; i < result.total_part_count(); ++i) failures += result.GetTestPartResult(i).failed() ? 1 : 0;
    return failures;
  }
  int before_;
};

}  // namespace detail

/// The fixture. async_set_up(), the test, async_tear_down() and the clean-ups, from the last one on, run as one task,
/// in one context, of a loop in debug mode; SetUp() and TearDown() before and after, without a loop. A set-up that
/// throws or fails keeps the test from running, and the tear-down; the clean-ups run in any case. Each exception is a
/// failure of the test, KeyboardInterrupt and SystemExit, too, which googletest lets pass no more than others; and so
/// is what is reported to the loop's exception handler. What is left is cancelled, and waited for.
class AsyncioTest : public ::testing::Test {
 protected:
  /// Makes the loop: one in virtual time, unless this is overridden.
  virtual modern::LoopFactory loop_factory() const { return virtual_loop; }
  virtual modern::Coroutine<void> async_set_up() { co_return; }
  virtual modern::Coroutine<void> async_tear_down() { co_return; }

  /// Has `cleanup()`, a coroutine function or a plain one, called at the end.
  template <class F>
  void add_async_cleanup(F cleanup) {
    cleanups_.push_back([cleanup = std::move(cleanup)]() mutable -> modern::Coroutine<void> {
      if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
        cleanup();
        co_return;
      } else {
        co_await cleanup();
      }
    });
  }

  /// Enters a context manager, gives what it gives, and leaves it at the end, as a clean-up. It is taken over, since
  /// the body's locals are gone by then.
  ///
  ///   Connection& connection = co_await enter_async_context(connect("a.example"));
  template <class M>
    requires(!std::is_lvalue_reference_v<M>) && modern::AsyncContextManager<M>
  auto enter_async_context(M&& manager) {
    const auto stack = std::make_shared<modern::AsyncExitStack>();
    add_async_cleanup([stack] { return stack->aclose(); });
    return stack->enter_async_context(std::forward<M>(manager));
  }

  /// The test. CO_TEST_F writes it.
  virtual modern::Coroutine<void> co_test_body() { co_return; }
  void TestBody() override {
    modern::Runner runner({.debug = true, .loop_factory = loop_factory()});
    runner.get_loop().set_exception_handler(
        [](modern::EventLoop&, const modern::ExceptionContext& context) { fail(to_string(context)); });
    guard([&] { runner.run(run_all()); });
    guard([&] { runner.close(); });
  }

 private:
  template <class Call>
  static void guard(Call call) {
    try {
      call();
    } catch (...) {
      fail(std::current_exception());
    }
  }
  static void fail(const std::exception_ptr& error) {
    const ExceptionText text = describe(error);
    fail(text.type + (text.message.empty() ? "" : ": " + text.message));
  }
  static void fail(const std::string& what) {
    const ::testing::TestInfo& test = *::testing::UnitTest::GetInstance()->current_test_info();
    ADD_FAILURE_AT(test.file(), test.line()) << what;
  }
  /// Whether it ended without an exception. A cancellation that it has left is not the next one's.
  static modern::Coroutine<bool> guarded(modern::Coroutine<void> part) {
    std::exception_ptr error;
    try {
      co_await std::move(part);
    } catch (...) {
      error = std::current_exception();
    }
    if (error) fail(error);
    while (modern::current_task()->uncancel() > 0) {
    }
    co_return !error;
  }
  modern::Coroutine<void> run_all() {
    const detail::FailuresSince begin;
    const bool returned = co_await guarded(async_set_up());
    const bool is_set_up = returned && !begin.any() && !IsSkipped();
    if (is_set_up) co_await guarded(co_test_body());
    if (is_set_up) co_await guarded(async_tear_down());
    while (!cleanups_.empty()) {
      const auto cleanup = std::move(cleanups_.back());
      cleanups_.pop_back();
      co_await guarded(cleanup());
    }
  }

  std::vector<std::function<modern::Coroutine<void>()>> cleanups_;
};

}  // namespace segue::testing

/// TEST and TEST_F with a body that co_awaits.
#define CO_TEST(suite, name) \
  SEGUE_CO_TEST_(suite, name, ::segue::testing::AsyncioTest, ::testing::internal::GetTestTypeId())
#define CO_TEST_F(fixture, name) SEGUE_CO_TEST_(fixture, name, fixture, ::testing::internal::GetTypeId<fixture>())

#define SEGUE_CO_TEST_(suite, name, fixture, id)                                                        \
  class SEGUE_CO_TEST_CLASS_(suite, name) : public fixture {                                            \
    ::segue::modern::Coroutine<void> co_test_body() override;                                           \
    static ::testing::TestInfo* const test_info_;                                                       \
  };                                                                                                    \
  ::testing::TestInfo* const SEGUE_CO_TEST_CLASS_(suite, name)::test_info_ =                            \
      ::testing::internal::MakeAndRegisterTestInfo(                                                     \
          #suite, #name, nullptr, nullptr, ::testing::internal::CodeLocation(__FILE__, __LINE__), (id), \
          ::testing::internal::SuiteApiResolver<fixture>::GetSetUpCaseOrSuite(__FILE__, __LINE__),      \
          ::testing::internal::SuiteApiResolver<fixture>::GetTearDownCaseOrSuite(__FILE__, __LINE__),   \
          new ::testing::internal::TestFactoryImpl<SEGUE_CO_TEST_CLASS_(suite, name)>);                 \
  ::segue::modern::Coroutine<void> SEGUE_CO_TEST_CLASS_(suite, name)::co_test_body()
#define SEGUE_CO_TEST_CLASS_(suite, name) suite##_##name##_CoTest

/// ASSERT_… in a coroutine: a failure ends it. The arguments may not co_await.
#define SEGUE_CO_ASSERT_(expectation)                  \
  do {                                                 \
    const ::segue::testing::detail::FailuresSince now; \
    expectation;                                       \
    if (now.any()) co_return;                          \
  } while (false)
#define CO_ASSERT_TRUE(condition) SEGUE_CO_ASSERT_(EXPECT_TRUE(condition))
#define CO_ASSERT_FALSE(condition) SEGUE_CO_ASSERT_(EXPECT_FALSE(condition))
#define CO_ASSERT_EQ(a, b) SEGUE_CO_ASSERT_(EXPECT_EQ(a, b))
#define CO_ASSERT_NE(a, b) SEGUE_CO_ASSERT_(EXPECT_NE(a, b))
#define CO_ASSERT_LT(a, b) SEGUE_CO_ASSERT_(EXPECT_LT(a, b))
#define CO_ASSERT_LE(a, b) SEGUE_CO_ASSERT_(EXPECT_LE(a, b))
#define CO_ASSERT_GT(a, b) SEGUE_CO_ASSERT_(EXPECT_GT(a, b))
#define CO_ASSERT_GE(a, b) SEGUE_CO_ASSERT_(EXPECT_GE(a, b))
