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
#include <memory>
#include <source_location>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/origin.hpp>

namespace segue::modern {

class FutureCore;
struct Frame;
struct StackfulFrame;

/// Something that can be resumed: a C++20 coroutine, or a function with its frame (a fiber). One word.
class Resumable {
 public:
  constexpr Resumable() noexcept = default;
  template <class Promise>
  Resumable(std::coroutine_handle<Promise> handle) noexcept  // NOLINT(google-explicit-constructor)
      : word_(reinterpret_cast<std::uintptr_t>(handle.address()) | (std::derived_from<Promise, Frame> ? 0 : foreign)) {}
  inline Resumable(StackfulFrame& frame) noexcept;  // NOLINT(google-explicit-constructor): as a handle converts

  explicit operator bool() const noexcept { return word_ != 0; }
  friend bool operator==(Resumable a, Resumable b) noexcept { return a.word_ == b.word_; }

  bool is_coroutine() const noexcept { return (word_ & stackful) == 0; }
  std::coroutine_handle<> coroutine() const noexcept { return std::coroutine_handle<>::from_address(address()); }
  void resume() const {
    if ((word_ & kinds) == 0) [[likely]]
      return std::coroutine_handle<>::from_address(reinterpret_cast<void*>(word_)).resume();
    resume_other();
  }
  /// Its frame; null for somebody else's type of coroutine.
  inline Frame* frame() const noexcept;

 private:
  // Frames lie on boundaries of at least four bytes.
  static constexpr std::uintptr_t stackful = 1;  // a StackfulFrame
  static constexpr std::uintptr_t foreign = 2;   // a coroutine whose promise is no Frame
  static constexpr std::uintptr_t kinds = stackful | foreign;

  void* address() const noexcept { return reinterpret_cast<void*>(word_ & ~kinds); }
  inline void resume_other() const;

  std::uintptr_t word_ = 0;
};

/// What a chain hands to its driver when it suspends.
struct Yielded {
  /// The future waited on; null for a bare yield or a plain value.
  FutureCore* future = nullptr;
  /// The value of a plain `yield value`; lives in the frame that yielded it. Null otherwise.
  std::any* value = nullptr;
  /// Whether the future is awaited (`yield from`), not merely yielded.
  bool blocking = false;
  /// What the plain value is, where `yield from` was meant for it: a generator.
  bool generator = false;

  bool bare() const noexcept { return future == nullptr && value == nullptr; }
};

/// Whoever steps a chain of coroutines: a task, or somebody by hand (ManualDriver). One is current while a frame runs.
class Driver {
 public:
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  /// The driver of the code that runs now; null outside of any coroutine.
  static Driver* current() noexcept { return current_; }
  /// The same, for what can only work inside a coroutine. Throws RuntimeError outside of one, and where another frame
  /// of the chain is to be continued already: what another library runs after it has resumed that.
  static Driver& require_current() {
    if (current_ == nullptr || current_->continues_) [[unlikely]]
      refuse_outside();
    return *current_;
  }

  // --- for the frame that runs ---

  /// Registers the running frame as the leaf. The frame then gives up control without touching anything of its own.
  void suspend(Resumable leaf) noexcept {
    leaf_ = leaf;
    message_ = Message::none;
  }
  /// The same, waiting on `future`.
  void suspend(Resumable leaf, FutureCore& future) noexcept {
    leaf_ = leaf;
    message_ = Message::awaited_future;
    content_ = &future;
  }
  /// The same with anything else that may travel up.
  void suspend(Resumable leaf, const Yielded& what) noexcept {
    leaf_ = leaf;
    content_ = what.future != nullptr ? static_cast<void*>(what.future) : what.value;
    if (what.future != nullptr) {
      message_ = what.blocking ? Message::awaited_future : Message::yielded_future;
    } else if (what.value != nullptr) {
      message_ = what.generator ? Message::generator : Message::value;
    } else {
      message_ = Message::none;
    }
  }
  /// For a leaf that was resumed: throws what the driver wants thrown there (a cancellation, close()'s GeneratorExit).
  void throw_injected() {
    if (injected_) [[unlikely]]
      rethrow_injected();
  }
  /// Whether throw_injected() would throw.
  bool has_injected() const noexcept { return injected_ != nullptr; }
  /// For a leaf that was resumed and throws nothing itself: what is to be thrown there; null for nothing.
  std::exception_ptr take_injected() noexcept { return std::exchange(injected_, nullptr); }
  /// The value that the driver sent to the leaf; empty for None.
  std::any take_sent() {
    if (message_ != Message::sent) return {};
    message_ = Message::none;
    return std::move(*static_cast<std::any*>(content_));
  }

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

  /// The stackful frame (a fiber) that runs now in this thread; null while a stackless one does. Set by whoever resumes
  /// a fiber, and put back when that returns, so that a stackless frame that merely runs on a fiber's stack cannot
  /// suspend the fiber.
  static constinit inline thread_local StackfulFrame* stackful_frame = nullptr;

  // --- for whoever drives ---

  Resumable leaf() const noexcept { return leaf_; }
  void set_leaf(Resumable leaf) noexcept { leaf_ = leaf; }
  /// What travelled up at the last suspension.
  Yielded yielded() const noexcept {
    switch (message_) {
      case Message::awaited_future: return {.future = future(), .value = nullptr, .blocking = true, .generator = false};
      case Message::yielded_future:
        return {.future = future(), .value = nullptr, .blocking = false, .generator = false};
      case Message::value: return {.future = nullptr, .value = value(), .blocking = false, .generator = false};
      case Message::generator: return {.future = nullptr, .value = value(), .blocking = false, .generator = true};
      case Message::none:
      case Message::sent: break;
    }
    return {};
  }
  /// Whether nothing travelled up: a bare yield.
  bool yielded_nothing() const noexcept { return message_ == Message::none; }
  /// The future that travelled up, where it is awaited and not merely yielded; else null.
  FutureCore* awaited_future() const noexcept { return message_ == Message::awaited_future ? future() : nullptr; }
  /// What the leaf throws when it is resumed next.
  void inject(std::exception_ptr error) noexcept { injected_ = std::move(error); }
  /// What the leaf's yield gives when it is resumed next: `value`, which lives until then; None where it is null.
  void send(std::any* value) noexcept {
    content_ = value;
    message_ = value != nullptr ? Message::sent : Message::none;
  }
  bool is_task() const noexcept { return is_task_; }
  /// The task, as a driver, on whose behalf it drives: itself, or the one in whose step it was made. Null outside of
  /// tasks.
  inline Driver* of_task() noexcept;

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

  /// While this object lives, `driver` is the current one. Null for a loop, which is outside of all coroutines, even
  /// where one of them runs it.
  class Current {
   public:
    explicit Current(Driver* driver) noexcept
        : previous_(std::exchange(current_, driver)), frame_(std::exchange(stackful_frame, nullptr)) {}
    Current(const Current&) = delete;
    Current& operator=(const Current&) = delete;
    ~Current() {
      current_ = previous_;
      stackful_frame = frame_;
    }

   private:
    Driver* previous_;
    StackfulFrame* frame_;
  };

 protected:
  Driver(bool is_task, Resumable leaf) noexcept : leaf_(leaf), is_task_(is_task) {}
  ~Driver() = default;

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
    throw RuntimeError("await outside of a coroutine that a task or send() drives: await it in a Coroutine");
  }

  [[noreturn, gnu::noinline, gnu::cold]] void rethrow_injected() {
    std::rethrow_exception(std::exchange(injected_, nullptr));
  }

  static constinit inline thread_local Driver* current_ = nullptr;

  // What `content_` is: what travelled up from the leaf, or what goes down to it.
  enum class Message : std::uint8_t { none, awaited_future, yielded_future, value, generator, sent };

  FutureCore* future() const noexcept { return static_cast<FutureCore*>(content_); }
  std::any* value() const noexcept { return static_cast<std::any*>(content_); }

  Resumable leaf_;
  void* content_ = nullptr;
  std::exception_ptr injected_;
  Message message_ = Message::none;
  bool continues_ = false;  // a frame finished, and `leaf_` is its delegator, to be resumed in the same step
  const bool is_task_;
};

/// For an awaiter that may be awaited once: RuntimeError("coroutine is being awaited already") where it waits, else
/// RuntimeError("cannot reuse already awaited coroutine").
[[noreturn]] void refuse_reuse(bool waits);

/// A driver by hand, for as long as a step takes.
class ManualDriver final : public Driver {
 public:
  explicit ManualDriver(Resumable leaf = {}) noexcept
      : Driver(false, leaf), of_task_(current() != nullptr ? current()->of_task() : nullptr) {}

 private:
  friend class Driver;
  Driver* of_task_;
};

inline Driver* Driver::of_task() noexcept { return is_task_ ? this : static_cast<ManualDriver*>(this)->of_task_; }

/// What every frame of a chain has, whatever its style.
struct Frame {
  /// How a delegate ended when its chain was closed. Its delegator gets no value from it, but GeneratorExit where it
  /// `finished`, and RuntimeError where it awaited again (`ignored`).
  enum class Exit : std::uint8_t { none, finished, ignored };
  /// Where the coroutine object is that owns this frame, while somebody runs the frame who refers to the object: an
  /// awaiter of an lvalue, or a step by hand. The frame of one that was `destroyed` is theirs.
  enum class Owner : std::uint8_t { untracked, in_place, moved, destroyed };

  Resumable delegator;  // who awaits it; empty for the outermost of a chain
  union {
    Resumable leaf = {};  // of an outermost one that is stepped by hand, between two steps: what the next one resumes
    Driver* stepped_by;   // of an outermost one that is executing
  };
  bool started = false;
  bool executing = false;  // of an outermost one: inside of a step
  Exit exit = Exit::none;
  Owner owner = Owner::untracked;
  /// Nobody knows what resumes it: who awaited it is gone, or something else than its coroutines threw out of a step.
  /// It can only be destroyed.
  bool lost = false;
  /// Of segue's own, around the one that it awaits: reports and snapshots name that one in its place.
  bool stands_in = false;
  Origin origin;

  /// Throws ValueError("coroutine already executing"), RuntimeError("coroutine is being awaited already") or
  /// RuntimeError("cannot reuse already awaited coroutine") where it may not be stepped by hand.
  void check_steppable() const;
  void enter_step(Driver& driver) noexcept {
    stepped_by = &driver;
    executing = true;
  }
  void leave_step(Resumable next) noexcept {
    executing = false;
    std::construct_at(&leaf, next);
  }
  /// For an awaiter: it runs next.
  void start_for(Resumable awaiting) noexcept {
    delegator = awaiting;
    started = true;
  }
  /// One step by hand of the outermost frame of a chain; `self` resumes the frame itself. Throws as check_steppable().
  void step_by_hand(Resumable self, Driver& driver);
  /// The same with an exception, which is raised at the leaf. GeneratorExit closes what this frame delegates to from
  /// the leaf up, as PEP 380 has it: whatever a delegate returns is lost, one that waits again makes RuntimeError
  /// ("coroutine ignored GeneratorExit") rise in its delegator.
  void throw_by_hand(Resumable self, Driver& driver, std::exception_ptr error);

  /// For an awaiter of a frame that has started: throws as check_steppable().
  [[noreturn]] void refuse_second_await() const;
  /// Whose step its chain is inside of; null for nobody's.
  Driver* driver() const noexcept;
  /// For an awaiter that goes on after this frame: throws what `exit` asks for, unless this frame raised something
  /// itself.
  template <class Outcome>
  void check_exit(const Outcome& outcome) const {
    if (exit != Exit::none && !outcome.has_exception()) [[unlikely]]
      raise_exit();
  }

 private:
  [[noreturn]] void raise_exit() const;
  void close_delegates(Resumable self, Driver& driver);
};

/// The frame of a computation with a stack of its own.
struct StackfulFrame : Frame {
  /// `resume` runs it until it suspends or ends.
  explicit StackfulFrame(void (*resume)(StackfulFrame&), const char* called = "<fiber>") noexcept
      : resume_function(resume), name(called) {}
  void (*resume_function)(StackfulFrame&);
  const char* name;                                // in what is said of a chain
  const std::source_location* waits_at = nullptr;  // where it waits, if it says that
};

inline Resumable::Resumable(StackfulFrame& frame) noexcept
    : word_(reinterpret_cast<std::uintptr_t>(&frame) | stackful) {}

inline void Resumable::resume_other() const {
  if (is_coroutine()) return coroutine().resume();
// g++ 12 warns here of a coroutine whose address it knows: it does not see that the bits of `word_` keep it out.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Warray-bounds"
#endif
  auto& frame = *static_cast<StackfulFrame*>(address());
  frame.resume_function(frame);
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
}

inline Frame* Resumable::frame() const noexcept {
  if ((word_ & foreign) != 0) return nullptr;
  if ((word_ & stackful) != 0) return static_cast<StackfulFrame*>(address());
  // A promise follows the frame's two function pointers, and a Frame is the first base of ours.
  return &std::coroutine_handle<Frame>::from_address(address()).promise();
}

}  // namespace segue::modern
