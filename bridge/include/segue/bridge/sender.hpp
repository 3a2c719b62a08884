// Sender: how what completes elsewhere, in any thread and at any time, reaches a future of a loop.
//
//   elsewhere                          the loop's thread
//   ---------                          -----------------
//   Sender  --- loop's mailbox --->    Receiver, which holds the future
//
// The sender holds nothing of the loop's but its mailbox: the future is retained and released in the loop's thread
// alone. Where the loop goes first, the receiver lets go of the future, and what is sent later is ignored.
#pragma once

#include <atomic>
#include <exception>
#include <memory>
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
#include <segue/outcome.hpp>

namespace segue::bridge::bridge_detail {

/// ` (made at FILE:LINE)`; nothing for a place that is not known.
inline std::string made_at(const std::source_location& made) {
  if (made.line() == 0) return {};
  return " (made at " + modern::place(made) + ")";
}

/// A future that is completed from elsewhere.
template <class T>
class SentFuture : public modern::FutureValue<T> {
 public:
  using Outcome = segue::Outcome<T>;
  using modern::FutureValue<T>::FutureValue;

  /// Requires that it is pending. A result that cannot be moved ends it with what that threw.
  virtual void complete(Outcome& outcome) {
    if (outcome.has_exception()) return this->finish_with(outcome.exception());
    this->set_result_or_error(std::move(outcome.stored()));
  }
};

/// Owned by the loop, until something is received or the loop goes away.
template <class T>
class Receiver final : public modern::Pooled, private modern::LoopObserver, private modern::Ready {
 public:
  /// RuntimeError("Event loop is closed").
  static Receiver& make(modern::Ref<SentFuture<T>> future, const std::source_location& made) {
    future->loop().check_usable();
    auto* const receiver = new Receiver(std::move(future), made);
    receiver->future_->loop().observe(*receiver);
    return *receiver;
  }

  SentFuture<T>& future() const noexcept { return *future_; }
  /// Completes the future, and ends.
  void receive(Outcome<T>& outcome) {
    const modern::Ref<SentFuture<T>> future = end();
    if (!future->done()) future->complete(outcome);
  }
  /// What is to be run in the loop where nothing will be sent: the future fails then.
  modern::Ready& on_abandoned() noexcept { return *this; }

 private:
  Receiver(modern::Ref<SentFuture<T>> future, const std::source_location& made) noexcept
      : future_(std::move(future)), made_(made) {}
  ~Receiver() = default;

  modern::Ref<SentFuture<T>> end() noexcept {
    modern::Ref<SentFuture<T>> future = std::move(future_);
    delete this;
    return future;
  }
  void loop_ended() noexcept override { delete this; }
  void run() override {
    Outcome<T> outcome;
    try {
      throw RuntimeError("callback was destroyed without being called" + made_at(made_));
    } catch (...) {  // that, or std::bad_alloc: whoever waits gets it
      outcome.set_exception(std::current_exception());
    }
    receive(outcome);
  }
  void drop() noexcept override {}  // loop_ended() will come

  modern::Ref<SentFuture<T>> future_;
  std::source_location made_;
};

/// One shot. Safe in any thread, also when the loop is gone. One that is destroyed without having sent anything fails
/// the future.
template <class T>
class Sender {
 public:
  /// `made`: where it was made, for its messages; nowhere by default.
  explicit Sender(modern::Ref<SentFuture<T>> future, std::source_location made = {})
      : mailbox_(future->loop().mailbox()),
        receiver_(&Receiver<T>::make(std::move(future), made)),
        on_abandoned_(receiver_.load()->on_abandoned()),
        made_(made) {}
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;
  ~Sender() {
    if (receiver_.load() != nullptr) static_cast<void>(mailbox_->post(on_abandoned_));
  }

  /// In the loop's thread, as long as nothing has been sent.
  SentFuture<T>& future() const noexcept { return receiver_.load()->future(); }

  /// Completes the future: at once in a callback of its loop, else in the loop's next iteration. A second call is
  /// reported to the loop's exception handler. std::bad_alloc: it was not sent, and may be sent again.
  void send(Outcome<T> outcome) {
    Receiver<T>* const receiver = receiver_.exchange(nullptr);
    if (receiver == nullptr) return report_second_call();
    if (mailbox_->is_of_running_loop()) return receiver->receive(outcome);
    try {
      static_cast<void>(
          mailbox_->call_soon([receiver](Outcome<T>& sent) { receiver->receive(sent); }, std::move(outcome)));
    } catch (...) {
      receiver_.store(receiver);
      throw;
    }
  }

 private:
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

  const std::shared_ptr<modern::Mailbox> mailbox_;
  std::atomic<Receiver<T>*> receiver_;  // null once something was sent; not to be touched where the mailbox is closed
  modern::Ready& on_abandoned_;         // likewise
  std::source_location made_;
};

}  // namespace segue::bridge::bridge_detail
