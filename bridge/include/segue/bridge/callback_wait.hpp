// The wait for a callback: starts the operation when it is awaited, and ends with the call.
//
// A call within the initiation is taken as it is: there is no future then, and nothing is scheduled. Only where the
// initiation returns without one is a future made for the task to wait on.
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <optional>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

#include <segue/bridge/detail/kept.hpp>
#include <segue/bridge/sender.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/kernel/future_core.hpp>
#include <segue/modern/kernel/loop_core.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/outcome.hpp>

namespace segue::bridge::bridge_detail {

/// Of an operation that cannot be cancelled.
struct NoCancel {};
/// Of one whose initiation returns what cancels it, by a member `cancel()`, or points to that.
struct CancelByHandle {};

template <class Cancel, class Started>
inline constexpr bool cancels = std::invocable<Cancel&>;
template <class Cancel, class Started>
  requires(!std::is_void_v<Started>)
inline constexpr bool cancels<Cancel, Started> =
    std::invocable<Cancel&> || std::invocable<Cancel&, typename Kept<Started>::Value&>;
template <class Started>
inline constexpr bool cancels<NoCancel, Started> = true;
template <class Started>
inline constexpr bool cancels<CancelByHandle, Started> =
    requires(typename Kept<Started>::Target& handle) { handle.cancel(); };

/// A task or a future, whose cancel() tells that it has been asked to end, and not that its callback will not come.
template <class Handle>
concept EndsByItself = requires(const Handle& handle) {
  handle.done();
  handle.cancelled();
};

/// What cancelling said: that the callback will not come any more, where it says so by a bool.
template <class Function, class... Args>
bool call_cancel(Function&& function, Args&... args) {
  if constexpr (std::same_as<std::invoke_result_t<Function, Args&...>, bool>) {
    return std::invoke(std::forward<Function>(function), args...);
  } else {
    std::invoke(std::forward<Function>(function), args...);
    return false;
  }
}

/// By a member of what the initiation returned.
template <class Handle>
bool cancel_by(Handle& handle) {
  if constexpr (EndsByItself<Handle>) {
    if constexpr (requires { handle.get_loop().is_closed(); }) {
      if (handle.get_loop().is_closed()) return true;
    }
    handle.cancel();
    return false;
  } else {
    return call_cancel([](Handle& h) { return h.cancel(); }, handle);
  }
}

template <class Initiation, class Callbacks>
struct StartedBy;
template <class Initiation, class... Callbacks>
  requires std::invocable<Initiation&, Callbacks...>
struct StartedBy<Initiation, std::tuple<Callbacks...>> {
  using type = std::invoke_result_t<Initiation&, Callbacks...>;
};

/// An initiation that takes what the shape has for it, and what it returns.
template <class Shape, class Initiation>
using started_t = typename StartedBy<Initiation, typename Shape::Callbacks>::type;
template <class Shape, class Initiation>
concept Starts = requires { typename started_t<Shape, Initiation>; };
template <class Cancel, class Shape, class Initiation>
concept CancelFor = cancels<Cancel, started_t<Shape, Initiation>>;

/// Starts the operation each time that it is awaited, and waits for the call. RuntimeError where somebody does already.
///
/// `Shape` says what the initiation is given for the callback: `Shape::make(sender, made)` gives those
/// `Shape::Callbacks`, a tuple, and `Shape::end(withdrawn)` is told when nobody waits any more.
template <class Shape, class Initiation, class Cancel>
class [[nodiscard("co_await it")]] CallbackWait final : private CancellableOperation {
 public:
  using Result = typename Shape::Result;

 private:
  using Started = started_t<Shape, Initiation>;

 public:
  template <class I, class C>
  CallbackWait(I&& initiation, C&& cancel, const std::source_location& made)
      : initiation_(std::forward<I>(initiation)), cancel_(std::forward<C>(cancel)), made_(made) {}
  /// The same operation, not started.
  CallbackWait(const CallbackWait& other)
      : initiation_(other.initiation_), cancel_(other.cancel_), made_(other.made_) {}
  CallbackWait(CallbackWait&& other) noexcept(std::is_nothrow_move_constructible_v<Initiation> &&
                                              std::is_nothrow_move_constructible_v<Cancel>)
      : initiation_(std::move(other.initiation_)), cancel_(std::move(other.cancel_)), made_(other.made_) {}
  CallbackWait& operator=(const CallbackWait&) = delete;
  ~CallbackWait() { end(); }

  void set_place(const std::source_location& where) noexcept {
    if (made_.line() == 0) made_ = where;
  }
  bool await_ready() {
    if (future_ != nullptr && !future_->done())
      throw RuntimeError("wait for a callback is being awaited already" + made_at(made_));
    end();
    modern::LoopCore& loop = modern::LoopCore::require_running();
    delivery_ = new Delivery<Result>(loop, made_);
    try {
      start();
    } catch (...) {
      std::exchange(delivery_, nullptr)->let_go();
      throw;
    }
    if (delivery_->sent()) return true;
    wait_for_call(loop);
    return wait_->await_ready();
  }
  void await_suspend(modern::Resumable leaf) { wait_->await_suspend(leaf); }
  [[gnu::always_inline]] Result await_resume() {
    if (delivery_ != nullptr) return take_sent();
    return wait_->await_resume();
  }

 private:
  void start() {
    std::apply(
        [this]<class... Callbacks>(Callbacks&&... callbacks) {
          handle_.keep([&]() -> Started { return std::invoke(initiation_, std::forward<Callbacks>(callbacks)...); });
        },
        shape_.make(Sender<Result>::adopt(*delivery_), made_));
  }
  void wait_for_call(modern::LoopCore& loop) {
    auto future = modern::make_ref<SentFuture<Result>>(loop);
    wait_.emplace(modern::Ref<modern::FutureCore>(future));
    future_ = future.get();
    if (can_be_cancelled()) future->set_operation(this);
    std::exchange(delivery_, nullptr)->attach(std::move(future));
  }
  [[gnu::always_inline]] Result take_sent() {
    Outcome<Result> outcome = std::move(delivery_->outcome());
    std::exchange(delivery_, nullptr)->let_go();
    return outcome.take();
  }
  /// Nobody waits any more: what is under way still is cancelled.
  void end() noexcept {
    if (future_ != nullptr) {
      std::exchange(future_, nullptr)->leave_alone();
      if (!wait_->await_ready()) cancel_operation();
    } else if (delivery_ != nullptr) {
      if (!delivery_->sent()) cancel_operation();  // there was no memory to wait for it
      std::exchange(delivery_, nullptr)->let_go();
    }
    asked_to_cancel_ = false;
    shape_.end(std::exchange(withdrawn_, false));
  }
  bool can_be_cancelled() noexcept {
    if constexpr (std::same_as<Cancel, CancelByHandle>) {
      return handle_.target() != nullptr;
    } else {
      return !std::same_as<Cancel, NoCancel>;
    }
  }
  bool cancel_operation() noexcept override {
    if (std::exchange(asked_to_cancel_, true)) return false;
    try {
      if constexpr (std::same_as<Cancel, CancelByHandle>) {
        if (auto* const handle = handle_.target()) withdrawn_ = cancel_by(*handle);
      } else if constexpr (std::invocable<Cancel&>) {
        withdrawn_ = call_cancel(cancel_);
      } else if constexpr (!std::same_as<Cancel, NoCancel>) {
        withdrawn_ = call_cancel(cancel_, *handle_);
      }
      return withdrawn_;
    } catch (...) {
      report_ignored(std::current_exception(), "cancel function of a callback", made_);
    }
    return true;
  }

  Initiation initiation_;
  [[no_unique_address]] Cancel cancel_;
  std::source_location made_;
  [[no_unique_address]] Shape shape_;
  [[no_unique_address]] Kept<Started> handle_;
  bool asked_to_cancel_ = false;
  bool withdrawn_ = false;                // the operation, by cancelling: its callback will not come
  Delivery<Result>* delivery_ = nullptr;  // from the start to a call within it, or to where the wait begins
  SentFuture<Result>* future_ = nullptr;  // wait_'s
  std::optional<modern::FutureAwaiter<Result>> wait_;
};

}  // namespace segue::bridge::bridge_detail
