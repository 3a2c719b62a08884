#include <segue/modern/loop/diagnostics.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/loop/log.hpp>
#include <segue/modern/tasks/exceptions.hpp>
#include <segue/unraisable.hpp>

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

// Whether there is a loop that was told.
bool tell_loop(const ExceptionContext& context) {
  EventLoop* const loop = EventLoop::running();
  if (loop != nullptr) loop->call_exception_handler(context);
  return loop != nullptr;
}

std::string place(const std::source_location& where) {
  return std::string(where.file_name()) + ":" + std::to_string(where.line());
}

void report_ignored(const std::exception_ptr& error, std::string object, const std::string& source) noexcept {
  try {
    ExceptionContext context;
    context.message = "Exception ignored in: " + object;
    context.exception = error;
    context.source = source;
    if (tell_loop(context)) return;
    if (!source.empty()) object += ", made at " + source;
  } catch (...) {
    // A handler threw, or there is no memory: the hook is told.
  }
  segue::report_unraisable(error, std::move(object));
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
    if (!tell_loop(context)) log(LogLevel::warning, to_string(context));
  } catch (...) {
    log(LogLevel::warning, "a coroutine was never awaited");
  }
}

void report_unraisable(const std::exception_ptr& error, const std::source_location& made) noexcept {
  try {
    report_ignored(error, "coroutine '" + function_name(made) + "'", place(made));
  } catch (...) {
    report_ignored(error, "coroutine", {});  // there is no memory for its name
  }
}

void report_unraisable(const std::exception_ptr& error, const std::string& object) noexcept {
  report_ignored(error, object, {});
}

std::exception_ptr leaving_coroutine(std::exception_ptr error) noexcept {
  if (!holds<StopIterationBase>(error)) return error;
  return std::make_exception_ptr(from(RuntimeError("coroutine raised StopIteration"), error));
}

}  // namespace segue::modern
