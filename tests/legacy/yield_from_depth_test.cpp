// `yield.from` through thousands of levels.
#include <string>

#include <gtest/gtest.h>

#include <segue/legacy/detail/sanitizers.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/legacy/yielder.hpp>

#include "attempt.hpp"

namespace segue::legacy {
namespace {

using testing::attempt;

// ThreadSanitizer has a limit of 8,000 fibers, and a sanitizer takes its time.
constexpr int deep = legacy_detail::sanitized ? 1000 : 10'000;

Generator<int, int, int> nested(int depth, int& closed) {
  return Generator<int, int, int>([depth, &closed](auto& yield) {
    try {
      if (depth > 0) return yield.from(nested(depth - 1, closed)) + 1;
      int sum = 0;
      for (int i = 0; i < 3; ++i) sum += yield(i);
      return sum;
    } catch (const GeneratorExit&) {
      ++closed;
      throw;
    }
  });
}

TEST(DelegationDepth, ValuesAndResultsPassThroughThousandsOfLevels) {
  int closed = 0;
  auto generator = nested(deep, closed);
  EXPECT_EQ(generator.next(), 0);
  EXPECT_EQ(generator.send(10), 1);
  EXPECT_EQ(generator.send(20), 2);
  EXPECT_EQ(attempt([&] { return generator.send(30); }), "StopIteration(" + std::to_string(60 + deep) + ")");
  EXPECT_EQ(closed, 0);
}

TEST(DelegationDepth, ClosingGoesThroughThousandsOfLevels) {
  int closed = 0;
  {
    auto generator = nested(deep, closed);
    generator.next();
  }
  EXPECT_EQ(closed, deep + 1);
}

TEST(DelegationDepth, ExceptionsPassThroughThousandsOfLevels) {
  int closed = 0;
  auto generator = nested(deep, closed);
  generator.next();
  EXPECT_EQ(attempt([&] { return generator.throw_(ValueError("v")); }), "ValueError(v)");
}

}  // namespace
}  // namespace segue::legacy
