// What every style of coroutine object can be asked to do by hand: send(), throw_(), close() (PEP 342, PEP 492), and
// what becomes of one that is dropped.
//
// States, as inspect.getcoroutinestate() tells them:
//   CREATED --await / send / create_task--> RUNNING <--> SUSPENDED --> CLOSED
//   CREATED --close() / throw_()--> CLOSED
#pragma once

#include <any>
#include <concepts>
#include <cstddef>
#include <exception>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/kernel/unraisable.hpp>
#include <segue/outcome.hpp>

namespace segue::modern {

/// CPython: inspect.getcoroutinestate().
enum class CoroutineState { CORO_CREATED, CORO_RUNNING, CORO_SUSPENDED, CORO_CLOSED };

/// The state's name, as Python prints it.
const char* to_string(CoroutineState state) noexcept;

/// PEP 479: a StopIteration that leaves a coroutine becomes RuntimeError("coroutine raised StopIteration").
std::exception_ptr leaving_coroutine(std::exception_ptr error) noexcept;

/// `Self` is the coroutine object, a handle that owns its frame, `T` its result. What it has for these methods, which
/// are its friend: body(), a pointer to the frame (a Frame with finished(), resumable(), made() and an Outcome<T>
/// `outcome`) or null; and destroy(), which frees the frame.
template <class Self, class T>
class CoroutineMethods {
 public:
  /// Resumes it by hand and returns what it waits on (PEP 342, PEP 492). Throws StopIteration<T> with the result when
  /// it returns, and what it throws when it throws. `value` is what its innermost bare yield evaluates to; a coroutine
  /// that has not started takes none (TypeError).
  Yielded send(std::any value = {});
  /// A string literal is sent as a std::string.
  template <std::size_t size>
  Yielded send(const char (&text)[size]) {
    return send(std::any(std::string(text)));
  }
  /// Throws `error` where it is suspended, and goes on as send() does. GeneratorExit closes what it awaits first.
  Yielded throw_(std::exception_ptr error);
  template <class Error>
    requires(!std::same_as<std::decay_t<Error>, std::exception_ptr>)
  Yielded throw_(Error&& error) {
    return throw_(std::make_exception_ptr(std::forward<Error>(error)));
  }
  /// Throws GeneratorExit where it is suspended, after what it awaits was closed in the same way.
  /// RuntimeError("coroutine ignored GeneratorExit") where it awaits again. Does nothing to a closed one.
  void close();

  CoroutineState state() const noexcept;

 protected:
  CoroutineMethods() noexcept = default;

  /// For its awaiter: throws unless it can be awaited.
  void check_awaitable() const {
    if (body() == nullptr) throw RuntimeError("cannot reuse already awaited coroutine");
    body()->check_not_started();
  }
  /// For its awaiter: what awaiting it gives or throws, when it has finished. Inline, as is all that an awaiter throws
  /// from: each function with something to destroy makes an exception that leaves it take half as long again.
  [[gnu::always_inline]] T take_result_for_delegator() {
    if (body() == nullptr) [[unlikely]]
      refuse_moved();
    body()->check_exit(body()->outcome);
    return take_result();
  }
  /// For the destructor of one that has not finished: reports it where it never started, else closes it, unless
  /// somebody awaits it. Its frame is still to be destroyed.
  void leave() noexcept;

 private:
  auto body() const noexcept { return static_cast<const Self*>(this)->body(); }
  Self& self() noexcept { return static_cast<Self&>(*this); }

  Yielded stepped_by_hand(const Driver& driver);
  [[gnu::always_inline]] T take_result() {
    const Self finished(std::move(self()));
    return finished.body()->outcome.take();
  }
  [[noreturn, gnu::noinline, gnu::cold]] static void refuse_moved() {
    throw RuntimeError("coroutine was moved while it was being awaited");
  }
};

struct GetCoroutineStateFunction {
  /// CPython: inspect.getcoroutinestate().
  template <class Self, class T>
  CoroutineState operator()(const CoroutineMethods<Self, T>& coroutine) const noexcept {
    return coroutine.state();
  }
};
inline constexpr GetCoroutineStateFunction getcoroutinestate;

// --- definitions ---

template <class Self, class T>
Yielded CoroutineMethods<Self, T>::send(std::any value) {
  auto* const body = this->body();
  if (body == nullptr) throw RuntimeError("cannot reuse already awaited coroutine");
  if (!body->Frame::started && value.has_value())
    throw TypeError("can't send non-None value to a just-started coroutine");
  Driver driver;
  driver.send(&value);
  body->step_by_hand(body->resumable(), driver);
  return stepped_by_hand(driver);
}

template <class Self, class T>
Yielded CoroutineMethods<Self, T>::throw_(std::exception_ptr error) {
  auto* const body = this->body();
  if (body == nullptr) throw RuntimeError("cannot reuse already awaited coroutine");
  check_exception(error);
  if (!body->Frame::started) {
    self().destroy();
    std::rethrow_exception(leaving_coroutine(std::move(error)));
  }
  Driver driver;
  body->throw_by_hand(body->resumable(), driver, std::move(error));
  return stepped_by_hand(driver);
}

template <class Self, class T>
void CoroutineMethods<Self, T>::close() {
  auto* const body = this->body();
  if (body == nullptr) return;
  if (!body->Frame::started) return self().destroy();
  Driver driver;
  body->throw_by_hand(body->resumable(), driver, std::make_exception_ptr(GeneratorExit()));
  if (!body->finished()) throw RuntimeError("coroutine ignored GeneratorExit");
  if (holds<GeneratorExit>(body->outcome.exception())) return self().destroy();
  take_result();
}

template <class Self, class T>
CoroutineState CoroutineMethods<Self, T>::state() const noexcept {
  const auto* const body = this->body();
  if (body == nullptr || body->finished()) return CoroutineState::CORO_CLOSED;
  if (!body->Frame::started) return CoroutineState::CORO_CREATED;
  return body->executing ? CoroutineState::CORO_RUNNING : CoroutineState::CORO_SUSPENDED;
}

template <class Self, class T>
void CoroutineMethods<Self, T>::leave() noexcept {
  const auto* const body = this->body();
  const std::source_location made = body->made();
  if (!body->Frame::started) {
    report_never_awaited(made);
  } else if (!body->delegator) {
    try {
      close();
    } catch (...) {
      report_unraisable(std::current_exception(), made);
    }
  }
}

template <class Self, class T>
Yielded CoroutineMethods<Self, T>::stepped_by_hand(const Driver& driver) {
  if (!body()->finished()) return driver.yielded();
  if constexpr (std::is_void_v<T>) {
    take_result();
    throw StopIteration<void>();
  } else {
    throw StopIteration<stored_t<T>>(take_result());
  }
}

}  // namespace segue::modern
