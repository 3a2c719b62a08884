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
// A frame that finishes continues its delegator: by symmetric transfer where both are C++20 coroutines, else by making
// it the leaf, which step() resumes from its own stack. Only the frame that runs may suspend, whatever stack it is on.
#pragma once

#include <any>
#include <concepts>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <utility>

#include <segue/exceptions.hpp>

namespace segue::modern {

namespace detail {
class FutureState;
class TaskCore;
}  // namespace detail

struct Frame;

/// Something that can be resumed: a C++20 coroutine, or a function with its frame (a fiber).
class Resumable {
 public:
  constexpr Resumable() noexcept = default;
  template <class Promise>
  Resumable(std::coroutine_handle<Promise> handle) noexcept  // NOLINT(google-explicit-constructor)
      : context_(handle.address()) {
    if constexpr (!std::derived_from<Promise, Frame>) resume_ = &resume_foreign;
  }
  /// `function` is called with `frame`.
  Resumable(void (*function)(void*), Frame* frame) noexcept : resume_(function), context_(frame) {}

  explicit operator bool() const noexcept { return context_ != nullptr; }
  friend bool operator==(Resumable a, Resumable b) noexcept { return a.context_ == b.context_; }

  bool is_coroutine() const noexcept { return resume_ == nullptr || resume_ == &resume_foreign; }
  std::coroutine_handle<> coroutine() const noexcept { return std::coroutine_handle<>::from_address(context_); }
  void resume() const {
    if (resume_ == nullptr) [[likely]]
      return coroutine().resume();
    resume_(context_);
  }
  /// Its frame; null for somebody else's type of coroutine.
  Frame* frame() const noexcept;

 private:
  static void resume_foreign(void* address) { std::coroutine_handle<>::from_address(address).resume(); }

  void (*resume_)(void*) = nullptr;  // null for a Coroutine<T>
  void* context_ = nullptr;          // a C++20 coroutine's address, or the Frame
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
      rethrow_injected();
  }
  /// The value that the driver sent to the leaf; empty for None.
  std::any take_sent() { return sent_ ? std::move(*sent_) : std::any(); }

  /// For a frame that finished: continues `delegator` when control is back at the driver.
  void continue_with(Resumable delegator) noexcept {
    leaf_ = delegator;
    continues_ = true;
  }
  /// For a delegator that started its delegate by a plain call: whether the delegate has finished already.
  bool finished_at_once(Resumable delegator) noexcept {
    if (!continues_ || !(leaf_ == delegator)) return false;
    continues_ = false;
    return true;
  }

  /// The stackful frame (a fiber) that runs now; null while a stackless one does. Set by whoever resumes a fiber, and
  /// put back when that returns, so that a stackless frame that merely runs on a fiber's stack cannot suspend the
  /// fiber.
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
  void step() {
    const Current now(this);
    run_chain();
  }
  /// The same from a loop, where no driver is current.
  [[gnu::always_inline]] void step_outermost() {
    const Outermost now(*this);
    run_chain();
  }

  /// Makes `driver` the current one as long as it lives; null for a loop, which may run inside of a coroutine.
  class Current {
   public:
    explicit Current(Driver* driver) noexcept : previous_(std::exchange(current_, driver)) {}
    Current(const Current&) = delete;
    Current& operator=(const Current&) = delete;
    ~Current() { current_ = previous_; }

   private:
    Driver* previous_;
  };

 protected:
  Driver(detail::TaskCore* task, Resumable leaf) noexcept : leaf_(leaf), task_(task) {}

 private:
  struct Outermost {
    explicit Outermost(Driver& driver) noexcept { current_ = &driver; }
    ~Outermost() { current_ = nullptr; }
  };

  [[gnu::always_inline]] void run_chain() {
    do leaf_.resume();
    while (std::exchange(continues_, false));
  }

  [[noreturn, gnu::noinline, gnu::cold]] static void refuse_outside() {
    throw RuntimeError("await outside of a coroutine that a task or send() drives");
  }

  [[noreturn, gnu::noinline, gnu::cold]] void rethrow_injected() {
    std::rethrow_exception(std::exchange(injected_, nullptr));
  }

  static constinit inline thread_local Driver* current_ = nullptr;

  Resumable leaf_;
  Yielded yielded_;  // of the last suspension
  std::exception_ptr injected_;
  std::any* sent_ = nullptr;
  detail::TaskCore* task_;
  bool continues_ = false;  // a frame finished, and `leaf_` is its delegator, to be resumed in the same step
};

/// What every frame of a chain has, whatever its style.
struct Frame {
  /// What a delegate was made to do by the closing of its chain, instead of giving its delegator a value.
  enum class Exit : std::uint8_t { none, finished, ignored };

  Resumable delegator;  // who awaits it; empty for the outermost of a chain
  Resumable leaf;       // of an outermost one that is stepped by hand: what the next step resumes
  bool started = false;
  bool executing = false;  // of an outermost one: inside a step
  Exit exit = Exit::none;

  /// One step by hand of the outermost frame of a chain; `self` resumes the frame itself. Throws ValueError("coroutine
  /// already executing") or RuntimeError("coroutine is being awaited already") where it may not be stepped.
  void step_by_hand(Resumable self, Driver& driver);
  /// The same with an exception, which is raised at the leaf. GeneratorExit closes what this frame delegates to from
  /// the leaf up, as PEP 380 has it: whatever a delegate returns is lost, one that waits again makes RuntimeError
  /// ("coroutine ignored GeneratorExit") rise in its delegator.
  void throw_by_hand(Resumable self, Driver& driver, std::exception_ptr error);

  /// For an awaiter: throws unless this frame can be started.
  void check_not_started() const {
    if (started) [[unlikely]]
      refuse_second_await();
  }
  /// For an awaiter that goes on after this frame: throws what its exit asks for, unless it raised something itself.
  template <class Outcome>
  void check_exit(const Outcome& outcome) const {
    if (exit != Exit::none && !outcome.has_exception()) [[unlikely]]
      raise_exit();
  }

 private:
  void enter_by_hand() const;
  bool runs() const noexcept;
  [[noreturn]] void refuse_second_await() const;
  [[noreturn]] void raise_exit() const;
  void close_delegates(Resumable self, Driver& driver);
};

inline Frame* Resumable::frame() const noexcept {
  if (resume_ == &resume_foreign) return nullptr;
  if (resume_ != nullptr) return static_cast<Frame*>(context_);
  // A promise follows the frame's two function pointers, and a Frame is the first base of ours.
  return &std::coroutine_handle<Frame>::from_address(context_).promise();
}

}  // namespace segue::modern
