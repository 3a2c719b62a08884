// The part of a generator that lives on its own stack and does not depend on its types: how it is resumed, alone and
// as part of a chain of delegations.
//
// A chain is a list of frames linked both ways: `delegate_` down, `owner_` up. Its *top* has no owner and remembers in
// `leaf_` the frame to resume, which is the frame at the other end, so that resuming costs the same at any depth:
//
//   top -> ... -> leaf        top.leaf_ == leaf      suspended
//                             top.leaf_ == null      running: whichever of its frames it is, all of them count as
//                                                    running, found out by walking up when somebody asks
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

namespace segue::legacy::detail {

/// What a frame finds in `sent_` when it goes on, other than a pointer to the value sent or null for None.
enum Signal : std::uintptr_t {
  throw_signal = 1,  ///< raise `error_`; a frame that delegates passes it on to its delegate first
  raise_signal = 2,  ///< raise `error_` here, delegate or not
  close_signal = 3,  ///< raise GeneratorExit; a frame that delegates closes its delegate first
  unwind_signal = 4  ///< as for GeneratorExit, but nothing will catch it; not for a frame that has a delegate
};

/// For what is not null.
inline bool is_signal(const void* sent) noexcept { return reinterpret_cast<std::uintptr_t>(sent) <= unwind_signal; }

/// Throws `error`, with what is being handled here as its context when it has none yet.
[[noreturn]] void raise(std::exception_ptr error);

/// What a frame delegates to through its body, for gi_yieldfrom.
class Foreign {
 public:
  virtual const void* id() const noexcept = 0;

 protected:
  ~Foreign() = default;
};

class GeneratorFrame : public Fiber {
 public:
  enum class Ending : std::uint8_t { none, returned, raised, exited };

  GeneratorFrame(GeneratorFrame** handle, std::string_view name, const Origin& origin)
      : handle_(handle), origin_(origin), name_(name) {}

  // From outside.

  /// Makes the frame a top and gives the leaf to resume; null when it is finished. Throws ValueError while it runs.
  /// For when `leaf_` is null.
  GeneratorFrame* claim();
  /// Goes on after `leaf` has finished, up to this frame: the frame that yielded next, or null when this one finished.
  GeneratorFrame* settle(GeneratorFrame* leaf) noexcept;
  /// Resumes `leaf`, which is what `leaf_` was; the result is settle()'s.
  GeneratorFrame* go_on(GeneratorFrame* leaf) noexcept;
  /// Resume with an exception, and with GeneratorExit. For a started top; otherwise as go_on().
  GeneratorFrame* throw_in(GeneratorFrame* leaf, std::exception_ptr error) noexcept;
  GeneratorFrame* close(GeneratorFrame* leaf) noexcept;
  /// The owning handle goes: closes the generator and frees it, at once or, while it runs, as soon as it suspends.
  void abandon() noexcept;
  /// Frees the frame. It is not started, or finished.
  void destroy() noexcept;

  bool running() const noexcept;

  // From the body.

  /// Runs `sub` to its end; every suspension of its chain suspends this one. True when its outcome is in `sub`, false
  /// when it was closed behind this frame's back; `thrown` is then what was thrown in, if anything. Throws ValueError
  /// when `sub` runs already.
  bool delegate_to(GeneratorFrame& sub, std::exception_ptr& thrown);
  /// Makes `sub` what this frame waits for. Not a part of its chain yet: its body may resume it. `delegate_` is null
  /// when it has gone.
  void link_delegate(GeneratorFrame& sub) noexcept;
  /// Ends that, and gives null. After a delegation gives what has been delegated to when this frame was its owner.
  GeneratorFrame* drop_delegate() noexcept;
  /// What the signal in `sent_` asks to be raised.
  std::exception_ptr take_signalled();
  /// The same, raised; or the frames above run() unwound. Inlined, so that these are one less.
  [[noreturn, gnu::always_inline]] void raise_signalled() {
    if (reinterpret_cast<std::uintptr_t>(sent_) != unwind_signal) raise_error_signalled();
    sent_ = nullptr;
    _Unwind_ForcedUnwind(&unwinding_, unwind_further, this);
    __builtin_unreachable();
  }

  /// What is raised where a frame that has not returned was waited for.
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
  // Of a leaf: what it yields, in its body's frame.
  void* value_ = nullptr;
  // What comes in with the next resumption: null, a Signal, or a pointer into the sender's frame. Null while suspended.
  void* sent_ = nullptr;
  // Where the one generator object is that owns this frame; null when there is none any more.
  GeneratorFrame** handle_;
  // The yield or the delegation that it is suspended at.
  std::source_location where_;
  // Where the body returns to: the frames from there on are this class's own.
  const void* body_return_ = nullptr;

  // What it delegates to: as long as it waits for it, even when another frame has become the owner.
  GeneratorFrame* delegate_ = nullptr;
  // The frame that delegates to this one and goes on when it finishes.
  GeneratorFrame* owner_ = nullptr;
  // All frames whose `delegate_` this is.
  GeneratorFrame* sharers_ = nullptr;
  GeneratorFrame* next_sharer_ = nullptr;
  // What it delegates to when that is not a part of its chain.
  const Foreign* foreign_delegate_ = nullptr;

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
  GeneratorFrame* top() noexcept;
  GeneratorFrame* find_leaf() noexcept;
  [[nodiscard]] GeneratorFrame* attach(GeneratorFrame& sub);
  void detach() noexcept;
  void forget_sharers() noexcept;
  GeneratorFrame* forward(void* sent, GeneratorFrame* leaf);
  [[noreturn]] void close_delegate_and_raise(GeneratorFrame* leaf, std::exception_ptr error);
  void signal(Signal signal, std::exception_ptr error = nullptr) noexcept;
  GeneratorFrame* exit() noexcept;
  std::exception_ptr close_below(GeneratorFrame* leaf) noexcept;
  [[noreturn]] void raise_error_signalled();
  // A variable, for the symbol of a function has the types of its parameters in it, and for <unwind.h> of clang one of
  // these is an enumeration, for g++'s an int.
  static const _Unwind_Stop_Fn unwind_further;

  // What passes through the frames with an unwind_signal: they cannot hold it.
  _Unwind_Exception unwinding_;
  std::uintptr_t unwinds_next_;  // the stack pointer of the frame that it is to run something in
};

}  // namespace segue::legacy::detail
