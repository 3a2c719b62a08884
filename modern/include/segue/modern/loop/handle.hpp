// Handle and TimerHandle: what call_soon() and call_later() return (CPython: asyncio/events.py).
#pragma once

#include <chrono>
#include <compare>
#include <functional>
#include <utility>

#include <segue/modern/kernel/contextvars.hpp>
#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/kernel/handle_state.hpp>
#include <segue/modern/kernel/ref.hpp>

namespace segue::modern {

/// A scheduled callback. Dropping the handle does not cancel it. What the callback captured goes when it has run, was
/// cancelled or when the loop is closed, also where it has its own handle among it.
class Handle : public HandleOf<Handle, Ref<HandleState>> {
 public:
  /// An empty one, which may be cancelled, too: there is nothing to do.
  Handle() noexcept = default;
  explicit Handle(Ref<HandleState> state) noexcept : HandleOf(std::move(state)) {}

  /// The callback will not run, not even where it is queued already. Idempotent; frees what it captured.
  void cancel() const noexcept {
    if (*this) state()->cancel();
  }
  bool cancelled() const noexcept { return *this && state()->cancelled(); }
  /// What it runs in; an empty one when it has run or was cancelled.
  Context get_context() const { return Context(state()->context().context()); }

  using HandleOf::state;
};

/// A callback scheduled for a time. Ordered by that, then as other handles are; equal to none but itself.
class TimerHandle : public Handle {
 public:
  using Handle::Handle;
  /// When it is due, on the loop's clock.
  std::chrono::steady_clock::time_point when() const { return state()->when(); }

  friend bool operator==(const TimerHandle& a, const TimerHandle& b) noexcept { return a.id() == b.id(); }
  /// An empty one comes first.
  friend std::strong_ordering operator<=>(const TimerHandle& a, const TimerHandle& b) noexcept {
    if (a && b && a.when() != b.when()) return a.when() <=> b.when();
    return std::compare_three_way()(a.id(), b.id());
  }
};

}  // namespace segue::modern
