// Callable: what a user gave to be called, as messages tell of it. Its type is known to all; of a function, a member
// function, and what has one operator(), so is where its code begins, for which debug mode finds name and line.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <typeinfo>

namespace segue::modern {

struct Callable {
  const std::type_info* type;
  void* code = nullptr;  ///< null where that is unknown
};

namespace detail {

/// As the Itanium C++ ABI has it: null of a virtual function.
template <class Member>
void* code_of_member(Member member) noexcept {
  std::array<std::uintptr_t, 2> words{};
  static_assert(sizeof(member) == sizeof(words));
  std::memcpy(words.data(), &member, sizeof(words));
#if defined(__aarch64__)
  const bool is_virtual = (words[1] & 1U) != 0;
#else
  const bool is_virtual = (words[0] & 1U) != 0;
#endif
  return is_virtual ? nullptr : reinterpret_cast<void*>(words[0]);
}

}  // namespace detail

/// Of a callable, or of one of type F that is no longer there.
template <class F>
Callable callable_of(const F* callable) noexcept {
  Callable found{&typeid(F)};
  if constexpr (std::is_function_v<std::remove_pointer_t<F>>) {
    if (callable != nullptr) found.code = reinterpret_cast<void*>(*callable);
  } else if constexpr (std::is_member_function_pointer_v<F>) {
    if (callable != nullptr && *callable != nullptr) found.code = detail::code_of_member(*callable);
  } else if constexpr (requires { &F::operator(); }) {
    if constexpr (std::is_member_function_pointer_v<decltype(&F::operator())>)
      found.code = detail::code_of_member(&F::operator());
  }
  return found;
}

}  // namespace segue::modern
