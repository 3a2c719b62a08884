// timeout(): limits the time that a block may take (CPython: asyncio/timeouts.py).
//
//   try {
//     co_await async_with(timeout(10s), [&](Timeout&) -> Coroutine<> { co_await long_running(); });
//   } catch (const TimeoutError&) {
//   }
//
// When the time is over, the task is cancelled once; at the end of the block the CancelledError becomes TimeoutError,
// if nobody else cancelled the task too. A body that never waits is never interrupted.
//
//   created --aenter--> active --deadline--> expiring --aexit--> expired
//                         \------------------aexit------------> finished
#pragma once

#include <cstdint>
#include <exception>
#include <optional>

#include <segue/modern/kernel/delay.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/loop/handle.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/os_error.hpp>

namespace segue::modern {

/// Like a future, it is a handle: copies share the timeout.
class Timeout {
 public:
  using time_point = EventLoop::time_point;

  /// Never, where there is no `when`.
  explicit Timeout(std::optional<time_point> when);
  Timeout(const Timeout&) noexcept = default;
  Timeout& operator=(const Timeout&) noexcept = default;
  ~Timeout() = default;

  /// The deadline, on the loop's clock.
  std::optional<time_point> when() const noexcept { return state_->when; }
  /// Moves the deadline; none disarms it. RuntimeError("Timeout has not been entered"), ("Cannot change state of …").
  void reschedule(std::optional<time_point> when) const { state_->reschedule(when); }
  /// Whether the deadline has struck.
  bool expired() const noexcept { return state_->phase == Phase::expiring || state_->phase == Phase::expired; }

  /// Starts the clock for the current task. RuntimeError("Timeout has already been entered"), ("Timeout should be used
  /// inside a task").
  Timeout& aenter();
  /// Ends it; `error` is what the block threw, or null. Gives the TimeoutError to throw instead, where the timeout's
  /// own cancellation came out of the block; else null.
  [[nodiscard]] std::exception_ptr aexit(const std::exception_ptr& error) const { return state_->exit(error); }

 private:
  enum class Phase : std::uint8_t { created, active, expiring, expired, finished };

  struct State final : RefCounted {
    explicit State(std::optional<time_point> deadline) noexcept : when(deadline) {}
    ~State() override { handler.cancel(); }
    void reschedule(std::optional<time_point> deadline);
    void expire();
    std::exception_ptr exit(const std::exception_ptr& error);

    Phase phase = Phase::created;
    std::optional<time_point> when;
    Handle handler;
    Ref<FutureCore> task;  // between aenter and aexit
    int cancelling = 0;    // the task's count when it was entered
  };
  static const char* name(Phase phase) noexcept;

  Ref<State> state_;
};

/// A timeout of `delay` from now; none without one. It counts from this call; a negative or zero one strikes at the
/// body's first suspension. RuntimeError("no running event loop").
Timeout timeout(std::optional<Delay> delay);
/// The same at a time on the loop's clock.
Timeout timeout_at(std::optional<Timeout::time_point> when);

}  // namespace segue::modern
