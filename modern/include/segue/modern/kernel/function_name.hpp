// The name under which a function is reported.
#pragma once

#include <source_location>
#include <string>

namespace segue::modern {

/// The name of a function out of its signature: `fetch` for `Coroutine<int> app::fetch(int)`, `<lambda>` for a lambda.
std::string function_name(const std::source_location& where);

/// Where it is, as `file:line`.
std::string place(const std::source_location& where);

}  // namespace segue::modern
