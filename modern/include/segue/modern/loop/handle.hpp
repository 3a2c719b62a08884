// Handle and TimerHandle: what call_soon() and call_later() return (CPython: asyncio/events.py).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <segue/modern/kernel/ready_queue.hpp>
#include <segue/modern/kernel/ref.hpp>

namespace segue::modern {

class EventLoop;

namespace detail {

/// A callback that is, or will be, in the loop's queue. The queue (or the timer heap) holds a reference.
class HandleState : public RefCounted, public Ready {
 public:
  explicit HandleState(EventLoop& loop) noexcept : loop_(loop) {}

  void cancel() noexcept;
  bool cancelled() const noexcept { return cancelled_; }

  void run() final;
  void drop() noexcept final { release(); }

  // Of a timer:
  std::chrono::steady_clock::time_point when;
  std::uint64_t sequence = 0;  // breaks ties: earlier made, earlier run
  bool in_heap = false;

 protected:
  virtual void invoke() = 0;
  /// Destroys the callable and what it captured.
  virtual void forget() noexcept = 0;

 private:
  EventLoop& loop_;  // outlives its queue's entries
  bool cancelled_ = false;
  bool running_ = false;  // cancelled meanwhile, it is forgotten afterwards
};

template <class F, class... Args>
class CallbackHandle final : public HandleState {
 public:
  template <class G, class... Values>
  explicit CallbackHandle(EventLoop& loop, G&& callback, Values&&... values)
      : HandleState(loop), call_(std::in_place, std::forward<G>(callback), std::forward<Values>(values)...) {}

 private:
  void invoke() override {
    std::apply([](F& f, Args&... args) { std::invoke(f, args...); }, *call_);
  }
  void forget() noexcept override { call_.reset(); }

  std::optional<std::tuple<F, Args...>> call_;
};

}  // namespace detail

/// A scheduled callback. Dropping the handle does not cancel it.
class Handle {
 public:
  Handle() noexcept = default;
  explicit Handle(detail::Ref<detail::HandleState> state) noexcept : state_(std::move(state)) {}

  /// The callback will not run, not even where it is queued already. Idempotent; frees what it captured.
  void cancel() const noexcept {
    if (state_) state_->cancel();
  }
  bool cancelled() const noexcept { return state_ && state_->cancelled(); }
  explicit operator bool() const noexcept { return static_cast<bool>(state_); }

 protected:
  detail::Ref<detail::HandleState> state_;
};

/// A callback scheduled for a time.
class TimerHandle : public Handle {
 public:
  using Handle::Handle;
  /// When it is due, on the loop's clock.
  std::chrono::steady_clock::time_point when() const noexcept { return state_->when; }
};

}  // namespace segue::modern
