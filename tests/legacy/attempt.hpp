// The result of an expression as a line of text, as Python's interpreter would put it: `7`, `ValueError(bad)`,
// `StopIteration(None)`.
#pragma once

#include <exception>
#include <optional>
#include <sstream>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/outcome.hpp>

namespace segue::legacy::testing {

template <class T>
std::string text(const T& value) {
  if constexpr (requires { value.has_value(); }) {
    return value.has_value() ? text(*value) : "None";
  } else if constexpr (std::is_same_v<T, None>) {
    return "None";
  } else if constexpr (std::is_same_v<T, bool>) {
    return value ? "True" : "False";
  } else if constexpr (requires { value.value; }) {
    return "StopIteration(" + text(value.value) + ")";
  } else if constexpr (requires { std::tuple_size<T>::value; }) {
    return "(" + text(std::get<0>(value)) + ",)";
  } else {
    std::ostringstream out;
    out << value;
    return out.str();
  }
}

/// What `call` gives or raises. `Result` is what the StopIteration of a generator carries.
template <class Result = int, class Call>
std::string attempt(Call call) {
  try {
    if constexpr (std::is_void_v<decltype(call())>) {
      call();
      return "None";
    } else {
      return text(call());
    }
  } catch (const StopIteration<Result>& stop) {
    if constexpr (std::is_void_v<Result>) {
      return "StopIteration(None)";
    } else {
      return "StopIteration(" + text(stop.value) + ")";
    }
  } catch (const StopIterationBase&) {
    return "StopIteration(None)";
  } catch (...) {
    const ExceptionText text = describe(std::current_exception());
    return text.type + "(" + text.message + ")";
  }
}

/// What `call` raises; null when it raises nothing.
template <class Call>
std::exception_ptr raised(Call call) {
  try {
    call();
    return nullptr;
  } catch (...) {
    return std::current_exception();
  }
}

/// An exception and those that it was raised in the context of: `ValueError('b') < KeyError('a')`.
inline std::string with_contexts(const std::exception_ptr& error) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (const BaseException& e) {
    if (e.context()) return describe(error).repr() + " < " + with_contexts(e.context());
  } catch (...) {
  }
  return error ? describe(error).repr() : "None";
}

/// Calls `check` with a number, a tuple and a StopIteration: a generator may be sent, and may return, anything, be it
/// what ends an iteration.
template <class Check>
void for_any_value(Check check) {
  check(1);
  check(std::tuple(2));
  check(StopIteration<int>(3));
}

}  // namespace segue::legacy::testing
