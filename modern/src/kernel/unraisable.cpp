#include <segue/modern/kernel/unraisable.hpp>

#include <array>
#include <cstdio>
#include <utility>

#include <segue/modern/kernel/exception_context.hpp>
#include <segue/modern/kernel/function_name.hpp>
#include <segue/modern/kernel/log.hpp>
#include <segue/modern/kernel/loop_core.hpp>
#include <segue/unraisable.hpp>

namespace segue::modern {

namespace {

// Whether there is a loop that was told.
bool tell_loop(const ExceptionContext& context) {
  LoopCore* const loop = LoopCore::running();
  if (loop != nullptr) loop->call_exception_handler(context);
  return loop != nullptr;
}

void warn(std::string message, const std::source_location& made, std::string source_traceback = {}) {
  ExceptionContext context;
  context.message = std::move(message);
  context.source = place(made);
  context.source_traceback = std::move(source_traceback);
  if (!tell_loop(context)) log(LogLevel::warning, to_string(context));
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

void report_coroutine(const std::source_location& made, const char* what, const Origin* origin) noexcept {
  try {
    warn("coroutine '" + function_name(made) + "' " + what, made,
         origin != nullptr ? origin->traceback(Origin::Maker::coroutine_function) : std::string());
  } catch (...) {
    std::array<char, 256> line{};  // there is no memory for more, or the handler threw
    std::snprintf(line.data(), line.size(), "a coroutine of %s:%u %s", made.file_name(), made.line(), what);
    log(LogLevel::warning, line.data());
  }
}

void report_method_never_awaited(const char* method, const std::source_location& made) noexcept {
  try {
    warn("coroutine method '" + std::string(method) + "' of '" + function_name(made) + "' was never awaited", made);
  } catch (...) {
    log(LogLevel::warning, "a step of an async generator was never awaited");
  }
}

void report_never_entered(const char* manager, const std::source_location& made) noexcept {
  try {
    const std::string name(manager);
    warn(name + " was never entered: co_await async_with(" + name + ", body)", made);
  } catch (...) {
    log(LogLevel::warning, "a context manager was never entered");
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
  try {
    report_ignored(error, std::string(object), {});
  } catch (...) {
    report_ignored(error, "something", {});  // there is no memory for what it is
  }
}

}  // namespace segue::modern
