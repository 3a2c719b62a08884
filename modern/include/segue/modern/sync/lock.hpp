// Lock: lets one coroutine at a time in (CPython: asyncio/locks.py).
//
//   Lock lock;
//   {
//     auto guard = co_await lock.guard();
//     …
//   }
//
// Fair: those who wait get it in the order in which they came, and nobody overtakes them. Taking a free one that nobody
// waits for neither suspends nor allocates. Like a future, it is a handle: copies share the lock.
#pragma once

#include <exception>
#include <string>
#include <utility>

#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/kernel/held.hpp>
#include <segue/modern/kernel/loop_bound.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/kernel/task_core.hpp>
#include <segue/modern/kernel/task_mark.hpp>
#include <segue/modern/kernel/wait_queue.hpp>

namespace segue::modern {

namespace detail {

struct LockState final : LoopBound {
  LockState() noexcept : LoopBound("Lock"), waiters(*this) {}
  /// Takes the lock where that needs no waiting.
  bool try_acquire() noexcept {
    if (locked || !waiters.all_cancelled()) return false;
    take();
    return true;
  }
  void take() noexcept {
    locked = true;
    ++locks_and_permits_held;
    waiters.set_taken_by(TaskMark::of_current());
  }
  void unlock();
  /// For a destructor.
  void unlock_or_report() noexcept;
  std::string repr() override { return waiters.repr(*this, locked ? "locked" : "unlocked"); }

  WaitQueue waiters;
  bool locked = false;
};

/// Awaiting it takes the lock.
class LockWait : public QueuedWait {
 public:
  explicit LockWait(Ref<LockState> lock) noexcept : lock_(std::move(lock)) {}
  LockWait(LockWait&&) noexcept = default;
  LockWait& operator=(LockWait&&) = delete;
  ~LockWait() = default;

  bool await_ready() const {
    check_unused(lock_);
    return lock_->try_acquire();
  }
  void await_suspend(Resumable leaf) { wait_in(lock_->waiters, lock_->loop(), leaf); }

 protected:
  /// Gives the lock that it has taken.
  Ref<LockState> finish_acquire() {
    if (waited()) take(*lock_);
    return std::move(lock_);
  }

 private:
  void take(LockState& lock);
  Ref<LockState> lock_;
};

}  // namespace detail

/// Owns a lock that is taken: releases it at the end, or before.
class LockGuard {
 public:
  LockGuard() noexcept = default;
  explicit LockGuard(Ref<detail::LockState> taken) noexcept : lock_(std::move(taken)) {}
  LockGuard(LockGuard&&) noexcept = default;
  LockGuard& operator=(LockGuard&& other) noexcept {
    if (this != &other) {
      unlock();
      lock_ = std::move(other.lock_);
    }
    return *this;
  }
  ~LockGuard() { unlock(); }

  bool owns_lock() const noexcept { return static_cast<bool>(lock_); }
  void unlock() noexcept {
    if (lock_ && lock_->locked) lock_->unlock_or_report();
    lock_ = nullptr;
  }

 private:
  Ref<detail::LockState> lock_;
};

class [[nodiscard("co_await it")]] LockAcquire : public detail::LockWait {
 public:
  using LockWait::LockWait;
  bool await_resume() {
    finish_acquire();
    return true;
  }
};

class [[nodiscard("co_await it")]] LockScope : public detail::LockWait {
 public:
  using LockWait::LockWait;
  [[nodiscard]] LockGuard await_resume() { return LockGuard(finish_acquire()); }
};

class Lock : public HandleOf<Lock, Ref<detail::LockState>> {
 public:
  Lock() : HandleOf(make_ref<detail::LockState>()) {}

  bool locked() const { return state()->locked; }
  /// Awaiting it takes the lock, and gives true. Where the waiter is cancelled, the lock goes to the next one.
  LockAcquire acquire() const { return LockAcquire(state()); }
  /// The first who waits gets the lock; locked() is false until that one runs. RuntimeError("Lock is not acquired.").
  void release() const { state()->unlock(); }
  /// As acquire(); gives a guard that releases the lock.
  LockScope guard() const { return LockScope(state()); }
  /// `<asyncio.locks.Lock object at 0x55d0c8 [locked, waiters:2]>`.
  std::string repr() const { return state()->repr(); }

  // async_with
  LockAcquire aenter() const { return acquire(); }
  void aexit(const std::exception_ptr&) const { release(); }
};

}  // namespace segue::modern
