// The part of a generator that lives on its own stack and does not depend on its types: how it is resumed, alone and
// as part of a chain of delegations.
//
// A chain is a list of frames linked both ways: `delegation_` down, `owner_` up. Its *top* has no owner and remembers
// in `leaf_` the frame to resume, which is the frame at the other end, so that resuming costs the same at any depth:
//
//   top -> ... -> leaf        top.leaf_ == leaf      suspended
//                             top.leaf_ == null      one of its frames runs, and all of them count as running:
//                                                    running() walks up to the top to find that out
//
// Whoever drives the top resumes the leaf and gets from it the frame that has yielded (the new leaf), or null: the leaf
// has finished, and its owner goes on (settle()).
//
// The links of a suspended chain can be changed behind its back, by driving or delegating to a frame in its middle.
// That frame is cut off first and becomes a top of its own, while its former owner becomes the leaf of what is left
// (detach()). When that leaf is resumed, it looks at what has become of its delegate (delegate_to()). So the links are
// always a forest, and the fast path needs no checks but one for null.
#pragma once

#include <unwind.h>

#include <cstdint>
#include <exception>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

#include <segue/legacy/fiber.hpp>

namespace segue::legacy::legacy_detail {

/// What a frame finds in `sent_` when it goes on, other than a pointer to the value sent or null for None.
enum Signal : std::uintptr_t {
  throw_signal = 1,  ///< raise `error_`; a frame that delegates passes it on to its delegate first
  raise_signal = 2,  ///< raise `error_` here, delegate or not
  close_signal = 3,  ///< raise GeneratorExit; a frame that delegates closes its delegate first
  unwind_signal = 4  ///< as for GeneratorExit, but nothing will catch it; not for a frame that has a delegate
};

/// Whether `sent`, which is not null, is a Signal, and not a pointer to a value.
inline bool is_signal(const void* sent) noexcept { return reinterpret_cast<std::uintptr_t>(sent) <= unwind_signal; }

/// Throws `error`, with what is being handled here as its context when it has none yet.
[[noreturn]] void raise(std::exception_ptr error);

class GeneratorFrame;

/// A guard on a generator's stack: while it lives, the generator waits for a delegate. Inside of one there may be
/// another, in what converts a value on its way.
class Delegation {
 public:
  /// To an object that is no generator, with this address; or to a generator that link() tells.
  explicit Delegation(GeneratorFrame& delegator, const void* object = nullptr) noexcept;
  Delegation(const Delegation&) = delete;
  Delegation& operator=(const Delegation&) = delete;
  /// Closes the delegate where its owner has gone, and nobody else waits for it.
  ~Delegation();

  /// Notes the delegate. That alone does not make it a part of the chain: the body may resume it by itself.
  void link(GeneratorFrame& delegate) noexcept;
  /// Null where it is no generator, and when it has gone.
  GeneratorFrame* delegate() const noexcept { return delegate_; }
  /// What gi_yieldfrom() gives.
  const void* id() const noexcept;

 private:
  friend class GeneratorFrame;
  void unlink() noexcept;

  GeneratorFrame& delegator_;
  Delegation* const outer_;
  const void* const object_;
  GeneratorFrame* delegate_ = nullptr;
  // In the list of all that wait for the delegate.
  Delegation* next_ = nullptr;
  Delegation** link_ = nullptr;
};

/// A guard: counts how deep destructors that may let go of further generators nest on a stack. On another one, which
/// has room for as many as any, it begins anew. Not inlined: the thread may be another one at its end.
class Nesting {
 public:
  enum Stack : std::uint8_t { this_one, another };
  explicit Nesting(Stack stack) noexcept;
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;
  ~Nesting();

 private:
  const int outside_;
};

class GeneratorFrame : public Fiber {
 public:
  enum class Ending : std::uint8_t { none, returned, raised, exited };

  GeneratorFrame(GeneratorFrame** handle, std::string_view name, const Origin& origin)
      : handle_(handle), origin_(origin), name_(name) {}

  // From outside.

  /// Makes the frame a top and gives the leaf to resume; null when it is finished. Throws ValueError while it runs.
  /// Needed where `leaf_` is null, which may mean any of these.
  GeneratorFrame* claim();
  /// `leaf` has finished: its owner goes on, and so on up to this frame. Gives the frame that yielded next, or null
  /// when this one has finished.
  GeneratorFrame* settle(GeneratorFrame* leaf) noexcept;
  /// Resumes `leaf`, which is what `leaf_` was; the result is settle()'s.
  GeneratorFrame* go_on(GeneratorFrame* leaf) noexcept;
  /// As go_on(), but the leaf raises `error`, or GeneratorExit. For a top that has been started.
  GeneratorFrame* throw_in(GeneratorFrame* leaf, std::exception_ptr error) noexcept;
  GeneratorFrame* close(GeneratorFrame* leaf) noexcept;
  /// The owning handle goes: closes the generator and frees it, at once or, while it runs, as soon as it suspends.
  void abandon() noexcept;
  /// As abandon(), but without recursion in a chain of frames that own each other.
  static void let_go(GeneratorFrame& frame) noexcept;
  /// Frees the frame. It is not started, or finished.
  void destroy() noexcept;

  bool running() const noexcept;

  // From the body.

  /// Runs `sub` to its end; every suspension of its chain suspends this one. True when its outcome is in `sub`, false
  /// when it was closed behind this frame's back; `thrown` is then what was thrown in, if anything. Throws ValueError
  /// when `sub` runs already. `delegation` is this frame's.
  bool delegate_to(GeneratorFrame& sub, Delegation& delegation, std::exception_ptr& thrown);
  /// What the signal in `sent_` asks to be raised.
  std::exception_ptr take_signalled();
  /// Raises it; or, for unwind_signal, runs the destructors of the body's frames without an exception to catch.
  /// Inlined, so that there is one frame less to unwind.
  [[noreturn, gnu::always_inline]] void raise_signalled() {
    if (reinterpret_cast<std::uintptr_t>(sent_) != unwind_signal) raise_error_signalled();
    sent_ = nullptr;
    _Unwind_ForcedUnwind(&unwinding_, unwind_further, this);
    __builtin_unreachable();
  }

  /// For whoever waited for this frame, when it has ended without returning: what to raise.
  std::exception_ptr take_error();

  // How run() ends.
  void ended_by_exit() noexcept;
  void ended_by_stop_iteration() noexcept;
  void ended_by_error() noexcept;

  std::string_view label() const noexcept override {
    return name_.empty() ? std::string_view("generator") : std::string_view(name_);
  }
  Origin origin() const noexcept override { return origin_; }
  std::string repr() const;

  // Of a top: the frame to resume; null while running and when finished. Null for every other frame.
  GeneratorFrame* leaf_ = this;
  // Of a leaf: the address of what it yields, in its body's frame.
  void* value_ = nullptr;
  // What comes in with the next resumption: null, a Signal, or a pointer into the sender's frame. Null while suspended.
  void* sent_ = nullptr;
  // Where the one generator object is that owns this frame; null when there is none any more.
  GeneratorFrame** handle_;
  // The yield or the delegation that it is suspended at.
  std::source_location where_;
  // Where Body::call_body() returns to: the frames from there up are ours, and not the body's.
  const void* body_return_ = nullptr;

  // The innermost delegation of this frame, for as long as it waits; another frame may have become the owner of the
  // delegate meanwhile.
  Delegation* delegation_ = nullptr;
  // The frame that delegates to this one and goes on when it finishes.
  GeneratorFrame* owner_ = nullptr;
  // All delegations that wait for this frame.
  Delegation* sharers_ = nullptr;

  // With a throw or raise signal the exception that comes in; after the end the one that goes out.
  std::exception_ptr error_;
  Ending ending_ = Ending::none;
  Origin origin_;
  std::string name_;

 protected:
  virtual std::string body_name() const = 0;
  /// Destroys the body with its arguments.
  virtual void destroy_body() noexcept = 0;

 private:
  friend Delegation;
  GeneratorFrame* top() noexcept;
  GeneratorFrame* find_leaf() noexcept;
  GeneratorFrame* delegate() const noexcept { return delegation_ != nullptr ? delegation_->delegate() : nullptr; }
  [[nodiscard]] GeneratorFrame* attach(GeneratorFrame& sub);
  void detach() noexcept;
  void forget_sharers() noexcept;
  static GeneratorFrame* forward(GeneratorFrame& sub, void* sent, GeneratorFrame* leaf, std::exception_ptr error);
  [[noreturn]] static void close_and_raise(GeneratorFrame& sub, GeneratorFrame* leaf, std::exception_ptr error);
  void signal(Signal signal, std::exception_ptr error = nullptr) noexcept;
  GeneratorFrame* exit() noexcept;
  [[gnu::noinline]] GeneratorFrame* resume_to_exit() noexcept;
  std::exception_ptr close_below(GeneratorFrame* leaf) noexcept;
  [[noreturn]] void raise_error_signalled();
  // A variable, and no function: the symbol of a function has the types of its parameters in it, and one of these is an
  // enumeration in clang's <unwind.h> and an int in g++'s.
  static const _Unwind_Stop_Fn unwind_further;

  // The exception object of an unwinding by unwind_signal. It lies here because the frames that it passes through go.
  _Unwind_Exception unwinding_;
  std::uintptr_t unwinds_next_;  // the stack pointer of the next frame that has destructors to run
};

}  // namespace segue::legacy::legacy_detail
