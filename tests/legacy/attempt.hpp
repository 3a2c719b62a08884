// The result of an expression as a line of text, as Python's interpreter would put it: `7`, `ValueError(bad)`,
// `StopIteration(None)`.
#pragma once

#include <optional>
#include <sstream>
#include <string>
#include <type_traits>

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

}  // namespace segue::legacy::testing
