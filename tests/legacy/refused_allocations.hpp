// Every allocation of a scenario refused once, and from there on.
#pragma once

#include <cstddef>
#include <new>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/legacy/inspect.hpp>
#include <segue/legacy/stack.hpp>

#include "counted_allocations.hpp"

namespace segue::legacy::testing {

using segue::testing::NothingRefused;
using segue::testing::Refused;
using segue::testing::RefusedAllocation;

using Strings = Generator<std::string, std::optional<std::string>, std::string>;

// Longer than what a string keeps in itself.
inline const std::string long_text(100, 'x');

/// For tests that refuse allocations.
class RefusedAllocations : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!segue::testing::allocations_counted) GTEST_SKIP() << "no allocation can be refused under ThreadSanitizer";
  }
};

template <class Scenario>
void run_refusing_from(std::size_t nth, Refused refused, Scenario& scenario, bool& happened) {
  const RefusedAllocation refusal(nth, refused);
  try {
    scenario();
  } catch (const std::bad_alloc&) {
  } catch (const MemoryError&) {
  }
  happened = refusal.happened();
}

// Runs the scenario with its first allocation refused, with its second one, … until it comes through.
template <class Scenario>
void refuse_each_allocation(Scenario scenario) {
  scenario();
  std::size_t stacks = 0;
  // More often than there are idle stacks in a thread's pool, which would hide that one is lost each time.
  for (int round = 0; round < 70; ++round) {
    for (const Refused refused : {Refused::once, Refused::from_then_on}) {
      bool happened = true;
      for (std::size_t nth = 1; happened; ++nth) {
        const std::ptrdiff_t alive = segue::testing::allocations_alive();
        run_refusing_from(nth, refused, scenario, happened);
        ASSERT_EQ(segue::testing::allocations_alive(), alive) << "lost by refusing allocation " << nth;
        ASSERT_LT(nth, 1000U) << "there is no end to it";
      }
    }
    if (round == 0) stacks = stack_statistics().stacks;
  }
  EXPECT_EQ(stack_statistics().stacks, stacks);
}

// Checks, at the end of a scenario, that a generator is what it says it is, and closes it.
template <class Generator>
class Sound {
 public:
  explicit Sound(Generator& generator) : generator_(generator) {}
  Sound(const Sound&) = delete;
  ~Sound() {
    const NothingRefused all_right;
    EXPECT_NE(getgeneratorstate(generator_), GEN_RUNNING);
    EXPECT_EQ(static_cast<bool>(generator_), getgeneratorstate(generator_) != GEN_CLOSED);
    generator_.close();
    EXPECT_EQ(getgeneratorstate(generator_), GEN_CLOSED);
  }

 private:
  Generator& generator_;
};

// Yields and returns what it is sent, and takes memory at each step.
inline Strings echo() {
  return Strings([](auto& yield) {
    std::string text = long_text;
    for (int i = 0; i < 3; ++i) {
      try {
        text = yield(text).value_or(long_text);
      } catch (const ValueError& e) {
        text = long_text + e.what();
      }
    }
    return text;
  });
}

}  // namespace segue::legacy::testing
