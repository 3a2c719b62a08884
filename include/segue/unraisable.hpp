// Where errors go that nobody can be told of: those of a generator or a coroutine that is closed by its destructor.
#pragma once

#include <cstdio>
#include <exception>
#include <functional>
#include <new>
#include <string>
#include <utility>

#include <segue/format_exception.hpp>
#include <segue/hook.hpp>

namespace segue {

/// An error that could not be raised, and the object that it came from, as text.
struct Unraisable {
  std::exception_ptr exception;  ///< for describe() or std::rethrow_exception()
  std::string object;            ///< what it came from, as Python's `repr` would put it
};

/// Is called in the thread in which the error came up, and must not throw; an empty one stands for the default. What it
/// is given is the caller's, valid until it returns; the exception may be kept by a copy of its pointer.
using UnraisableHook = std::function<void(const Unraisable&)>;

namespace segue_detail {

inline constinit Hook<void(const Unraisable&)> unraisable_hook;

inline void print(const Unraisable& unraisable) {
  const std::string line =
      "Exception ignored in: " + unraisable.object + "\n" + format_exception(unraisable.exception) + "\n";
  std::fputs(line.c_str(), stderr);
}

}  // namespace segue_detail

/// Python's `sys.unraisablehook`: installs `hook` for the whole process and gives the one before. An empty hook is the
/// default, which prints "Exception ignored in: …" to stderr. A hook that throws ends the program; it may be called in
/// any thread, in several at once. Throws std::bad_alloc.
inline UnraisableHook set_unraisable_hook(UnraisableHook hook) {
  return segue_detail::unraisable_hook.exchange(std::move(hook));
}

/// Hands an error to the hook; `object` is the text for what it came from.
inline void report_unraisable(std::exception_ptr exception, std::string object) noexcept {
  const Unraisable unraisable{std::move(exception), std::move(object)};
  if (segue_detail::unraisable_hook.call(unraisable)) return;
  try {
    segue_detail::print(unraisable);
  } catch (const std::bad_alloc&) {
    std::fputs("Exception ignored: there is no memory to say which\n", stderr);
  }
}

}  // namespace segue
