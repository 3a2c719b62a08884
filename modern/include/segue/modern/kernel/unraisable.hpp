// What a destructor, or a coroutine that nobody awaits, has to say: it has no caller to throw to (CPython:
// sys.unraisablehook). It goes to the running loop's exception handler. Where no loop runs, report_never_…()
// writes to the log, and report_unraisable() calls the hook of set_unraisable_hook().
#pragma once

#include <exception>
#include <source_location>
#include <string>

namespace segue::modern {

/// "coroutine 'fetch' was never awaited". `made` is a place in the coroutine function.
void report_never_awaited(const std::source_location& made) noexcept;
/// "timeout was never entered: co_await async_with(timeout, body)", of a context manager that was made at `made`.
void report_never_entered(const char* manager, const std::source_location& made) noexcept;

/// "Exception ignored in: coroutine 'fetch'".
void report_unraisable(const std::exception_ptr& error, const std::source_location& made) noexcept;
/// The same for whatever else: "Exception ignored in: …".
void report_unraisable(const std::exception_ptr& error, const std::string& object) noexcept;

}  // namespace segue::modern
