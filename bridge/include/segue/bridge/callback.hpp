// Callbacks as something to await: for every API that says "call me back when it is done".
//
//   int size = co_await from_callback<int>([&](auto done) { query_size(file, done); });
//   std::string text = yield_from(from_callback<std::string>(error_first, [&](auto done) { fetch(url, done); }));
//   Record record = co_await from_callback<Record>([](auto done, std::string& key) { look_up(key, done); }, key);
//   int rows = co_await from_callback<void(void*, int)>([&](auto* call, void* data) { db_count(db, call, data); });
//   Page page = co_await from_callback<Page>([&](auto done) { return load(url, done); }, [](Load& l) { l.stop(); });
//
// What the initiation needs is captured by reference, or given as arguments, as in the third line, which are kept until
// the end of the await. Nothing that has a destructor is to be captured by value in a co_await expression: g++ 12
// destroys it twice.
//
// The contract, hazard by hazard:
//   - the initiation runs when it is awaited; one that throws has its exception thrown at the await;
//   - the callback may run before the initiation returns, later, on the loop's thread or on another;
//   - called twice: the first call counts, the second is reported to the loop's exception handler;
//   - every copy destroyed without a call: the await throws RuntimeError, so that nobody waits for ever;
//   - cancelled while waiting, without a cancel function: CancelledError is thrown at the await, and a call that comes
//     later is ignored (what it brings is destroyed on the loop). What the callback API does then is its own affair;
//   - cancelled while waiting, with one: it is called, once, in the loop's thread, and CancelledError is thrown when
//   the
//     callback has come (what it brings is dropped), or was destroyed; at once where the cancel function returns true,
//     for "it will not come". One that throws is reported, and counts as one that returned true;
//   - the await destroyed while it waits: the cancel function is called, and a call that comes later is ignored;
//   - called, or destroyed, when the loop is closed or gone: ignored (what it brings is destroyed there and then).
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

#include <segue/bridge/callback_errors.hpp>
#include <segue/bridge/callback_wait.hpp>
#include <segue/bridge/sender.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/outcome.hpp>

namespace segue::bridge {

namespace bridge_detail {

template <class... T>
struct TypeList {};

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

  /// One that completes future(). RuntimeError where the loop is closed.
  explicit Callback(modern::EventLoop& loop, std::source_location made = std::source_location::current())
      : sender_(modern::make_ref<bridge_detail::SentFuture<Result>>(loop.core()), made) {}
  explicit Callback(bridge_detail::Sender<Result> sender) noexcept : sender_(std::move(sender)) {}

  template <class... Args>
    requires(sizeof...(Args) == sizeof...(Values) && (std::constructible_from<Values, Args> && ...))
  void operator()(Args&&... values) const {
    sender_.send([&](Outcome<Result>& outcome) {
      if constexpr (sizeof...(Values) == 1) {
        outcome.set_value(std::forward<Args>(values)...);
      } else if constexpr (sizeof...(Values) == 0) {
        outcome.set_value();
      } else {
        outcome.set_value(std::tuple<Values...>(std::forward<Args>(values)...));
      }
    });
  }
  /// Ends the wait with an exception. TypeError for a null one.
  void fail(std::exception_ptr error) const {
    check_exception(error);
    sender_.send([&](Outcome<Result>& outcome) { outcome.set_exception(std::move(error)); });
  }

  /// What the call completes. To be asked for in the loop's thread, and before there is a call.
  modern::Future<Result> future() const {
    return modern::Future<Result>(modern::Ref<modern::FutureCore>(sender_.future()));
  }
  /// For what a call may not destroy: that is done in the loop's next iteration, or here where it is gone.
  void destroy_in_loop(std::shared_ptr<void> object) const noexcept { sender_.destroy_in_loop(std::move(object)); }

 private:
  // The last copy to go tells that nobody can call any more.
  bridge_detail::Sender<Result> sender_;
};

namespace bridge_detail {

/// What is given in place of `Target`, a Callback or an Emitter of `Values`, where an error may come instead of these.
template <class Target, class... Values>
class WithError {
 public:
  explicit WithError(Target target) noexcept : target_(std::move(target)) {}
  /// An emitter's.
  void close() const
    requires requires(const Target& target) { target.close(); }
  {
    target_.close();
  }

 protected:
  using Returned = std::invoke_result_t<const Target&, Values...>;

  const Target& target() const noexcept { return target_; }
  Returned fail(std::exception_ptr exception) const {
    target_.fail(std::move(exception));
    return Returned();
  }

 private:
  Target target_;
};

}  // namespace bridge_detail

/// What an error-first API is given: `callback(error, values…)`, or `callback(error)` alone for an error that is true.
template <class Target, class... Values>
class ErrorFirst : public bridge_detail::WithError<Target, Values...> {
  using Base = bridge_detail::WithError<Target, Values...>;
  using typename Base::Returned;

 public:
  using Base::Base;

  template <CallbackError Error, class... Args>
    requires(sizeof...(Args) == sizeof...(Values) && (std::constructible_from<Values, Args> && ...))
  Returned operator()(const Error& error, Args&&... values) const {
    if (std::exception_ptr exception = to_exception(error)) return this->fail(std::move(exception));
    return this->target()(std::forward<Args>(values)...);
  }
  template <CallbackError Error>
    requires(sizeof...(Values) > 0)
  Returned operator()(const Error& error) const {
    std::exception_ptr exception = to_exception(error);
    if (!exception) exception = std::make_exception_ptr(TypeError("error-first callback was called without its value"));
    return this->fail(std::move(exception));
  }
};

/// The same for an API that gives a negative errno, or else what it has done: `callback(number, values…)`. A number
/// that is not negative is the first of `Values`, or is left out where the others are all of them.
template <class Target, class... Values>
class NegativeErrno : public bridge_detail::WithError<Target, Values...> {
  using Base = bridge_detail::WithError<Target, Values...>;
  using typename Base::Returned;

 public:
  using Base::Base;

  template <std::signed_integral Number, class... Args>
    requires(std::invocable<const Target&, Args...> || std::invocable<const Target&, Number, Args...>)
  Returned operator()(Number number, Args&&... values) const {
    if (number < 0) return this->fail(to_exception(number));
    if constexpr (std::invocable<const Target&, Args...>) {
      return this->target()(std::forward<Args>(values)...);
    } else {
      return this->target()(number, std::forward<Args>(values)...);
    }
  }
};

/// The second of two callbacks: `failed(error)`, or `failed()`.
template <class... Values>
class FailureCallback {
 public:
  explicit FailureCallback(Callback<Values...> callback) noexcept : callback_(std::move(callback)) {}

  /// Ends the wait with what to_exception() makes of the error; RuntimeError where that is nothing.
  template <CallbackError Error = std::exception_ptr>
  void operator()(const Error& error = {}) const {
    callback_.fail(to_failure(error));
  }

 private:
  Callback<Values...> callback_;
};

// --- how a callback is called: what from_callback() takes before the initiation. `callbacks()` gives what the
// initiation is given, and, of those for a callback that may be called many times, `around()` what the start function
// is.

/// `done(values…)`.
struct once_t {
  template <template <class...> class Target, class... Values>
  static Target<Values...> around(Target<Values...> target) noexcept {
    return target;
  }
  template <class... Values>
  static std::tuple<Callback<Values...>> callbacks(Callback<Values...> callback) noexcept {
    return {std::move(callback)};
  }
};
inline constexpr once_t once{};

/// `done(error, values…)`: an error that to_exception() finds to be one is thrown.
struct error_first_t {
  template <template <class...> class Target, class... Values>
  static ErrorFirst<Target<Values...>, Values...> around(Target<Values...> target) noexcept {
    return ErrorFirst<Target<Values...>, Values...>(std::move(target));
  }
  template <class... Values>
  static std::tuple<ErrorFirst<Callback<Values...>, Values...>> callbacks(Callback<Values...> callback) noexcept {
    return {around(std::move(callback))};
  }
};
inline constexpr error_first_t error_first{};

/// `done(number, values…)`: a negative number is an errno, and is thrown as OSError (libuv, io_uring).
struct negative_errno_t {
  template <template <class...> class Target, class... Values>
  static NegativeErrno<Target<Values...>, Values...> around(Target<Values...> target) noexcept {
    return NegativeErrno<Target<Values...>, Values...>(std::move(target));
  }
  template <class... Values>
  static std::tuple<NegativeErrno<Callback<Values...>, Values...>> callbacks(Callback<Values...> callback) noexcept {
    return {around(std::move(callback))};
  }
};
inline constexpr negative_errno_t negative_errno{};

/// Two callbacks, `succeeded(values…)` and `failed(error)`, one of which is called.
struct success_failure_t {
  template <class... Values>
  static std::tuple<Callback<Values...>, FailureCallback<Values...>> callbacks(Callback<Values...> callback) noexcept {
    FailureCallback<Values...> failed(callback);
    return {std::move(callback), std::move(failed)};
  }
};
inline constexpr success_failure_t success_failure{};

namespace bridge_detail {

/// The shape of a callback that is an object.
template <class How, class... Values>
struct ObjectShape {
  using Result = typename CallbackResult<Values...>::type;
  using Callbacks = decltype(How::callbacks(std::declval<Callback<Values...>>()));

  static Callbacks make(Sender<Result> sender, const std::source_location&) noexcept {
    return How::callbacks(Callback<Values...>(std::move(sender)));
  }
  static void end(bool) noexcept {}
};

/// The shape that is meant by `from_callback<Values…>(how, …)`. (In c_callback.hpp for C functions.)
template <class How, class... Values>
struct ShapeFor {
  using type = ObjectShape<How, Values...>;
};
template <class How, class... Values>
using shape_for_t = typename ShapeFor<How, Values...>::type;

template <class How>
inline constexpr bool is_how = requires { How::callbacks(std::declval<Callback<>>()); };

/// An initiation with its further arguments.
template <class Initiation, class... Args>
class BoundInitiation {
 public:
  template <class... Values>
  explicit BoundInitiation(Initiation initiation, Values&&... args)
      : initiation_(std::move(initiation)), args_(std::forward<Values>(args)...) {}
  template <class... Callbacks>
    requires std::invocable<Initiation&, Callbacks..., Args&...>
  decltype(auto) operator()(Callbacks&&... callbacks) {
    return std::apply(
        [&](Args&... args) -> decltype(auto) {
          return std::invoke(initiation_, std::forward<Callbacks>(callbacks)..., args...);
        },
        args_);
  }

 private:
  Initiation initiation_;
  std::tuple<Args...> args_;
};

/// What cancels where nobody says what does: what the initiation returns, or what that points to, if it has a member
/// cancel().
template <class Started>
struct DefaultCancel {
  using type = std::conditional_t<cancels<CancelByHandle, Started>, CancelByHandle, NoCancel>;
};
template <>
struct DefaultCancel<void> {
  using type = NoCancel;
};

}  // namespace bridge_detail

/// Awaits one call of the callback that `initiation` is given; gives its values: nothing, the value, or a tuple.
///
/// `how` says how it is called: once where it is left out. Where the first of `Values` is the type of a function, it is
/// a C function with a `void*`, and the initiation is given both (<segue/bridge/c_callback.hpp>). What the initiation
/// returns, or points to (a std::unique_ptr, a std::shared_ptr, or a plain pointer), cancels the operation by its
/// member cancel(), if it has one: a cancelled task calls that. A null pointer has none. What it returns by reference
/// or as a plain pointer is not copied, and lives as long as the await.
template <class... Values, class How, class Initiation>
  requires bridge_detail::is_how<How> && bridge_detail::Starts<bridge_detail::shape_for_t<How, Values...>, Initiation>
auto from_callback(How, Initiation initiation, std::source_location made = std::source_location::current()) {
  using Shape = bridge_detail::shape_for_t<How, Values...>;
  using Cancel = typename bridge_detail::DefaultCancel<bridge_detail::started_t<Shape, Initiation>>::type;
  return bridge_detail::CallbackWait<Shape, Initiation, Cancel>(std::move(initiation), Cancel(), made);
}
/// The same for an operation that `cancel()`, or `cancel(what the initiation returned)`, cancels.
template <class... Values, class How, class Initiation, class Cancel>
  requires bridge_detail::is_how<How> &&
           bridge_detail::Starts<bridge_detail::shape_for_t<How, Values...>, Initiation> &&
           bridge_detail::CancelFor<Cancel, bridge_detail::shape_for_t<How, Values...>, Initiation>
auto from_callback(How, Initiation initiation, Cancel cancel,
                   std::source_location made = std::source_location::current()) {
  using Shape = bridge_detail::shape_for_t<How, Values...>;
  return bridge_detail::CallbackWait<Shape, Initiation, Cancel>(std::move(initiation), std::move(cancel), made);
}
/// The same for an initiation with arguments, `initiation(callback, args…)`, which are kept by value until the end of
/// the await.
template <class... Values, class How, class Initiation, class First, class... Args>
  requires bridge_detail::is_how<How> &&
           bridge_detail::Starts<bridge_detail::shape_for_t<How, Values...>,
                                 bridge_detail::BoundInitiation<Initiation, std::decay_t<First>, std::decay_t<Args>...>>
auto from_callback(How how, Initiation initiation, First&& first, Args&&... args) {
  using Bound = bridge_detail::BoundInitiation<Initiation, std::decay_t<First>, std::decay_t<Args>...>;
  return from_callback<Values...>(how,
                                  Bound(std::move(initiation), std::forward<First>(first), std::forward<Args>(args)...),
                                  std::source_location());
}

template <class... Values, class Initiation>
  requires(!bridge_detail::is_how<Initiation>) &&
          bridge_detail::Starts<bridge_detail::shape_for_t<once_t, Values...>, Initiation>
auto from_callback(Initiation initiation, std::source_location made = std::source_location::current()) {
  return from_callback<Values...>(once, std::move(initiation), made);
}
template <class... Values, class Initiation, class Cancel>
  requires(!bridge_detail::is_how<Initiation>) &&
          bridge_detail::Starts<bridge_detail::shape_for_t<once_t, Values...>, Initiation> &&
          bridge_detail::CancelFor<Cancel, bridge_detail::shape_for_t<once_t, Values...>, Initiation>
auto from_callback(Initiation initiation, Cancel cancel, std::source_location made = std::source_location::current()) {
  return from_callback<Values...>(once, std::move(initiation), std::move(cancel), made);
}
template <class... Values, class Initiation, class First, class... Args>
  requires(!bridge_detail::is_how<Initiation>) &&
          bridge_detail::Starts<bridge_detail::shape_for_t<once_t, Values...>,
                                bridge_detail::BoundInitiation<Initiation, std::decay_t<First>, std::decay_t<Args>...>>
auto from_callback(Initiation initiation, First&& first, Args&&... args) {
  return from_callback<Values...>(once, std::move(initiation), std::forward<First>(first), std::forward<Args>(args)...);
}

}  // namespace segue::bridge
