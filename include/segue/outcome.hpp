// What a finished computation left behind: a value or an exception. Empty until then.
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

namespace segue {

/// `void` as a value: what a container of results holds for a computation that returns nothing (Python's None).
struct None {
  friend bool operator==(None, None) { return true; }
};

/// The type in which a `T` is kept: `None` for void, a reference wrapper for references.
template <class T>
using stored_t =
    std::conditional_t<std::is_void_v<T>, None,
                       std::conditional_t<std::is_reference_v<T>, std::reference_wrapper<std::remove_reference_t<T>>,
                                          std::remove_const_t<T>>>;

/// A value of type `T` (void and references included), an exception, or nothing yet.
template <class T>
class Outcome {
 public:
  using Stored = stored_t<T>;

  Outcome() noexcept = default;

  bool empty() const noexcept { return state_.index() == 0; }
  bool has_value() const noexcept { return state_.index() == 1; }
  bool has_exception() const noexcept { return state_.index() == 2; }

  template <class... Args>
  void set_value(Args&&... args) {
    state_.template emplace<1>(std::forward<Args>(args)...);
  }
  void set_exception(std::exception_ptr error) noexcept { state_.template emplace<2>(std::move(error)); }
  void reset() noexcept { state_.template emplace<0>(); }

  /// The exception, or null where there is none.
  std::exception_ptr exception() const noexcept { return has_exception() ? std::get<2>(state_) : nullptr; }

  /// The stored value. Requires has_value().
  Stored& stored() noexcept { return *std::get_if<1>(&state_); }
  const Stored& stored() const noexcept { return *std::get_if<1>(&state_); }

  /// The value, moved out; rethrows the exception. Requires that it is not empty.
  [[gnu::always_inline]] T take() {
    if (has_exception()) std::rethrow_exception(std::get<2>(state_));
    if constexpr (std::is_reference_v<T>) {
      return static_cast<T>(stored().get());
    } else if constexpr (!std::is_void_v<T>) {
      return std::move(stored());
    }
  }

 private:
  std::variant<std::monostate, Stored, std::exception_ptr> state_;
};

}  // namespace segue
