#include <segue/modern/kernel/unraisable.hpp>

#include <cstdio>

#include <segue/modern/kernel/exception_context.hpp>
#include <segue/modern/kernel/function_name.hpp>
#include <segue/modern/kernel/loop_core.hpp>

namespace segue::modern {

namespace {

void report(const ExceptionContext& context) noexcept {
  try {
    if (LoopCore* loop = LoopCore::running()) {
      loop->call_exception_handler(context);
    } else {
      std::fprintf(stderr, "%s\n", to_string(context).c_str());
    }
  } catch (...) {
    std::fputs("segue: out of memory while reporting an error\n", stderr);
  }
}

}  // namespace

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

}  // namespace segue::modern
