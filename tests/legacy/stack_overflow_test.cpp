// What is said when a fiber uses up its stack. A death test: each overflow happens in a child process.
#include <signal.h>

#include <cstdlib>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <segue/legacy/fiber.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/legacy/pipeline.hpp>
#include <segue/legacy/simple_generator.hpp>
#include <segue/legacy/stack.hpp>

#include "recurse.hpp"

namespace segue::legacy {
namespace {

using segue::testing::recurse;

class StackOverflowDeathTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (legacy_detail::sanitized) GTEST_SKIP() << "a sanitizer reports overflows itself";
    GTEST_FLAG_SET(death_test_style, "threadsafe");
  }
};

TEST_F(StackOverflowDeathTest, NamesTheGeneratorItsSizeAndWhereItWasMade) {
  Generator<int> generator(GeneratorOptions{.name = "deep", .stack_size = {32 * 1024}},
                           [](auto& yield) { yield(recurse(0)); });
  EXPECT_EXIT(generator.next(), ::testing::KilledBySignal(SIGSEGV),
              "segue: stack overflow: deep \\(made at .*stack_overflow_test.cpp:[0-9]+\\) "
              "used up its stack of 32768 bytes");
}

TEST_F(StackOverflowDeathTest, NamesABareFiber) {
  struct Deep : Fiber {
    void run() noexcept { recurse(0); }
    std::string_view label() const noexcept override { return "bare"; }
  };
  auto* const fiber = make_fiber<Deep>(StackSize{});
  EXPECT_EXIT(fiber->resume(), ::testing::KilledBySignal(SIGSEGV), "stack overflow: bare used up its stack of 65536");
  destroy_fiber(fiber);
}

TEST_F(StackOverflowDeathTest, IsFoundWithAProtectedGuardToo) {
  const StackGuard before = stack_guard();
  ASSERT_TRUE(set_stack_guard(StackGuard::protect));
  Generator<int> generator(GeneratorOptions{.name = "protected", .stack_size = {512 * 1024}},
                           [](auto& yield) { yield(recurse(0)); });
  EXPECT_EXIT(generator.next(), ::testing::KilledBySignal(SIGSEGV), "protected.*524288");
  set_stack_guard(before);
}

TEST_F(StackOverflowDeathTest, is_reported_in_a_thread_that_made_no_generator_but_took_a_stack_once) {
  Generator<int> generator({.name = "handed over"}, [](auto& yield) { yield(recurse(0)); });
  const auto in_a_thread = [&] {
    std::thread([&] {
      free_stack(allocate_stack());
      generator.next();
    }).join();
  };
  EXPECT_EXIT(in_a_thread(), ::testing::KilledBySignal(SIGSEGV), "stack overflow: handed over");
}

TEST_F(StackOverflowDeathTest, names_the_place_of_a_sink_and_of_a_simple_generator) {
  SimpleGenerator<int> simple([](auto& yield) { yield(recurse(0)); });
  EXPECT_EXIT(simple.next(), ::testing::KilledBySignal(SIGSEGV), "made at .*stack_overflow_test.cpp");
  auto target = sink<int>([](auto& yield) { recurse(yield()); });
  EXPECT_EXIT(target.send(0), ::testing::KilledBySignal(SIGSEGV), "made at .*stack_overflow_test.cpp");
}

TEST_F(StackOverflowDeathTest, gives_an_address_for_the_place_where_one_with_arguments_was_made) {
  Generator<int> generator([](auto& yield, int depth) { yield(recurse(depth)); }, 0);
  EXPECT_EXIT(
      generator.next(), ::testing::KilledBySignal(SIGSEGV),
      "stack overflow: generator \\(made at [^ ]*legacy_tests\\+0x[0-9a-f]+\\) used up its stack of 65536 bytes");
}

TEST_F(StackOverflowDeathTest, PassesOtherFaultsOnToTheHandlerBefore) {
  const auto fault = [] {
    signal(SIGSEGV, [](int) { _Exit(42); });
    free_stack(allocate_stack({16 * 1024}));
    *static_cast<volatile int*>(nullptr) = 1;
  };
  EXPECT_EXIT(fault(), ::testing::ExitedWithCode(42), "");
}

TEST_F(StackOverflowDeathTest, SaysNothingWhenReportsAreSwitchedOff) {
  Generator<int> generator([](auto& yield) { yield(recurse(0)); });
  const auto silent = [&] {
    set_overflow_reports(false);
    generator.next();
  };
  EXPECT_EXIT(silent(), ::testing::KilledBySignal(SIGSEGV), "^$");
}

}  // namespace
}  // namespace segue::legacy
