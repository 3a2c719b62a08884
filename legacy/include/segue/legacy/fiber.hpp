// A function that runs on a stack of its own and can be left and entered again: what generators and generator-based
// coroutines are made of.
//
// A fiber is a control block at the top of the stack it runs on, so that making one costs a stack from the pool and
// nothing else. Derive from Fiber, give the class a `void run() noexcept`, and make it with make_fiber():
//
//   struct Ticker : Fiber {
//     explicit Ticker(int& ticks) : ticks(ticks) {}
//     void run() noexcept {
//       for (;;) { ++ticks; suspend(); }
//     }
//     int& ticks;
//   };
//   Ticker* ticker = make_fiber<Ticker>(StackSize{}, ticks);
//   ticker->resume();
//
// resume() and suspend() are inlined down to the jump on purpose: the jump leaves by `jmp`, so every frame between it
// and the code that goes on afterwards costs a mispredicted return.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <new>
#include <source_location>
#include <string_view>
#include <type_traits>
#include <utility>

#include <segue/legacy/detail/exception_state.hpp>
#include <segue/legacy/detail/fcontext.hpp>
#include <segue/legacy/detail/sanitizers.hpp>
#include <segue/legacy/stack.hpp>
#include <segue/legacy/stack_report.hpp>

namespace segue::legacy {

/// What stack a fiber gets.
struct StackOptions {
  /// Not explicit: a StackSize alone is enough where options are asked for.
  StackOptions(StackSize bytes = {}, std::pmr::memory_resource* from = nullptr, bool measure = false) noexcept
      : size(bytes), resource(from), measured(measure) {}

  StackSize size;                       ///< 0 for default_stack_size(); a control block above 4 KiB adds its size
  std::pmr::memory_resource* resource;  ///< as in allocate_stack(); null for the pool
  bool measured;                        ///< for stack_report()
};

/// Where a fiber was made, for reports.
struct Origin {
  std::source_location source = {};  ///< line 0 when that is not known
  const void* caller = nullptr;      ///< where line is 0: a return address in what made it, or null
};

/// The base of a control block. Each switch exchanges the C++ exception state of the two stacks and tells the
/// sanitizers; nothing else. Not thread-safe, but each resume() may come from another thread or another fiber than the
/// one before: whoever resumed last is who suspend() returns to.
///
/// Code that runs on a fiber which changes threads must not keep what belongs to a thread across a suspension.
/// Compilers keep it, too: the address of a `thread_local`, and what std::this_thread::get_id() gave, may be remembered
/// within one function; read them in a function of their own that is not inlined.
class Fiber {
 public:
  Fiber() noexcept = default;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  virtual ~Fiber() = default;

  /// Runs the fiber until it suspends (gives what it passed to suspend()) or its run() returns (gives null).
  /// To be called from outside, on a fiber that is neither running nor finished.
  [[gnu::always_inline]] void* resume() noexcept {
    legacy_detail::ExceptionState& thread = legacy_detail::thread_exception_state();
    thread_exceptions_ = &thread;
    legacy_detail::exchange(exceptions_, thread);
    sanitized_.leave_resumer();
    const legacy_detail::Transfer back = legacy_detail::jump_fcontext(context_, this);
    sanitized_.enter_resumer();
    context_ = back.fctx;
    return back.data;
  }

  /// Goes back to whoever resumed last, handing over `message`; returns at the next resume(). To be called on the
  /// fiber's own stack. It throws nothing, but must not be `noexcept`: what find_unwinding() finds out for an exception
  /// thrown at this call has to hold for the one that the caller throws after it.
  [[gnu::always_inline]] void suspend(void* message = nullptr) {
    legacy_detail::exchange(exceptions_, *thread_exceptions_);
    sanitized_.leave_fiber();
    const legacy_detail::Transfer back = legacy_detail::jump_fcontext(context_, message);
    sanitized_.enter_fiber();
    context_ = back.fctx;
  }

  /// As suspend(), on the stack of a fiber that this one has resumed, itself or through others: all of them stay as
  /// they are, and the next resume() goes on here.
  void suspend_with_nested(void* message = nullptr);

  /// Whether run() was entered. What lives on the stack before that is the control block alone.
  bool started() const noexcept { return progress_ != Progress::created; }
  /// Whether run() has returned.
  bool finished() const noexcept { return progress_ == Progress::finished; }

  /// The stack that the fiber lives and runs on.
  Stack stack() const noexcept { return stack_; }

  /// Whether the caller runs on this fiber's stack.
  [[gnu::always_inline]] bool runs_here() const noexcept {
    const auto* const here = static_cast<const std::byte*>(__builtin_frame_address(0));
    return here >= stack_.bottom() && here < stack_.top;
  }

  /// What a report calls this fiber.
  virtual std::string_view label() const noexcept { return "fiber"; }
  /// Where it was made.
  virtual Origin origin() const noexcept { return {}; }

  /// The fiber on whose stack the caller runs, or null. It searches by the stack pointer: for reports, not for the hot
  /// path.
  static Fiber* current() noexcept;

 protected:
  /// While suspended: where its stack was left.
  legacy_detail::Context context() const noexcept { return context_; }
  /// While suspended: its exception state.
  legacy_detail::ExceptionState& exceptions() noexcept { return exceptions_; }
  /// Makes a suspended fiber a finished one. What is on its stack is forgotten as it is.
  void forget_stack() noexcept { progress_ = Progress::finished; }
  /// Makes the running fiber a finished one, and goes back to whoever resumed last, for good. To be called on its own
  /// stack. Not `[[noreturn]]`: compilers take what leads to such a call for cold code, and do not inline it.
  void finish() noexcept;

 private:
  enum class Progress : std::uint8_t { created, running_or_suspended, finished };

  template <class Block>
  static void enter(legacy_detail::Transfer from) noexcept {
    auto* fiber = static_cast<Fiber*>(from.data);
    fiber->sanitized_.enter_fiber();
    fiber->context_ = from.fctx;
    fiber->progress_ = Progress::running_or_suspended;
    static_cast<Block*>(fiber)->run();
    fiber->finish();
  }

  // Of a running one: the fiber on whose stack it was resumed. Null for any other stack.
  Fiber* resumer() const noexcept;

  template <class Block, class... Args>
  friend Block* make_fiber(StackOptions options, Args&&... args);
  friend void destroy_fiber(Fiber* fiber) noexcept;

  // While suspended the fiber's own stack, while running the resumer's.
  legacy_detail::Context context_ = nullptr;
  // While suspended the fiber's exception state, while running the resumer's.
  legacy_detail::ExceptionState exceptions_;
  // Where the thread that resumed last keeps its state; valid while running.
  legacy_detail::ExceptionState* thread_exceptions_ = nullptr;
  Stack stack_;
  Progress progress_ = Progress::created;
  [[no_unique_address]] legacy_detail::SanitizedFiber sanitized_;
};

/// Takes a stack, from the pool unless there is a resource, and constructs `Block` at its top; nothing runs before the
/// first resume(). Throws MemoryError when there is no stack to be had, and whatever the resource and Block's
/// constructor throw; std::bad_alloc when there is no memory to measure it.
template <class Block, class... Args>
Block* make_fiber(StackOptions options, Args&&... args) {
  static_assert(std::derived_from<Block, Fiber>, "a fiber's control block derives from segue::legacy::Fiber");
  static_assert(
      requires(Block& block) {
        { block.run() } noexcept;
      }, "a fiber's control block has a member `void run() noexcept`");
  constexpr std::size_t alignment = alignof(Block) > 64 ? alignof(Block) : 64;
  StackSize size = options.size;
  if constexpr (sizeof(Block) > 4096) size.bytes = (size.bytes ? size : default_stack_size()).bytes + sizeof(Block);

  const Stack stack = allocate_stack(size, options.resource);
  const auto top = reinterpret_cast<std::uintptr_t>(stack.top);
  auto* const place = stack.top - (top - ((top - sizeof(Block)) & ~std::uintptr_t{alignment - 1}));
  struct GiveBack {
    Stack stack;
    bool armed = true;
    ~GiveBack() {
      if (armed) free_stack(stack);
    }
  } give_back{stack};
  Block* const block = ::new (static_cast<void*>(place)) Block(std::forward<Args>(args)...);
  give_back.armed = false;

  Fiber* const fiber = block;
  std::byte* const bottom = stack.bottom();
  fiber->stack_ = stack;
  fiber->context_ = legacy_detail::make_fcontext(place, static_cast<std::size_t>(place - bottom), &Fiber::enter<Block>);
  fiber->sanitized_.create(bottom, stack.size() - sizeof(legacy_detail::StackHeader));
  legacy_detail::header_of(stack).occupant = fiber;
  if (options.measured || legacy_detail::measure_all_stacks.load(std::memory_order_relaxed)) [[unlikely]] {
    legacy_detail::start_measuring(fiber, fiber->context_);
  }
  return block;
}

/// Destroys the control block and gives the stack back. The fiber is either not yet started or finished: what lives on
/// the stack of a suspended one would be lost.
inline void destroy_fiber(Fiber* fiber) noexcept {
  const Stack stack = fiber->stack_;
  legacy_detail::SanitizedFiber sanitized = fiber->sanitized_;
  legacy_detail::header_of(stack).occupant = nullptr;
  fiber->~Fiber();
  sanitized.destroy();
  if (legacy_detail::header_of(stack).measured != nullptr) [[unlikely]]
    legacy_detail::stop_measuring(stack);
  free_stack(stack);
}

}  // namespace segue::legacy
