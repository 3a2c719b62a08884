// sleep(): lets time pass without blocking the loop (CPython: asyncio.tasks.sleep).
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include <segue/modern/kernel/delay.hpp>
#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/kernel/future_core.hpp>
#include <segue/modern/kernel/timer_heap.hpp>
#include <segue/outcome.hpp>

namespace segue::modern {

namespace detail {

/// What a sleep waits for: a future that is its own timer.
class SleepFuture final : public FutureValue<void>, public Timer {
 public:
  using FutureValue::FutureValue;

 private:
  void run() override {
    const Ref<SleepFuture> timer = Ref<SleepFuture>::adopt(this);
    if (!done()) set_result();
  }
  void drop() noexcept override { release(); }
};

/// A zero or negative delay is one bare yield; another one waits on a future that a timer completes.
class SleepWait {
 public:
  explicit SleepWait(Delay delay) noexcept : delay_(delay) {}
  /// Before it is awaited.
  SleepWait(SleepWait&& other) noexcept : delay_(other.delay_), phase_(std::exchange(other.phase_, Phase::over)) {}
  SleepWait& operator=(SleepWait&&) = delete;
  ~SleepWait() {
    if (future_) [[unlikely]]
      future_->loop().cancel_timer(*future_);
  }

  bool await_ready() const {
    if (phase_ != Phase::unused) [[unlikely]]
      refuse_reuse(phase_ == Phase::waiting);
    return false;
  }
  void await_suspend(Resumable leaf) {
    if (delay_.positive()) {
      wait_for_timer(leaf);
    } else {
      Driver::require_current().suspend(leaf);
    }
    phase_ = Phase::waiting;
  }

 protected:
  void finish_wait() {
    phase_ = Phase::over;
    Driver::current()->throw_injected();
    if (future_) [[unlikely]]
      future_->check_result();
  }

 private:
  enum class Phase : std::uint8_t { unused, waiting, over };
  void wait_for_timer(Resumable leaf);

  Delay delay_;
  Phase phase_ = Phase::unused;
  Ref<SleepFuture> future_;
};

}  // namespace detail

template <class Result = void>
class [[nodiscard("co_await it")]] Sleep : public detail::SleepWait {
 public:
  Sleep(Delay delay, Result result) : SleepWait(delay), result_(std::move(result)) {}
  Result await_resume() {
    finish_wait();
    return std::move(result_);
  }

 private:
  Result result_;
};

template <>
class [[nodiscard("co_await it")]] Sleep<void> : public detail::SleepWait {
 public:
  using SleepWait::SleepWait;
  void await_resume() { finish_wait(); }
};

struct SleepFunction {
  /// Suspends the awaiting coroutine for `delay`; sleep(0s) lets the other ready ones run, for one iteration of the
  /// loop. Cancellable. ValueError for a NaN; RuntimeError("no running event loop") when awaited outside of one.
  Sleep<> operator()(Delay delay) const noexcept { return Sleep<>(delay); }
  /// The same; awaiting it gives `result`.
  template <class Result>
  Sleep<std::decay_t<Result>> operator()(Delay delay, Result&& result) const {
    return Sleep<std::decay_t<Result>>(delay, std::forward<Result>(result));
  }
};
inline constexpr SleepFunction sleep;

}  // namespace segue::modern
