// The name under which a function is reported.
#pragma once

#include <source_location>
#include <string>
#include <string_view>

namespace segue::modern {

/// The name of a function out of its signature: `fetch` for `Coroutine<int> app::fetch(int)`, `<lambda>` for a lambda.
std::string function_name(const std::source_location& where);
/// The same of any signature.
std::string name_in_signature(std::string_view signature);

/// Where it is, as `file:line`.
std::string place(const std::source_location& where);

}  // namespace segue::modern
