// What a destructor, or a coroutine that nobody awaits, has to say: it has no caller to throw to.
#pragma once

#include <exception>
#include <source_location>
#include <string>

namespace segue::modern {

/// The name of a function out of its signature: `fetch` for `Coroutine<int> app::fetch(int)`, `<lambda>` for a lambda.
std::string function_name(const std::source_location& where);

/// "coroutine 'fetch' was never awaited", to the running loop's exception handler, or to the log where no loop runs.
/// `made` is a place in the coroutine function.
void report_never_awaited(const std::source_location& made) noexcept;

/// "Exception ignored in: coroutine 'fetch'", to the running loop's exception handler, or to the hook of
/// set_unraisable_hook() where no loop runs.
void report_unraisable(const std::exception_ptr& error, const std::source_location& made) noexcept;
/// The same for whatever else: "Exception ignored in: …".
void report_unraisable(const std::exception_ptr& error, const std::string& object) noexcept;

/// PEP 479: a StopIteration that leaves a coroutine becomes RuntimeError("coroutine raised StopIteration").
std::exception_ptr leaving_coroutine(std::exception_ptr error) noexcept;

}  // namespace segue::modern
