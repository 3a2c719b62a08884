// What a report shows of an exception (CPython: traceback.format_exception()): it, and what led to it.
//
//   ValueError: bad value: 7
//
//   During handling of the above exception, another exception occurred:
//
//   RuntimeError: no
#pragma once

#include <exception>
#include <string>
#include <unordered_set>
#include <vector>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>

namespace segue {

/// The exception's class and text, with its notes, below those of its cause, or else, where that is not suppressed, of
/// its context, and so on, each once, with Python's words between them.
inline std::string format_exception(const std::exception_ptr& error) {
  struct Link {
    const std::exception_ptr* error;
    const char* joint;  // between it and what it led to
  };
  std::vector<Link> history{{&error, ""}};
  std::unordered_set<const void*> seen{exception_id(error)};
  const auto shows = [&](const std::exception_ptr& earlier, const char* joint) {
    if (!earlier || !seen.insert(exception_id(earlier)).second) return false;
    history.push_back({&earlier, joint});
    return true;
  };
  for (bool more = true; more;) {
    const auto* const raised = exception_ptr_cast<const BaseException>(*history.back().error);
    more = raised != nullptr &&
           (shows(raised->cause(), "\n\nThe above exception was the direct cause of the following exception:\n\n") ||
            (!raised->suppress_context() &&
             shows(raised->context(), "\n\nDuring handling of the above exception, another exception occurred:\n\n")));
  }
  std::string text;
  for (auto link = history.rbegin(); link != history.rend(); ++link) {
    const ExceptionText shown = describe(*link->error);
    text += shown.type + (shown.message.empty() ? "" : ": " + shown.message);
    if (const auto* const raised = exception_ptr_cast<const BaseException>(*link->error)) {
      for (const std::string& note : raised->notes()) text += "\n" + note;
    }
    text += link->joint;
  }
  return text;
}

}  // namespace segue
