// Awaiting what another library has made: an awaiter that takes nothing but a std::coroutine_handle, and resumes that
// when it likes, in whatever thread.
//
// What it gets is the handle of a small coroutine, whose resumption is news for the one that awaits. In a step of its
// own chain that one goes on at once, as where the library's coroutine awaits something of segue's. Else it waits for a
// future, as everything does, and the news completes that: in the loop's thread, by its mailbox from any other.
//
//   the coroutine that awaits --> future <-- ForeignWait <-- small coroutine <-- the library
//
// The library's awaiter lives in the frame and may be referred to until it resumes, and there is no word for "no more":
// a cancellation is thrown when the library has come back.
#pragma once

#include <atomic>
#include <concepts>
#include <coroutine>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/kernel/mailbox.hpp>
#include <segue/modern/kernel/ready_queue.hpp>
#include <segue/modern/kernel/ref.hpp>

namespace segue::modern {

namespace detail {

class ForeignFuture;

/// Shared by the frame that awaits and by the library's handle, whichever goes first.
class ForeignWait final : public std::enable_shared_from_this<ForeignWait>, private Ready {
 public:
  /// For `frame`, the running one.
  explicit ForeignWait(Resumable frame);
  ~ForeignWait();

  /// Suspends the frame, and gives what the library is to resume, once. To destroy it is to say that it will not.
  std::coroutine_handle<> suspend();
  /// In any thread, where the library has `resumed` the handle, or destroyed it.
  void come_back(bool resumed) noexcept;

  /// When the frame goes on: throws what its driver throws in; RuntimeError where the library has not come back, or
  /// destroyed the handle.
  void finish();
  /// The frame does not wait any more. Reported where the library has still to come back.
  void abandon(const std::source_location& made) noexcept;
  /// The frame has not been suspended after all: `handle` will not be resumed.
  void take_back(std::coroutine_handle<> handle) noexcept;

 private:
  void run() override;
  void drop() noexcept override { posted_ = nullptr; }

  const Resumable frame_;
  std::shared_ptr<Mailbox> mailbox_;     // null outside of loops: all in one thread then
  Ref<ForeignFuture> future_;            // likewise
  std::shared_ptr<ForeignWait> posted_;  // itself, while it is in the mailbox
  std::atomic<bool> abandoned_{true};    // the frame does not wait, or not yet
  std::atomic<bool> coming_{false};      // the library has come back, and the frame may not know yet
  bool back_ = false;
  bool resumed_ = false;
};

}  // namespace detail

/// Awaits `A`, what get_awaiter() gives, for a frame of segue's of any style. `made` is a place in the function of the
/// coroutine that awaits, for reports.
template <class A>
class ForeignAwaiter {
 public:
  template <class Awaitable>
  ForeignAwaiter(Awaitable&& awaitable, const std::source_location& made)
      : awaiter_(get_awaiter(std::forward<Awaitable>(awaitable))), made_(made) {}
  ForeignAwaiter(const ForeignAwaiter&) = delete;
  ForeignAwaiter& operator=(const ForeignAwaiter&) = delete;
  ~ForeignAwaiter() {
    if (wait_) wait_->abandon(made_);
  }

  bool await_ready() { return static_cast<bool>(awaiter_.await_ready()); }
  auto await_suspend(Resumable frame) {
    auto wait = std::make_shared<detail::ForeignWait>(frame);
    const std::coroutine_handle<> handle = wait->suspend();
    wait_ = std::move(wait);
    try {
      if constexpr (std::is_void_v<decltype(awaiter_.await_suspend(handle))>) {
        awaiter_.await_suspend(handle);
      } else if constexpr (std::convertible_to<decltype(awaiter_.await_suspend(handle)), std::coroutine_handle<>>) {
        return std::coroutine_handle<>(awaiter_.await_suspend(handle));
      } else {
        if (awaiter_.await_suspend(handle)) return true;
        take_back(handle);
        return false;
      }
    } catch (...) {
      take_back(handle);
      throw;
    }
  }
  decltype(auto) await_resume() {
    if (wait_) {
      wait_->finish();
      wait_ = nullptr;
    }
    return awaiter_.await_resume();
  }

 private:
  void take_back(std::coroutine_handle<> handle) noexcept { std::exchange(wait_, nullptr)->take_back(handle); }

  A awaiter_;
  std::source_location made_;
  std::shared_ptr<detail::ForeignWait> wait_;
};

/// std::suspend_always says that nothing is waited for: a bare yield.
template <class A>
  requires std::same_as<std::remove_cvref_t<A>, std::suspend_always>
class ForeignAwaiter<A> {
 public:
  ForeignAwaiter(const std::suspend_always& /*awaitable*/, const std::source_location& /*made*/) noexcept {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(Resumable frame) const { Driver::require_current().suspend(frame); }
  void await_resume() const { Driver::current()->throw_injected(); }
};

namespace detail {

/// What await_transform() makes of it. Nothing but references, for g++ 12 moves it.
template <class A>
struct ForeignAwaitable {
  A&& awaitable;
  const std::source_location& made;
  auto operator co_await() const {
    return ForeignAwaiter<decltype(get_awaiter(std::forward<A>(awaitable)))>(std::forward<A>(awaitable), made);
  }
};

}  // namespace detail

}  // namespace segue::modern
