// The errors of callback APIs as exceptions: whatever such an API says "it failed" with becomes something to catch.
//
// An error type of one's own is given its exception by a specialisation of error_traits:
//
//   template <>
//   struct segue::bridge::error_traits<db_status> {
//     static std::exception_ptr to_exception(db_status status);  // null: no error
//   };
#pragma once

#include <concepts>
#include <cstdlib>
#include <exception>
#include <limits>
#include <memory>
#include <string>
#include <system_error>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/os_error.hpp>
#include <segue/type_name.hpp>

namespace segue::bridge {

/// To be specialised for error types of one's own: `static std::exception_ptr to_exception(const Error&)`, null where
/// it is no error.
template <class Error>
struct error_traits {};

/// What to_exception() takes for an error.
template <class Error>
concept CallbackError = requires(const Error& error) { error_traits<Error>::to_exception(error); } ||
                        std::derived_from<Error, BaseException> || std::derived_from<Error, std::exception> ||
                        requires(const Error& error) { std::error_code(error); } ||
                        std::convertible_to<const Error&, std::string> || std::constructible_from<bool, const Error&>;

namespace bridge_detail {

template <class Error>
std::exception_ptr whole(const Error& error) {
  if (std::exception_ptr whole = segue_detail::whole_exception(error)) return whole;
  return std::make_exception_ptr(RuntimeError("callback reported " + type_name(typeid(error)) + ": " + error.what()));
}

}  // namespace bridge_detail

/// The exception that stands for an error; null where it is none. In this order:
///   - what error_traits says of its type;
///   - an exception_ptr: itself; an exception object: that;
///     where it was given as an object of one of its bases, and is not being handled, RuntimeError with its text;
///   - an error code of the system: OSError, or the class of it that Python has for the number (TimeoutError for
///     ETIMEDOUT); one of another category: std::system_error;
///   - bool: RuntimeError where true; another integer: the OSError of that errno, be it positive or negative; 0: none;
///   - a text: RuntimeError with it; an empty one, or a null pointer, is none;
///   - anything else that tests as true: itself; RuntimeError with its type where it cannot be copied.
template <CallbackError Error>
std::exception_ptr to_exception(const Error& error) {
  if constexpr (requires { error_traits<Error>::to_exception(error); }) {
    return error_traits<Error>::to_exception(error);
  } else if constexpr (std::same_as<Error, std::exception_ptr>) {
    return error;
  } else if constexpr (std::derived_from<Error, BaseException> || std::derived_from<Error, std::exception>) {
    return bridge_detail::whole(error);
  } else if constexpr (std::same_as<Error, bool>) {
    return error ? std::make_exception_ptr(RuntimeError("callback reported a failure")) : nullptr;
  } else if constexpr (std::integral<Error>) {
    const auto number = +error;  // of a character, too
    if (number == 0) return nullptr;
    if (!std::in_range<int>(number) || std::cmp_equal(number, std::numeric_limits<int>::min()))
      return std::make_exception_ptr(RuntimeError("callback reported error " + std::to_string(number)));
    return make_os_error(std::abs(static_cast<int>(number)));
  } else if constexpr (requires { std::error_code(error); }) {
    const std::error_code code(error);
    if (!code) return nullptr;
    if (code.category() == std::system_category() || code.category() == std::generic_category())
      return make_os_error(code.value(), code.message());
    return std::make_exception_ptr(std::system_error(code));
  } else if constexpr (std::convertible_to<const Error&, const char*>) {
    const char* const text = error;
    return text != nullptr && *text != '\0' ? std::make_exception_ptr(RuntimeError(text)) : nullptr;
  } else if constexpr (std::convertible_to<const Error&, std::string>) {
    std::string text = error;
    return text.empty() ? nullptr : std::make_exception_ptr(RuntimeError(std::move(text)));
  } else {
    if (!static_cast<bool>(error)) return nullptr;
    if constexpr (std::copy_constructible<Error>) {
      return std::make_exception_ptr(error);
    } else {
      return std::make_exception_ptr(RuntimeError("callback reported " + type_name(typeid(Error))));
    }
  }
}

/// The same for who has said that it is an error: never null.
template <CallbackError Error = std::exception_ptr>
std::exception_ptr to_failure(const Error& error = {}) {
  std::exception_ptr exception = to_exception(error);
  if (!exception) exception = std::make_exception_ptr(RuntimeError("callback reported a failure without an error"));
  return exception;
}

}  // namespace segue::bridge
