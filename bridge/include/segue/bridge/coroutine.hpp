// Generator-based coroutines: what `@asyncio.coroutine` and `yield from` were before `async` and `await` (PEP 342, 380,
// 3156). A plain function on a stack of its own, which may wait anywhere in its call tree:
//
//   auto fetch = coroutine<std::string>([](std::string name) {
//     yield_from(asyncio::sleep(10ms));
//     return "page of " + name;
//   });
//   std::string page = co_await fetch("home");
//
// It is one more style of frame in a chain: `co_await`, `create_task` and `gather` take it as they take a Coroutine, it
// waits for whatever can be awaited, and neither crossing costs a task or an iteration of the loop.
//
// What lies between a switch of stacks and the code that goes on after it is inlined on purpose: the switch leaves by a
// jump, so that each frame returned from afterwards is a mispredicted return.
#pragma once

#include <algorithm>
#include <any>
#include <array>
#include <concepts>
#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/legacy/fiber.hpp>
#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/coroutine_methods.hpp>
#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/kernel/foreign_awaiter.hpp>
#include <segue/modern/kernel/unraisable.hpp>
#include <segue/modern/tasks/yield.hpp>
#include <segue/outcome.hpp>

namespace segue::legacy {
template <class Yield, class Send, class Return>
class Generator;
}

namespace segue::bridge {

using modern::Awaitable;
using modern::CoroutineState;
using modern::Driver;
using modern::getcoroutinestate;
using modern::Resumable;
using modern::Yielded;

namespace bridge_detail {
template <class T>
inline constexpr bool is_generator = false;
template <class Yield, class Send, class Return>
inline constexpr bool is_generator<legacy::Generator<Yield, Send, Return>> = true;

/// Destroys one that may have the next such among its arguments, and so on.
void destroy_unstarted(legacy::Fiber& fiber) noexcept;

/// RuntimeError that names the place, and what to write there.
[[noreturn]] void refuse_outside(const char* function, const std::source_location& where);
}  // namespace bridge_detail

/// The fiber of a generator-based coroutine: the part that depends neither on its function nor on its result.
class CoroutineFiber : public legacy::Fiber, public modern::StackfulFrame {
 public:
  explicit CoroutineFiber(const std::source_location& made) noexcept
      : StackfulFrame(&resume_fiber), made_(made), awaiting_at_(made) {
    waits_at = &awaiting_at_;
  }

  /// The coroutine whose own frame runs now. Null in a stackless frame, even on a fiber's stack, and in a generator's
  /// body, whose stack is another one: neither may suspend the coroutine that it runs in.
  [[gnu::always_inline]] static CoroutineFiber* running() noexcept {
    auto* const fiber = static_cast<CoroutineFiber*>(Driver::stackful_frame);
    if (fiber == nullptr) return nullptr;
    return fiber->runs_here() ? fiber : nullptr;
  }

  /// The coroutine that the running code can suspend with all that lies between: running(), or the one whose code has
  /// resumed the generator, or other fiber, whose body this is. Null in a stackless frame, and below one.
  static CoroutineFiber* enclosing() noexcept { return static_cast<CoroutineFiber*>(Driver::stackful_frame); }

  Resumable resumable() noexcept { return *this; }

  /// Waits for what `awaiter` waits for. On the fiber's own stack, or that of one that it has resumed.
  template <modern::Awaiter A>
  [[gnu::always_inline]] void wait(A& awaiter, const std::source_location& where);

  const std::source_location& made() const noexcept { return made_; }
  legacy::Origin origin() const noexcept override { return {.source = made_}; }
  /// Where it waits now, or waited last.
  const std::source_location& awaiting_at() const noexcept { return awaiting_at_; }

  /// Unwinds a suspended fiber whose chain is destroyed around it: throws GeneratorExit where it waits, and again
  /// wherever it waits in spite of that, a bounded number of times. False where it has not finished by then.
  bool unwind() noexcept;

 protected:
  /// Tells the delegator, if any, that it is its turn. The last thing that run() does.
  void continue_delegator() noexcept {
    if (delegator) Driver::current()->continue_with(delegator);
  }
  /// Gives control back until it is resumed. Throws GeneratorExit in one that is being unwound.
  [[gnu::always_inline]] void suspend_and_check();

 private:
  static constexpr int max_ignored_exits = 100;

  [[gnu::always_inline]] void suspend_all() {
    if (runs_here()) [[likely]]
      return suspend();
    suspend_with_nested();
  }

  static void resume_fiber(modern::StackfulFrame& frame) {
    auto& fiber = static_cast<CoroutineFiber&>(frame);
    modern::StackfulFrame* const interrupted = std::exchange(Driver::stackful_frame, &fiber);
    fiber.resume();
    Driver::stackful_frame = interrupted;
  }

  std::source_location made_;
  std::source_location awaiting_at_;
  int ignored_exits_ = -1;  // -1: not being unwound
};

namespace bridge_detail {

/// The awaiter of `awaitable` for the frame of `coroutine`.
template <class A>
[[gnu::always_inline]] inline decltype(auto) awaiter_for(A&& awaitable, const CoroutineFiber& coroutine) {
  using Awaiter = decltype(modern::get_awaiter(std::forward<A>(awaitable)));
  if constexpr (modern::ResumableAwaiter<std::remove_cvref_t<Awaiter>>) {
    return modern::get_awaiter(std::forward<A>(awaitable));
  } else {
    return modern::ForeignAwaiter<Awaiter>(std::forward<A>(awaitable), coroutine.made());
  }
}

/// Has `self`, in whose code or below which this runs, wait for `awaitable`.
template <class A>
[[gnu::always_inline]] inline modern::await_result_t<A> wait_for(CoroutineFiber& self, A&& awaitable,
                                                                 const std::source_location& where) {
  auto&& awaiter = awaiter_for<A>(std::forward<A>(awaitable), self);
  if constexpr (modern::PlacedAwaiter<std::remove_cvref_t<decltype(awaiter)>>) awaiter.set_place(where);
  const std::exception_ptr handled = std::current_exception();
  try {
    if (!awaiter.await_ready()) self.wait(awaiter, where);
    return awaiter.await_resume();
  } catch (...) {
    if (handled) chain_context(std::current_exception(), handled);
    throw;
  }
}

}  // namespace bridge_detail

/// Waits for whatever can be awaited and returns what it gives, as `yield from` does in Python. Only inside a
/// generator-based coroutine (RuntimeError elsewhere), but there at any depth of calls. Cancellation and close() throw
/// from here. What is thrown has the exception that the caller handles as its context, as in Python.
template <Awaitable A>
[[gnu::always_inline]] inline modern::await_result_t<A> yield_from(
    A&& awaitable, std::source_location where = std::source_location::current()) {
  CoroutineFiber* const self = CoroutineFiber::running();
  if (self == nullptr) [[unlikely]]
    bridge_detail::refuse_outside(std::same_as<std::remove_cvref_t<A>, modern::Yield> ? "yield_()" : "yield_from()",
                                  where);
  return bridge_detail::wait_for<A>(*self, std::forward<A>(awaitable), where);
}
template <class A>
  requires(!Awaitable<A>)
__attribute__((
    unavailable("yield_from() takes a coroutine, or what else can be awaited, and not const: call a coroutine "
                "function, yield_from(f())"))) modern::Refused
yield_from(A&&);

/// A bare yield: gives control, and a value if there is one, to the driver; returns what the driver sends (empty for
/// None). A task takes only the one without a value, which costs one iteration of the loop.
[[gnu::always_inline]] inline std::any yield_(std::source_location where = std::source_location::current()) {
  return yield_from(modern::yield_(), where);
}
template <class Value>
[[gnu::always_inline]] inline std::any yield_(Value&& value,
                                              std::source_location where = std::source_location::current()) {
  if constexpr (bridge_detail::is_generator<std::remove_cvref_t<Value>>) {
    return yield_from(modern::Yield::of_generator(std::addressof(value)), where);
  } else {
    return yield_from(modern::yield_(std::forward<Value>(value)), where);
  }
}

/// A generator-based coroutine object: what calling a coroutine<R>() function returns. Lazy and move-only, with the
/// states, the messages and the methods of modern::Coroutine.
template <class R = void>
class [[nodiscard("a coroutine runs only when it is awaited, or made a task of")]] GeneratorCoroutine
    : public modern::CoroutineMethods<GeneratorCoroutine<R>, R> {
 public:
  using result_type = R;
  class Fiber;

  explicit GeneratorCoroutine(Fiber* fiber) noexcept : fiber_(fiber) {}
  GeneratorCoroutine(GeneratorCoroutine&& other) noexcept : fiber_(std::exchange(other.fiber_, nullptr)) {
    if (fiber_) this->note_move();
  }
  GeneratorCoroutine& operator=(GeneratorCoroutine&& other) noexcept {
    if (this == &other) return *this;
    GeneratorCoroutine former(std::exchange(fiber_, nullptr));  // closed when the other is in its place
    fiber_ = std::exchange(other.fiber_, nullptr);
    if (fiber_) this->note_move();
    return *this;
  }
  ~GeneratorCoroutine() { discard(); }

  auto operator co_await() & noexcept { return Awaiter<modern::BorrowedCoroutine<GeneratorCoroutine>>(*this); }
  auto operator co_await() && noexcept { return Awaiter<modern::OwnedCoroutine<GeneratorCoroutine>>(std::move(*this)); }

 private:
  friend modern::CoroutineMethods<GeneratorCoroutine<R>, R>;
  friend modern::OwnedCoroutine<GeneratorCoroutine>;
  friend modern::BorrowedCoroutine<GeneratorCoroutine>;

  template <class Held>
  class Awaiter;

  static GeneratorCoroutine adopt(Fiber& fiber) noexcept { return GeneratorCoroutine(&fiber); }
  Fiber* body() const noexcept { return fiber_; }
  void destroy() noexcept {
    if (!fiber_) return;
    Fiber* const fiber = std::exchange(fiber_, nullptr);
    if (fiber->finished()) [[likely]]
      return legacy::destroy_fiber(fiber);
    bridge_detail::destroy_unstarted(*fiber);
  }
  void discard() noexcept;

  Fiber* fiber_;
};

template <class R>
template <class Held>
class GeneratorCoroutine<R>::Awaiter : public modern::HeldAwaiter<Held> {
 public:
  using modern::HeldAwaiter<Held>::HeldAwaiter;
  /// Runs it up to its first suspension, nested in the awaiting frame; false where it has finished by then.
  bool await_suspend(Resumable delegator) {
    Driver& driver = Driver::require_current();
    this->coroutine_.start(delegator).resumable().resume();
    return !driver.finished_at_once(delegator);
  }
};

template <class R>
class GeneratorCoroutine<R>::Fiber : public CoroutineFiber {
 public:
  using CoroutineFiber::CoroutineFiber;
  Outcome<R> outcome;
};

namespace bridge_detail {

struct Deduced;  // "the result is what the function returns"

/// `generator-based coroutine F`, with the type of its function. Put together by the compiler: the report of an
/// overflow has neither heap nor stack for it.
template <class Kind, class F>
class FiberLabel {
  static consteval std::string_view function() {
    const std::string_view signature = std::source_location::current().function_name();  // … [with F = …; …]
    const std::size_t begin = signature.find("F = ") + 4;
    return signature.substr(begin, std::min(signature.find("; std::string_view", begin), signature.size() - 1) - begin);
  }
  static constexpr std::string_view prefix = Kind::name;
  static constexpr auto text = [] {
    std::array<char, prefix.size() + function().size()> joined{};
    std::ranges::copy(function(), std::ranges::copy(prefix, joined.begin()).out);
    return joined;
  }();

 public:
  static constexpr std::string_view value{text.data(), text.size()};
};

struct OfCoroutine {
  static constexpr std::string_view name = "generator-based coroutine ";
};

/// The fiber of one call: the function and its arguments live on its stack, beside it.
template <class R, class F, class... Args>
class CallFiber final : public GeneratorCoroutine<R>::Fiber {
 public:
  template <class G, class... Values>
  CallFiber(const std::source_location& made, G&& function, Values&&... values)
      : GeneratorCoroutine<R>::Fiber(made),
        call_(std::in_place, std::forward<G>(function), std::forward<Values>(values)...) {}

  std::string_view label() const noexcept override { return FiberLabel<OfCoroutine, F>::value; }

  void run() noexcept {
    try {
      if constexpr (std::is_void_v<R>) {
        call();
        this->outcome.set_value();
      } else {
        this->outcome.set_value(call());
      }
    } catch (...) {
      this->outcome.set_exception(modern::leaving_coroutine(std::current_exception()));
    }
    call_.reset();  // the arguments go when the coroutine ends, not when its result is taken
    this->continue_delegator();
  }

 private:
  decltype(auto) call() {
    return std::apply(
        [](F& function, Args&... args) -> decltype(auto) { return std::invoke(function, std::move(args)...); }, *call_);
  }
  std::optional<std::tuple<F, Args...>> call_;
};

template <class R, class F, class G, class... Args>
GeneratorCoroutine<R> call_on_fiber(legacy::StackSize stack_size, const std::source_location& made, G&& function,
                                    Args&&... args) {
  using Call = CallFiber<R, F, std::decay_t<Args>...>;
  return GeneratorCoroutine<R>(
      legacy::make_fiber<Call>(stack_size, made, std::forward<G>(function), std::forward<Args>(args)...));
}

}  // namespace bridge_detail

/// A function of generator-based coroutines: a call copies the function and its arguments into a new one.
template <class R, class F>
class CoroutineFunction {
 public:
  CoroutineFunction(F function, legacy::StackSize stack_size, const std::source_location& made)
      : function_(std::move(function)), stack_size_(stack_size), made_(made) {}

  template <class... Args>
    requires std::invocable<F&, std::decay_t<Args>...>
  auto operator()(Args&&... args) const {
    using Result =
        std::conditional_t<std::same_as<R, bridge_detail::Deduced>, std::invoke_result_t<F&, std::decay_t<Args>...>, R>;
    return bridge_detail::call_on_fiber<Result, F>(stack_size_, made_, function_, std::forward<Args>(args)...);
  }
  template <class... Args>
    requires(!std::invocable<F&, std::decay_t<Args>...>)
  __attribute__((
      unavailable("a generator-based coroutine gets copies of its arguments, moved: std::ref(x) for a "
                  "parameter that is a reference"))) modern::Refused
  operator()(Args&&...) const;

 private:
  F function_;
  legacy::StackSize stack_size_;
  std::source_location made_;
};

/// Python's `@asyncio.coroutine`: makes a coroutine function of a plain one. R is its result, deduced where it is left
/// out. `stack_size` is what its frames and all that they call may use (legacy::StackSize).
template <class R = bridge_detail::Deduced, class F>
CoroutineFunction<R, std::decay_t<F>> coroutine(F&& function, legacy::StackSize stack_size = {},
                                                std::source_location made = std::source_location::current()) {
  return {std::forward<F>(function), stack_size, made};
}

// --- definitions ---

template <modern::Awaiter A>
inline void CoroutineFiber::wait(A& awaiter, const std::source_location& where) {
  awaiting_at_ = where;
  if (ignored_exits_ >= 0) return suspend_and_check();
  using Suspension = decltype(awaiter.await_suspend(resumable()));
  if constexpr (std::is_void_v<Suspension>) {
    awaiter.await_suspend(resumable());
    suspend_and_check();
  } else if constexpr (std::same_as<Suspension, bool>) {
    if (awaiter.await_suspend(resumable())) suspend_and_check();
  } else {
    // A stackless delegate starts on this stack. It is not this frame: it must not suspend this fiber.
    Driver& driver = *Driver::current();
    const std::coroutine_handle<> delegate = awaiter.await_suspend(resumable());
    Driver::stackful_frame = nullptr;
    try {
      delegate.resume();
    } catch (...) {  // another library's
      Driver::stackful_frame = this;
      throw;
    }
    Driver::stackful_frame = this;
    if (!driver.finished_at_once(resumable())) suspend_and_check();
  }
}

inline void CoroutineFiber::suspend_and_check() {
  if (ignored_exits_ < 0) suspend_all();
  if (ignored_exits_ < 0) [[likely]]
    return;
  if (++ignored_exits_ > max_ignored_exits) suspend_all();  // for good: unwind() gives up
  throw GeneratorExit();
}

template <class R>
void GeneratorCoroutine<R>::discard() noexcept {
  if (!fiber_) return;
  if (!this->leave()) return;
  if (fiber_ && fiber_->Frame::started && !fiber_->finished() && !fiber_->unwind()) {
    // Its stack holds objects that were never destroyed: it is given up, not handed to somebody else.
    modern::report_unraisable(std::make_exception_ptr(RuntimeError("coroutine ignored GeneratorExit")), fiber_->made());
    fiber_ = nullptr;
  }
  destroy();
}

}  // namespace segue::bridge
