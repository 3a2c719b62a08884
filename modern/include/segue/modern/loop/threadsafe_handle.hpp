// ThreadsafeHandle: what call_soon_threadsafe() returns (CPython 3.14: asyncio.events._ThreadSafeHandle).
//
// Counts of handles are not atomic, so this one does not share the callback with the loop, but a lock and a flag. The
// callback itself stays in the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <tuple>
#include <utility>

#include <segue/modern/kernel/callable.hpp>
#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/kernel/handle_state.hpp>
#include <segue/modern/kernel/loop_core.hpp>

namespace segue::modern {

namespace detail {

/// What the handle and the callback share.
class ThreadsafeCall {
 public:
  void cancel() noexcept {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
  }
  bool cancelled() noexcept {
    const std::lock_guard lock(mutex_);
    return cancelled_;
  }
  /// Calls it, unless it was cancelled.
  template <class Call>
  void run(Call call) {
    const std::lock_guard lock(mutex_);
    if (!cancelled_) call();
  }

 private:
  std::recursive_mutex mutex_;
  bool cancelled_ = false;
};

}  // namespace detail

/// A callback scheduled from any thread; so may this be used in any. Dropping it does not cancel the callback.
///
///   const ThreadsafeHandle handle = loop.call_soon_threadsafe(show, progress);
///   handle.cancel();    // show() has ended, or will never begin
///
/// What the callback captured goes in the loop's thread: when it has run or, where it was cancelled, when its turn
/// comes; else when the loop is closed, in the thread that does.
class ThreadsafeHandle : public HandleOf<ThreadsafeHandle, std::shared_ptr<detail::ThreadsafeCall>> {
 public:
  /// An empty one, which may be cancelled, too: there is nothing to do.
  ThreadsafeHandle() noexcept = default;
  explicit ThreadsafeHandle(std::shared_ptr<detail::ThreadsafeCall> call) noexcept : HandleOf(std::move(call)) {}

  /// The callback will not run. Where it runs in another thread, waits for its end; the callback itself does not wait.
  /// Idempotent.
  void cancel() const noexcept {
    if (*this) state()->cancel();
  }
  /// The same wait.
  bool cancelled() const noexcept { return *this && state()->cancelled(); }
};

namespace detail {

/// The loop's side of it: a call of `F` with `Args`, all kept by value.
template <class F, class... Args>
class ThreadsafeCallback final : public HandleState {
 public:
  template <class G, class... Values>
  explicit ThreadsafeCallback(LoopCore& loop, std::shared_ptr<ThreadsafeCall> call, G&& callback, Values&&... values)
      : HandleState(loop),
        call_(std::move(call)),
        kept_(std::in_place, std::forward<G>(callback), std::forward<Values>(values)...) {}

 private:
  void invoke() override {
    call_->run([this] { std::apply([](F& f, Args&... args) { std::invoke(f, args...); }, *kept_); });
  }
  Callable callable() const noexcept override { return callable_of<F>(kept_ ? &std::get<0>(*kept_) : nullptr); }
  void forget() noexcept override { kept_.reset(); }

  const std::shared_ptr<ThreadsafeCall> call_;
  std::optional<std::tuple<F, Args...>> kept_;
};

}  // namespace detail

}  // namespace segue::modern
