// Times as Python counts them, in seconds, whole or fractional: a Delay is relative, made from any std::chrono
// duration, a Deadline a point on a loop's clock.
//
//   loop.call_at(loop.time() + 0.5s, ring);
#pragma once

#include <chrono>
#include <compare>
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

  friend constexpr auto operator<=>(Delay, Delay) noexcept = default;
  friend constexpr Delay operator+(Delay a, Delay b) { return a.value_ + b.value_; }
  friend constexpr Delay operator-(Delay a, Delay b) { return a.value_ - b.value_; }

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

/// A time on a loop's clock, in whatever unit arithmetic with its time() comes to.
class Deadline {
 public:
  using clock = std::chrono::steady_clock;

  template <class Duration>
  constexpr Deadline(std::chrono::time_point<clock, Duration> when)  // NOLINT(google-explicit-constructor)
      : when_(convert(when.time_since_epoch())) {}
  constexpr operator clock::time_point() const noexcept { return when_; }  // NOLINT(google-explicit-constructor)

 private:
  static constexpr clock::duration convert(clock::duration exact) noexcept { return exact; }
  template <class Duration>
  static constexpr clock::duration convert(Duration other) {
    return Delay(other).value();
  }

  clock::time_point when_;
};

}  // namespace segue::modern
