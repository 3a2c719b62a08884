// HandleState: a callback on its way to be run. The loop's queue or its timer heap holds a reference, and so do the
// handles that the user has. These keep nothing alive that can never run again: the callable and what it captured go
// when it has run, was cancelled, or when the loop is closed.
#pragma once

#include <functional>
#include <optional>
#include <tuple>
#include <utility>

#include <segue/modern/kernel/callable.hpp>
#include <segue/modern/kernel/context_slot.hpp>
#include <segue/modern/kernel/loop_core.hpp>
#include <segue/modern/kernel/origin.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/kernel/timer_heap.hpp>

namespace segue::modern {

class HandleState : public RefCounted, public Timer {
 public:
  explicit HandleState(LoopCore& loop) noexcept;

  /// The callback will not run, not even where it is queued already; what it captured is freed. Idempotent.
  void cancel() noexcept;
  bool cancelled() const noexcept { return cancelled_; }

  /// What it runs in: a copy of its maker's context, unless it is given another one before it runs. Empty when it has.
  ContextSlot& context() noexcept { return context_; }

  void run() final;
  void drop() noexcept final;
  std::function<std::string()> deferred_repr() final;

 protected:
  virtual void invoke() = 0;
  /// What the user gave, for messages.
  virtual Callable callable() const noexcept = 0;
  /// Destroys the callable and what it captured, whose destructors may call anything. Idempotent.
  virtual void forget() noexcept = 0;

 private:
  struct Forget;
  void forget_all() noexcept;

  ContextSlot context_;
  LoopCore& loop_;  // outlives its queue's and its heap's entries, but not the user's handles
  Origin origin_;
  bool cancelled_ = false;
  bool running_ = false;  // who cancels it meanwhile leaves the callable alone
};

/// A call of `F` with `Args`, all kept by value.
template <class F, class... Args>
class CallbackHandle final : public HandleState {
 public:
  template <class G, class... Values>
  explicit CallbackHandle(LoopCore& loop, G&& callback, Values&&... values)
      : HandleState(loop), call_(std::in_place, std::forward<G>(callback), std::forward<Values>(values)...) {}

 private:
  void invoke() override {
    std::apply([](F& f, Args&... args) { std::invoke(f, args...); }, *call_);
  }
  Callable callable() const noexcept override { return callable_of<F>(call_ ? &std::get<0>(*call_) : nullptr); }
  void forget() noexcept override { call_.reset(); }

  std::optional<std::tuple<F, Args...>> call_;
};

/// The state of a new handle for `callback(args…)`.
template <class F, class... Args>
auto make_handle(LoopCore& loop, F&& callback, Args&&... args) {
  using State = CallbackHandle<std::decay_t<F>, std::decay_t<Args>...>;
  return make_ref<State>(loop, std::forward<F>(callback), std::forward<Args>(args)...);
}

template <class F, class... Args>
bool Mailbox::call_soon(F&& callback, Args&&... args) {
  Ref<HandleState> handle = make_handle(loop_, std::forward<F>(callback), std::forward<Args>(args)...);
  if (!post(*handle)) return false;
  handle.detach();
  return true;
}

}  // namespace segue::modern
