// Callbacks as something to await: for every API that says "call me back when it is done".
//
//   int size = co_await from_callback<int>([&](auto done) { query_size(file, done); });
//   std::string text = yield_from(from_callback<std::string>(error_first, [&](auto done) { fetch(url, done); }));
//   Record record = co_await from_callback<Record>([](auto done, std::string& key) { look_up(key, done); }, key);
//
// What the initiation needs is captured by reference, or given as arguments, as in the last line, which are kept until
// the end of the await. Nothing that has a destructor is to be captured by value in a co_await expression: g++ 12
// destroys it twice.
//
// The contract, hazard by hazard:
//   - the initiation runs when it is awaited; one that throws has its exception thrown at the await;
//   - the callback may run before the initiation returns, later, on the loop's thread or on another;
//   - called twice: the first call counts, the second is reported to the loop's exception handler;
//   - every copy destroyed without a call: the await throws RuntimeError, so that nobody waits for ever;
//   - cancelled while waiting: CancelledError is thrown at the await, and a call that comes later is ignored (what it
//     brings is destroyed on the loop). What the callback API does then is its own affair;
//   - called, or destroyed, when the loop is closed or gone: ignored (what it brings is destroyed there and then).
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

#include <segue/bridge/sender.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/os_error.hpp>
#include <segue/outcome.hpp>

namespace segue::bridge {

/// The shape `callback(error, value…)`: an error that tests as true is thrown.
struct error_first_t {};
inline constexpr error_first_t error_first{};

/// The exception that stands for the error of an error-first callback: an exception_ptr itself; for an error code of
/// the system OSError, or the class of it that Python has for the number (TimeoutError for ETIMEDOUT);
/// std::system_error for another category's, RuntimeError with the text for a string; else the error itself is thrown.
/// Null for an error that tests as false.
template <class Error>
std::exception_ptr to_exception(const Error& error) {
  if constexpr (std::same_as<Error, std::exception_ptr>) {
    return error;
  } else if constexpr (requires { std::error_code(error); } && !std::integral<Error>) {
    const std::error_code code(error);
    if (!code) return nullptr;
    if (code.category() == std::system_category() || code.category() == std::generic_category())
      return make_os_error(code.value(), code.message());
    return std::make_exception_ptr(std::system_error(code));
  } else if constexpr (std::convertible_to<const Error&, std::string>) {
    std::string text = error;
    if (text.empty()) return nullptr;
    return std::make_exception_ptr(RuntimeError(std::move(text)));
  } else {
    if (!static_cast<bool>(error)) return nullptr;
    return std::make_exception_ptr(error);
  }
}

namespace bridge_detail {

/// The result of a callback with these values: void, the value, or a tuple.
template <class... Values>
struct CallbackResult {
  using type = std::tuple<Values...>;
};
template <>
struct CallbackResult<> {
  using type = void;
};
template <class Value>
struct CallbackResult<Value> {
  using type = Value;
};

}  // namespace bridge_detail

/// The callback that an initiation passes on. Copyable, callable from any thread, meant to be called once.
template <class... Values>
class Callback {
 public:
  using Result = typename bridge_detail::CallbackResult<Values...>::type;

  explicit Callback(modern::EventLoop& loop, std::source_location made = std::source_location::current())
      : sender_(std::make_shared<bridge_detail::Sender<Result>>(
            modern::make_ref<bridge_detail::SentFuture<Result>>(loop.core()), made)) {}

  template <class... Args>
    requires(sizeof...(Args) == sizeof...(Values) && (std::constructible_from<Values, Args> && ...))
  void operator()(Args&&... values) const {
    Outcome<Result> outcome;
    if constexpr (sizeof...(Values) == 1) {
      outcome.set_value(std::forward<Args>(values)...);
    } else if constexpr (sizeof...(Values) == 0) {
      outcome.set_value();
    } else {
      outcome.set_value(std::tuple<Values...>(std::forward<Args>(values)...));
    }
    sender_->send(std::move(outcome));
  }
  /// Ends the wait with an exception. TypeError for a null one.
  void fail(std::exception_ptr error) const {
    check_exception(error);
    Outcome<Result> outcome;
    outcome.set_exception(std::move(error));
    sender_->send(std::move(outcome));
  }

  /// What the call completes. To be asked for in the loop's thread, and before there is a call.
  modern::Future<Result> future() const {
    return modern::Future<Result>(modern::Ref<modern::FutureCore>(&sender_->future()));
  }

 private:
  // Shared by the copies: the last one to go tells that nobody can call any more.
  std::shared_ptr<bridge_detail::Sender<Result>> sender_;
};

/// The callback of an error-first API: `callback(error, values…)`, or `callback(error)` alone for an error that is
/// true.
template <class... Values>
class ErrorFirstCallback {
 public:
  explicit ErrorFirstCallback(Callback<Values...> callback) noexcept : callback_(std::move(callback)) {}

  template <class Error, class... Args>
    requires(sizeof...(Args) == sizeof...(Values) && (std::constructible_from<Values, Args> && ...))
  void operator()(const Error& error, Args&&... values) const {
    if (std::exception_ptr exception = to_exception(error)) return callback_.fail(std::move(exception));
    callback_(std::forward<Args>(values)...);
  }
  template <class Error>
    requires(sizeof...(Values) > 0)
  void operator()(const Error& error) const {
    std::exception_ptr exception = to_exception(error);
    if (!exception) exception = std::make_exception_ptr(TypeError("error-first callback was called without its value"));
    callback_.fail(std::move(exception));
  }

 private:
  Callback<Values...> callback_;
};

namespace bridge_detail {

/// An initiation with its further arguments.
template <class Initiation, class... Args>
class BoundInitiation {
 public:
  template <class... Values>
  explicit BoundInitiation(Initiation initiation, Values&&... args)
      : initiation_(std::move(initiation)), args_(std::forward<Values>(args)...) {}
  template <class Callback>
  void operator()(Callback&& callback) {
    std::apply([&](Args&... args) { std::invoke(initiation_, std::forward<Callback>(callback), args...); }, args_);
  }

 private:
  Initiation initiation_;
  std::tuple<Args...> args_;
};

/// Starts the initiation when it is awaited.
template <class Wrapper, class Initiation, class... Values>
class [[nodiscard("co_await it")]] CallbackWait {
 public:
  using Result = typename CallbackResult<Values...>::type;

  CallbackWait(Initiation initiation, std::source_location made) : initiation_(std::move(initiation)), made_(made) {}

  void set_place(const std::source_location& where) noexcept {
    if (made_.line() == 0) made_ = where;
  }
  bool await_ready() {
    const Callback<Values...> callback(modern::get_running_loop(), made_);
    const modern::Future<Result> future = callback.future();
    wait_.emplace(future.operator co_await());
    try {
      std::invoke(initiation_, Wrapper(callback));
    } catch (...) {
      future.cancel();  // nobody will ask for it
      throw;
    }
    return wait_->await_ready();
  }
  void await_suspend(modern::Resumable leaf) { wait_->await_suspend(leaf); }
  Result await_resume() { return wait_->await_resume(); }

 private:
  Initiation initiation_;
  std::source_location made_;
  std::optional<modern::FutureAwaiter<Result>> wait_;
};

}  // namespace bridge_detail

/// Awaits one call of the callback that `initiation` is given; gives its values: nothing, the value, or a tuple.
template <class... Values, class Initiation>
  requires std::invocable<Initiation&, Callback<Values...>>
auto from_callback(Initiation initiation, std::source_location made = std::source_location::current()) {
  return bridge_detail::CallbackWait<Callback<Values...>, Initiation, Values...>(std::move(initiation), made);
}
/// The same for an initiation with arguments, `initiation(callback, args…)`, which are kept by value until the end of
/// the await.
template <class... Values, class Initiation, class First, class... Args>
  requires std::invocable<Initiation&, Callback<Values...>, std::decay_t<First>&, std::decay_t<Args>&...>
auto from_callback(Initiation initiation, First&& first, Args&&... args) {
  using Bound = bridge_detail::BoundInitiation<Initiation, std::decay_t<First>, std::decay_t<Args>...>;
  return bridge_detail::CallbackWait<Callback<Values...>, Bound, Values...>(
      Bound(std::move(initiation), std::forward<First>(first), std::forward<Args>(args)...), std::source_location());
}
/// The same for `callback(error, values…)`: an error that is true is thrown (see to_exception()).
template <class... Values, class Initiation>
  requires std::invocable<Initiation&, ErrorFirstCallback<Values...>>
auto from_callback(error_first_t, Initiation initiation, std::source_location made = std::source_location::current()) {
  return bridge_detail::CallbackWait<ErrorFirstCallback<Values...>, Initiation, Values...>(std::move(initiation), made);
}

template <class... Values, class Initiation, class First, class... Args>
  requires std::invocable<Initiation&, ErrorFirstCallback<Values...>, std::decay_t<First>&, std::decay_t<Args>&...>
auto from_callback(error_first_t, Initiation initiation, First&& first, Args&&... args) {
  using Bound = bridge_detail::BoundInitiation<Initiation, std::decay_t<First>, std::decay_t<Args>...>;
  return bridge_detail::CallbackWait<ErrorFirstCallback<Values...>, Bound, Values...>(
      Bound(std::move(initiation), std::forward<First>(first), std::forward<Args>(args)...), std::source_location());
}

}  // namespace segue::bridge
