// Which of the values that can be sent is Python's None: the one that next() stands for.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <variant>

#include <segue/outcome.hpp>

namespace segue::legacy::legacy_detail {

template <class T>
inline constexpr bool is_variant_with_none = false;
template <class... Ts>
inline constexpr bool is_variant_with_none<std::variant<std::monostate, Ts...>> = true;

// `value == nullptr` is not enough to tell: with a string_view it compiles, and reads from the null pointer.
template <class T>
concept Nullable =
    std::is_assignable_v<T&, std::nullptr_t> && std::constructible_from<bool, const T&> && requires(const T& value) {
      { value == nullptr } -> std::convertible_to<bool>;
    };

// Not what has_value() alone tells: that of a result is false where it holds an error, which has to arrive.
template <class T>
concept Emptiable = requires(T& object, const T& value) {
  { value.has_value() } -> std::convertible_to<bool>;
  object.reset();
};

/// An empty optional, any, pointer or function, a monostate, None; no other type has a None.
template <class T>
bool is_none(const T& value) {
  if constexpr (std::same_as<T, None> || std::same_as<T, std::monostate> || std::is_null_pointer_v<T>) {
    return true;
  } else if constexpr (is_variant_with_none<T>) {
    return value.index() == 0;
  } else if constexpr (Emptiable<T>) {
    return !value.has_value();
  } else if constexpr (Nullable<T>) {
    return value == nullptr;
  } else {
    return false;
  }
}

}  // namespace segue::legacy::legacy_detail
