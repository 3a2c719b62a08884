#include <segue/legacy/iter.hpp>

#include <ranges>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "attempt.hpp"

namespace segue::legacy {
namespace {

TEST(Iter, RemembersWhereItIs) {
  auto it = iter(std::vector{1, 2, 3, 4});
  EXPECT_EQ(next(it), 1);
  for (const int value : it) {
    EXPECT_EQ(value, 2);
    break;
  }
  std::vector<int> rest;
  for (const int value : it) rest.push_back(value);
  EXPECT_EQ(rest, (std::vector{3, 4}));
}

TEST(Iter, StopsForGood) {
  auto it = iter(std::string("a"));
  EXPECT_EQ(next(it), 'a');
  EXPECT_EQ(testing::attempt([&] { return next(it); }), "StopIteration(None)");
  EXPECT_EQ(next(it, 'x'), 'x');
}

TEST(Iter, RefersToAnLvalue) {
  std::vector values{1, 2};
  auto it = iter(values);
  next(it) = 7;
  EXPECT_EQ(values[0], 7);
}

TEST(Iter, MayBeMovedBetweenElements) {
  auto it = iter(std::string("abc"));  // short enough to lie in the string itself
  EXPECT_EQ(next(it), 'a');
  auto moved = std::move(it);
  EXPECT_EQ(next(moved), 'b');
}

TEST(Iter, IsAnInputRange) {
  static_assert(std::ranges::input_range<RangeIterator<std::vector<int>&>>);
  auto it = iter(std::vector{1, 2, 3, 4});
  std::vector<int> pairs;
  for (const int value : it | std::views::take(2)) pairs.push_back(value);
  for (const int value : it | std::views::take(2)) pairs.push_back(10 * value);
  EXPECT_EQ(pairs, (std::vector{1, 2, 30, 40}));
}

}  // namespace
}  // namespace segue::legacy
