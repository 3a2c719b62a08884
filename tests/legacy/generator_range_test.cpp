// A generator as an input range.
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <segue/legacy/generator.hpp>

#include "attempt.hpp"

namespace segue::legacy {
namespace {

using testing::attempt;

TEST(GeneratorRange, IsAnInputRange) {
  static_assert(std::ranges::input_range<Generator<int>>);
  static_assert(std::ranges::input_range<Generator<std::unique_ptr<int>>>);
  static_assert(std::ranges::input_range<Generator<const std::string&>>);
  static_assert(std::ranges::input_range<Generator<int, int, int>>);
  static_assert(!std::ranges::range<Generator<void>>);
  static_assert(!std::is_copy_constructible_v<Generator<int>>);
  static_assert(std::is_nothrow_move_constructible_v<Generator<int>>);
  static_assert(std::is_nothrow_move_assignable_v<Generator<int>>);
  Generator<int> naturals([](auto& yield) {
    for (int i = 0;; ++i) yield(i);
  });
  std::vector<int> seen;
  for (const int value : naturals | std::views::filter([](int i) { return i % 2; }) | std::views::take(3)) {
    seen.push_back(value);
  }
  EXPECT_EQ(seen, (std::vector{1, 3, 5}));
}

TEST(GeneratorRange, of_generators_can_be_joined) {
  Generator<Generator<int>> rows([](auto& yield) {
    for (int row = 1; row <= 2; ++row) {
      yield(Generator<int>([row](auto& yield) {
        for (int column = 1; column <= 2; ++column) yield(10 * row + column);
      }));
    }
  });
  std::vector<int> seen;
  for (const int value : rows | std::views::join) seen.push_back(value);
  EXPECT_EQ(seen, (std::vector{11, 12, 21, 22}));
}

TEST(GeneratorRange, LeavesWhatWasNotCountedOff) {
  Generator<int> naturals([](auto& yield) {
    for (int i = 0;; ++i) yield(i);
  });
  std::vector<int> seen;
  for (const int value : naturals | std::views::take(2)) seen.push_back(value);
  seen.push_back(naturals.next());
  EXPECT_EQ(seen, (std::vector{0, 1, 2}));
}

TEST(GeneratorRange, LeavingTheLoopDoesNotCloseIt) {
  bool closed = false;
  {
    Generator<int> generator([&](auto& yield) {
      try {
        yield(1);
        yield(2);
      } catch (const GeneratorExit&) {
        closed = true;
        throw;
      }
    });
    for ([[maybe_unused]] const int value : generator) break;
    EXPECT_EQ(generator.next(), 2);
    EXPECT_FALSE(closed);
  }
  EXPECT_TRUE(closed);
}

TEST(GeneratorRange, DropsTheReturnValueAndSendsNone) {
  Generator<std::string, std::optional<int>, int> generator([](auto& yield) {
    const auto got = yield("a");
    yield(got ? "sent" : "None");
    return 3;
  });
  std::vector<std::string> seen;
  for (auto&& value : generator) {
    static_assert(std::is_same_v<decltype(value), std::string&&>);
    seen.push_back(value);
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "None"}));
  EXPECT_EQ(attempt([&] { return generator.next(); }), "StopIteration(None)");
}

TEST(GeneratorRange, RaisesWhatTheBodyRaises) {
  Generator<int> generator([](auto& yield) {
    yield(1);
    throw ValueError("v");
  });
  std::vector<int> seen;
  EXPECT_EQ(attempt([&] {
              for (const int value : generator) seen.push_back(value);
            }),
            "ValueError(v)");
  EXPECT_EQ(seen, (std::vector{1}));
}

TEST(GeneratorRange, OfAClosedGeneratorIsEmpty) {
  Generator<int> generator;
  for ([[maybe_unused]] const int value : generator) FAIL();
  SUCCEED();
}

}  // namespace
}  // namespace segue::legacy
