// StopIteration, the end of an iteration, and the value that it carries.
#include <string>
#include <type_traits>

#include <gtest/gtest.h>

#include <segue/exceptions.hpp>

namespace segue {
namespace {

TEST(StopIteration, carries_a_value_that_may_be_replaced) {
  StopIteration<std::string> stop("spam");
  EXPECT_EQ(stop.value, "spam");
  EXPECT_STREQ(stop.what(), "spam");
  stop.value = "eggs";
  EXPECT_EQ(stop.value, "eggs");
  EXPECT_STREQ(stop.what(), "eggs");
}

TEST(StopIteration, without_a_value_is_empty) {
  const StopIteration<> stop;
  EXPECT_STREQ(stop.what(), "");
  EXPECT_STREQ(StopIteration<>("spam").what(), "spam");
}

TEST(StopIteration, is_caught_whatever_its_value_by_its_base) {
  static_assert(std::is_base_of_v<StopIterationBase, StopIteration<>>);
  static_assert(std::is_base_of_v<StopIterationBase, StopIteration<std::string>>);
  static_assert(std::is_base_of_v<Exception, StopIterationBase>);
}

}  // namespace
}  // namespace segue
