#include <exception>
#include <memory>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include <segue/bridge/coroutine2.hpp>

#include "coroutine2_bodies.hpp"

namespace segue::bridge {
namespace {

using legacy::Generator;
using testing::count;
using testing::Ints;
using testing::Trace;

class ToPull : public testing::Coroutine2 {};

// a generator as a pull_type

TEST_F(ToPull, gives_the_values_and_ends) {
  Trace trace;
  std::vector<int> seen;
  Ints::pull_type pull = to_pull(count(trace, 3));
  for (const int value : pull) seen.push_back(value);
  EXPECT_EQ(seen, (std::vector{0, 1, 2}));
  EXPECT_FALSE(pull);
  EXPECT_EQ(trace.back(), "left");
}

TEST_F(ToPull, of_an_empty_generator_is_false) {
  Trace trace;
  EXPECT_FALSE(to_pull(count(trace, 0)));
}

TEST_F(ToPull, runs_one_value_ahead_as_coroutine2_does) {
  Trace trace;
  Ints::pull_type pull = to_pull(count(trace, 3));
  EXPECT_EQ(trace, (Trace{"yield 0"}));
  EXPECT_EQ(pull.get(), 0);
  pull();
  EXPECT_EQ(trace, (Trace{"yield 0", "yield 1"}));
}

TEST_F(ToPull, raises_the_generators_errors_where_it_is_resumed) {
  Ints::pull_type pull = to_pull(Generator<int>([](auto& yield) {
    yield(1);
    throw ValueError("torn");
  }));
  EXPECT_EQ(pull.get(), 1);
  EXPECT_THROW(pull(), ValueError);
  EXPECT_FALSE(pull);
}

TEST_F(ToPull, raises_a_first_error_at_once) {
  EXPECT_THROW(static_cast<void>(to_pull(Generator<int>([](auto&) { throw ValueError("torn"); }))), ValueError);
}

TEST_F(ToPull, closes_the_generator_when_it_goes_while_suspended) {
  Trace trace;
  {
    const Ints::pull_type pull = to_pull(Generator<int>([&](auto& yield) {
      try {
        yield(1);
      } catch (const GeneratorExit&) {
        trace.emplace_back("GeneratorExit");
        throw;
      }
    }));
  }
  EXPECT_EQ(trace, (Trace{"GeneratorExit"}));
}

TEST_F(ToPull, closes_the_generator_when_it_goes_during_an_exception) {
  Trace trace;
  try {
    const Ints::pull_type pull = to_pull(count(trace, 3));
    throw std::runtime_error("elsewhere");
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "elsewhere");
  }
  EXPECT_EQ(trace, (Trace{"yield 0", "left"}));
  EXPECT_EQ(std::uncaught_exceptions(), 0);
}

TEST_F(ToPull, moves_what_can_only_be_moved) {
  auto pull = to_pull(Generator<std::unique_ptr<int>>([](auto& yield) { yield(std::make_unique<int>(1)); }));
  EXPECT_EQ(*pull.get(), 1);
  pull();
  EXPECT_FALSE(pull);
}

TEST_F(ToPull, passes_references) {
  int value = 1;
  auto pull = to_pull(Generator<int&>([&](auto& yield) { yield(value); }));
  pull.get() = 7;
  EXPECT_EQ(value, 7);
  auto constant = to_pull(Generator<const int&>([&](auto& yield) { yield(value); }));
  EXPECT_EQ(&constant.get(), &value);
}

TEST_F(ToPull, passes_the_turn_when_there_is_no_value) {
  int turns = 0;
  auto pull = to_pull(Generator<void>([&](auto& yield) {
    for (; turns < 2; ++turns) yield();
  }));
  EXPECT_TRUE(pull);
  pull();
  pull();
  EXPECT_FALSE(pull);
  EXPECT_EQ(turns, 2);
}

TEST_F(ToPull, and_back_is_the_same_generator) {
  Trace trace;
  Generator<int> generator = from_pull(to_pull(from_pull(to_pull(count(trace, 3)))));
  EXPECT_EQ(generator.next(), 0);
  EXPECT_EQ(generator.next(), 1);
  EXPECT_EQ(trace, (Trace{"yield 0", "yield 1"}));
  generator.close();
  EXPECT_EQ(trace.back(), "left");
}

}  // namespace
}  // namespace segue::bridge
