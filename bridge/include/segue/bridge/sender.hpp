// Sender: how what completes elsewhere, in any thread and at any time, reaches a future of a loop.
//
//   elsewhere                          the loop's thread
//   ---------                          -----------------
//   Sender  --- loop's mailbox --->    SentFuture
//
// Both ends share one block, the Delivery, which the senders and the loop's side each own a part in. What is sent lies
// in it, and it is itself what the mailbox carries: sending allocates nothing. The senders touch nothing of the loop's
// but its mailbox: the future is retained and released in the loop's thread alone. Where the loop goes first, the
// delivery lets go of the future, and what is sent later is ignored.
#pragma once

#include <concepts>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <source_location>
#include <string>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/exception_context.hpp>
#include <segue/modern/kernel/function_name.hpp>
#include <segue/modern/kernel/future_core.hpp>
#include <segue/modern/kernel/handle_state.hpp>
#include <segue/modern/kernel/loop_core.hpp>
#include <segue/modern/kernel/loop_observer.hpp>
#include <segue/modern/kernel/mailbox.hpp>
#include <segue/modern/kernel/pool.hpp>
#include <segue/modern/kernel/ready_queue.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/kernel/shared.hpp>
#include <segue/modern/kernel/unraisable.hpp>
#include <segue/outcome.hpp>

namespace segue::bridge::bridge_detail {

/// ` (made at FILE:LINE)`; nothing for a place that is not known.
inline std::string made_at(const std::source_location& made) {
  if (made.line() == 0) return {};
  return " (made at " + modern::place(made) + ")";
}

/// Reports what `what` has thrown, which has nobody to throw to.
inline void report_ignored(const std::exception_ptr& error, const char* what,
                           const std::source_location& made = {}) noexcept {
  std::string object;
  try {
    object = what + made_at(made);
  } catch (const std::bad_alloc&) {  // reported without its name, then
  }
  modern::report_unraisable(error, object);
}

/// An operation that can be asked to end early.
class CancellableOperation {
 public:
  /// Asks it, once. Whether its end will not be told: nobody has to wait for it then.
  virtual bool cancel_operation() noexcept = 0;

 protected:
  ~CancellableOperation() = default;
};

/// How deep this thread is in operations that are cancelled by cancelling others: what to_callback() returned, awaited
/// by from_callback(), is a chain as long as the user makes it, and each link is some frames of the stack.
class NestedCancel {
 public:
  NestedCancel() noexcept { ++depth_; }
  NestedCancel(const NestedCancel&) = delete;
  NestedCancel& operator=(const NestedCancel&) = delete;
  ~NestedCancel() { --depth_; }
  static bool is_deep() noexcept { return depth_ >= 16; }

 private:
  static inline thread_local int depth_ = 0;
};

/// A future that is completed from elsewhere. One of an operation that can be cancelled is cancelled when the operation
/// has ended: what it brings then is dropped.
template <class T>
class SentFuture : public modern::FutureValue<T> {
 public:
  using modern::FutureValue<T>::FutureValue;

  void set_operation(CancellableOperation* operation) noexcept { operation_ = operation; }
  /// Nobody waits for it any more: whatever it is completed with is dropped.
  void leave_alone() noexcept {
    operation_ = nullptr;
    cancelling_ = true;
  }

  bool cancel(const std::optional<std::string>& message) override {
    if (cancelling_ && !this->done()) return true;
    if (this->done() || operation_ == nullptr) return modern::FutureCore::cancel(message);
    this->set_cancel_message(message);
    cancelling_ = true;
    if (NestedCancel::is_deep() && cancel_soon()) return true;
    cancel_operation();
    return true;
  }
  /// Requires that it is pending. A result that cannot be moved ends it with what that threw.
  void complete(Outcome<T>& outcome) {
    if (cancelling_) return this->finish_cancelled();
    if (outcome.has_exception()) return this->finish_with(outcome.exception());
    this->set_result_or_error(std::move(outcome.stored()));
  }

 private:
  void cancel_operation() {
    const modern::Ref<SentFuture> kept(this);  // the operation may end within
    const NestedCancel nested;
    if (std::exchange(operation_, nullptr)->cancel_operation() && !this->done()) this->finish_cancelled();
  }
  /// In the loop's next iteration. False where there is no memory for that, or the loop is closed.
  bool cancel_soon() noexcept {
    try {
      return this->loop().mailbox()->call_soon([kept = modern::Ref<SentFuture>(this)] {
        if (kept->operation_ != nullptr && !kept->done()) kept->cancel_operation();
      });
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

  CancellableOperation* operation_ = nullptr;
  bool cancelling_ = false;
};

/// What is sent, once, and to whom.
template <class T>
class Delivery final : public modern::Pooled, private modern::LoopObserver, private modern::Ready {
 public:
  /// One that has a sender and, beside it, the loop's side. RuntimeError("Event loop is closed").
  Delivery(modern::LoopCore& loop, const std::source_location& made)
      : mailbox_((loop.check_usable(), loop.mailbox())), made_(made) {
    owners_.retain();
  }

  // --- the loop's side; in the loop's thread

  /// Whether something was sent before attach().
  bool sent() const noexcept { return state_.has(is_sent); }
  Outcome<T>& outcome() noexcept { return outcome_; }
  /// Has `future` completed by what is sent: at once where it was sent already.
  void attach(modern::Ref<SentFuture<T>> future) {
    future_ = std::move(future);
    future_->loop().observe(*this);
    if ((state_.set(is_attached) & (is_sent | is_abandoned)) != 0) receive();
  }
  /// The future of an attached one, as long as nothing was sent.
  SentFuture<T>* future() const noexcept { return future_.get(); }
  /// Instead of attach(): nobody waits.
  void let_go() noexcept {
    if ((state_.set(is_let_go) & is_sent) != 0) outcome_.reset();
    disown();
  }

  // --- the senders' side; in any thread

  void add_sender() noexcept { senders_.retain(); }
  /// Where nothing was sent, and this was the last one, the future fails.
  void remove_sender() noexcept {
    if (!senders_.release()) return;
    if (!state_.has(is_claimed)) {
      const auto before = state_.set(is_claimed | is_abandoned);
      if ((before & is_attached) != 0) static_cast<void>(mailbox_->post(*this));
    }
    disown();
  }
  /// Sends what `fill(outcome)` puts into the outcome. The future is completed at once in a callback of its loop, else
  /// in the loop's next iteration. A second call is reported to the loop's exception handler. Throws what `fill`
  /// throws: it was not sent, and may be sent again.
  template <class Fill>
  void send(const Fill& fill) {
    if ((state_.set(is_claimed) & is_claimed) != 0) return report_second_call();
    try {
      fill(outcome_);
    } catch (...) {
      outcome_.reset();
      state_.clear(is_claimed);
      throw;
    }
    const auto before = state_.set(is_sent);
    if ((before & is_let_go) != 0) return drop_in_loop();
    if ((before & is_attached) == 0) return;  // the loop's side will look before it waits
    if (mailbox_->is_of_running_loop()) return receive();
    if (!mailbox_->post(*this)) drop_outcome();
  }
  void destroy_in_loop(std::shared_ptr<void> object) noexcept {
    try {
      static_cast<void>(mailbox_->call_soon([](const std::shared_ptr<void>&) {}, std::move(object)));
    } catch (const std::bad_alloc&) {  // here, then
    }
  }

 private:
  static constexpr std::uint8_t is_claimed = 1;  // by who sends, or finds that nobody will
  static constexpr std::uint8_t is_sent = 2;
  static constexpr std::uint8_t is_abandoned = 4;
  static constexpr std::uint8_t is_attached = 8;
  static constexpr std::uint8_t is_let_go = 16;

  ~Delivery() = default;

  void disown() noexcept {
    if (owners_.release()) delete this;
  }
  /// Nobody waits: what was sent is destroyed by the loop, in its thread, or here where it is gone.
  void drop_in_loop() {
    if (mailbox_->is_of_running_loop()) return drop_outcome();
    owners_.retain();  // the mailbox
    if (mailbox_->post(*this)) return;
    drop_outcome();
    disown();
  }
  /// What is sent may be what owns the last sender, and would destroy this while it is destroyed itself.
  void drop_outcome() noexcept {
    add_sender();
    outcome_.reset();
    remove_sender();
  }
  void receive() {
    if (state_.has(is_let_go)) return drop();
    const modern::Ref<SentFuture<T>> future = std::move(future_);
    unlink();
    if (!future->done()) {
      if (state_.has(is_abandoned)) set_abandoned();
      future->complete(outcome_);
    }
    outcome_.reset();
    disown();
  }
  void set_abandoned() noexcept {
    try {
      throw RuntimeError("callback was destroyed without being called" + made_at(made_));
    } catch (...) {  // that, or std::bad_alloc: whoever waits gets it
      outcome_.set_exception(std::current_exception());
    }
  }
  void report_second_call() {
    const auto report = [made = made_] {
      modern::ExceptionContext context;
      context.message = "callback was called more than once";
      if (made.line() != 0) context.source = modern::place(made);
      modern::LoopCore::running()->call_exception_handler(context);
    };
    if (mailbox_->is_of_running_loop()) return report();
    static_cast<void>(mailbox_->call_soon(report));
  }

  void loop_ended() noexcept override {
    future_ = nullptr;
    disown();
  }
  void run() override { receive(); }
  void drop() noexcept override {
    outcome_.reset();
    if (state_.has(is_let_go)) disown();  // else loop_ended() will come
  }

  const std::shared_ptr<modern::Mailbox> mailbox_;
  modern::SharedCount senders_;
  modern::SharedCount owners_;  // all senders together, and the loop's side
  modern::SharedFlags state_;
  std::source_location made_;
  Outcome<T> outcome_;                 // the sender's who claimed it; once it is sent, the loop's
  modern::Ref<SentFuture<T>> future_;  // not to be touched elsewhere than in the loop's thread
};

/// One of those that may send. Copyable, safe in any thread, also when the loop is gone.
template <class T>
class Sender {
 public:
  /// `made`: where it was made, for its messages.
  Sender(modern::Ref<SentFuture<T>> future, const std::source_location& made)
      : delivery_(new Delivery<T>(future->loop(), made)) {
    delivery_->attach(std::move(future));
  }
  /// None: it sends nothing, and is missed by nobody.
  Sender() noexcept = default;
  /// Takes over a part in a delivery.
  static Sender adopt(Delivery<T>& delivery) noexcept { return Sender(delivery); }
  Sender(const Sender& other) noexcept : delivery_(other.delivery_) {
    if (delivery_) delivery_->add_sender();
  }
  Sender(Sender&& other) noexcept : delivery_(std::exchange(other.delivery_, nullptr)) {}
  Sender& operator=(Sender other) noexcept {
    std::swap(delivery_, other.delivery_);
    return *this;
  }
  ~Sender() {
    if (delivery_) delivery_->remove_sender();
  }

  /// In the loop's thread; null once something has been sent.
  SentFuture<T>* future() const noexcept { return delivery_->future(); }
  /// See Delivery::send(). RuntimeError where it was moved from.
  template <class Fill>
    requires std::invocable<const Fill&, Outcome<T>&>
  void send(const Fill& fill) const {
    if (delivery_ == nullptr) throw RuntimeError("callback was called after it had been moved from");
    delivery_->send(fill);
  }
  void destroy_in_loop(std::shared_ptr<void> object) const noexcept {
    if (delivery_) delivery_->destroy_in_loop(std::move(object));
  }
  Delivery<T>& delivery() const noexcept { return *delivery_; }
  /// Gives its part in the delivery to whoever adopts it.
  void release() noexcept { delivery_ = nullptr; }

 private:
  explicit Sender(Delivery<T>& delivery) noexcept : delivery_(&delivery) {}

  Delivery<T>* delivery_ = nullptr;
};

}  // namespace segue::bridge::bridge_detail
