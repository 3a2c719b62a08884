// to_callback(): a callback API of a coroutine function, for callers that stay as they are.
//
//   const auto fetch_then = to_callback(fetch);                     // Coroutine<std::string> fetch(std::string url)
//   auto request = fetch_then("home", [](std::exception_ptr error, std::string page) { … });
//   request.cancel();                                               // the callback gets CancelledError
//
// For callers that expect a std::error_code, or an errno, it is to_callback(error_first, fetch); for a C function with
// a `void*`, the callback is a lambda that calls it:
//
//   to_callback(error_first, measure)(file, [=](int error, int size) { done(error, size, user_data); });
//
// Each call starts a task of the running loop; what it returns is the task. The callback is a done callback of it: it
// is called once, in the loop's thread, in an iteration after the one in which the task ends, and never within the
// call. What it throws goes to the loop's exception handler. Where the loop ends first it is destroyed without a call.
#pragma once

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <source_location>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

#include <segue/bridge/callback.hpp>
#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/outcome.hpp>

namespace segue::bridge {

namespace bridge_detail {

/// Awaits what the function returns, and keeps the function and its arguments until then.
template <class R, class F, class... Args>
modern::Coroutine<R> call_and_keep(F function, Args... args) {
  co_return co_await std::invoke(function, std::move(args)...);
}

/// The error code that stands for an exception; none where there is none. One that has none is reported.
std::error_code error_code_of(const std::exception_ptr& error);

/// A callback that is called with an error code, or its number.
template <class Callback>
struct WithErrorCode {
  template <class... Values>
    requires std::invocable<Callback&, std::error_code, Values...> || std::invocable<Callback&, int, Values...>
  void operator()(const std::exception_ptr& error, Values&&... values) {
    const std::error_code code = error_code_of(error);
    if constexpr (std::invocable<Callback&, std::error_code, Values...>) {
      std::invoke(callback, code, std::forward<Values>(values)...);
    } else {
      std::invoke(callback, code.value(), std::forward<Values>(values)...);
    }
  }
  Callback callback;
};

template <class How, class Callback>
struct CalledAs {
  using type = Callback;
};
template <class Callback>
struct CalledAs<error_first_t, Callback> {
  using type = WithErrorCode<Callback>;
};

/// Calls `callback(error, value)`; or `callback(error)`, where there is no value; or `callback(outcome)`.
template <class T, class Callback>
void call_with(Callback& callback, Outcome<T> outcome) {
  if constexpr (std::invocable<Callback&, Outcome<T>>) {
    std::invoke(callback, std::move(outcome));
  } else if constexpr (std::is_void_v<T>) {
    std::invoke(callback, outcome.exception());
  } else if (outcome.has_exception()) {
    std::invoke(callback, outcome.exception(), stored_t<T>());
  } else {
    std::invoke(callback, std::exception_ptr(), std::move(outcome.stored()));
  }
}
template <class Callback, class T>
concept TakesOutcome =
    std::invocable<Callback&, Outcome<T>> || (std::is_void_v<T> && std::invocable<Callback&, std::exception_ptr>) ||
    (std::default_initializable<stored_t<T>> && std::invocable<Callback&, std::exception_ptr, stored_t<T>>);

/// What a future ended with; moved out of it where it cannot be copied.
template <class T>
Outcome<T> outcome_of(const modern::Future<T>& future) {
  Outcome<T> outcome;
  try {
    future.state()->check_result();
    if constexpr (std::is_void_v<T>) {
      outcome.set_value();
    } else if constexpr (modern::copyable_result<stored_t<T>>) {
      outcome.set_value(modern::result_of<T>(*future.state()));
    } else {
      outcome.set_value(std::move(modern::result_of<T>(*future.state())));
    }
  } catch (...) {
    outcome.set_exception(std::current_exception());
  }
  return outcome;
}

template <class F, class Tuple, class Indices>
struct ResultOfCall;
template <class F, class Tuple, std::size_t... i>
struct ResultOfCall<F, Tuple, std::index_sequence<i...>> {
  using type = modern::await_result_t<std::invoke_result_t<F&, std::decay_t<std::tuple_element_t<i, Tuple>>...>>;
};

}  // namespace bridge_detail

/// What to_callback() returns: `call(args…, callback)`.
template <class F, class How = once_t>
class CallbackFunction {
 public:
  explicit CallbackFunction(F function) : function_(std::move(function)) {}

  /// Copies the function and the arguments. RuntimeError("no running event loop").
  template <class... ArgsAndCallback>
    requires(sizeof...(ArgsAndCallback) > 0)
  auto operator()(ArgsAndCallback&&... args) const {
    return call(std::make_index_sequence<sizeof...(args) - 1>(),
                std::forward_as_tuple(std::forward<ArgsAndCallback>(args)...));
  }

 private:
  template <std::size_t... i, class... All>
  auto call(std::index_sequence<i...> indices, std::tuple<All...> all) const {
    using R = typename bridge_detail::ResultOfCall<F, std::tuple<All...>, decltype(indices)>::type;
    using Callback =
        typename bridge_detail::CalledAs<How,
                                         std::decay_t<std::tuple_element_t<sizeof...(i), std::tuple<All...>>>>::type;
    static_assert(bridge_detail::TakesOutcome<Callback, R>,
                  "the last argument is the callback: callback(std::exception_ptr, value), callback(Outcome<T>), or "
                  "callback(std::exception_ptr) where there is no value; of to_callback(error_first, f) "
                  "callback(std::error_code, value)");
    modern::EventLoop& loop = modern::get_running_loop();
    Callback callback{std::get<sizeof...(i)>(std::move(all))};
    modern::Task<R> task = loop.create_task(
        bridge_detail::call_and_keep<R, F, std::decay_t<std::tuple_element_t<i, std::tuple<All...>>>...>(
            function_, std::get<i>(std::move(all))...));
    try {
      task.add_done_callback([callback = std::move(callback)](const modern::Future<R>& done) mutable {
        bridge_detail::call_with<R>(callback, bridge_detail::outcome_of(done));
      });
    } catch (...) {
      task.cancel();  // before it has begun
      throw;
    }
    return task;
  }

  F function_;
};

template <class F>
CallbackFunction<std::decay_t<F>> to_callback(F&& function) {
  return CallbackFunction<std::decay_t<F>>(std::forward<F>(function));
}
/// The same for callbacks that are given an error code, or its number, first: `callback(std::error_code, value)`. A
/// cancellation is operation_canceled. An exception that has no code is reported to the loop's exception handler, and
/// is state_not_recoverable.
template <class F>
CallbackFunction<std::decay_t<F>, error_first_t> to_callback(error_first_t, F&& function) {
  return CallbackFunction<std::decay_t<F>, error_first_t>(std::forward<F>(function));
}

}  // namespace segue::bridge
