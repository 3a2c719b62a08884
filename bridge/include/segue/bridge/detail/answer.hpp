// How a loop answers another thread: a coroutine whose outcome goes to a promise of any kind, and which never leaves
// that unanswered.
#pragma once

#include <exception>
#include <functional>
#include <future>
#include <type_traits>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/task_core.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/threads/concurrent_future.hpp>

namespace segue::bridge::bridge_detail {

/// A concurrent::Future that is cancelled where nobody is left to answer.
template <class R>
class Answer {
 public:
  explicit Answer(modern::concurrent::Future<R> future) noexcept : future_(std::move(future)) {}
  Answer(Answer&& other) noexcept : future_(std::move(other.future_)) {}
  Answer& operator=(Answer&&) = delete;
  ~Answer() {
    if (future_) future_.state()->abandon();
  }

  // Whoever waits may have given up: then there is nobody to tell.
  template <class... Value>
  void set_value(Value&&... value) const {
    if (future_.set_running_or_notify_cancel()) future_.set_result(std::forward<Value>(value)...);
  }
  void set_exception(std::exception_ptr error) const {
    if (future_.running() || future_.set_running_or_notify_cancel()) future_.set_exception(std::move(error));
  }

 private:
  modern::concurrent::Future<R> future_;
};

/// Blocks this thread until there is an answer, which is moved: nobody else has it.
template <class R>
R wait_for_answer(const modern::concurrent::Future<R>& future) {
  if constexpr (std::is_void_v<R>) {
    future.result();
  } else if constexpr (std::is_reference_v<R>) {
    return future.result();
  } else {
    return std::move(const_cast<R&>(future.result()));
  }
}

/// Calls `f(args…)` and answers with what that gives or throws.
template <class Promise, class F, class... Args>
void answer_with_call(Promise& promise, F& f, Args&... args) {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<F, Args...>>) {
      std::invoke(std::move(f), std::move(args)...);
      promise.set_value();
    } else {
      promise.set_value(std::invoke(std::move(f), std::move(args)...));
    }
  } catch (...) {
    const std::exception_ptr error = std::current_exception();
    promise.set_exception(error);
    if (ends_program(error)) throw;
  }
}

/// Awaits `f(args…)` and answers with what that gives or throws. A cancellation leaves the task cancelled, too.
template <class Promise, class F, class... Args>
modern::Coroutine<void> answer_with_await(Promise promise, F f, Args... args) {
  try {
    if constexpr (std::is_void_v<modern::call_result_t<F, Args...>>) {
      co_await std::invoke(f, std::move(args)...);
      promise.set_value();
    } else {
      promise.set_value(co_await std::invoke(f, std::move(args)...));
    }
  } catch (const GeneratorExit&) {
    throw;  // who destroys it has no answer
  } catch (...) {
    const std::exception_ptr error = std::current_exception();
    promise.set_exception(error);
    if (ends_program(error) || holds<modern::CancelledError>(error)) throw;
  }
}

/// Answers with what a task ended with. Its result is moved: nobody else can ask for it.
template <class Promise, class T>
void answer_with_outcome(Promise& promise, const modern::Task<T>& task) {
  try {
    if (task.cancelled()) {
      promise.set_exception(std::make_exception_ptr(modern::CancelledError(task.state()->cancel_message())));
    } else if (const std::exception_ptr error = task.exception()) {
      promise.set_exception(error);
    } else if constexpr (std::is_void_v<T>) {
      promise.set_value();
    } else {
      promise.set_value(std::move(modern::result_of<T>(*task.state())));
    }
  } catch (...) {
    promise.set_exception(std::current_exception());
  }
}

}  // namespace segue::bridge::bridge_detail
