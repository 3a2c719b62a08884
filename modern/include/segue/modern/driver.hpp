// The one idea: a suspended computation is something that can be resumed and something it waits on.
//
// A chain of delegations (a coroutine awaiting a coroutine awaiting …, in any mix of styles) has one leaf, the frame
// that really suspended. A driver resumes that leaf directly, so a wake-up costs the same at any depth. What travels up
// to the driver is what travels up in CPython: the future that is waited on, nothing (a bare yield), or, for loops
// written by hand, any value. Task is the usual driver; Coroutine::send() is a manual one.
//
//   driver                                     frame
//   ------                                     -----
//   step(): resume(leaf)  ------------------>  runs …
//                                              awaits something that is not ready:
//                         <------------------  driver.suspend(me, what I wait on)
//   deals with what travelled up
//
// A frame that finishes continues its delegator: by symmetric transfer where both are C++20 coroutines, else by leaving
// it in `next`, which step() resumes from its own stack. Only the frame that runs may suspend, whatever stack it is on.
#pragma once

#include <any>
#include <coroutine>
#include <exception>
#include <utility>

#include <segue/exceptions.hpp>

namespace segue::modern {

namespace detail {
class FutureState;
class TaskCore;
}  // namespace detail

/// Something that can be resumed: a C++20 coroutine, or a function with its context (a fiber).
class Resumable {
 public:
  constexpr Resumable() noexcept = default;
  template <class Promise>
  Resumable(std::coroutine_handle<Promise> frame) noexcept  // NOLINT(google-explicit-constructor)
      : context_(frame.address()) {}
  Resumable(void (*resume)(void*), void* context) noexcept : resume_(resume), context_(context) {}

  explicit operator bool() const noexcept { return context_ != nullptr; }
  friend bool operator==(Resumable a, Resumable b) noexcept { return a.context_ == b.context_; }

  bool is_coroutine() const noexcept { return resume_ == nullptr; }
  std::coroutine_handle<> coroutine() const noexcept { return std::coroutine_handle<>::from_address(context_); }
  void resume() const { is_coroutine() ? coroutine().resume() : resume_(context_); }

 private:
  void (*resume_)(void*) = nullptr;  // null for a C++20 coroutine, whose frame is the context then
  void* context_ = nullptr;
};

/// What a chain hands to its driver when it suspends.
struct Yielded {
  /// The future waited on; null for a bare yield or a plain value.
  detail::FutureState* future = nullptr;
  /// The value of a plain `yield value`; lives in the frame that yielded it. Null otherwise.
  std::any* value = nullptr;
  /// Whether the future is awaited (`yield from`), not merely yielded.
  bool blocking = false;
  /// What the plain value is, where `yield from` was meant for it: a generator.
  bool generator = false;

  bool bare() const noexcept { return future == nullptr && value == nullptr; }
};

/// Whoever steps a chain of coroutines. One is current while a frame runs.
class Driver {
 public:
  explicit Driver(Resumable leaf = {}) noexcept : Driver(current_ != nullptr ? current_->task_ : nullptr, leaf) {}
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  /// The driver of the code that runs now; null outside of any coroutine.
  static Driver* current() noexcept { return current_; }
  /// The same, for what can only work inside a coroutine. Throws RuntimeError outside of one.
  static Driver& require_current() {
    if (current_ == nullptr) [[unlikely]]
      refuse_outside();
    return *current_;
  }

  // --- for the frame that runs ---

  /// Registers the running frame as the leaf. The frame then gives up control without touching anything of its own.
  void suspend(Resumable leaf, Yielded what = {}) noexcept {
    leaf_ = leaf;
    yielded_ = what;
  }
  /// For a leaf that was resumed: throws what the driver wants thrown there (a cancellation, close()'s GeneratorExit).
  void throw_injected() {
    if (injected_) [[unlikely]]
      std::rethrow_exception(std::exchange(injected_, nullptr));
  }
  /// The value that the driver sent to the leaf; empty for None.
  std::any take_sent() { return sent_ ? std::move(*sent_) : std::any(); }

  /// For a frame that finished: continues `delegator` when control is back at the driver.
  void continue_with(Resumable delegator) noexcept { next_ = delegator; }
  /// For a delegator that started its delegate by a plain call: whether the delegate has finished already.
  bool finished_at_once(Resumable delegator) noexcept {
    if (!(next_ == delegator)) return false;
    next_ = {};
    return true;
  }

  /// The stackful frame (a fiber) that runs now; null while a stackless one does. Set by whoever resumes a fiber, so
  /// that a stackless frame that merely runs on a fiber's stack cannot suspend the fiber.
  void* stackful_frame = nullptr;

  // --- for whoever drives ---

  Resumable leaf() const noexcept { return leaf_; }
  void set_leaf(Resumable leaf) noexcept { leaf_ = leaf; }
  const Yielded& yielded() const noexcept { return yielded_; }
  void inject(std::exception_ptr error) noexcept { injected_ = std::move(error); }
  void send(std::any* value) noexcept { sent_ = value; }
  /// The task on whose behalf it drives; null outside of tasks.
  detail::TaskCore* task() const noexcept { return task_; }

  /// Resumes the leaf and runs the chain until it suspends again or its outermost frame has finished.
  [[gnu::always_inline]] void step() {
    const Entered entered(*this);
    Resumable frame = leaf_;
    for (;;) {
      stackful_frame = nullptr;
      frame.resume();
      if (!next_) return;
      frame = std::exchange(next_, Resumable());
    }
  }

 protected:
  Driver(detail::TaskCore* task, Resumable leaf) noexcept : leaf_(leaf), task_(task) {}

 private:
  struct Entered {
    explicit Entered(Driver& driver) noexcept : previous(std::exchange(current_, &driver)) {}
    ~Entered() { current_ = previous; }
    Driver* previous;
  };

  [[noreturn, gnu::noinline, gnu::cold]] static void refuse_outside() {
    throw RuntimeError("await outside of a coroutine that a task or send() drives");
  }

  static constinit inline thread_local Driver* current_ = nullptr;

  Resumable leaf_;
  Resumable next_;   // empty between steps
  Yielded yielded_;  // of the last suspension
  std::exception_ptr injected_;
  std::any* sent_ = nullptr;
  detail::TaskCore* task_;
};

/// What every frame of a chain has, whatever its style.
struct Frame {
  Resumable delegator;  // who awaits it; empty for the outermost of a chain
  Resumable leaf;       // of an outermost one that is stepped by hand: what the next step resumes
  bool started = false;
  bool executing = false;  // inside a step by hand

  /// One step by hand of the outermost frame of a chain; `self` resumes the frame itself. Throws ValueError("coroutine
  /// already executing") or RuntimeError("coroutine is being awaited already") where it may not be stepped.
  void step_by_hand(Resumable self, Driver& driver) {
    if (executing) throw ValueError("coroutine already executing");
    if (delegator) throw RuntimeError("coroutine is being awaited already");
    executing = true;
    driver.set_leaf(started ? leaf : self);
    started = true;
    driver.step();
    executing = false;
    leaf = driver.leaf();
  }
};

}  // namespace segue::modern
