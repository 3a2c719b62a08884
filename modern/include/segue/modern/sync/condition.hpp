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
#include <string>
#include <type_traits>
#include <utility>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/kernel/loop_bound.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/kernel/wait_queue.hpp>
#include <segue/modern/sync/lock.hpp>

namespace segue::modern {

namespace detail {

struct ConditionState final : LoopBound {
  explicit ConditionState(Lock used) noexcept : LoopBound("Condition"), lock(std::move(used)) {}
  static Coroutine<bool> wait(Ref<ConditionState> condition);
  void check_notify() const;
  std::string repr() override { return waiters.repr(*this, lock.locked() ? "locked" : "unlocked"); }

  WaitQueue waiters;
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

class Condition : public HandleOf<Condition, Ref<detail::ConditionState>> {
 public:
  /// With a lock of its own.
  Condition() : Condition(Lock()) {}
  explicit Condition(Lock lock) : HandleOf(make_ref<detail::ConditionState>(std::move(lock))) {}

  // The lock's own methods.
  bool locked() const { return state()->lock.locked(); }
  LockAcquire acquire() const { return state()->lock.acquire(); }
  void release() const { state()->lock.release(); }
  LockScope guard() const { return state()->lock.guard(); }

  /// Awaiting it gives the lock up, waits for notify(), takes the lock again and gives true. RuntimeError("cannot wait
  /// on un-acquired lock").
  Coroutine<bool> wait() const { return detail::ConditionState::wait(state()); }
  /// Awaiting it waits until `predicate()` is true, and gives what it returned.
  template <std::invocable Predicate>
  auto wait_for(Predicate predicate) const {
    return detail::wait_for_condition(state(), std::move(predicate));
  }
  /// Wakes `n` of those who wait, first come, first served; they go on one by one, when they have the lock.
  /// RuntimeError("cannot notify on un-acquired lock").
  void notify(std::ptrdiff_t n = 1) const {
    state()->check_notify();
    for (; n > 0 && state()->waiters.wake_next(); --n) continue;
  }
  void notify_all() const { notify(std::numeric_limits<std::ptrdiff_t>::max()); }
  /// `<asyncio.locks.Condition object at 0x55d0c8 [locked, waiters:2]>`.
  std::string repr() const { return state()->repr(); }

  // async_with
  LockAcquire aenter() const { return acquire(); }
  void aexit(const std::exception_ptr&) const { release(); }
};

}  // namespace segue::modern
