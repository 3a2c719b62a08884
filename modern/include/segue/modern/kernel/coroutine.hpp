// Coroutine<T>: what a coroutine function returns (PEP 492). Calling the function runs nothing; awaiting the result,
// making a task of it, or stepping it by hand with send() does.
//
//   Coroutine<int> answer() { co_return 42; }
//   Coroutine<void> main() { std::cout << co_await answer() << '\n'; }
#pragma once

#include <coroutine>
#include <exception>
#include <memory>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <segue/let_go.hpp>
#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/coroutine_holder.hpp>
#include <segue/modern/kernel/coroutine_info.hpp>
#include <segue/modern/kernel/coroutine_methods.hpp>
#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/kernel/foreign_awaiter.hpp>
#include <segue/modern/kernel/function_name.hpp>
#include <segue/modern/kernel/pool.hpp>
#include <segue/modern/kernel/refused.hpp>
#include <segue/outcome.hpp>

namespace segue::modern {

template <class T>
class Coroutine;

namespace detail {

/// Stands for an awaiter, which lives until the end of its co_await in any case. g++ 12 moves once more whatever
/// await_transform() gives: this costs nothing to move.
template <class A>
struct AwaiterReference {
  [[gnu::always_inline]] decltype(auto) await_ready() const { return awaiter.await_ready(); }
  template <class Promise>
  [[gnu::always_inline]] decltype(auto) await_suspend(std::coroutine_handle<Promise> frame) const {
    return awaiter.await_suspend(frame);
  }
  [[gnu::always_inline]] decltype(auto) await_resume() const { return awaiter.await_resume(); }
  A& awaiter;
};

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
  decltype(auto) await_transform(A&& awaitable, std::source_location where = std::source_location::current()) noexcept {
    awaiting_at_ = where;
    if constexpr (!ResumableAwaiter<std::remove_cvref_t<decltype(get_awaiter(std::declval<A>()))>>) {
      return ForeignAwaitable<A>{std::forward<A>(awaitable), made_};
    } else if constexpr (AwaitedItself<A>) {
      if constexpr (PlacedAwaiter<A>) awaitable.set_place(where);
      return AwaiterReference<std::remove_reference_t<A>>{awaitable};
    } else {
      return std::forward<A>(awaitable);
    }
  }

  template <class A>
    requires(!Awaitable<A> && Awaitable<std::remove_cvref_t<A>&>)
  __attribute__((unavailable("awaiting a coroutine changes it: leave out its const"))) Refused await_transform(A&&);
  template <class A>
    requires(!Awaitable<A> && !Awaitable<std::remove_cvref_t<A>&>)
  __attribute__((
      unavailable("co_await takes a coroutine, a task, a future or another awaitable: call a coroutine "
                  "function, f(); lock.acquire(), event.wait() and queue.get() can be awaited; a context "
                  "manager is entered by async_with(manager, body)"))) Refused
  await_transform(A&&);

  Resumable resumable() noexcept { return std::coroutine_handle<PromiseBase>::from_promise(*this); }
  bool finished() const noexcept { return std::coroutine_handle<const PromiseBase>::from_promise(*this).done(); }

  const std::source_location& made() const noexcept { return made_; }
  /// For a coroutine of segue's own around another, made there.
  void stand_in_for(const std::source_location& made) noexcept {
    made_ = awaiting_at_ = made;
    stands_in = true;
  }
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

/// Destroys the frame of one that has not finished: it may have the next such among its arguments, and so on.
[[gnu::noinline, gnu::cold]] inline void destroy_unfinished(std::coroutine_handle<> frame) noexcept {
  struct Destroy {
    void operator()(void* address) const noexcept { std::coroutine_handle<>::from_address(address).destroy(); }
  };
  let_go(std::unique_ptr<void, Destroy>(frame.address()));
}

template <class Held>
class CoroutineAwaiter : public HeldAwaiter<Held> {
 public:
  using HeldAwaiter<Held>::HeldAwaiter;
  std::coroutine_handle<> await_suspend(Resumable delegator) noexcept {
    return this->coroutine_.start(delegator).resumable().coroutine();
  }
};

}  // namespace detail

/// A coroutine object. Move-only; a moved-from or finished one is CLOSED. Destroying a suspended one closes it first.
/// One that is destroyed while somebody awaits it, or while it runs, goes on all the same, and is reported; it can be
/// moved meanwhile.
template <class T = void>
class [[nodiscard("a coroutine runs only when it is awaited, or made a task of")]] Coroutine
    : public CoroutineMethods<Coroutine<T>, T> {
 public:
  using promise_type = detail::Promise<T>;
  using result_type = T;

  Coroutine(const Coroutine&) = delete;  // move it; of several: gather(a(), b()), std::to_array({a(), b()})
  Coroutine(Coroutine&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {
    if (frame_) this->note_move();
  }
  Coroutine& operator=(Coroutine&& other) noexcept {
    if (this == &other) return *this;
    Coroutine former(std::exchange(frame_, nullptr));  // closed when the other is in its place
    frame_ = std::exchange(other.frame_, nullptr);
    if (frame_) this->note_move();
    return *this;
  }
  ~Coroutine() { discard(); }

  /// Awaiting runs it at once, in the awaiting task: nothing is scheduled. Throws RuntimeError("cannot reuse already
  /// awaited coroutine") where it has been awaited before, ("coroutine is being awaited already") where it is now;
  /// ValueError("coroutine already executing") where it awaits itself.
  /// Of an lvalue, it stays the caller's.
  auto operator co_await() & noexcept { return detail::CoroutineAwaiter<BorrowedCoroutine<Coroutine>>(*this); }
  auto operator co_await() && noexcept { return detail::CoroutineAwaiter<OwnedCoroutine<Coroutine>>(std::move(*this)); }

  /// The name of the coroutine function; empty for a closed one.
  std::string name() const { return frame_ ? function_name(frame_.promise().made()) : std::string(); }

  /// What it awaits, and what that awaits (kernel/coroutine_info.hpp). (Python's is the object that it awaits.)
  std::vector<SuspendedFrame> cr_await() const {
    return frame_ && !frame_.done() ? detail::awaited_by(frame_.promise()) : std::vector<SuspendedFrame>();
  }
  bool cr_running() const noexcept { return this->state() == CoroutineState::CORO_RUNNING; }
  bool cr_suspended() const noexcept { return this->state() == CoroutineState::CORO_SUSPENDED; }

  // For tasks and other drivers:
  /// Takes the frame over.
  explicit Coroutine(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
  /// The frame; null for a closed one.
  std::coroutine_handle<promise_type> frame() const noexcept { return frame_; }
  /// The frame, which is the caller's from now on.
  std::coroutine_handle<promise_type> release() noexcept { return std::exchange(frame_, nullptr); }

 private:
  friend promise_type;
  friend CoroutineMethods<Coroutine<T>, T>;
  friend OwnedCoroutine<Coroutine>;
  friend BorrowedCoroutine<Coroutine>;

  static Coroutine adopt(promise_type& body) noexcept {
    return Coroutine(std::coroutine_handle<promise_type>::from_promise(body));
  }
  promise_type* body() const noexcept { return frame_ ? &frame_.promise() : nullptr; }
  void destroy() noexcept {
    if (!frame_) return;
    const auto frame = std::exchange(frame_, nullptr);
    if (frame.done()) [[likely]]
      return frame.destroy();
    detail::destroy_unfinished(frame);
  }
  void discard() noexcept {
    if (!frame_) return;
    if (this->leave()) destroy();
  }

  std::coroutine_handle<promise_type> frame_;
};

namespace detail {

template <class T>
Coroutine<T> Promise<T>::get_return_object() noexcept {
  return Coroutine<T>(std::coroutine_handle<Promise>::from_promise(*this));
}

inline Coroutine<void> Promise<void>::get_return_object() noexcept {
  return Coroutine<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

}  // namespace detail

}  // namespace segue::modern
