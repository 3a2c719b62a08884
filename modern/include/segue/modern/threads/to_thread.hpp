// to_thread() and run_in_executor(): calls that would block the loop run in threads (CPython: asyncio/threads.py,
// base_events.py).
//
//   std::string text = co_await to_thread(read_whole_file, path);
//
// The callable and its arguments are stored by value, moved into the call, and live until it is over, even where nobody
// waits any more: cancelling the await does not stop the thread. What has not started by then is not started. The
// result, or the exception, is delivered in the loop's thread.
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <segue/modern/kernel/contextvars.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/refused.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/threads/convert_exception.hpp>
#include <segue/modern/threads/job.hpp>
#include <segue/outcome.hpp>

namespace segue::modern {

namespace detail {

/// The future of a call. Cancelling it takes a call that has not started off the queue.
template <class T>
class CallFuture final : public FutureValue<T> {
 public:
  using FutureValue<T>::FutureValue;
  bool cancel(const std::optional<std::string>& message) override {
    if (!FutureCore::cancel(message)) return false;
    if (job != nullptr) job->cancel();
    return true;
  }
  Job* job = nullptr;  // until it has finished
};

template <class F, class... Args>
class Call final : public Job {
 public:
  using Result = std::invoke_result_t<F, Args...>;

  template <class G, class... Values>
  explicit Call(EventLoop& loop, G&& function, Values&&... values)
      : future_(make_ref<CallFuture<Result>>(loop.core())),
        call_(std::forward<G>(function), std::forward<Values>(values)...) {
    future_->job = this;
  }
  ~Call() override { future_->job = nullptr; }

  Future<Result> future() const { return Future<Result>(Ref<FutureCore>(future_)); }

 private:
  void run() noexcept override {
    try {
      if constexpr (std::is_void_v<Result>) {
        std::apply(invoke, call_);
        outcome_.set_value();
      } else {
        outcome_.set_value(std::apply(invoke, call_));
      }
    } catch (...) {
      outcome_.set_exception(std::current_exception());
    }
  }
  void fail(const std::exception_ptr& error) noexcept override { outcome_.set_exception(error); }
  static Result invoke(F& function, Args&... args) { return std::invoke(std::move(function), std::move(args)...); }

  void finish() override {
    if (future_->done()) return;
    if (outcome_.has_exception()) return future_->set_exception(convert_future_exception(outcome_.exception()));
    if (outcome_.empty()) return static_cast<void>(future_->cancel(std::nullopt));  // it was never made
    future_->set_result_or_error(std::move(outcome_.stored()));
  }

  Ref<CallFuture<Result>> future_;
  std::tuple<F, Args...> call_;
  Outcome<Result> outcome_;
};

namespace body {  // out of reach of argument-dependent lookup

template <class F, class... Args>
Coroutine<std::invoke_result_t<F, Args...>> to_thread(F f, Args... args) {
  auto in_context = [context = copy_context(), f = std::move(f),
                     ... args = std::move(args)]() mutable -> std::invoke_result_t<F, Args...> {
    return context.run(std::move(f), std::move(args)...);
  };
  auto future = get_running_loop().run_in_executor(std::move(in_context));
  co_return co_await std::move(future);
}

}  // namespace body

}  // namespace detail

struct ToThreadFunction {
  /// Runs `f(args…)` in a thread of the running loop's default executor, and in a copy of the caller's context, and
  /// gives its result. A coroutine, so nothing
  /// runs before it is awaited. RuntimeError("Executor shutdown has been called") after shutdown_default_executor().
  template <class F, class... Args>
    requires std::invocable<F, Args...>
  Coroutine<std::invoke_result_t<F, Args...>> operator()(F f, Args... args) const {
    return detail::body::to_thread<F, Args...>(std::move(f), std::move(args)...);
  }
  template <class F, class... Args>
    requires(!std::invocable<F, Args...>)
  __attribute__((unavailable(
      "to_thread() calls the function with copies of the arguments, moved: std::ref(x) for a parameter that is a "
      "reference"))) Refused
  operator()(F f, Args... args) const;
};
inline constexpr ToThreadFunction to_thread;

template <class F, class... Args>
  requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
auto EventLoop::run_in_executor(F&& f, Args&&... args)
    -> Future<std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...>> {
  check_usable();
  auto job = std::make_unique<detail::Call<std::decay_t<F>, std::decay_t<Args>...>>(*this, std::forward<F>(f),
                                                                                    std::forward<Args>(args)...);
  auto future = job->future();
  submit(std::move(job));
  return future;
}

}  // namespace segue::modern
