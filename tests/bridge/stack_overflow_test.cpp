// What is said when a generator-based coroutine uses up its stack. A death test: each overflow happens in a child
// process.
#include <signal.h>

#include <cstddef>
#include <utility>

#include <gtest/gtest.h>

#include <segue/bridge/coroutine.hpp>
#include <segue/bridge/portal.hpp>
#include <segue/legacy/stack_report.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/yield.hpp>

#include "loop.hpp"
#include "recurse.hpp"

namespace segue::bridge {
namespace {

using segue::testing::recurse;

struct Fetch {
  int operator()(int depth) const {
    yield_from(modern::yield_());
    return recurse(depth);
  }
};

class CoroutineStackOverflowDeathTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (legacy::legacy_detail::sanitized) GTEST_SKIP() << "a sanitizer reports overflows itself";
    GTEST_FLAG_SET(death_test_style, "threadsafe");
  }
  static void run(auto coroutine) { testing::make_loop()->run_until_complete(std::move(coroutine)); }
};

TEST_F(CoroutineStackOverflowDeathTest, names_the_function_its_size_and_where_it_was_made) {
  const auto fetch = coroutine<int>(Fetch(), {128 * 1024});
  EXPECT_EXIT(run(fetch(0)), ::testing::KilledBySignal(SIGSEGV),
              "segue: stack overflow: generator-based coroutine segue::bridge::.*Fetch "
              "\\(made at .*/stack_overflow_test.cpp:[0-9]+\\) used up its stack of 131072 bytes");
}

TEST_F(CoroutineStackOverflowDeathTest, names_a_lambda) {
  const auto deep = coroutine([](int depth) { return recurse(depth); });
  EXPECT_EXIT(run(deep(0)), ::testing::KilledBySignal(SIGSEGV),
              "generator-based coroutine .*lambda.* \\(made at .*/stack_overflow_test.cpp:[0-9]+\\) used up its stack "
              "of 65536");
}

TEST_F(CoroutineStackOverflowDeathTest, names_the_function_of_a_portal) {
  EXPECT_EXIT(run(portal([] { recurse(0); })), ::testing::KilledBySignal(SIGSEGV),
              "lambda.* \\(made at .*/stack_overflow_test.cpp:[0-9]+\\) used up its stack of 65536");
}

TEST(CoroutineStackReport, knows_generator_based_coroutines_while_everything_is_measured) {
  legacy::set_stack_measuring(true);
  const auto dig = coroutine([](std::size_t bytes) {
    auto* const deepest = static_cast<volatile char*>(__builtin_alloca(bytes));
    *deepest = 1;
    return *deepest;
  });
  testing::make_loop()->run_until_complete(dig(16 * 1024));
  legacy::set_stack_measuring(false);
  const auto report = legacy::stack_report();
  ASSERT_EQ(report.size(), 1U);
  EXPECT_EQ(report[0].name.find("generator-based coroutine "), 0U) << report[0].name;
  EXPECT_GE(report[0].used, 16U * 1024);
}

}  // namespace
}  // namespace segue::bridge
