// Coroutine<T>: what a coroutine function returns (PEP 492). Calling the function runs nothing; awaiting the result,
// making a task of it, or stepping it by hand with send() does.
//
//   Coroutine<int> answer() { co_return 42; }
//   Coroutine<void> main() { std::cout << co_await answer() << '\n'; }
//
// States, as inspect.getcoroutinestate() tells them:
//   CREATED --await / send / create_task--> RUNNING <--> SUSPENDED --> CLOSED
//   CREATED --close() / throw_()--> CLOSED
#pragma once

#include <any>
#include <cassert>
#include <coroutine>
#include <exception>
#include <optional>
#include <source_location>
#include <string>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/modern/awaitable.hpp>
#include <segue/modern/detail/pool.hpp>
#include <segue/modern/diagnostics.hpp>
#include <segue/modern/driver.hpp>
#include <segue/outcome.hpp>

namespace segue::modern {

template <class T>
class Coroutine;

/// CPython: inspect.getcoroutinestate().
enum class CoroutineState { CORO_CREATED, CORO_RUNNING, CORO_SUSPENDED, CORO_CLOSED };

/// The state's name, as Python prints it.
const char* to_string(CoroutineState state) noexcept;

namespace detail {

/// The part of a coroutine that does not depend on its result.
class PromiseBase : public Frame {
 public:
  explicit PromiseBase(std::source_location made) noexcept : made_(made), awaiting_at_(made) {}
  PromiseBase(const PromiseBase&) = delete;
  PromiseBase& operator=(const PromiseBase&) = delete;

  static void* operator new(std::size_t size) { return pool_allocate(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { pool_free(frame, size); }

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> frame) const noexcept {
      const Resumable delegator = frame.promise().delegator;
      if (!delegator) return std::noop_coroutine();
      if (delegator.is_coroutine()) return delegator.coroutine();
      Driver::current()->continue_with(delegator);
      return std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }

  template <Awaitable A>
  A&& await_transform(A&& awaitable, std::source_location where = std::source_location::current()) noexcept {
    awaiting_at_ = where;
    return std::forward<A>(awaitable);
  }

  const std::source_location& made() const noexcept { return made_; }
  /// Where it awaits now, or awaited last.
  const std::source_location& awaiting_at() const noexcept { return awaiting_at_; }

 private:
  std::source_location made_;
  std::source_location awaiting_at_;
};

template <class T>
class Promise : public PromiseBase {
  static_assert(alignof(stored_t<T>) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__,
                "compilers do not align coroutine frames for a result of this type: return a pointer to it");

 public:
  explicit Promise(std::source_location made = std::source_location::current()) noexcept : PromiseBase(made) {}
  Coroutine<T> get_return_object() noexcept;
  void unhandled_exception() noexcept { outcome.set_exception(leaving_coroutine(std::current_exception())); }
  template <class U = T>
  void return_value(U&& value) {
    outcome.set_value(std::forward<U>(value));
  }
  Outcome<T> outcome;
};

template <>
class Promise<void> : public PromiseBase {
 public:
  explicit Promise(std::source_location made = std::source_location::current()) noexcept : PromiseBase(made) {}
  Coroutine<void> get_return_object() noexcept;
  void unhandled_exception() noexcept { outcome.set_exception(leaving_coroutine(std::current_exception())); }
  void return_void() noexcept { outcome.set_value(); }
  Outcome<void> outcome;
};

template <class T>
class CoroutineAwaiter;

}  // namespace detail

/// A coroutine object. Move-only; a moved-from or finished one is CLOSED. Destroying a suspended one closes it first.
/// Not to be moved while another one awaits it.
template <class T = void>
class [[nodiscard("a coroutine runs only when it is awaited, or made a task of")]] Coroutine {
 public:
  using promise_type = detail::Promise<T>;
  using result_type = T;

  Coroutine(Coroutine&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {
    assert((!frame_ || frame_.done() || !frame_.promise().delegator) &&
           "a coroutine that is awaited stays where it is");
  }
  Coroutine& operator=(Coroutine&& other) noexcept {
    if (this != &other) {
      discard();
      frame_ = std::exchange(other.frame_, nullptr);
    }
    return *this;
  }
  ~Coroutine() { discard(); }

  /// Awaiting runs it at once, in the awaiting task: nothing is scheduled. Throws RuntimeError("cannot reuse already
  /// awaited coroutine") where it has been awaited before, ("coroutine is being awaited already") where it is now;
  /// ValueError("coroutine already executing") where it awaits itself.
  detail::CoroutineAwaiter<T> operator co_await() & noexcept { return detail::CoroutineAwaiter<T>(*this); }
  detail::CoroutineAwaiter<T> operator co_await() && noexcept { return detail::CoroutineAwaiter<T>(*this); }

  /// Resumes it by hand and returns what it waits on (PEP 342, PEP 492). Throws StopIteration<T> with the result when
  /// it returns, and what it throws when it throws. `value` is what its innermost bare yield evaluates to; a coroutine
  /// that has not started takes none (TypeError).
  Yielded send(std::any value = {});
  /// Throws `error` where it is suspended, and goes on as send() does. GeneratorExit closes what it awaits first.
  Yielded throw_(std::exception_ptr error);
  template <class Error>
    requires(!std::same_as<std::decay_t<Error>, std::exception_ptr>)
  Yielded throw_(Error&& error) {
    return throw_(std::make_exception_ptr(std::forward<Error>(error)));
  }
  /// Throws GeneratorExit where it is suspended, after what it awaits was closed in the same way. One that awaits again
  /// gets RuntimeError("coroutine ignored GeneratorExit"). Does nothing to a closed one.
  void close();

  CoroutineState state() const noexcept;
  /// The name of the coroutine function; empty for a closed one.
  std::string name() const { return frame_ ? function_name(frame_.promise().made()) : std::string(); }

  /// The frame, for tasks and other drivers.
  std::coroutine_handle<promise_type> frame() const noexcept { return frame_; }

 private:
  friend promise_type;
  friend detail::CoroutineAwaiter<T>;

  explicit Coroutine(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}

  Yielded stepped_by_hand(const Driver& driver);
  T take_result() {
    const Coroutine finished(std::move(*this));
    return finished.frame_.promise().outcome.take();
  }
  T take_result_for_delegator() {
    frame_.promise().check_exit(frame_.promise().outcome);
    return take_result();
  }
  void destroy() noexcept {
    if (frame_) std::exchange(frame_, nullptr).destroy();
  }
  void discard() noexcept;

  std::coroutine_handle<promise_type> frame_;
};

/// CPython: inspect.getcoroutinestate().
template <class T>
CoroutineState getcoroutinestate(const Coroutine<T>& coroutine) noexcept {
  return coroutine.state();
}

namespace detail {

template <class T>
class CoroutineAwaiter {
 public:
  explicit CoroutineAwaiter(Coroutine<T>& coroutine) noexcept : coroutine_(coroutine) {}

  bool await_ready() const {
    if (!coroutine_.frame_) throw RuntimeError("cannot reuse already awaited coroutine");
    coroutine_.frame_.promise().check_not_started();
    return false;
  }
  std::coroutine_handle<> await_suspend(Resumable delegator) const noexcept {
    coroutine_.frame_.promise().delegator = delegator;
    coroutine_.frame_.promise().started = true;
    return coroutine_.frame_;
  }
  T await_resume() const { return coroutine_.take_result_for_delegator(); }

 private:
  Coroutine<T>& coroutine_;
};

template <class T>
Coroutine<T> Promise<T>::get_return_object() noexcept {
  return Coroutine<T>(std::coroutine_handle<Promise>::from_promise(*this));
}

inline Coroutine<void> Promise<void>::get_return_object() noexcept {
  return Coroutine<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

}  // namespace detail

template <class T>
Yielded Coroutine<T>::stepped_by_hand(const Driver& driver) {
  if (!frame_.done()) return driver.yielded();
  if constexpr (std::is_void_v<T>) {
    take_result();
    throw StopIteration<void>();
  } else {
    throw StopIteration<stored_t<T>>(take_result());
  }
}

template <class T>
Yielded Coroutine<T>::send(std::any value) {
  if (!frame_) throw RuntimeError("cannot reuse already awaited coroutine");
  if (!frame_.promise().started && value.has_value())
    throw TypeError("can't send non-None value to a just-started coroutine");
  Driver driver;
  driver.send(&value);
  frame_.promise().step_by_hand(frame_, driver);
  return stepped_by_hand(driver);
}

template <class T>
Yielded Coroutine<T>::throw_(std::exception_ptr error) {
  if (!frame_) throw RuntimeError("cannot reuse already awaited coroutine");
  check_exception(error);
  if (!frame_.promise().started) {
    destroy();
    std::rethrow_exception(leaving_coroutine(std::move(error)));
  }
  Driver driver;
  frame_.promise().throw_by_hand(frame_, driver, std::move(error));
  return stepped_by_hand(driver);
}

template <class T>
void Coroutine<T>::close() {
  if (!frame_) return;
  if (!frame_.promise().started) return destroy();
  Driver driver;
  frame_.promise().throw_by_hand(frame_, driver, std::make_exception_ptr(GeneratorExit()));
  if (!frame_.done()) throw RuntimeError("coroutine ignored GeneratorExit");
  try {
    take_result();
  } catch (const GeneratorExit&) {
  }
}

template <class T>
CoroutineState Coroutine<T>::state() const noexcept {
  if (!frame_ || frame_.done()) return CoroutineState::CORO_CLOSED;
  const detail::PromiseBase& promise = frame_.promise();
  if (!promise.started) return CoroutineState::CORO_CREATED;
  return promise.executing ? CoroutineState::CORO_RUNNING : CoroutineState::CORO_SUSPENDED;
}

template <class T>
void Coroutine<T>::discard() noexcept {
  if (!frame_) return;
  detail::PromiseBase& promise = frame_.promise();
  const bool outermost = !promise.delegator;
  if (!promise.started) {
    report_never_awaited(promise.made());
  } else if (outermost && !frame_.done()) {
    const std::source_location made = promise.made();
    try {
      close();
    } catch (...) {
      report_unraisable(std::current_exception(), made);
    }
  }
  destroy();
}

}  // namespace segue::modern
