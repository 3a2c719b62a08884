// Condition: waits, in a lock, for somebody to say that something has changed (CPython: asyncio/locks.py, as of 3.13).
//
//   co_await async_with(changed, [&]() -> Coroutine<> {
//     co_await changed.wait_for([&] { return !items.empty(); });
//   });
//
// wait() gives the lock up while it waits and has it again in the end, however it ends. It may wake without cause:
// check what was waited for, or use wait_for(). Handles: copies share the condition and its lock.
#pragma once

#include <concepts>
#include <cstddef>
#include <exception>
#include <limits>
#include <type_traits>
#include <utility>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/kernel/wait_queue.hpp>
#include <segue/modern/sync/lock.hpp>

namespace segue::modern {

namespace detail {

struct ConditionState final : WaitQueue {
  explicit ConditionState(Lock used) noexcept : WaitQueue("Condition"), lock(std::move(used)) {}
  static Coroutine<bool> wait(Ref<ConditionState> condition);
  void check_notify() const;
  Lock lock;
};

template <class Predicate>
Coroutine<std::invoke_result_t<Predicate&>> wait_for_condition(Ref<ConditionState> condition, Predicate predicate) {
  auto result = predicate();
  while (!result) {
    co_await ConditionState::wait(condition);
    result = predicate();
  }
  co_return result;
}

}  // namespace detail

class Condition {
 public:
  /// With a lock of its own.
  Condition() : Condition(Lock()) {}
  explicit Condition(Lock lock) : state_(make_ref<detail::ConditionState>(std::move(lock))) {}
  Condition(const Condition&) noexcept = default;
  Condition& operator=(const Condition&) noexcept = default;
  ~Condition() = default;

  // The lock's
  bool locked() const noexcept { return state_->lock.locked(); }
  LockAcquire acquire() const noexcept { return state_->lock.acquire(); }
  void release() const { state_->lock.release(); }
  LockScope scoped_lock() const noexcept { return state_->lock.scoped_lock(); }

  /// Awaiting it gives the lock up, waits for notify(), takes the lock again and gives true. RuntimeError("cannot wait
  /// on un-acquired lock").
  Coroutine<bool> wait() const { return detail::ConditionState::wait(state_); }
  /// Awaiting it waits until `predicate()` is true, and gives that.
  template <std::invocable Predicate>
  auto wait_for(Predicate predicate) const {
    return detail::wait_for_condition(state_, std::move(predicate));
  }
  /// Wakes `n` of those who wait, first come, first served; they go on one by one, when they have the lock.
  /// RuntimeError("cannot notify on un-acquired lock").
  void notify(std::size_t n = 1) const {
    state_->check_notify();
    for (; n > 0 && state_->wake_next(); --n) continue;
  }
  void notify_all() const { notify(std::numeric_limits<std::size_t>::max()); }

  // async_with
  LockAcquire aenter() const noexcept { return acquire(); }
  void aexit(const std::exception_ptr&) const { release(); }

 private:
  Ref<detail::ConditionState> state_;
};

}  // namespace segue::modern
