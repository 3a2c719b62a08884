// A relative time, in seconds as Python counts them: any std::chrono duration, whole or fractional.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <ratio>

#include <segue/exceptions.hpp>

namespace segue::modern {

/// How long to wait. Made from any duration; too long a one counts as "for ever" (about 73 years), a negative one is in
/// the past. Throws ValueError for a NaN.
class Delay {
 public:
  using nanoseconds = std::chrono::nanoseconds;

  constexpr Delay() noexcept = default;
  template <class Rep, class Period>
  constexpr Delay(std::chrono::duration<Rep, Period> delay)  // NOLINT(google-explicit-constructor)
      : value_(convert(delay)) {}

  constexpr nanoseconds value() const noexcept { return value_; }
  constexpr bool positive() const noexcept { return value_ > nanoseconds::zero(); }

 private:
  // A quarter of the range: a time point plus a delay never overflows.
  static constexpr std::int64_t limit = INT64_MAX / 4;

  template <class Rep, class Period>
  static constexpr nanoseconds convert(std::chrono::duration<Rep, Period> delay) {
    using InNanoseconds = std::ratio_divide<Period, std::nano>;
    if constexpr (std::integral<Rep> && sizeof(Rep) <= sizeof(std::intmax_t) && InNanoseconds::den == 1) {
      constexpr std::int64_t most = limit / InNanoseconds::num;
      if (delay.count() > 0 && static_cast<std::uintmax_t>(delay.count()) > std::uintmax_t{most})
        return nanoseconds(limit);
      if (std::signed_integral<Rep> && static_cast<std::intmax_t>(delay.count()) < -most) return nanoseconds(-limit);
      return nanoseconds(static_cast<std::int64_t>(delay.count()) * InNanoseconds::num);
    } else {
      const auto wide = std::chrono::duration_cast<std::chrono::duration<long double, std::nano>>(delay).count();
      if (wide != wide) throw ValueError("Invalid delay: NaN (not a number)");
      if (wide >= static_cast<long double>(limit)) return nanoseconds(limit);
      if (wide <= static_cast<long double>(-limit)) return nanoseconds(-limit);
      return std::chrono::duration_cast<nanoseconds>(delay);
    }
  }

  nanoseconds value_{};
};

}  // namespace segue::modern
