#include <segue/modern/loop/diagnostics.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <string_view>

#include <segue/exceptions.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/exceptions.hpp>

namespace segue::modern {

namespace {

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
  constexpr std::string_view lambda = "<lambda>";
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

void report(const ExceptionContext& context) noexcept {
  try {
    if (EventLoop* loop = EventLoop::running()) {
      loop->call_exception_handler(context);
    } else {
      std::fprintf(stderr, "%s\n", to_string(context).c_str());
    }
  } catch (...) {
    std::fputs("segue: out of memory while reporting an error\n", stderr);
  }
}

std::string place(const std::source_location& where) {
  return std::string(where.file_name()) + ":" + std::to_string(where.line());
}

}  // namespace

std::string function_name(const std::source_location& where) {
  return std::string(strip_to_name(where.function_name()));
}

void report_never_awaited(const std::source_location& made) noexcept {
  try {
    ExceptionContext context;
    context.message = "coroutine '" + function_name(made) + "' was never awaited";
    context.source = place(made);
    report(context);
  } catch (...) {
    std::fputs("segue: a coroutine was never awaited\n", stderr);
  }
}

void report_unraisable(const std::exception_ptr& error, const std::source_location& made) noexcept {
  try {
    ExceptionContext context;
    context.message = "Exception ignored in: coroutine '" + function_name(made) + "'";
    context.exception = error;
    context.source = place(made);
    report(context);
  } catch (...) {
    std::fputs("segue: an exception was ignored while a coroutine was destroyed\n", stderr);
  }
}

void report_unraisable(const std::exception_ptr& error, const std::string& object) noexcept {
  try {
    ExceptionContext context;
    context.message = "Exception ignored in: " + object;
    context.exception = error;
    report(context);
  } catch (...) {
    std::fputs("segue: an exception was ignored in a destructor\n", stderr);
  }
}

std::exception_ptr leaving_coroutine(std::exception_ptr error) noexcept {
  if (!holds<StopIterationBase>(error)) return error;
  return std::make_exception_ptr(from(RuntimeError("coroutine raised StopIteration"), error));
}

}  // namespace segue::modern
