// What an executable takes from the heap with `new`: counted, and refused where a test wants it.
#pragma once

#include <cstddef>

namespace segue::testing {

/// Whether they are: not under ThreadSanitizer.
extern const bool allocations_counted;

/// How often this thread has called operator new so far.
std::size_t allocations_made() noexcept;
/// How many of its allocations are not given back yet.
std::ptrdiff_t allocations_alive() noexcept;
/// How large these are, in all.
std::ptrdiff_t bytes_alive() noexcept;

enum class Refused { once, from_then_on };

/// While it lives, this thread's `nth` allocation throws std::bad_alloc, or all from the `nth` on.
class RefusedAllocation {
 public:
  RefusedAllocation(std::size_t nth, Refused refused) noexcept;
  RefusedAllocation(const RefusedAllocation&) = delete;
  ~RefusedAllocation();
  /// Whether this thread has been refused one by then.
  static bool happened() noexcept;
};

/// While it lives, nothing is refused.
class NothingRefused {
 public:
  NothingRefused() noexcept;
  NothingRefused(const NothingRefused&) = delete;
  ~NothingRefused();
};

}  // namespace segue::testing
