// A bare yield: gives control, and any value, to whoever drives the coroutine (what `yield` in a generator-based
// coroutine does). A task takes nothing but a plain `co_await yield_()`, one iteration of the loop; a driver written by
// hand takes whatever it and its coroutines agree on.
//
//   std::any answer = co_await yield_(std::string("question"));
#pragma once

#include <any>
#include <concepts>
#include <string>
#include <type_traits>
#include <utility>

#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/tasks/future.hpp>

namespace segue::modern {

class [[nodiscard("co_await it")]] Yield {
 public:
  Yield() noexcept = default;
  explicit Yield(std::any value) noexcept : value_(std::move(value)) {}
  /// A future that is yielded, not awaited: a task refuses it.
  explicit Yield(const AnyFuture& future) : future_(future.state()) {}
  /// A generator, for which `yield from` was meant: a task refuses it, and says so.
  static Yield of_generator(std::any description) {
    Yield made(std::move(description));
    made.generator_ = true;
    return made;
  }

  bool await_ready() const noexcept { return false; }
  void await_suspend(Resumable leaf) {
    Driver::require_current().suspend(leaf, {.future = future_.get(),
                                             .value = value_.has_value() ? &value_ : nullptr,
                                             .blocking = false,
                                             .generator = generator_});
  }
  /// What the driver sent; empty for None. Throws what the driver throws in.
  std::any await_resume() {
    Driver& driver = *Driver::current();
    driver.throw_injected();
    return driver.take_sent();
  }

 private:
  std::any value_;
  Ref<FutureCore> future_;
  bool generator_ = false;
};

/// The type of yield_. That is an object, so that argument-dependent lookup does not add it to calls of bridge's
/// yield_().
struct MakeYield {
  Yield operator()() const noexcept { return Yield(); }
  template <class Value>
  Yield operator()(Value&& value) const {
    if constexpr (std::derived_from<std::remove_cvref_t<Value>, AnyFuture>) {
      return Yield(static_cast<const AnyFuture&>(value));
    } else if constexpr (std::is_array_v<std::remove_cvref_t<Value>> && std::convertible_to<Value, std::string>) {
      return Yield(std::any(std::string(value)));  // a string literal
    } else {
      return Yield(std::any(std::forward<Value>(value)));
    }
  }
};
inline constexpr MakeYield yield_;

}  // namespace segue::modern
