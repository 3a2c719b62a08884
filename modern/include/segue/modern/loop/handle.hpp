// Handle and TimerHandle: what call_soon() and call_later() return (CPython: asyncio/events.py).
#pragma once

#include <chrono>
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

/// A callback scheduled for a time.
class TimerHandle : public Handle {
 public:
  using Handle::Handle;
  /// When it is due, on the loop's clock.
  std::chrono::steady_clock::time_point when() const { return state()->when(); }
};

}  // namespace segue::modern
