// Calling what a user gave the loop to call: a callback, a reader, a writer.
#pragma once

#include <exception>

#include <segue/exception_ptr.hpp>
#include <segue/modern/kernel/loop_core.hpp>

namespace segue::modern {

/// Calls `callback()`. What it throws goes to the loop's exception handler; KeyboardInterrupt and SystemExit pass.
template <class Callback>
void call_of_user(LoopCore& loop, Callback callback) {
  try {
    callback();
  } catch (...) {
    if (ends_program(std::current_exception())) throw;
    ExceptionContext context;
    context.message = "Exception in callback";
    context.exception = std::current_exception();
    context.handle = "<Handle>";
    loop.call_exception_handler(context);
  }
}

}  // namespace segue::modern
