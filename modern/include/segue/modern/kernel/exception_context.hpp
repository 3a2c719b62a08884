// What a loop's exception handler is told about an error that has no caller to go to (CPython: the `context` of
// loop.call_exception_handler()).
#pragma once

#include <exception>
#include <map>
#include <string>
#include <vector>

namespace segue::modern {

/// Empty fields are absent, as absent keys are in Python.
struct ExceptionContext {
  std::string message = {};
  std::exception_ptr exception = {};
  std::string future = {};
  std::string task = {};
  std::string handle = {};
  /// Where the object was made, as file:line.
  std::string source = {};
  /// In debug mode: the calls that led to where it was made, or a callback given to the loop (kernel/origin.hpp).
  std::string source_traceback = {};
  /// Those of the callback that runs: the default handler adds them where there are no others.
  std::string handle_traceback = {};
  /// Keys of one's own, with the texts of their values.
  std::map<std::string, std::string> more = {};

  /// The names of what is present, sorted.
  std::vector<std::string> keys() const;
};

/// The context as the default handler logs it: the message, then a line per field.
std::string to_string(const ExceptionContext& context);

}  // namespace segue::modern
