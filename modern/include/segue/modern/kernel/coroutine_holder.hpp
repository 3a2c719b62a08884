// How an awaiter has the coroutine that it awaits: `co_await f()` owns it, `co_await c` borrows it from its owner, who
// may move or destroy it meanwhile. The frame is the awaiter's in the second case, too, where its owner was destroyed.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include <segue/modern/kernel/coroutine_methods.hpp>
#include <segue/modern/kernel/driver.hpp>

namespace segue::modern {

template <class Self>
class OwnedCoroutine {
 public:
  using result_type = typename Self::result_type;
  explicit OwnedCoroutine(Self&& coroutine) noexcept : coroutine_(std::move(coroutine)) {}

  /// Throws unless it can be awaited.
  void check() const { coroutine_.check_awaitable(); }
  /// The frame, to be run for `delegator`.
  auto& start(Resumable delegator) noexcept {
    coroutine_.body()->start_for(delegator);
    return *coroutine_.body();
  }
  /// What it gave or threw, when it has finished. Inline, as is all that an awaiter throws from: each function with
  /// something to destroy makes an exception that leaves it take half as long again.
  [[gnu::always_inline]] result_type finish() {
    coroutine_.body()->check_exit(coroutine_.body()->outcome);
    const Self finished(std::move(coroutine_));
    return finished.body()->outcome.take();
  }

 private:
  Self coroutine_;
};

template <class Self>
class BorrowedCoroutine {
 public:
  using result_type = typename Self::result_type;
  explicit BorrowedCoroutine(Self& coroutine) noexcept : coroutine_(coroutine) {}
  BorrowedCoroutine(const BorrowedCoroutine&) = delete;
  BorrowedCoroutine& operator=(const BorrowedCoroutine&) = delete;
  /// One that has not finished ends with its awaiter; where it was moved, its owner can do nothing with it any more.
  ~BorrowedCoroutine() {
    if (body_) end();
  }

  void check() const { coroutine_.check_awaitable(); }
  auto& start(Resumable delegator) noexcept {
    lend();
    body_->start_for(delegator);
    return *body_;
  }
  [[gnu::always_inline]] result_type finish() {
    if (!body_) lend();  // whoever awaits it drives it by hand
    auto& body = *std::exchange(body_, nullptr);
    const std::optional<Self> finished = Self::reclaim(body, coroutine_);
    body.check_exit(body.outcome);
    return body.outcome.take();
  }

 private:
  using Body = std::remove_pointer_t<decltype(std::declval<const Self&>().body())>;

  void lend() noexcept {
    body_ = coroutine_.body();
    body_->owner = Frame::Owner::in_place;
  }
  [[gnu::noinline, gnu::cold]] void end() noexcept {
    switch (std::exchange(body_->owner, Frame::Owner::untracked)) {
      case Frame::Owner::in_place: {
        const Self ended(std::move(coroutine_));
        break;
      }
      case Frame::Owner::destroyed: {
        const Self ended = Self::adopt(*body_);
        break;
      }
      case Frame::Owner::moved: {
        body_->delegator = {};
        body_->lost = true;
        break;
      }
      case Frame::Owner::untracked: break;
    }
  }

  Self& coroutine_;
  Body* body_ = nullptr;  // while it runs
};

/// What the awaiters of all styles of coroutine share. `Held` is an OwnedCoroutine or a BorrowedCoroutine.
template <class Held>
class HeldAwaiter {
 public:
  template <class Coroutine>
  explicit HeldAwaiter(Coroutine&& coroutine) noexcept : coroutine_(std::forward<Coroutine>(coroutine)) {}

  bool await_ready() const {
    coroutine_.check();
    return false;
  }
  [[gnu::always_inline]] typename Held::result_type await_resume() { return coroutine_.finish(); }

 protected:
  Held coroutine_;
};

}  // namespace segue::modern
