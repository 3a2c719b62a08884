// timeout(): limits the time that a block may take (CPython: asyncio/timeouts.py).
//
//   try {
//     co_await async_with(timeout(10s), [&](Timeout&) -> Coroutine<> { co_await long_running(); });
//   } catch (const TimeoutError&) {
//   }
//
// `auto limit = timeout(10s);` alone is no guard and limits nothing: one that was never entered is reported.
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
#include <source_location>
#include <string>

#include <segue/modern/kernel/delay.hpp>
#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/loop/handle.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/os_error.hpp>

namespace segue::modern {

namespace detail {

struct TimeoutState final : RefCounted {
  enum class Phase : std::uint8_t { created, active, expiring, expired, finished };

  TimeoutState(std::optional<EventLoop::time_point> deadline, const std::source_location& where) noexcept
      : when(deadline), made(where) {}
  ~TimeoutState() override;
  void enter();
  void reschedule(std::optional<EventLoop::time_point> deadline);
  void expire();
  std::exception_ptr exit(const std::exception_ptr& error);
  std::string repr() const;

  Phase phase = Phase::created;
  std::optional<EventLoop::time_point> when;
  Handle handler;
  Ref<FutureCore> task;  // between aenter and aexit
  int cancelling = 0;    // the task's cancelling() at aenter()
  std::source_location made;
  bool expected = false;  // by an async_with(), which may be dropped before it starts
};

}  // namespace detail

/// Like a future, it is a handle: copies share the timeout.
class [[gnu::warn_unused]] Timeout : public HandleOf<Timeout, Ref<detail::TimeoutState>> {
 public:
  using time_point = EventLoop::time_point;

  /// A timeout at `when`; one that never strikes where that is empty.
  [[nodiscard("enter it by async_with")]] explicit Timeout(std::optional<Deadline> when,
                                                           std::source_location made = std::source_location::current());

  /// The deadline, on the loop's clock.
  std::optional<time_point> when() const { return state()->when; }
  /// Moves the deadline; none disarms it. RuntimeError("Timeout has not been entered"), ("Cannot change state of …").
  void reschedule(std::optional<Deadline> when) const { state()->reschedule(when); }
  /// Whether the deadline has struck.
  bool expired() const { return state()->phase == Phase::expiring || state()->phase == Phase::expired; }
  /// `<Timeout [active] when=12.5>`.
  std::string repr() const { return state()->repr(); }

  /// Starts the clock for the current task. RuntimeError("Timeout has already been entered"), ("Timeout should be used
  /// inside a task").
  Timeout aenter() const {
    state()->enter();
    return *this;
  }
  /// Somebody has it who is going to enter it: where it comes to nothing, it is not this timeout that is reported.
  void expect_entry() const {
    if (*this) state()->expected = true;
  }
  /// Ends it; `error` is what the block threw, or null. Gives the TimeoutError to throw instead, where the timeout's
  /// own cancellation came out of the block; else null.
  [[nodiscard]] std::exception_ptr aexit(const std::exception_ptr& error) const { return state()->exit(error); }

 private:
  using Phase = detail::TimeoutState::Phase;
};

struct TimeoutFunction {
  /// A timeout of `delay` from now; none without one. It counts from this call; a negative or zero one strikes at the
  /// body's first suspension. RuntimeError("no running event loop").
  [[nodiscard("enter it by async_with")]] Timeout operator()(
      std::optional<Delay> delay, std::source_location made = std::source_location::current()) const;
};
inline constexpr TimeoutFunction timeout;

struct TimeoutAtFunction {
  /// The same at a time on the loop's clock.
  [[nodiscard("enter it by async_with")]] Timeout operator()(
      std::optional<Deadline> when, std::source_location made = std::source_location::current()) const {
    return Timeout(when, made);
  }
};
inline constexpr TimeoutAtFunction timeout_at;

}  // namespace segue::modern
