// What a report shows of an exception (CPython: traceback.format_exception()): it, and what led to it.
//
//   ValueError: bad value: 7
//
//   During handling of the above exception, another exception occurred:
//
//   RuntimeError: no
#pragma once

#include <bit>
#include <exception>
#include <string>
#include <vector>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>

namespace segue {

/// The exception's class and text, below those of its cause, or else, where that is not suppressed, of its context, and
/// so on, with Python's words between them.
inline std::string format_exception(const std::exception_ptr& error) {
  struct Link {
    const std::exception_ptr* error;
    const char* joint;  // between it and what it led to
  };
  std::vector<Link> history;
  const std::exception_ptr* mark =
      nullptr;  // the latest at a power of two: a history that is a circle comes back to it
  const std::exception_ptr* each = &error;
  const char* joint = "";
  while (each != nullptr && (mark == nullptr || *each != *mark)) {
    history.push_back({each, joint});
    if (std::has_single_bit(history.size())) mark = each;
    const auto* const raised = exception_ptr_cast<const BaseException>(*each);
    each = nullptr;
    if (raised == nullptr) continue;
    if (raised->cause()) {
      each = &raised->cause();
      joint = "\n\nThe above exception was the direct cause of the following exception:\n\n";
    } else if (raised->context() && !raised->suppress_context()) {
      each = &raised->context();
      joint = "\n\nDuring handling of the above exception, another exception occurred:\n\n";
    }
  }
  std::string text;
  for (auto link = history.rbegin(); link != history.rend(); ++link) {
    const ExceptionText shown = describe(*link->error);
    text += shown.type + (shown.message.empty() ? "" : ": " + shown.message) + link->joint;
  }
  return text;
}

}  // namespace segue
