// FutureCore: all of a future but its result (CPython: asyncio/futures.py). What waits for it, how it ends, and what
// becomes of an exception that nobody asks for.
//
//   pending --finish / finish_with--> finished
//      \---------cancel------------> cancelled
//
// Done callbacks and waiting tasks are never run inline: completing a future schedules them on the loop, in the order
// in which they came.
//
// A future of one's own kind derives from FutureValue<T>, and overrides cancel() where cancelling it means more than
// ending it; where it means cancelling others, children().
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <segue/modern/kernel/context_slot.hpp>
#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/kernel/loop_core.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/kernel/waiters.hpp>
#include <segue/outcome.hpp>

namespace segue::modern {

class WaitQueue;

/// The part of a future that does not depend on its result. Shared by its handles; not thread-safe, as in CPython.
class FutureCore : public RefCounted {
 public:
  explicit FutureCore(LoopCore& loop) noexcept : loop_(&loop) {}
  ~FutureCore() override { report_if_never_retrieved(); }

  LoopCore& loop() const noexcept { return *loop_; }
  bool done() const noexcept { return phase_ != Phase::pending; }
  bool cancelled() const noexcept { return phase_ == Phase::cancelled; }
  bool failed() const noexcept { return phase_ == Phase::finished && error_ != nullptr; }
  /// This future as a task; null where it is none.
  inline TaskCore* task() noexcept;

  /// Ends it; or has those end whom it waits for, where it is a task or has children().
  virtual bool cancel(const std::optional<std::string>& message = std::nullopt);
  virtual void set_exception(std::exception_ptr error) { finish_with(std::move(error)); }
  virtual std::string repr() const;

  /// Throws what result() throws; returns where there is a value. Marks the exception as retrieved. Inline,
  /// as all that an awaiter throws from: see CoroutineMethods.
  [[gnu::always_inline]] void check_result() {
    if (phase_ != Phase::finished || error_) [[unlikely]]
      std::rethrow_exception(error_of_result());
  }
  /// The exception, or null; marks it as retrieved. Throws as CPython's exception() where there is no outcome.
  std::exception_ptr exception();
  /// The stored exception without marking it; null where there is none.
  std::exception_ptr peek_exception() const noexcept { return phase_ == Phase::finished ? error_ : nullptr; }
  /// Its exception, if it has one, will not be reported as never retrieved.
  void mark_retrieved() noexcept { report_unretrieved_ = false; }
  /// The message of the cancel() that ended it. Of a task, that of the last cancel() which it could not hand on to what
  /// it waited on.
  std::optional<std::string> cancel_message() const {
    return cancel_message_ ? std::optional<std::string>(*cancel_message_) : std::nullopt;
  }
  void set_cancel_message(const std::optional<std::string>& message) {
    cancel_message_ = message ? std::make_unique<const std::string>(*message) : nullptr;
  }
  /// The CancelledError with which waiting for this cancelled future ends.
  std::exception_ptr make_cancelled_error();

  /// It is called in a copy of the current context, or in the one that is given.
  void add_callback(Ref<DoneCallbackState> callback);
  void add_callback(Ref<DoneCallbackState> callback, ContextSlot context) {
    add_waiter(Waiter(std::move(callback), std::move(context)));
  }
  std::size_t remove_callback(const DoneCallbackState& callback) noexcept;
  void add_waiting_task(TaskCore& task) { add_waiter(Waiter(task)); }
  /// Whether it was waiting.
  bool remove_waiting_task(const TaskCore& task) noexcept;
  /// Who waits, in the order in which they came; nobody where it is done.
  const Waiters& waiters() const noexcept { return waiters_; }
  /// Where it is the wait for something that one task at a time may have: the queue of those who want it. Else null.
  virtual const WaitQueue* queue_for_one() const noexcept { return nullptr; }

 protected:
  /// The futures that cancel() cancels in its place, one after the other; null where it is this one that ends. Not
  /// beside a cancel() of one's own. (One that calls the next one's nests as deep as the chain is long; this does not.)
  virtual const std::vector<Ref<FutureCore>>* children() const noexcept { return nullptr; }
  /// At least one of the children was cancelled.
  virtual void children_cancelled() noexcept {}

  enum class Kind : std::uint8_t { future, task };
  FutureCore(LoopCore& loop, Kind kind) noexcept : kind_(kind), loop_(&loop) {}

  /// Ends it with an exception; TypeError for a null one. InvalidStateError where it is done.
  void finish_with(std::exception_ptr error);
  /// The derived class has the result. Requires that it is pending.
  void finish() { end_as(Phase::finished); }
  void finish_cancelled() { end_as(Phase::cancelled); }
  /// The same; `error` is the CancelledError that whoever asks first gets. All others get one without a message.
  void finish_cancelled(std::exception_ptr error) {
    error_ = std::move(error);
    cancel_message_ = nullptr;
    finish_cancelled();
  }
  /// For a destructor that still can describe it.
  void report_if_never_retrieved() noexcept {
    if (report_unretrieved_) [[unlikely]]
      report_never_retrieved();
  }
  /// ` exception=ValueError('x')`, of one that has failed; else nothing.
  std::string repr_of_exception() const;
  const Origin& origin() const noexcept { return origin_; }
  /// InvalidStateError("invalid state") where it is done.
  void check_pending() const {
    if (done()) [[unlikely]]
      refuse_done();
  }

 private:
  friend class Cancellation;
  friend class DeadlockSearch;
  friend class TaskCore;
  friend class TaskMark;
  enum class Phase : std::uint8_t { pending, cancelled, finished };

  bool hands_on_cancel() const noexcept { return kind_ == Kind::task || children() != nullptr; }
  void report_never_retrieved() noexcept;
  const char* type() const noexcept;
  /// What check_result() throws.
  std::exception_ptr error_of_result();
  [[noreturn]] static void refuse_done();
  void add_waiter(Waiter waiter) {
    if (done()) [[unlikely]]
      return schedule_late(std::move(waiter));
    waiters_.add(std::move(waiter));
  }
  void schedule_late(Waiter waiter);
  /// Where this thread may not wake those who wait, that throws, and it is still pending; where the loop is closed, it
  /// ends all the same.
  void end_as(Phase ended) {
    if (!waiters_.empty()) return wake_waiters(ended);
    phase_ = ended;
  }
  void wake_waiters(Phase ended);
  /// Debug mode's check; passes where the loop is closed.
  void check_thread() const;

  Phase phase_ = Phase::pending;
  bool report_unretrieved_ = false;
  Kind kind_ = Kind::future;
  Origin origin_;
  bool being_cancelled_ = false;  // a cancel() waits for what those whom this one waits for say
  std::uint32_t serial_ = 0;      // of a task, for TaskMark. It lies here since there is room
  Ref<LoopCore> loop_;
  Waiters waiters_;
  std::exception_ptr error_;  // of a cancelled one: a CancelledError that nobody has been given yet
  std::unique_ptr<const std::string> cancel_message_;
};

namespace detail {

struct NoneLater {
  void emplace(None = {}) const noexcept {}
  None& operator*() const noexcept { return none; }
  static inline None none;
};

}  // namespace detail

/// The place of a result that comes later. That of `void` takes no room.
template <class T>
using ValueLater = std::conditional_t<std::is_void_v<T>, detail::NoneLater, std::optional<stored_t<T>>>;

/// A future with a place for its result.
template <class T>
class FutureValue : public FutureCore {
 public:
  using FutureCore::FutureCore;

  template <class... Args>
  void set_result(Args&&... args) {
    check_pending();
    make_value(std::forward<Args>(args)...);
    finish();
  }
  /// The same for who has nobody to throw to: where the result cannot be made (a copy or a move throws), the future
  /// ends with what that threw.
  template <class... Args>
  void set_result_or_error(Args&&... args) {
    check_pending();
    try {
      make_value(std::forward<Args>(args)...);
    } catch (...) {
      if (this->done()) return;
      return this->finish_with(std::current_exception());
    }
    this->finish();
  }
  /// The result. Requires that there is one.
  stored_t<T>& value() noexcept { return *value_; }

 protected:
  [[no_unique_address]] ValueLater<T> value_;

 private:
  /// A copy may lead to anything, this future's end included.
  template <class... Args>
  void make_value(Args&&... args) {
    using Stored = stored_t<T>;
    if constexpr (std::is_trivially_copyable_v<Stored> || (std::same_as<Args&&, Stored&&> && ...)) {
      value_.emplace(std::forward<Args>(args)...);
    } else {
      Stored made(std::forward<Args>(args)...);
      check_pending();
      value_.emplace(std::move(made));
    }
  }
};

/// What the awaiters of all futures share: the wait itself.
class FutureWait {
 public:
  explicit FutureWait(Ref<FutureCore> future) noexcept : future_(std::move(future)) {}
  bool await_ready() const noexcept { return future_->done(); }
  void await_suspend(Resumable leaf) { suspend(Driver::require_current(), leaf); }

 protected:
  void suspend(Driver& driver, Resumable leaf) noexcept {
    driver.suspend(leaf, *future_);
    suspended_ = true;
  }
  [[gnu::always_inline]] void finish_wait() {
    if (suspended_) Driver::current()->throw_injected();
    if (!future_->done()) [[unlikely]]
      refuse_pending();
    future_->check_result();
  }
  Ref<FutureCore> future_;

 private:
  [[noreturn]] static void refuse_pending();
  bool suspended_ = false;
};

}  // namespace segue::modern
