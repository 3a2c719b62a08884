// Semaphore and BoundedSemaphore: let a number of coroutines in at a time (CPython: asyncio/locks.py).
//
//   Semaphore connections(10);
//   {
//     auto permit = co_await connections.guard();
//     …
//   }
//
// Fair, as Lock is. Handles: copies share the semaphore.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <utility>

#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/kernel/held.hpp>
#include <segue/modern/kernel/loop_bound.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/kernel/wait_queue.hpp>

namespace segue::modern {

namespace detail {

struct SemaphoreState final : LoopBound {
  /// ValueError for a negative value.
  SemaphoreState(int initial_value, bool is_bounded);
  ~SemaphoreState() override {
    if (!bounded) locks_and_permits_held -= initial - value;
  }
  bool locked() noexcept { return value == 0 || !waiters.all_cancelled(); }
  bool try_acquire() noexcept {
    if (locked()) return false;
    take();
    return true;
  }
  void take() noexcept {
    --value;
    ++locks_and_permits_held;
  }
  void put_back() noexcept {
    ++value;
    --locks_and_permits_held;
  }
  bool is_full() const noexcept { return bounded && value >= initial; }
  void give_back();
  std::string repr() override {
    return waiters.repr(*this, locked() ? "locked" : "unlocked, value:" + std::to_string(value));
  }

  WaitQueue waiters;
  std::int64_t value;  // Python's has no limit
  int initial;
  bool bounded;
};

/// Awaiting it takes one of the permits.
class SemaphoreWait : public QueuedWait {
 public:
  explicit SemaphoreWait(Ref<SemaphoreState> semaphore) noexcept : semaphore_(std::move(semaphore)) {}
  SemaphoreWait(SemaphoreWait&&) noexcept = default;
  SemaphoreWait& operator=(SemaphoreWait&&) = delete;
  ~SemaphoreWait() = default;

  bool await_ready() const {
    check_unused(semaphore_);
    return semaphore_->try_acquire();
  }
  void await_suspend(Resumable leaf) { wait_in(semaphore_->waiters, semaphore_->loop(), leaf); }

 protected:
  /// Gives the semaphore of which it has a permit.
  Ref<SemaphoreState> finish_acquire() {
    if (waited()) take_permit(*semaphore_);
    return std::move(semaphore_);
  }

 private:
  void take_permit(SemaphoreState& semaphore);
  Ref<SemaphoreState> semaphore_;
};

}  // namespace detail

/// Owns a permit: gives it back at the end, or before.
class SemaphoreGuard {
 public:
  SemaphoreGuard() noexcept = default;
  explicit SemaphoreGuard(Ref<detail::SemaphoreState> taken) noexcept : semaphore_(std::move(taken)) {}
  SemaphoreGuard(SemaphoreGuard&&) noexcept = default;
  SemaphoreGuard& operator=(SemaphoreGuard&& other) noexcept {
    if (this != &other) {
      unlock();
      semaphore_ = std::move(other.semaphore_);
    }
    return *this;
  }
  ~SemaphoreGuard() { unlock(); }

  bool owns_lock() const noexcept { return static_cast<bool>(semaphore_); }
  void unlock() noexcept;

 private:
  Ref<detail::SemaphoreState> semaphore_;
};

class [[nodiscard("co_await it")]] SemaphoreAcquire : public detail::SemaphoreWait {
 public:
  using SemaphoreWait::SemaphoreWait;
  bool await_resume() {
    finish_acquire();
    return true;
  }
};

class [[nodiscard("co_await it")]] SemaphoreScope : public detail::SemaphoreWait {
 public:
  using SemaphoreWait::SemaphoreWait;
  [[nodiscard]] SemaphoreGuard await_resume() { return SemaphoreGuard(finish_acquire()); }
};

class Semaphore : public HandleOf<Semaphore, Ref<detail::SemaphoreState>> {
 public:
  /// ValueError("Semaphore initial value must be >= 0").
  explicit Semaphore(int value = 1) : Semaphore(value, false) {}

  /// Whether acquire() would have to wait: there is no permit, or somebody waits for one.
  bool locked() const { return state()->locked(); }
  /// Awaiting it takes a permit, and gives true.
  SemaphoreAcquire acquire() const { return SemaphoreAcquire(state()); }
  /// Gives a permit back, or adds one, which a BoundedSemaphore refuses: ValueError("BoundedSemaphore released too many
  /// times").
  void release() const { state()->give_back(); }
  /// As acquire(); gives a guard that gives the permit back.
  SemaphoreScope guard() const { return SemaphoreScope(state()); }
  /// `<asyncio.locks.Semaphore object at 0x55d0c8 [unlocked, value:3]>`.
  std::string repr() const { return state()->repr(); }

  // async_with
  SemaphoreAcquire aenter() const { return acquire(); }
  void aexit(const std::exception_ptr&) const { release(); }

 protected:
  Semaphore(int value, bool bounded) : HandleOf(make_ref<detail::SemaphoreState>(value, bounded)) {}
};

/// A semaphore that never has more permits than at its beginning.
class BoundedSemaphore : public Semaphore {
 public:
  explicit BoundedSemaphore(int value = 1) : Semaphore(value, true) {}
};

}  // namespace segue::modern
