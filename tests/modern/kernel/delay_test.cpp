#include <segue/modern/kernel/delay.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>

#include <gtest/gtest.h>

#include <segue/exceptions.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using std::chrono::duration;
using std::chrono::nanoseconds;
using testing::attempt;

constexpr nanoseconds for_ever(INT64_MAX / 4);

template <class Rep, class Period>
constexpr nanoseconds in_nanoseconds(duration<Rep, Period> delay) {
  return Delay(delay).value();
}

TEST(Delay, is_what_a_duration_is_in_nanoseconds) {
  EXPECT_EQ(Delay().value(), 0ns);
  EXPECT_EQ(in_nanoseconds(0s), 0ns);
  EXPECT_EQ(in_nanoseconds(-3ms), -3'000'000ns);
  EXPECT_EQ(in_nanoseconds(292h), 292h);
  EXPECT_EQ(in_nanoseconds(duration<unsigned char>(200)), 200s);
  EXPECT_EQ(in_nanoseconds(duration<int, std::ratio<1, 3>>(3)), 1s);
  EXPECT_EQ(in_nanoseconds(duration<std::int64_t, std::pico>(5'999)), 5ns);
  EXPECT_EQ(in_nanoseconds(1.5s), 1'500ms);
  EXPECT_EQ(in_nanoseconds(duration<float>(0.25F)), 250ms);
  static_assert(Delay(1min).value() == 60s);
}

TEST(Delay, of_more_than_a_time_point_can_bear_is_for_ever) {
  EXPECT_EQ(in_nanoseconds(std::chrono::seconds::max()), for_ever);
  EXPECT_EQ(in_nanoseconds(std::chrono::seconds::min()), -for_ever);
  EXPECT_EQ(in_nanoseconds(nanoseconds::max()), for_ever);
  EXPECT_EQ(in_nanoseconds(nanoseconds::min()), -for_ever);
  EXPECT_EQ(in_nanoseconds(std::chrono::hours::max()), for_ever);
  EXPECT_EQ(in_nanoseconds(std::chrono::years(100)), for_ever);
  EXPECT_EQ(in_nanoseconds(duration<std::uint64_t>(UINT64_MAX)), for_ever);
  EXPECT_EQ(in_nanoseconds(duration<std::int64_t, std::ratio<1, 3>>(INT64_MAX)), for_ever);
  EXPECT_EQ(in_nanoseconds(duration<double>(std::numeric_limits<double>::infinity())), for_ever);
  EXPECT_EQ(in_nanoseconds(duration<double>(-1e30)), -for_ever);
}

TEST(Delay, is_exact_up_to_there) {
  EXPECT_EQ(in_nanoseconds(for_ever - 1ns), for_ever - 1ns);
  EXPECT_EQ(in_nanoseconds(1ns - for_ever), 1ns - for_ever);
  constexpr auto seconds = std::chrono::floor<std::chrono::seconds>(for_ever);
  EXPECT_EQ(in_nanoseconds(seconds), seconds);
  EXPECT_EQ(in_nanoseconds(-seconds), -seconds);
  EXPECT_EQ(in_nanoseconds(seconds + 1s), for_ever);
}

TEST(Delay, is_no_nan) {
  EXPECT_EQ(attempt([] { Delay(duration<double>(std::numeric_limits<double>::quiet_NaN())); }),
            "ValueError(Invalid delay: NaN (not a number))");
}

}  // namespace
}  // namespace segue::modern
