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
#include <optional>
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

template <class Self>
class OwnedCoroutine;
template <class Self>
class BorrowedCoroutine;

/// `Self` is the coroutine object, a handle that owns its frame, `T` its result. What it has for these methods, which
/// are its friend: body(), a pointer to the frame (a Frame with finished(), resumable(), made() and an Outcome<T>
/// `outcome`) or null; adopt(frame), a new object that owns the frame; and destroy(), which frees it.
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
    requires(!std::convertible_to<Error, std::exception_ptr>)
  Yielded throw_(Error&& error) {
    return throw_(segue_detail::whole_exception("throw_", std::forward<Error>(error)));
  }
  /// Throws GeneratorExit where it is suspended, after what it awaits was closed in the same way.
  /// RuntimeError("coroutine ignored GeneratorExit") where it awaits again. Does nothing to a closed one.
  void close();

  CoroutineState state() const noexcept;

  /// For reports: where its coroutine function is, or where that was made of a function. Null of a closed one.
  const std::source_location* made() const noexcept { return body() != nullptr ? &body()->made() : nullptr; }
  /// For whoever takes it over, as a task does: throws where it has ended, or somebody else runs it.
  void check_usable() const {
    if (body() == nullptr || body()->finished()) [[unlikely]]
      refuse_reuse();
    if (body()->owner != Frame::Owner::untracked || body()->executing || body()->lost) [[unlikely]]
      body()->refuse_second_await();
  }

 protected:
  CoroutineMethods() noexcept = default;

  // For `Self`:
  /// In the move constructor of one that has a frame: who runs the frame must not look for the object where it was.
  void note_move() const noexcept {
    if (body()->owner == Frame::Owner::in_place) [[unlikely]]
      body()->owner = Frame::Owner::moved;
  }
  /// In the destructor of one that has a frame. One that never started is reported, one that was stepped by hand is
  /// closed; true where the frame is to be destroyed then. False where somebody runs it, who keeps it: that is
  /// reported.
  bool leave() noexcept {
    if (body()->finished() && body()->owner == Frame::Owner::untracked) [[likely]]
      return true;
    return leave_unfinished();
  }

 private:
  friend OwnedCoroutine<Self>;
  friend BorrowedCoroutine<Self>;

  auto body() const noexcept { return static_cast<const Self*>(this)->body(); }
  Self& self() noexcept { return static_cast<Self&>(*this); }

  void check_awaitable() const {
    if (body() == nullptr || body()->Frame::started) [[unlikely]]
      refuse_await();
  }
  [[noreturn, gnu::noinline, gnu::cold]] void refuse_await() const {
    check_usable();
    body()->refuse_second_await();
  }
  [[noreturn, gnu::noinline, gnu::cold]] static void refuse_reuse() {
    throw RuntimeError("cannot reuse already awaited coroutine");
  }

  /// Takes a step by hand, which may not be allowed. reclaim() has to follow.
  template <class Step>
  void run_by_hand(auto& body, Step step) {
    body.check_steppable();
    body.owner = Frame::Owner::in_place;
    try {
      step();
    } catch (...) {
      const std::optional<Self> ended = reclaim(body, self());
      throw;
    }
  }
  /// After `body` was run on behalf of `lender`, which may be gone since: the object that owns the frame, where it is
  /// to be destroyed now, for it has finished or nobody else has it.
  static std::optional<Self> reclaim(auto& body, Self& lender) noexcept;
  [[gnu::noinline]] bool leave_unfinished() noexcept;
  Yielded stepped_by_hand(auto& body, const Driver& driver);
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
  if (body == nullptr || body->finished()) refuse_reuse();
  if (!body->Frame::started && value.has_value())
    throw TypeError("can't send non-None value to a just-started coroutine");
  ManualDriver driver;
  driver.send(&value);
  run_by_hand(*body, [&] { body->step_by_hand(body->resumable(), driver); });
  return stepped_by_hand(*body, driver);
}

template <class Self, class T>
Yielded CoroutineMethods<Self, T>::throw_(std::exception_ptr error) {
  auto* const body = this->body();
  if (body == nullptr || body->finished()) refuse_reuse();
  check_exception(error);
  if (!body->Frame::started) {
    self().destroy();
    std::rethrow_exception(std::move(error));
  }
  ManualDriver driver;
  run_by_hand(*body, [&] { body->throw_by_hand(body->resumable(), driver, std::move(error)); });
  return stepped_by_hand(*body, driver);
}

template <class Self, class T>
void CoroutineMethods<Self, T>::close() {
  auto* const body = this->body();
  if (body == nullptr || body->finished()) return;
  if (!body->Frame::started) return self().destroy();
  if (body->lost) {
    const Self ended(std::move(self()));
    return;
  }
  ManualDriver driver;
  run_by_hand(*body, [&] { body->throw_by_hand(body->resumable(), driver, std::make_exception_ptr(GeneratorExit())); });
  const std::optional<Self> ended = reclaim(*body, self());
  if (!body->finished()) throw RuntimeError("coroutine ignored GeneratorExit");
  if (!holds<GeneratorExit>(body->outcome.exception())) static_cast<void>(body->outcome.take());
}

template <class Self, class T>
CoroutineState CoroutineMethods<Self, T>::state() const noexcept {
  const auto* const body = this->body();
  if (body == nullptr || body->finished()) return CoroutineState::CORO_CLOSED;
  if (!body->Frame::started) return CoroutineState::CORO_CREATED;
  const bool running = body->lost ? body->executing : body->driver() != nullptr;  // also what awaits what runs
  return running ? CoroutineState::CORO_RUNNING : CoroutineState::CORO_SUSPENDED;
}

template <class Self, class T>
bool CoroutineMethods<Self, T>::leave_unfinished() noexcept {
  auto* const body = this->body();
  const std::source_location made = body->made();
  if (body->owner != Frame::Owner::untracked || body->executing) {
    body->owner = Frame::Owner::destroyed;
    report_coroutine(
        made,
        body->delegator ? "was destroyed while it was being awaited" : "was destroyed while it was being executed",
        &body->Frame::origin);
    return false;
  }
  if (!body->Frame::started) {
    report_coroutine(made, "was never awaited", &body->Frame::origin);
  } else if (!body->delegator && !body->lost) {
    try {
      close();
    } catch (...) {
      report_unraisable(std::current_exception(), made);
    }
  }
  return true;
}

template <class Self, class T>
std::optional<Self> CoroutineMethods<Self, T>::reclaim(auto& body, Self& lender) noexcept {
  switch (std::exchange(body.owner, Frame::Owner::untracked)) {
    case Frame::Owner::destroyed: return Self::adopt(body);
    case Frame::Owner::in_place:
      if (body.finished()) return std::move(lender);
      break;
    case Frame::Owner::moved:
    case Frame::Owner::untracked: break;
  }
  return std::nullopt;
}

template <class Self, class T>
Yielded CoroutineMethods<Self, T>::stepped_by_hand(auto& body, const Driver& driver) {
  const std::optional<Self> ended = reclaim(body, self());
  if (!body.finished()) {
    if (ended) throw RuntimeError("coroutine was destroyed while it was being executed");
    return driver.yielded();
  }
  if constexpr (std::is_void_v<T>) {
    body.outcome.take();
    throw StopIteration<void>();
  } else {
    throw StopIteration<stored_t<T>>(body.outcome.take());
  }
}

}  // namespace segue::modern
