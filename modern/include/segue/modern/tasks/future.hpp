// Future<T>: a handle of a result that is not there yet (CPython: asyncio/futures.py). What it does is FutureCore's
// (kernel/future_core.hpp).
#pragma once

#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <segue/exception_ptr.hpp>
#include <segue/modern/kernel/callable.hpp>
#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/future_core.hpp>
#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/kernel/task_core.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/outcome.hpp>

namespace segue::modern {

namespace detail {

template <class F, class Argument>
class DoneCallbackOf final : public DoneCallbackState {
 public:
  explicit DoneCallbackOf(F callback) : callback_(std::move(callback)) {}
  void call(FutureCore& future) override;
  Callable callable() const noexcept override { return callable_of(&callback_); }

 private:
  F callback_;
};

}  // namespace detail

/// Whether a result can really be copied: containers claim it whatever their elements.
template <class T>
inline constexpr bool copyable_result = std::copy_constructible<T>;
template <class T>
  requires requires { typename T::value_type; } && (!std::same_as<typename T::value_type, T>)
inline constexpr bool copyable_result<T> = std::copy_constructible<T> && copyable_result<typename T::value_type>;
template <class T>
inline constexpr bool copyable_result<Outcome<T>> = copyable_result<stored_t<T>>;
template <class... T>
inline constexpr bool copyable_result<std::tuple<T...>> = (copyable_result<T> && ...);
template <class T, class U>
inline constexpr bool copyable_result<std::pair<T, U>> = copyable_result<T> && copyable_result<U>;

/// Gives a copy of the result; moves it out where this was the last handle, or it cannot be copied.
template <class T>
class FutureAwaiter : public FutureWait {
 public:
  using FutureWait::FutureWait;
  [[gnu::always_inline]] T await_resume() {
    finish_wait();
    auto& value = result_of<T>(*future_);
    if constexpr (std::is_reference_v<T>) {
      return static_cast<T>(value.get());
    } else if constexpr (std::is_void_v<T>) {
      return;
    } else if constexpr (copyable_result<T>) {
      if (!future_->unique()) return value;
      return std::move(value);
    } else {
      return std::move(value);
    }
  }
};

/// For a future whose result is of unknown type: gives nothing.
class AnyFutureAwaiter : public FutureWait {
 public:
  using FutureWait::FutureWait;
  [[gnu::always_inline]] void await_resume() { finish_wait(); }
};

/// A done callback with an identity, for remove_done_callback(). Any callable that takes the future converts to one,
/// and so does a done callback of futures whose result is not known.
template <class Argument>
class DoneCallback : public HandleOf<DoneCallback<Argument>, Ref<DoneCallbackState>> {
  using Base = HandleOf<DoneCallback<Argument>, Ref<DoneCallbackState>>;

 public:
  template <class F>
    requires(!std::same_as<std::decay_t<F>, DoneCallback> && std::invocable<std::decay_t<F>&, Argument>)
  DoneCallback(F&& callback)  // NOLINT(google-explicit-constructor): callables convert
      : Base(Ref<DoneCallbackState>(new detail::DoneCallbackOf<std::decay_t<F>, Argument>(std::forward<F>(callback)))) {
  }
  template <class Wider>
    requires(!std::same_as<Wider, Argument> && std::convertible_to<Argument, Wider>)
  DoneCallback(const DoneCallback<Wider>& callback)  // NOLINT(google-explicit-constructor): as functions convert
      : Base(callback.state()) {}
  using Base::state;
};

/// A handle of a future whatever its result: all that does not depend on the result's type. Awaiting it gives nothing,
/// but throws the future's exception. Copies share the future.
class AnyFuture : public HandleOf<AnyFuture, Ref<FutureCore>> {
 public:
  /// An empty one.
  AnyFuture() noexcept = default;
  explicit AnyFuture(Ref<FutureCore> state) noexcept : HandleOf(std::move(state)) {}

  bool done() const { return state()->done(); }
  bool cancelled() const { return state()->cancelled(); }
  /// Cancels it; false where it is done already. Whoever waits gets CancelledError with the message. For a task this is
  /// a request: see Task.
  bool cancel(const std::optional<std::string>& message = std::nullopt) const { return state()->cancel(message); }
  /// The exception, or null where there is a result. InvalidStateError("Exception is not set.") while pending;
  /// CancelledError where it was cancelled.
  std::exception_ptr exception() const { return state()->exception(); }
  /// Throws it in whoever waits. InvalidStateError where it is done; TypeError for a null one.
  void set_exception(std::exception_ptr error) const { state()->set_exception(std::move(error)); }
  /// The same of an exception object. One that is known by a base alone (`catch (const std::exception& error)`) keeps
  /// its class where it is the exception that is being handled; elsewhere TypeError.
  template <class Error>
    requires(!std::convertible_to<Error, std::exception_ptr>)
  void set_exception(Error&& error) const {
    state()->set_exception(segue_detail::whole_exception("set_exception", std::forward<Error>(error)));
  }
  EventLoop& get_loop() const { return EventLoop::of(state()->loop()); }
  /// `<Future pending>`, `<Task finished name='Task-1' coro=<main()>>`.
  std::string repr() const { return state()->repr(); }

  /// Schedules `callback(future)` for when it is done; at once (in the next iteration) where it is. It is called in a
  /// copy of the current context, unless it is given another one. Returns it, so that it can be removed.
  DoneCallback<AnyFuture> add_done_callback(DoneCallback<AnyFuture> callback, const CallOptions& options = {}) const {
    add_callback(callback.state(), options);
    return callback;
  }
  /// Removes this callback, as often as it was added; returns how often.
  template <class Argument>
  std::size_t remove_done_callback(const DoneCallback<Argument>& callback) const {
    return state()->remove_callback(*callback.state());
  }

  AnyFutureAwaiter operator co_await() const { return AnyFutureAwaiter(state()); }

  using HandleOf::state;
  using HandleOf::take_state;

 protected:
  void add_callback(Ref<DoneCallbackState> callback, const CallOptions& options) const {
    if (options.context) {
      state()->add_callback(std::move(callback), options.context.slot());
    } else {
      state()->add_callback(std::move(callback));
    }
  }
};

/// A future with a result of type T. Awaiting a done one does not suspend; cancelling a task that awaits it cancels it.
template <class T = void>
class Future : public AnyFuture {
 public:
  using result_type = T;
  using AnyFuture::AnyFuture;

  /// The result; throws the exception, CancelledError, or InvalidStateError("Result is not set.").
  std::add_lvalue_reference_t<std::conditional_t<std::is_void_v<T>, T, std::add_const_t<T>>> result() const {
    state()->check_result();
    if constexpr (std::is_reference_v<T>) {
      return result_of<T>(*state()).get();
    } else if constexpr (!std::is_void_v<T>) {
      return result_of<T>(*state());
    }
  }
  /// InvalidStateError("invalid state") where it is done.
  template <class... Args>
    requires(std::constructible_from<stored_t<T>, Args...> && std::is_void_v<T> == (sizeof...(Args) == 0))
  void set_result(Args&&... args) const {
    if (state()->task() != nullptr) throw RuntimeError("Task does not support set_result operation");
    static_cast<FutureValue<T>&>(*state()).set_result(std::forward<Args>(args)...);
  }
  /// Ends it with what something else ended with. ValueError for an empty one, InvalidStateError where it is done.
  void set_outcome(Outcome<T> outcome) const {
    if (outcome.empty()) throw ValueError("set_outcome() takes a value or an exception, not an empty outcome");
    if (outcome.has_exception()) return this->set_exception(outcome.exception());
    if constexpr (std::is_void_v<T>) {
      set_result();
    } else {
      set_result(std::move(outcome.stored()));
    }
  }
  /// A copy of what it ended with; empty while it is pending. Does not count as asking for its exception, which is
  /// reported all the same where nobody does. A cancelled one's is a CancelledError.
  Outcome<T> outcome() const
    requires copyable_result<stored_t<T>>
  {
    Outcome<T> outcome;
    if (this->cancelled()) {
      outcome.set_exception(std::make_exception_ptr(CancelledError(state()->cancel_message())));
    } else if (const std::exception_ptr error = state()->peek_exception()) {
      outcome.set_exception(error);
    } else if (this->done()) {
      outcome.set_value(result_of<T>(*state()));
    }
    return outcome;
  }
  DoneCallback<Future<T>> add_done_callback(DoneCallback<Future<T>> callback, const CallOptions& options = {}) const {
    this->add_callback(callback.state(), options);
    return callback;
  }

  FutureAwaiter<T> operator co_await() const& { return FutureAwaiter<T>(state()); }
  FutureAwaiter<T> operator co_await() && { return FutureAwaiter<T>(take_state()); }
};

struct IsFutureFunction {
  /// CPython: asyncio.isfuture().
  template <class T>
  constexpr bool operator()(const T&) const noexcept {
    return std::derived_from<T, AnyFuture>;
  }
};
inline constexpr IsFutureFunction isfuture;

template <class T>
Future<T> EventLoop::create_future() {
  return Future<T>(Ref<FutureCore>(new FutureValue<T>(core())));
}

template <class F, class Argument>
void detail::DoneCallbackOf<F, Argument>::call(FutureCore& future) {
  std::invoke(callback_, Argument(Ref<FutureCore>(&future)));
}

}  // namespace segue::modern
