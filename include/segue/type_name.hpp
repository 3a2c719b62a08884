// The name of a type as Python would print it: for messages, and for the repr of what has no name of its own.
#pragma once

#include <cxxabi.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>

namespace segue {

namespace segue_detail {

/// Where in a demangled name the part begins that follows the last `::` outside of brackets.
inline std::size_t last_component(std::string_view name) noexcept {
  constexpr std::string_view call = "operator";
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    // The brackets of `operator<` and `operator->` are none.
    if ((i == 0 || name[i - 1] == ':') && name.substr(i).starts_with(call)) {
      i = name.find_first_not_of("<=>-", i + call.size());
      if (i == std::string_view::npos) break;
    }
    switch (name[i]) {
      case '<':
      case '(':
      case '[':
      case '{': ++depth; break;
      case '>':
      case ')':
      case ']':
      case '}': --depth; break;
      case ':':
        if (depth == 0) begin = i + 1;
        break;
      default: break;
    }
  }
  return begin;
}

}  // namespace segue_detail

/// The type as C++ writes it, with its namespaces, or the function that it is local to: `main()::{lambda()#1}`.
inline std::string qualified_type_name(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> demangled(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
  return status == 0 ? demangled.get() : type.name();
}

/// Python's `type(e).__name__`: the class without its namespaces and template arguments; `<lambda>` and `function` for
/// the types of these.
inline std::string type_name(const std::type_info& type) {
  const std::string qualified = qualified_type_name(type);
  std::string_view name = qualified;
  if (name.ends_with(')')) return "function";
  name.remove_prefix(segue_detail::last_component(name));
  if (name.starts_with("{lambda") || name.starts_with("$_")) return "<lambda>";
  return std::string(name.substr(0, name.find('<')));
}

}  // namespace segue
