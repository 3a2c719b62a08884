// async_generator(): an AsyncGenerator whose body is a plain function on a stack of its own, which may wait, and yield,
// anywhere in its call tree.
//
//   const auto ticker = async_generator<int>([](auto& yield, int until) {
//     for (int i = 0; i < until; ++i) {
//       yield(i);
//       yield_from(asyncio::sleep(1s));
//     }
//   });
//   asyncio::AsyncGenerator<int> ticks = ticker(10);
//
// It is the same type as that of a function with `co_yield`, and nobody can tell which one it is.
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <segue/bridge/coroutine.hpp>
#include <segue/exceptions.hpp>
#include <segue/legacy/fiber.hpp>
#include <segue/modern/kernel/async_generator_core.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/kernel/refused.hpp>
#include <segue/modern/tasks/async_generators.hpp>

namespace segue::bridge {

namespace bridge_detail {

struct OfAsyncGenerator {
  static constexpr std::string_view name = "async generator ";
};

/// The fiber of an async generator: the part that depends on its types alone.
template <class Yield, class Send>
class AsyncGeneratorFiber : public CoroutineFiber, public modern::AsyncGeneratorBody<Yield, Send> {
 public:
  explicit AsyncGeneratorFiber(const std::source_location& made) noexcept
      : CoroutineFiber(made),
        modern::AsyncGeneratorBody<Yield, Send>(static_cast<modern::Frame&>(*this), CoroutineFiber::resumable()) {}

  /// Gives a value to whoever asked for one, and waits until somebody asks again.
  template <class U>
  Send yield(U&& value, const std::source_location& where) {
    if (CoroutineFiber::running() != this) refuse_outside("yield()", where);
    this->put(std::forward<U>(value));
    wait_for_next();
    return this->take_sent();
  }

  const std::source_location& made() const noexcept override { return CoroutineFiber::made(); }
  const std::source_location& awaiting_at() const noexcept override { return CoroutineFiber::awaiting_at(); }

 private:
  void wait_for_next() {
    continue_delegator();
    delegator = {};
    suspend_and_check();
  }
  bool fiber_finished() const noexcept override { return CoroutineFiber::finished(); }
  void destroy() noexcept override {
    if (modern::Frame::started && !CoroutineFiber::finished() && !unwind()) {
      // Its stack holds objects that were never destroyed: it is given up, not handed to somebody else.
      modern::report_unraisable(std::make_exception_ptr(RuntimeError("async generator ignored GeneratorExit")), made());
      return;
    }
    legacy::destroy_fiber(this);
  }
};

}  // namespace bridge_detail

/// What a body yields by: its first parameter.
template <class Yield, class Send = void>
class AsyncYielder {
 public:
  explicit AsyncYielder(bridge_detail::AsyncGeneratorFiber<Yield, Send>& fiber) noexcept : fiber_(fiber) {}
  AsyncYielder(const AsyncYielder&) = delete;
  AsyncYielder& operator=(const AsyncYielder&) = delete;

  /// Gives `value` to whoever awaits the next one; returns what asend() sends, else `Send{}`; throws what athrow() and
  /// aclose() throw. RuntimeError in any other frame than the body's and what that calls.
  template <class U>
    requires std::constructible_from<stored_t<Yield>, U>
  Send operator()(U&& value, std::source_location where = std::source_location::current()) {
    return fiber_.yield(std::forward<U>(value), where);
  }

 private:
  bridge_detail::AsyncGeneratorFiber<Yield, Send>& fiber_;
};

namespace bridge_detail {

/// The fiber of one call: the function and its arguments live on its stack, beside it.
template <class Yield, class Send, class F, class... Args>
class AsyncCallFiber final : public AsyncGeneratorFiber<Yield, Send> {
 public:
  template <class G, class... Values>
  AsyncCallFiber(const std::source_location& made, G&& function, Values&&... values)
      : AsyncGeneratorFiber<Yield, Send>(made),
        call_(std::in_place, std::forward<G>(function), std::forward<Values>(values)...) {}

  std::string_view label() const noexcept override { return FiberLabel<OfAsyncGenerator, F>::value; }

  void run() noexcept {
    AsyncYielder<Yield, Send> yield(*this);
    try {
      std::apply([&](F& function, Args&... args) { std::invoke(function, yield, std::move(args)...); }, *call_);
      this->succeed();
    } catch (...) {
      this->fail(std::current_exception());
    }
    call_.reset();
    this->continue_delegator();
  }

 private:
  std::optional<std::tuple<F, Args...>> call_;
};

}  // namespace bridge_detail

/// A function of async generators: a call copies the function and its arguments into a new one.
template <class Yield, class Send, class F>
class AsyncGeneratorFunction {
 public:
  AsyncGeneratorFunction(F function, legacy::StackSize stack_size, const std::source_location& made)
      : function_(std::move(function)), stack_size_(stack_size), made_(made) {}

  template <class... Args>
    requires std::invocable<F&, AsyncYielder<Yield, Send>&, std::decay_t<Args>...>
  modern::AsyncGenerator<Yield, Send> operator()(Args&&... args) const {
    using Call = bridge_detail::AsyncCallFiber<Yield, Send, F, std::decay_t<Args>...>;
    auto& fiber = *legacy::make_fiber<Call>(stack_size_, made_, function_, std::forward<Args>(args)...);
    return modern::AsyncGenerator<Yield, Send>(modern::Ref<modern::AsyncGeneratorBody<Yield, Send>>(&fiber));
  }
  template <class... Args>
    requires(!std::invocable<F&, AsyncYielder<Yield, Send>&, std::decay_t<Args>...>)
  __attribute__((
      unavailable("an async generator's body takes what it yields by, auto& yield, and copies of its arguments, moved: "
                  "std::ref(x) for a parameter that is a reference"))) modern::Refused
  operator()(Args&&...) const;

 private:
  F function_;
  legacy::StackSize stack_size_;
  std::source_location made_;
};

/// Makes a function of async generators of a plain one, whose first parameter is an AsyncYielder&. `stack_size` is what
/// its frames and all that they call may use (legacy::StackSize).
template <class Yield, class Send = void, class F>
AsyncGeneratorFunction<Yield, Send, std::decay_t<F>> async_generator(
    F&& function, legacy::StackSize stack_size = {}, std::source_location made = std::source_location::current()) {
  return {std::forward<F>(function), stack_size, made};
}

}  // namespace segue::bridge
