// Future<T>: a result that is not there yet (CPython: asyncio/futures.py).
//
//   pending --set_result / set_exception--> finished
//      \-----------cancel----------------> cancelled
//
// Done callbacks and waiting tasks are never run inline: completing a future schedules them on the loop, in the order
// in which they came.
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

#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/exceptions.hpp>
#include <segue/outcome.hpp>

namespace segue::modern {

class FutureBase;

namespace detail {

class TaskCore;

/// A done callback. Its identity is what remove_done_callback() compares.
class DoneCallbackState : public RefCounted {
 public:
  virtual void call(FutureState& future) = 0;
};

/// Who waits for a future: a task, or a done callback.
struct Waiter {
  TaskCore* task = nullptr;
  Ref<DoneCallbackState> callback;
  explicit operator bool() const noexcept { return task != nullptr || callback; }
};

/// The part of a future that does not depend on its result. Shared by its handles; not thread-safe, as in CPython.
class FutureState : public RefCounted {
 public:
  explicit FutureState(EventLoop& loop) noexcept : loop_(&loop) {}
  ~FutureState() override;

  EventLoop& loop() const noexcept { return *loop_; }
  bool done() const noexcept { return phase_ != Phase::pending; }
  bool cancelled() const noexcept { return phase_ == Phase::cancelled; }
  bool failed() const noexcept { return exception_ != nullptr; }

  virtual bool cancel(const std::optional<std::string>& message = std::nullopt);
  virtual void set_exception(std::exception_ptr error) { finish_with(std::move(error)); }
  virtual TaskCore* task() noexcept { return nullptr; }
  virtual std::string repr() const;

  /// Throws what result() throws; returns where there is a value. Marks the exception as retrieved.
  void check_result();
  /// The exception, or null; marks it as retrieved. Throws as CPython's exception() where there is no outcome.
  std::exception_ptr exception();
  /// The stored exception without marking it; null where there is none.
  const std::exception_ptr& peek_exception() const noexcept { return exception_; }
  /// As exception(), for a future that is known to be done and not cancelled.
  void mark_retrieved() noexcept { report_unretrieved_ = false; }
  /// The message of the cancel() that ended it; of a pending task, of the last one.
  const std::optional<std::string>& cancel_message() const noexcept { return cancel_message_; }
  void set_cancel_message(std::optional<std::string> message) noexcept { cancel_message_ = std::move(message); }
  /// The CancelledError with which waiting for this cancelled future ends.
  std::exception_ptr make_cancelled_error();

  void add_callback(Ref<DoneCallbackState> callback);
  std::size_t remove_callback(const DoneCallbackState& callback) noexcept;
  void add_waiting_task(TaskCore& task);
  void remove_waiting_task(const TaskCore& task) noexcept;

 protected:
  /// Requires that it is pending.
  void finish_with(std::exception_ptr error);
  void finish();
  void finish_cancelled();
  void check_pending() const;

  bool is_task_ = false;  // for messages

 private:
  enum class Phase : std::uint8_t { pending, cancelled, finished };

  void add_waiter(Waiter waiter);
  void schedule(Waiter waiter);
  void schedule_waiters();

  Phase phase_ = Phase::pending;
  bool report_unretrieved_ = false;

 protected:
  std::exception_ptr cancelled_error_;  // the CancelledError that ended a task, for the first one who asks

 private:
  std::optional<std::string> cancel_message_;
  Ref<EventLoop> loop_;
  Waiter first_waiter_;  // most futures have one
  std::vector<Waiter> more_waiters_;
  std::exception_ptr exception_;
};

/// The result's place.
template <class T>
class FutureValue : public FutureState {
 public:
  using FutureState::FutureState;

  template <class... Args>
  void set_result(Args&&... args) {
    check_pending();
    value_.emplace(std::forward<Args>(args)...);
    finish();
  }
  stored_t<T>& value() noexcept { return *value_; }

 protected:
  std::optional<stored_t<T>> value_;
};

template <class F, class Argument>
class DoneCallbackOf final : public DoneCallbackState {
 public:
  explicit DoneCallbackOf(F callback) : callback_(std::move(callback)) {}
  void call(FutureState& future) override;

 private:
  F callback_;
};

/// What the awaiters of all futures share: the wait itself.
class FutureWait {
 public:
  explicit FutureWait(Ref<FutureState> future) noexcept : future_(std::move(future)) {}
  bool await_ready() const noexcept { return future_->done(); }
  void await_suspend(Resumable leaf) {
    Driver::require_current().suspend(leaf, {.future = future_.get(), .blocking = true});
    suspended_ = true;
  }

 protected:
  void finish_wait() {
    if (suspended_) Driver::current()->throw_injected();
    if (!future_->done()) throw RuntimeError("await wasn't used with future");
    future_->check_result();
  }
  Ref<FutureState> future_;

 private:
  bool suspended_ = false;
};

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
  T await_resume() {
    finish_wait();
    auto& value = static_cast<FutureValue<T>&>(*future_).value();
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

/// Where the result's type is not known, it is not given.
class FutureBaseAwaiter : public FutureWait {
 public:
  using FutureWait::FutureWait;
  void await_resume() { finish_wait(); }
};

}  // namespace detail

/// A done callback with an identity, for remove_done_callback(). Any callable that takes the future converts to one.
template <class Argument>
class DoneCallback {
 public:
  template <class F>
    requires(!std::same_as<std::decay_t<F>, DoneCallback> && std::invocable<std::decay_t<F>&, Argument>)
  DoneCallback(F&& callback)  // NOLINT(google-explicit-constructor): callables convert
      : state_(new detail::DoneCallbackOf<std::decay_t<F>, Argument>(std::forward<F>(callback))) {}
  const detail::Ref<detail::DoneCallbackState>& state() const noexcept { return state_; }

 private:
  detail::Ref<detail::DoneCallbackState> state_;
};

/// A handle of a future whatever its result: all that does not depend on the result's type. Awaiting it gives nothing,
/// but throws what the future's exception is. Copies share the future.
class FutureBase {
 public:
  explicit FutureBase(detail::Ref<detail::FutureState> state) noexcept : state_(std::move(state)) {}

  bool done() const noexcept { return state_->done(); }
  bool cancelled() const noexcept { return state_->cancelled(); }
  /// Cancels it; false where it is done already. Whoever waits gets CancelledError with the message. For a task this is
  /// a request: see Task.
  bool cancel(const std::optional<std::string>& message = std::nullopt) const { return state_->cancel(message); }
  /// The exception, or null where there is a result. InvalidStateError("Exception is not set.") while pending;
  /// CancelledError where it was cancelled.
  std::exception_ptr exception() const { return state_->exception(); }
  void set_exception(std::exception_ptr error) const { state_->set_exception(std::move(error)); }
  template <class Error>
    requires(!std::same_as<std::decay_t<Error>, std::exception_ptr>)
  void set_exception(Error&& error) const {
    state_->set_exception(std::make_exception_ptr(std::forward<Error>(error)));
  }
  EventLoop& get_loop() const noexcept { return state_->loop(); }
  friend bool operator==(const FutureBase& a, const FutureBase& b) noexcept { return a.state_ == b.state_; }

  /// Schedules `callback(future)` for when it is done; at once (in the next iteration) where it is. Returns it, so that
  /// it can be removed.
  DoneCallback<FutureBase> add_done_callback(DoneCallback<FutureBase> callback) const {
    state_->add_callback(callback.state());
    return callback;
  }
  /// Removes all that are the same object; returns how many.
  template <class Argument>
  std::size_t remove_done_callback(const DoneCallback<Argument>& callback) const noexcept {
    return state_->remove_callback(*callback.state());
  }

  detail::FutureBaseAwaiter operator co_await() const noexcept { return detail::FutureBaseAwaiter(state_); }

  const detail::Ref<detail::FutureState>& state() const noexcept { return state_; }
  detail::Ref<detail::FutureState> release_state() && noexcept { return std::move(state_); }

 private:
  detail::Ref<detail::FutureState> state_;
};

/// A future with a result of type T. Awaiting a done one does not suspend; cancelling a task that awaits it cancels it.
template <class T = void>
class Future : public FutureBase {
 public:
  using result_type = T;
  using FutureBase::FutureBase;

  /// The result; throws the exception, CancelledError, or InvalidStateError("Result is not set.").
  std::add_lvalue_reference_t<std::conditional_t<std::is_void_v<T>, T, std::add_const_t<T>>> result() const {
    state()->check_result();
    if constexpr (std::is_reference_v<T>) {
      return value_state().value().get();
    } else if constexpr (!std::is_void_v<T>) {
      return value_state().value();
    }
  }
  /// InvalidStateError("invalid state") where it is done.
  template <class... Args>
    requires std::constructible_from<stored_t<T>, Args...>
  void set_result(Args&&... args) const {
    if (state()->task() != nullptr) throw RuntimeError("Task does not support set_result operation");
    value_state().set_result(std::forward<Args>(args)...);
  }
  DoneCallback<Future<T>> add_done_callback(DoneCallback<Future<T>> callback) const {
    state()->add_callback(callback.state());
    return callback;
  }

  detail::FutureAwaiter<T> operator co_await() const& noexcept { return detail::FutureAwaiter<T>(state()); }
  detail::FutureAwaiter<T> operator co_await() && noexcept {
    return detail::FutureAwaiter<T>(std::move(*this).release_state());
  }

 private:
  detail::FutureValue<T>& value_state() const noexcept { return static_cast<detail::FutureValue<T>&>(*state()); }
};

/// CPython: asyncio.isfuture().
template <class T>
constexpr bool isfuture(const T&) noexcept {
  return std::derived_from<T, FutureBase>;
}

template <class T>
Future<T> EventLoop::create_future() {
  return Future<T>(detail::Ref<detail::FutureState>(new detail::FutureValue<T>(*this)));
}

template <class F, class Argument>
void detail::DoneCallbackOf<F, Argument>::call(FutureState& future) {
  std::invoke(callback_, Argument(Ref<FutureState>(&future)));
}

}  // namespace segue::modern
