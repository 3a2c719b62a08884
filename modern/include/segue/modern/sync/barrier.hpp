// Barrier: lets a number of coroutines go on together (CPython: asyncio/locks.py).
//
//   Barrier barrier(3);
//   int index = co_await barrier.wait();   // 0, 1 or 2: different for each of the three
//
// Where one that waited was cancelled, its round's numbers may repeat, and 0 be missing: they count who is in it, as in
// CPython.
//
// It may be used again and again: who comes while one round still leaves waits for the next. Handles: copies share it.
#pragma once

#include <cstdint>
#include <exception>
#include <string>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/sync/condition.hpp>

namespace segue::modern {

/// The barrier was reset or aborted while somebody waited, or is broken.
class BrokenBarrierError : public RuntimeError {
 public:
  using RuntimeError::RuntimeError;
};

namespace detail {

/// filling --the last one comes--> draining --the last one leaves--> filling
///    \------------reset()------> resetting ---------------------/
/// abort(): broken, until reset().
struct BarrierState final : RefCounted {
  enum class Phase : std::uint8_t { filling, draining, resetting, broken };

  explicit BarrierState(int size) : parties(size) {}
  static Coroutine<int> wait(Ref<BarrierState> barrier);
  static Coroutine<void> reset(Ref<BarrierState> barrier);
  static Coroutine<void> abort(Ref<BarrierState> barrier);

  int parties;
  int count = 0;  // those who are in it
  Phase phase = Phase::filling;
  Condition changed;

 private:
  static Coroutine<int> wait_locked(Ref<BarrierState> barrier);
  void leave();
};

}  // namespace detail

class Barrier : public HandleOf<Barrier, Ref<detail::BarrierState>> {
 public:
  /// ValueError("parties must be > 0").
  explicit Barrier(int parties);

  /// Awaiting it waits until `parties` are there, and gives each another number from 0 on. BrokenBarrierError where the
  /// barrier is reset or aborted meanwhile, or is broken. A waiter that is cancelled just leaves.
  Coroutine<int> wait() const { return detail::BarrierState::wait(state()); }
  /// Awaiting it makes those who wait fail, and the barrier usable again.
  Coroutine<void> reset() const { return detail::BarrierState::reset(state()); }
  /// Awaiting it makes those who wait fail, and all who come later, until reset().
  Coroutine<void> abort() const { return detail::BarrierState::abort(state()); }

  int parties() const { return state()->parties; }
  int n_waiting() const { return state()->phase == detail::BarrierState::Phase::filling ? state()->count : 0; }
  bool broken() const { return state()->phase == detail::BarrierState::Phase::broken; }
  /// `<asyncio.locks.Barrier object at 0x55d0c8 [filling, waiters:1/3]>`.
  std::string repr() const;

  // async_with: gives the body its number
  Coroutine<int> aenter() const { return wait(); }
  void aexit(const std::exception_ptr&) const noexcept {}
};

}  // namespace segue::modern
