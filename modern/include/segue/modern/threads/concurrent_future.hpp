// concurrent::Future<T>: a result that another thread waits for (CPython: Lib/concurrent/futures/_base.py). Where a
// Future of asyncio belongs to a loop, this belongs to nobody: any thread may ask it, and block until it is done.
//
//   PENDING --set_running_or_notify_cancel()--> RUNNING --set_result() / set_exception()--> FINISHED
//       \--cancel()--> CANCELLED --set_running_or_notify_cancel()--> CANCELLED_AND_NOTIFIED
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/delay.hpp>
#include <segue/modern/kernel/handle_of.hpp>
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
class FutureCore {
 public:
  using Callback = std::function<void()>;

  FutureCore() = default;
  FutureCore(const FutureCore&) = delete;
  FutureCore& operator=(const FutureCore&) = delete;

  FutureState state() const;
  bool cancel();
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
  ~FutureCore() = default;

  /// Waits until it is done. TimeoutError, CancelledError; RuntimeError in the thread of the loop that is to finish it.
  void wait(std::unique_lock<std::mutex>& lock, std::optional<std::chrono::nanoseconds> timeout,
            const std::source_location& where);
  /// InvalidStateError where it is done.
  void check_unfinished() const;
  /// Unlocks, wakes who waits, and calls the callbacks.
  void finish(std::unique_lock<std::mutex>& lock, FutureState state) noexcept;

  mutable std::mutex mutex_;  // guards all
  std::exception_ptr error_;

 private:
  bool done() const noexcept { return state_ >= FutureState::CANCELLED; }
  static void call(const Callback& callback) noexcept;
  [[noreturn]] void refuse_to_block(const std::source_location& where) const;

  std::condition_variable changed_;
  FutureState state_ = FutureState::PENDING;
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
    std::unique_lock lock(mutex_);
    check_unfinished();
    value_.emplace(std::forward<Args>(args)...);
    finish(lock, FutureState::FINISHED);
  }
  stored_t<T>& result(std::optional<std::chrono::nanoseconds> timeout, const std::source_location& where) {
    std::unique_lock lock(mutex_);
    wait(lock, timeout, where);
    if (error_) std::rethrow_exception(error_);
    return *value_;
  }

 private:
  std::optional<stored_t<T>> value_;
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

  /// Blocks until it is done. The result, or what the call has thrown. TimeoutError, CancelledError. RuntimeError where
  /// it would block the very loop that is to finish it (run_coroutine_threadsafe()).
  std::add_lvalue_reference_t<std::conditional_t<std::is_void_v<T>, T, std::add_const_t<T>>> result(
      std::optional<Delay> timeout = std::nullopt,
      const std::source_location& where = std::source_location::current()) const {
    auto& value = this->state()->result(nanoseconds(timeout), where);
    if constexpr (std::is_reference_v<T>) {
      return value.get();
    } else if constexpr (!std::is_void_v<T>) {
      return value;
    } else {
      static_cast<void>(value);
    }
  }
  /// The same for what the call has thrown; null where it gave a result.
  std::exception_ptr exception(std::optional<Delay> timeout = std::nullopt,
                               const std::source_location& where = std::source_location::current()) const {
    return this->state()->exception(nanoseconds(timeout), where);
  }
  /// Calls `callback(future)` when it is done, in the thread that completes or cancels it; at once where it is. What it
  /// throws is logged.
  template <class F>
    requires std::invocable<F&, Future>
  void add_done_callback(F callback) const {
    this->state()->add_done_callback(
        [weak = std::weak_ptr<Value>(this->state()), callback = std::move(callback)]() mutable {
          if (auto value = weak.lock()) callback(Future(std::move(value)));  // whoever completes it has it
        });
  }

  // --- for who makes the result ---

  /// Before the call is made: false where it was cancelled, and is not to be made. InvalidStateError the second time.
  bool set_running_or_notify_cancel() const { return this->state()->set_running_or_notify_cancel(); }
  /// InvalidStateError where it is done.
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

  using Base::state;

 private:
  explicit Future(std::shared_ptr<Value> value) noexcept : Base(std::move(value)) {}
  static std::optional<std::chrono::nanoseconds> nanoseconds(const std::optional<Delay>& timeout) {
    return timeout ? std::optional<std::chrono::nanoseconds>(timeout->value()) : std::nullopt;
  }
};

}  // namespace segue::modern::concurrent
