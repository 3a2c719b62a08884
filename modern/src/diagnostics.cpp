#include <segue/modern/diagnostics.hpp>

#include <cstdio>
#include <string_view>

#include <segue/exceptions.hpp>
#include <segue/modern/event_loop.hpp>
#include <segue/modern/exceptions.hpp>

namespace segue::modern {

namespace {

// `operator()` of a lambda has no name of its own: Python's is <lambda>.
std::string_view strip_to_name(std::string_view signature) {
  if (signature.find("operator()") != signature.npos || signature.find("<lambda") != signature.npos)
    return "<lambda>";
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < signature.size(); ++i) {
    const char c = signature[i];
    if (c == '(' && depth == 0) return signature.substr(begin, i - begin);
    if (c == '<') ++depth;
    if (c == '>') --depth;
    if (depth == 0 && (c == ' ' || c == ':' || c == '*' || c == '&')) begin = i + 1;
  }
  return signature.substr(begin);
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

std::string function_name(const std::source_location& where) { return std::string(strip_to_name(where.function_name())); }

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
