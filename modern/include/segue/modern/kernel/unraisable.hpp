// What a destructor, or a coroutine that nobody awaits, has to say: it has no caller to throw to (CPython:
// sys.unraisablehook). It goes to the running loop's exception handler. Where no loop runs, report_unraisable() calls
// the hook of set_unraisable_hook(), and the others write to the log.
#pragma once

#include <exception>
#include <source_location>
#include <string>

#include <segue/modern/kernel/origin.hpp>

namespace segue::modern {

/// "coroutine 'fetch' …": `what` has become of it. `made` is a place in the coroutine function, `origin` that of the
/// coroutine, where it is there still.
void report_coroutine(const std::source_location& made, const char* what, const Origin* origin = nullptr) noexcept;
/// "coroutine method 'asend' of 'ticker' was never awaited", of an async generator.
void report_method_never_awaited(const char* method, const std::source_location& made) noexcept;
/// "timeout was never entered: co_await async_with(timeout, body)", of a context manager that was made at `made`.
void report_never_entered(const char* manager, const std::source_location& made) noexcept;

/// "Exception ignored in: coroutine 'fetch'".
void report_unraisable(const std::exception_ptr& error, const std::source_location& made) noexcept;
/// The same for whatever else: "Exception ignored in: …".
void report_unraisable(const std::exception_ptr& error, const std::string& object) noexcept;

}  // namespace segue::modern
