// Schedule: chooses among the orders that CPython leaves open: timers that are due at the same time, what stands in a
// set, calls in threads (<segue/testing/explore.hpp>). A loop has none unless a test gives it one, and then each of
// these has the order in which it came.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace segue::modern {

class Schedule {
 public:
  Schedule() = default;
  Schedule(const Schedule&) = delete;
  Schedule& operator=(const Schedule&) = delete;

  /// A number below `count`, which is at least 1.
  virtual std::size_t choose(std::size_t count) noexcept = 0;

  template <class T>
  void shuffle(std::vector<T>& items) noexcept {
    for (std::size_t left = items.size(); left > 1; --left) std::swap(items[left - 1], items[choose(left)]);
  }

  /// How long a call in a thread has taken, which has ended by now.
  std::chrono::milliseconds choose_duration() noexcept {
    const std::size_t tens = choose(10);
    return std::chrono::milliseconds(tens * choose(10));
  }

  /// For how long a loop waits for what a thread does, before it goes on: what is done by then is not left to chance,
  /// but to the schedule. A call that waits for the loop itself does not end by then.
  static constexpr std::chrono::milliseconds patience{100};

 protected:
  ~Schedule() = default;
};

}  // namespace segue::modern
