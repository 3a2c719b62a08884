// SignalCallback: what add_signal_handler() makes of a callback, which is called as often as its signal comes, each
// time in the same context.
#pragma once

#include <functional>
#include <tuple>
#include <utility>

#include <segue/modern/kernel/callable.hpp>
#include <segue/modern/kernel/context_slot.hpp>
#include <segue/modern/kernel/origin.hpp>
#include <segue/modern/kernel/ref.hpp>

namespace segue::modern::detail {

class SignalCallback : public RefCounted {
 public:
  SignalCallback() noexcept : context_(ContextSlot::copy_of_current()) {}

  void call() {
    const ContextSlot::Current in_context(&context_);
    invoke();
  }
  /// What the user gave, and where, for messages.
  virtual Callable callable() const noexcept = 0;
  const Origin& origin() const noexcept { return origin_; }

 private:
  virtual void invoke() = 0;

  ContextSlot context_;
  Origin origin_;
};

/// A call of `F` with `Args`, all kept by value.
template <class F, class... Args>
class SignalCallbackOf final : public SignalCallback {
 public:
  template <class G, class... Values>
  explicit SignalCallbackOf(G&& callback, Values&&... values)
      : call_(std::forward<G>(callback), std::forward<Values>(values)...) {}

  Callable callable() const noexcept override { return callable_of(&std::get<0>(call_)); }

 private:
  void invoke() override {
    std::apply([](F& f, Args&... args) { std::invoke(f, args...); }, call_);
  }

  std::tuple<F, Args...> call_;
};

}  // namespace segue::modern::detail
