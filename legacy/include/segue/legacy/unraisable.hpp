// Where errors go that nobody can be told of: those of a generator that is closed by its destructor.
#pragma once

#include <exception>
#include <functional>
#include <string>

namespace segue::legacy {

/// An error that could not be raised, and the object that it came from, as text.
struct Unraisable {
  std::exception_ptr exception;  ///< for describe() or std::rethrow_exception()
  std::string object;            ///< what it came from, as Python's `repr` would put it
};

/// Is called in the thread in which the error came up, and must not throw; empty for the one to start with. What it is
/// given is the caller's, valid until it returns; the exception may be kept by a copy of its pointer.
using UnraisableHook = std::function<void(const Unraisable&)>;

/// Python's `sys.unraisablehook`: installs `hook` for the whole process and gives the one before. An empty hook is the
/// one to start with, which prints "Exception ignored in: …" to stderr. A hook that throws ends the program; it may be
/// called in any thread, in several at once. Throws std::bad_alloc.
UnraisableHook set_unraisable_hook(UnraisableHook hook);

/// Hands an error to the hook; `object` is the text for what it came from.
void report_unraisable(std::exception_ptr exception, std::string object) noexcept;

}  // namespace segue::legacy
