// Handle and TimerHandle: what call_soon() and call_later() return (CPython: asyncio/events.py).
#pragma once

#include <chrono>
#include <utility>

#include <segue/modern/kernel/handle_state.hpp>
#include <segue/modern/kernel/ref.hpp>

namespace segue::modern {

/// A scheduled callback. Dropping the handle does not cancel it.
class Handle {
 public:
  Handle() noexcept = default;
  explicit Handle(Ref<HandleState> state) noexcept : state_(std::move(state)) {}

  /// The callback will not run, not even where it is queued already. Idempotent; frees what it captured.
  void cancel() const noexcept {
    if (state_) state_->cancel();
  }
  bool cancelled() const noexcept { return state_ && state_->cancelled(); }
  explicit operator bool() const noexcept { return static_cast<bool>(state_); }

 protected:
  Ref<HandleState> state_;
};

/// A callback scheduled for a time.
class TimerHandle : public Handle {
 public:
  using Handle::Handle;
  /// When it is due, on the loop's clock.
  std::chrono::steady_clock::time_point when() const noexcept { return state_->when(); }
};

}  // namespace segue::modern
