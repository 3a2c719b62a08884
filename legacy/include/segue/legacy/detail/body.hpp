// A generator's control block: its frame, what its body returned, and the body itself with its arguments.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/legacy/detail/generator_frame.hpp>
#include <segue/outcome.hpp>
#include <segue/type_name.hpp>

namespace segue::legacy::legacy_detail {

template <class Return>
class ResultFrame : public GeneratorFrame {
 public:
  using GeneratorFrame::GeneratorFrame;
  // What the body returned, until somebody takes it.
  Outcome<Return> result_;
};

template <class Yielder, class Return, class Function, class... Args>
class Body final : public ResultFrame<Return> {
 public:
  template <class... Initials>
  Body(GeneratorFrame** handle, std::string_view name, const Origin& origin, Initials&&... initials)
      : ResultFrame<Return>(handle, name, origin), parts_(std::forward<Initials>(initials)...) {}

  ~Body() override {
    if (!this->started()) destroy_body();
  }

  void run() noexcept {
    try {
      call_body();
    } catch (const GeneratorExit&) {
      this->ended_by_exit();
    } catch (const StopIterationBase&) {
      this->ended_by_stop_iteration();
    } catch (...) {
      this->ended_by_error();
    }
    destroy_body();
  }

 private:
  // Not inlined, so that what the body keeps on the stack lies in frames apart from run()'s, whose handlers are ours
  // (unwinding.hpp). It is left by an exception or by finish(), never by a return, which would be mispredicted after a
  // switch of stacks (fiber.hpp).
  [[gnu::noinline]] void call_body() {
    this->body_return_ = __builtin_return_address(0);
    Yielder yielder(*this);
    const auto call = [&yielder](Function& function, Args&... args) -> Return {
      return std::invoke(std::move(function), yielder, std::move(args)...);
    };
    if constexpr (std::is_void_v<Return>) {
      std::apply(call, parts_);
    } else {
      this->result_.set_value(std::apply(call, parts_));
    }
    this->ending_ = GeneratorFrame::Ending::returned;
    destroy_body();
    this->finish();
  }

  std::string body_name() const override { return type_name(typeid(Function)); }
  void destroy_body() noexcept override {
    if constexpr (!std::is_trivially_destructible_v<decltype(parts_)>) {
      const Nesting deeper(Nesting::this_one);
      std::destroy_at(&parts_);
    }
  }

  // In a union, so that destroy_body() can end it, and all that the body holds, while this block lives on.
  union {
    std::tuple<Function, Args...> parts_;
  };
};

template <class Yielder, class Return, class Function, class... Args>
consteval bool check_body() {
  if constexpr (!std::is_invocable_v<Function, Yielder&, Args...> &&
                std::is_invocable_v<Function, Yielder&, Args&...>) {
    static_assert(
        std::is_invocable_v<Function, Yielder&, Args...>,
        "a generator's body is called with copies of its arguments, moved: std::ref(x) for a parameter that is "
        "a reference");
    return false;
  } else if constexpr (!std::is_invocable_v<Function, Yielder&, Args...>) {
    static_assert(
        std::is_invocable_v<Function, Yielder&, Args...>,
        "a generator's body is called as `Return body(Yielder<Yield, Send>& yield, args...)`, with all of its "
        "arguments where it is a function: a pointer to one has no default arguments");
    return false;
  } else if constexpr (std::is_void_v<Return>) {
    using Returned = std::invoke_result_t<Function, Yielder&, Args...>;
    static_assert(std::is_void_v<Returned>,
                  "a generator's body returns nothing when the generator's third template argument, `Return`, is void");
    return std::is_void_v<Returned>;
  } else if constexpr (!std::is_invocable_r_v<Return, Function, Yielder&, Args...>) {
    static_assert(std::is_invocable_r_v<Return, Function, Yielder&, Args...>,
                  "a generator's body returns what converts to the generator's third template argument, `Return`");
    return false;
  } else if constexpr (std::is_reference_v<Return>) {
    using Returned = std::invoke_result_t<Function, Yielder&, Args...>;
    constexpr bool refers = std::is_reference_v<Returned> &&
                            std::is_convertible_v<std::remove_reference_t<Returned>*, std::remove_reference_t<Return>*>;
    static_assert(
        refers,
        "a generator's body returns a reference when the generator's third template argument, `Return`, is one");
    return refers;
  } else {
    return true;
  }
}

/// A parameter for a `T` that may be void.
template <class T>
using parameter_t = std::conditional_t<std::is_void_v<T>, std::nullptr_t, T>;

/// A guard: frees a finished generator at the end of the scope, when its outcome has been taken.
class Freed {
 public:
  explicit Freed(GeneratorFrame& frame) noexcept : frame_(frame) {}
  Freed(const Freed&) = delete;
  ~Freed() {
    if (frame_.handle_ != nullptr) *frame_.handle_ = nullptr;
    frame_.destroy();
  }

 private:
  GeneratorFrame& frame_;
};

/// A guard: at the end of the scope, when what was yielded last has been taken, closes a generator whose owner went
/// while it ran.
class AbandonedIfOrphan {
 public:
  explicit AbandonedIfOrphan(GeneratorFrame& frame) noexcept : frame_(frame) {}
  AbandonedIfOrphan(const AbandonedIfOrphan&) = delete;
  ~AbandonedIfOrphan() {
    if (frame_.handle_ == nullptr) frame_.abandon();
  }

 private:
  GeneratorFrame& frame_;
};

/// The address of a value that is handed across a switch of stacks, be it `const` or not.
template <class T>
void* address_of(T& value) noexcept {
  return const_cast<void*>(static_cast<const volatile void*>(std::addressof(value)));
}

/// The value at an address that address_of() gave, moved out.
template <class T>
[[gnu::always_inline]] inline T taken([[maybe_unused]] void* address) {
  if constexpr (!std::is_void_v<T>) return static_cast<T&&>(*static_cast<std::remove_reference_t<T>*>(address));
}

[[noreturn]] void refuse_first_send();
[[noreturn]] void refuse_ignored_exit();
/// For next() where `Send` has no default, and so no None: it can start the generator, but not resume it. TypeError.
void check_started_for_next(const GeneratorFrame& frame);

/// Closes a generator from its `leaf` up. RuntimeError when it yields again; it remains suspended then.
inline void close_from(GeneratorFrame& frame, GeneratorFrame* leaf) {
  frame.leaf_ = nullptr;
  if (GeneratorFrame* const tip = frame.close(leaf)) {
    frame.leaf_ = tip;
    const AbandonedIfOrphan abandoned(frame);
    refuse_ignored_exit();
  }
}

}  // namespace segue::legacy::legacy_detail
