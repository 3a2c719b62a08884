// concurrent::Future<T>: a result that another thread waits for (CPython: Lib/concurrent/futures/_base.py). Where a
// Future of asyncio belongs to a loop, this belongs to nobody: any thread may ask it, and block until it is done.
//
//   PENDING --set_running_or_notify_cancel()--> RUNNING --set_result() / set_exception()--> FINISHED
//       \--cancel()--> CANCELLED --set_running_or_notify_cancel()--> CANCELLED_AND_NOTIFIED
#pragma once

#include <chrono>
#include <concepts>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <source_location>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/delay.hpp>
#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/outcome.hpp>

namespace segue::modern {
class Mailbox;
}

namespace segue::modern::concurrent {

/// The call was cancelled. (Not asyncio's CancelledError, as in Python: this one is an Exception.)
class CancelledError : public Exception {
 public:
  using Exception::Exception;
};

/// It is not in a state in which that can be done to it.
class InvalidStateError : public Exception {
 public:
  using Exception::Exception;
};

/// Where a call is on its way.
enum class FutureState : std::uint8_t { PENDING, RUNNING, CANCELLED, CANCELLED_AND_NOTIFIED, FINISHED };

/// The state's name, as Python prints it in lower case: `pending`, `cancelled`.
const char* to_string(FutureState state) noexcept;

namespace detail {

/// All of a future but its result.
class FutureCore : public std::enable_shared_from_this<FutureCore> {
 public:
  using Callback = std::function<void(const std::shared_ptr<FutureCore>&)>;

  FutureCore() = default;
  FutureCore(const FutureCore&) = delete;
  FutureCore& operator=(const FutureCore&) = delete;

  FutureState state() const;
  std::string repr() const;
  bool cancel();
  /// cancel() for a destructor, after which nobody is left to end it.
  void abandon() noexcept;
  bool set_running_or_notify_cancel();
  void set_exception(std::exception_ptr error);
  std::exception_ptr exception(std::optional<std::chrono::nanoseconds> timeout, const std::source_location& where);
  void add_done_callback(Callback callback);
  /// Only the loop that has this mailbox will finish it, as somebody has asked it to `where`: who would block its
  /// thread for that is refused. Before anybody else has the future.
  void set_finished_by(std::shared_ptr<Mailbox> loop, const std::source_location& where) {
    finished_by_ = std::move(loop);
    asked_at_ = where;
  }

 protected:
  ~FutureCore();

  /// Of what it is to have; null for nothing.
  virtual const std::type_info* result_type() const noexcept = 0;
  /// Waits until it is done, as `asked` has to. TimeoutError, CancelledError; RuntimeError in the thread of the loop
  /// that is to finish it.
  void wait(std::unique_lock<std::mutex>& lock, std::optional<std::chrono::nanoseconds> timeout, const char* asked,
            const std::source_location& where);
  /// Nobody else can end it from now on, until finish() or disclaim(): the user's code that makes the result runs
  /// without the lock. InvalidStateError where it is done, or claimed.
  void claim();
  void disclaim() noexcept;
  /// Of who has claimed it. Throws what ends the program, when all callbacks were called.
  void finish();

  mutable std::mutex mutex_;  // guards all
  std::exception_ptr error_;

 private:
  struct CallBack;
  bool done() const noexcept { return state_ >= FutureState::CANCELLED; }
  std::string repr_locked() const;
  void finish(std::unique_lock<std::mutex> lock, FutureState state);
  std::exception_ptr call(const Callback& callback, const std::shared_ptr<FutureCore>& self) const noexcept;
  [[noreturn]] void refuse_to_block(const char* asked, const std::source_location& where) const;

  std::condition_variable changed_;
  FutureState state_ = FutureState::PENDING;
  bool claimed_ = false;
  std::vector<Callback> callbacks_;
  // These two do not change while others have the future.
  std::shared_ptr<Mailbox> finished_by_;
  std::source_location asked_at_;
};

template <class T>
class FutureValue final : public FutureCore {
 public:
  template <class... Args>
  void set_result(Args&&... args) {
    claim();
    try {
      value_.emplace(std::forward<Args>(args)...);
    } catch (...) {
      disclaim();
      throw;
    }
    finish();
  }
  /// The same for who has nobody to throw to: where the result cannot be made (a copy or a move throws), the future
  /// ends with what that threw.
  template <class... Args>
  void set_result_or_error(Args&&... args) {
    claim();
    try {
      value_.emplace(std::forward<Args>(args)...);
    } catch (...) {
      error_ = std::current_exception();
    }
    finish();
  }
  stored_t<T>& result(std::optional<std::chrono::nanoseconds> timeout, const std::source_location& where) {
    std::unique_lock lock(mutex_);
    return result(lock, timeout, where);
  }
  /// The same, to be moved out: InvalidStateError for whoever asks afterwards.
  stored_t<T>& take(std::optional<std::chrono::nanoseconds> timeout, const std::source_location& where) {
    std::unique_lock lock(mutex_);
    auto& value = result(lock, timeout, where);
    taken_ = true;
    return value;
  }

 private:
  const std::type_info* result_type() const noexcept override {
    if constexpr (std::is_void_v<T>) {
      return nullptr;
    } else {
      return &typeid(T);
    }
  }
  stored_t<T>& result(std::unique_lock<std::mutex>& lock, std::optional<std::chrono::nanoseconds> timeout,
                      const std::source_location& where) {
    wait(lock, timeout, "result()", where);
    if (error_) std::rethrow_exception(error_);
    if (taken_) throw InvalidStateError("the result was moved out already");
    return *value_;
  }

  std::optional<stored_t<T>> value_;
  bool taken_ = false;
};

}  // namespace detail

/// A handle of such a result. Copies share it, also over threads.
template <class T = void>
class Future : public HandleOf<Future<T>, std::shared_ptr<detail::FutureValue<T>>> {
  using Value = detail::FutureValue<T>;
  using Base = HandleOf<Future<T>, std::shared_ptr<Value>>;

 public:
  using result_type = T;

  /// A pending one.
  Future() : Base(std::make_shared<Value>()) {}

  /// False where it is done or runs. Whoever waits gets CancelledError.
  bool cancel() const { return this->state()->cancel(); }
  bool cancelled() const {
    const FutureState now = this->state()->state();
    return now == FutureState::CANCELLED || now == FutureState::CANCELLED_AND_NOTIFIED;
  }
  bool running() const { return this->state()->state() == FutureState::RUNNING; }
  bool done() const { return this->state()->state() >= FutureState::CANCELLED; }
  /// `<Future at 0x55d0c8 state=finished returned int>`.
  std::string repr() const { return this->state()->repr(); }

  /// Blocks until it is done. The result, or what the call has thrown. TimeoutError, CancelledError. RuntimeError where
  /// it would block the very loop that is to finish it (run_coroutine_threadsafe()).
  std::add_lvalue_reference_t<std::conditional_t<std::is_void_v<T>, T, std::add_const_t<T>>> result(
      std::optional<Delay> timeout = std::nullopt,
      const std::source_location& where = std::source_location::current()) const& {
    auto& value = this->state()->result(nanoseconds(timeout), where);
    if constexpr (std::is_reference_v<T>) {
      return value.get();
    } else if constexpr (!std::is_void_v<T>) {
      return value;
    } else {
      static_cast<void>(value);
    }
  }
  /// The same of a future that nobody keeps, and the result with it: a copy, or what cannot be copied moved out, so
  /// that whoever else asks for it gets InvalidStateError.
  T result(std::optional<Delay> timeout = std::nullopt,
           const std::source_location& where = std::source_location::current()) && {
    if constexpr (std::is_object_v<T> && !copyable_result<T>) {
      return std::move(this->state()->take(nanoseconds(timeout), where));
    } else {
      return std::as_const(*this).result(timeout, where);
    }
  }
  /// The same for what the call has thrown; null where it gave a result.
  std::exception_ptr exception(std::optional<Delay> timeout = std::nullopt,
                               const std::source_location& where = std::source_location::current()) const {
    return this->state()->exception(nanoseconds(timeout), where);
  }
  /// Calls `callback(future)` when it is done, in the thread that completes or cancels it; at once where it is. What it
  /// throws is logged; but SystemExit and KeyboardInterrupt leave here, or what has completed the future. Where futures
  /// complete each other in their callbacks, the deepest of these wait until others have returned.
  template <class F>
    requires std::invocable<F&, Future>
  void add_done_callback(F callback) const {
    this->state()->add_done_callback(
        [callback = std::move(callback)](const std::shared_ptr<detail::FutureCore>& done) mutable {
          callback(Future(std::static_pointer_cast<Value>(done)));
        });
  }

  // --- for who makes the result ---

  /// Before the call is made: false where it was cancelled, and is not to be made. RuntimeError the second time.
  bool set_running_or_notify_cancel() const { return this->state()->set_running_or_notify_cancel(); }
  /// InvalidStateError where it is done. What making the result throws leaves it as it is.
  template <class... Args>
    requires(std::constructible_from<stored_t<T>, Args...> && std::is_void_v<T> == (sizeof...(Args) == 0))
  void set_result(Args&&... args) const {
    this->state()->set_result(std::forward<Args>(args)...);
  }
  /// The same. TypeError for a null one.
  void set_exception(std::exception_ptr error) const {
    check_exception(error);
    this->state()->set_exception(std::move(error));
  }
  /// The same of an exception object. One that is known by a base alone keeps its class where it is the exception that
  /// is being handled; elsewhere TypeError.
  template <class Error>
    requires(!std::convertible_to<Error, std::exception_ptr>)
  void set_exception(Error&& error) const {
    set_exception(segue_detail::whole_exception("set_exception", std::forward<Error>(error)));
  }

  using Base::state;

 private:
  explicit Future(std::shared_ptr<Value> value) noexcept : Base(std::move(value)) {}
  static std::optional<std::chrono::nanoseconds> nanoseconds(const std::optional<Delay>& timeout) {
    return timeout ? std::optional<std::chrono::nanoseconds>(timeout->value()) : std::nullopt;
  }
};

}  // namespace segue::modern::concurrent
