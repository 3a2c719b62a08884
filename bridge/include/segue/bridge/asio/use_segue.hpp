// Asio's operations in coroutines of either style:
//
//   boost::asio::ip::tcp::socket socket(io_context(get_running_loop()));
//   std::size_t n = co_await socket.async_read_some(buffer, use_segue);
//   std::size_t m = yield_from(socket.async_read_some(buffer, use_segue));
//
// An error code is thrown (see to_exception()), and the end of a stream as EOFError. Cancelling the task cancels the
// operation through its cancellation slot, and CancelledError is thrown when the operation has ended, so that its
// buffers are safe until then. An operation that does not support cancellation is left to itself; CancelledError is
// thrown at once, and its buffers must live on.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/system/error_code.hpp>

#include <segue/bridge/callback.hpp>
#include <segue/bridge/sender.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/future.hpp>

namespace segue::bridge {

/// A completion token: the operation becomes something to `co_await`, or to `yield_from`. It starts when awaited.
struct use_segue_t {};
inline constexpr use_segue_t use_segue{};

namespace bridge_detail {

/// The result of a handler's signature, without the error that comes first.
template <class... Values>
struct AsioResult : CallbackResult<Values...> {};
template <class... Values>
struct AsioResult<boost::system::error_code, Values...> : CallbackResult<Values...> {};
template <class... Values>
struct AsioResult<std::exception_ptr, Values...> : CallbackResult<Values...> {};

/// The future of an operation under way. Cancelling it asks the operation to end.
template <class T>
class AsioFuture final : public SentFuture<T> {
 public:
  using SentFuture<T>::SentFuture;

  bool cancel(const std::optional<std::string>& message) override {
    if (this->done() || !signal_->slot().has_handler()) return modern::FutureCore::cancel(message);
    this->set_cancel_message(message);
    cancelling_ = true;
    signal_->emit(boost::asio::cancellation_type::terminal);
    return true;
  }
  void complete(Outcome<T>& outcome) override {
    if (cancelling_) return this->finish_cancelled();
    SentFuture<T>::complete(outcome);
  }
  const std::shared_ptr<boost::asio::cancellation_signal>& signal() const noexcept { return signal_; }

 private:
  // The operation's, too: what it put there it looks at until it ends.
  std::shared_ptr<boost::asio::cancellation_signal> signal_ = std::make_shared<boost::asio::cancellation_signal>();
  bool cancelling_ = false;
};

template <class T>
class AsioHandler {
 public:
  using cancellation_slot_type = boost::asio::cancellation_slot;

  explicit AsioHandler(const modern::Ref<AsioFuture<T>>& future)
      : signal_(future->signal()), sender_(modern::Ref<SentFuture<T>>(future)) {}
  cancellation_slot_type get_cancellation_slot() const noexcept { return signal_->slot(); }

  template <class... Values>
  void operator()(Values&&... values) {
    sender_.send(make_outcome(std::forward<Values>(values)...));
  }

 private:
  static std::exception_ptr exception_of(const std::exception_ptr& error) { return error; }
  static std::exception_ptr exception_of(const boost::system::error_code& error) {
    if (error == boost::asio::error::eof) return std::make_exception_ptr(EOFError(error.message()));
    return to_exception(error);
  }

  template <class First, class... Rest>
  static Outcome<T> make_outcome(First&& first, Rest&&... rest) {
    using Plain = std::remove_cvref_t<First>;
    if constexpr (std::same_as<Plain, boost::system::error_code> || std::same_as<Plain, std::exception_ptr>) {
      if (std::exception_ptr error = exception_of(static_cast<const Plain&>(first))) {
        Outcome<T> failed;
        failed.set_exception(std::move(error));
        return failed;
      }
      return value_outcome(std::forward<Rest>(rest)...);
    } else {
      return value_outcome(std::forward<First>(first), std::forward<Rest>(rest)...);
    }
  }
  static Outcome<T> make_outcome() { return value_outcome(); }

  template <class... Values>
  static Outcome<T> value_outcome(Values&&... values) {
    Outcome<T> outcome;
    if constexpr (sizeof...(Values) > 1) {
      outcome.set_value(T(std::forward<Values>(values)...));
    } else {
      outcome.set_value(std::forward<Values>(values)...);
    }
    return outcome;
  }

  std::shared_ptr<boost::asio::cancellation_signal> signal_;
  Sender<T> sender_;
};

/// Keeps the error for who asked for it, and goes on as if there were none.
template <class Handler>
class RedirectingHandler {
 public:
  using cancellation_slot_type = typename Handler::cancellation_slot_type;

  RedirectingHandler(Handler handler, boost::system::error_code& error) noexcept
      : handler_(std::move(handler)), error_(error) {}
  cancellation_slot_type get_cancellation_slot() const noexcept { return handler_.get_cancellation_slot(); }

  template <class... Values>
  void operator()(const boost::system::error_code& error, Values&&... values) {
    error_ = error;
    handler_(std::forward<Values>(values)...);
  }

 private:
  Handler handler_;
  boost::system::error_code& error_;
};

/// An operation that starts when it is awaited.
template <class T, class Initiation, class... Args>
class [[nodiscard("co_await it")]] AsioOperation {
 public:
  template <class I, class... Values>
  explicit AsioOperation(I&& initiation, Values&&... args)
      : initiation_(std::forward<I>(initiation)), args_(std::forward<Values>(args)...) {}

  bool await_ready() {
    auto future = modern::make_ref<AsioFuture<T>>(modern::LoopCore::require_running());
    wait_.emplace(modern::Ref<modern::FutureCore>(future));
    try {
      std::apply([&](Args&... args) { std::move(initiation_)(AsioHandler<T>(future), std::move(args)...); }, args_);
    } catch (...) {
      future->modern::FutureCore::cancel();  // nobody will ask for it
      throw;
    }
    return wait_->await_ready();
  }
  void await_suspend(modern::Resumable leaf) { wait_->await_suspend(leaf); }
  T await_resume() { return wait_->await_resume(); }

 private:
  Initiation initiation_;
  std::tuple<Args...> args_;
  std::optional<modern::FutureAwaiter<T>> wait_;
};

}  // namespace bridge_detail
}  // namespace segue::bridge

template <class R, class... Values>
class boost::asio::async_result<segue::bridge::use_segue_t, R(Values...)> {
 public:
  using Result = typename segue::bridge::bridge_detail::AsioResult<std::decay_t<Values>...>::type;

  template <class Initiation, class... Args>
  static auto initiate(Initiation&& initiation, segue::bridge::use_segue_t, Args&&... args) {
    return segue::bridge::bridge_detail::AsioOperation<Result, std::decay_t<Initiation>, std::decay_t<Args>...>(
        std::forward<Initiation>(initiation), std::forward<Args>(args)...);
  }
};

// Asio's own asks for a type that all operations of a signature share.
template <class R, class... Values>
class boost::asio::async_result<boost::asio::redirect_error_t<segue::bridge::use_segue_t>,
                                R(boost::system::error_code, Values...)> {
 public:
  template <class Initiation, class Token, class... Args>
  static auto initiate(Initiation&& initiation, Token&& token, Args&&... args) {
    auto redirected = [initiation = std::decay_t<Initiation>(std::forward<Initiation>(initiation)),
                       &error = token.ec_]<class Handler, class... Kept>(Handler handler, Kept&&... kept) mutable {
      std::move(initiation)(segue::bridge::bridge_detail::RedirectingHandler<Handler>(std::move(handler), error),
                            std::forward<Kept>(kept)...);
    };
    return async_result<segue::bridge::use_segue_t, R(Values...)>::initiate(
        std::move(redirected), segue::bridge::use_segue, std::forward<Args>(args)...);
  }
};
