// Asking an exception_ptr what it holds, without throwing it.
//
//   if (const auto* error = exception_ptr_cast<OSError>(failure)) retry = error->errno_code() == EAGAIN;
//   if (holds<CancelledError>(failure)) return;
//
// C++20 can only rethrow an exception to learn what it is, which takes a thousand times as long as looking. C++26 has
// std::exception_ptr_cast for it (P2927), which a standard library builds on what its `catch` uses. So does this file,
// the only one that knows how libstdc++ keeps an exception.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/type_name.hpp>

#if !defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

namespace segue {

namespace segue_detail {

/// The exception object, of whatever class; null where there is none.
inline void* exception_object(const std::exception_ptr& error) noexcept {
  // All that an exception_ptr has is a pointer to the exception object.
  static_assert(sizeof(std::exception_ptr) == sizeof(void*));
  void* object = nullptr;
  // NOLINTNEXTLINE(bugprone-undefined-memory-manipulation, bugprone-multi-level-implicit-pointer-conversion): see above
  std::memcpy(&object, &error, sizeof object);
  return object;
}

#if defined(__GLIBCXX__)

/// The class of the exception. Requires that there is one.
inline const std::type_info& exception_type(const std::exception_ptr& error) noexcept {
  return *error.__cxa_exception_type();
}

/// What `catch (type&)` would get of the exception, bases looked through and the pointer adjusted; null where it would
/// not catch it. Requires that there is an exception, and that `type` is no pointer's.
inline void* caught_as(const std::type_info& type, const std::exception_ptr& error) noexcept {
  void* object = exception_object(error);
  constexpr unsigned not_below_a_pointer = 1;
  return type.__do_catch(&exception_type(error), &object, not_below_a_pointer) ? object : nullptr;
}

template <class E>
E* find_exception(const std::exception_ptr& error) noexcept {
  return static_cast<E*>(caught_as(typeid(E), error));
}

#else  // the Itanium C++ ABI with another library: rethrowing gives the object itself, not a copy

inline const std::type_info& exception_type(const std::exception_ptr& error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (...) {
    return *abi::__cxa_current_exception_type();
  }
}

template <class E>
E* find_exception(const std::exception_ptr& error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (E& found) {
    return std::addressof(found);
  } catch (...) {
    return nullptr;
  }
}

#endif

template <class E>
class ExceptionPtrCast {
  static_assert(std::is_object_v<E> && !std::is_array_v<E> && !std::is_pointer_v<E> && !std::is_member_pointer_v<E>,
                "a class is asked for, or another type that is no pointer");

 public:
  E* operator()(const std::exception_ptr& error) const noexcept { return error ? find_exception<E>(error) : nullptr; }
  void operator()(const std::exception_ptr&&) const = delete;  // the exception would go with the temporary
};

}  // namespace segue_detail

/// The exception that `error` points to, where `catch (E&)` would catch it; else null, as for a null pointer. It lives
/// as long as `error`. As C++26's std::exception_ptr_cast; an object, so that argument-dependent lookup does not add
/// that one to a call.
template <class E>
inline constexpr segue_detail::ExceptionPtrCast<E> exception_ptr_cast{};

/// Whether `error` holds an exception of class `E` or of one derived from it.
template <class E>
bool holds(const std::exception_ptr& error) noexcept {
  return exception_ptr_cast<const E>(error) != nullptr;
}

namespace segue_detail {

/// `error` in an exception_ptr, with the class that it has: a copy or, where it is known by a base of that alone, the
/// exception that is being handled, as in `catch (const std::exception& error) { future.set_exception(error); }`. Null
/// where that is another one: a copy would be cut down to the base.
template <class E>
std::exception_ptr whole_exception(E&& error) {
  using Kept = std::decay_t<E>;
  if constexpr (std::is_polymorphic_v<Kept>) {
    if (typeid(error) != typeid(Kept)) {
      std::exception_ptr handled = std::current_exception();
      return exception_ptr_cast<const Kept>(handled) == std::addressof(error) ? handled : nullptr;
    }
  }
  if constexpr (std::is_abstract_v<Kept>)
    return nullptr;  // there is none
  else
    return std::make_exception_ptr<Kept>(std::forward<E>(error));
}

/// The same for a function of this name, which refuses such an exception: TypeError.
template <class E>
std::exception_ptr whole_exception(const char* function, E&& error) {
  std::exception_ptr whole = whole_exception(std::forward<E>(error));
  if (whole) [[likely]]
    return whole;
  throw TypeError(std::string(function) + "() got a " + type_name(typeid(error)) + " as a " +
                  type_name(typeid(std::decay_t<E>)) + ": give it an exception_ptr");
}

}  // namespace segue_detail

/// Whether `error` asks the program to end (KeyboardInterrupt, SystemExit). Where asyncio catches and reports other
/// exceptions, it lets these pass.
inline bool ends_program(const std::exception_ptr& error) noexcept {
  return holds<KeyboardInterrupt>(error) || holds<SystemExit>(error);
}

/// What tells the exception from all others that exist; null where there is none. CPython: id().
inline const void* exception_id(const std::exception_ptr& error) noexcept {
  return segue_detail::exception_object(error);
}

/// The first one among `error`, its context, the context of that and so on, for which `matches(each)` is true; null
/// where there is none. A history that leads back into itself has an end, too: some of its exceptions are asked again.
template <std::predicate<const std::exception_ptr&> Predicate>
const std::exception_ptr* find_in_history(const std::exception_ptr& error, Predicate matches) {
  const std::exception_ptr* met = &error;  // the one that is waited for to come again (Brent's algorithm)
  std::size_t steps = 0;
  std::size_t most = 1;
  for (const std::exception_ptr* each = &error; *each;) {
    if (matches(*each)) return each;
    const auto* const raised = exception_ptr_cast<const BaseException>(*each);
    if (raised == nullptr) break;
    each = &raised->context();
    if (*each == *met) break;
    if (++steps < most) continue;
    met = each;
    steps = 0;
    most *= 2;
  }
  return nullptr;
}

/// What raising `error` does in Python while `handled` is being handled: `handled` becomes the context of `error`,
/// unless `error` has one. Where `handled` has `error` in its history, that ends before it.
inline void chain_context(const std::exception_ptr& error, const std::exception_ptr& handled) noexcept {
  auto* const raised = exception_ptr_cast<BaseException>(error);
  if (raised == nullptr || raised->context() || error == handled) return;
  const auto follows_error = [&error](const std::exception_ptr& each) {
    const auto* const one = exception_ptr_cast<const BaseException>(each);
    return one != nullptr && one->context() == error;
  };
  if (const std::exception_ptr* const last = find_in_history(handled, follows_error))
    exception_ptr_cast<BaseException>(*last)->set_context(nullptr);
  raised->set_context(handled);
}

/// What having raised `error` while `handled` was being handled does: `handled` becomes the context of the oldest one
/// in the history of `error`, unless both have an older one in common.
inline void chain_history(const std::exception_ptr& error, const std::exception_ptr& handled) noexcept {
  const auto is_oldest = [](const std::exception_ptr& each) {
    const auto* const raised = exception_ptr_cast<const BaseException>(each);
    return raised == nullptr || !raised->context();
  };
  const std::exception_ptr* const oldest = find_in_history(error, is_oldest);
  if (oldest == nullptr) return;
  const auto is_common = [oldest](const std::exception_ptr& each) { return each == *oldest; };
  if (oldest != &error && find_in_history(handled, is_common) != nullptr) return;
  chain_context(*oldest, handled);
}

/// For whoever is given an exception to raise: TypeError where it is null.
inline void check_exception(const std::exception_ptr& error) {
  if (!error) throw TypeError("exceptions must be classes or instances deriving from BaseException, not NoneType");
}

/// The class and the text of any exception, std::exception's or not: `ValueError` and `bad value: 7`.
struct ExceptionText {
  std::string type;
  std::string message;
  /// Python's `repr(e)` of an exception that carries a text alone: `ValueError('bad value: 7')`.
  std::string repr() const { return type + "(" + (message.empty() ? "" : segue_detail::quoted(message)) + ")"; }
};

inline ExceptionText describe(const std::exception_ptr& error) {
  if (!error) return {"NoneType", "None"};
  const char* message = "";
  if (const auto* raised = exception_ptr_cast<const BaseException>(error)) {
    message = raised->what();
  } else if (const auto* foreign = exception_ptr_cast<const std::exception>(error)) {
    message = foreign->what();
  }
  return {type_name(segue_detail::exception_type(error)), message};
}

/// Python's `repr(e)`, of any exception: `FileNotFoundError(2, 'No such file or directory')`.
inline std::string exception_repr(const std::exception_ptr& error) {
  const auto* const raised = exception_ptr_cast<const BaseException>(error);
  return raised == nullptr ? describe(error).repr()
                           : type_name(segue_detail::exception_type(error)) + "(" + raised->args_repr() + ")";
}

}  // namespace segue
