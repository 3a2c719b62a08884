#include <segue/modern/kernel/function_name.hpp>

#include <algorithm>
#include <cstddef>

namespace segue::modern {

namespace {

constexpr std::string_view lambda = "<lambda>";

// The place of the bracket that closes the one at `begin`.
std::size_t closing_bracket(std::string_view text, std::size_t begin) {
  int depth = 0;
  for (std::size_t i = begin; i < text.size(); ++i) {
    if (text[i] == '(' || text[i] == '<') ++depth;
    if ((text[i] == ')' || text[i] == '>') && --depth == 0) return i;
  }
  return text.size();
}

// `fetch` out of `Coroutine<int> app::(anonymous namespace)::fetch(int) [T = int]`. What stands in brackets and is
// followed by `::` is a scope: an unnamed one, or a function. `operator()` has no name of its own: Python's is
// <lambda>.
std::string_view strip_to_name(std::string_view signature) {
  std::size_t begin = 0;
  std::size_t end = 0;
  for (; end < signature.size(); ++end) {
    const char c = signature[end];
    if (c == '(') {
      const std::size_t close = closing_bracket(signature, end);
      if (signature.substr(std::min(close + 1, signature.size())).substr(0, 2) != "::") break;
      end = close;
    } else if (c == '<' && end > begin) {
      end = closing_bracket(signature, end);
    } else if (c == '<') {
      return lambda;
    } else if (c == '[') {
      break;
    } else if (c == ' ' || c == ':' || c == '*' || c == '&') {
      begin = end + 1;
    }
  }
  const std::string_view name = signature.substr(begin, end - begin);
  return name == "operator" ? lambda : name.substr(0, name.find('<'));
}

}  // namespace

std::string function_name(const std::source_location& where) { return name_in_signature(where.function_name()); }

std::string name_in_signature(std::string_view signature) {
  // Outside of functions there is no name (g++ has one for what initializes): what is made there is made of a lambda.
  const bool outside = signature.empty() || signature.find("__static_initialization_and_destruction") != signature.npos;
  return std::string(outside ? lambda : strip_to_name(signature));
}

std::string place(const std::source_location& where) {
  return std::string(where.file_name()) + ":" + std::to_string(where.line());
}

}  // namespace segue::modern
