// Calling what a user gave the loop to call: a callback, a reader, a writer.
#pragma once

#include <exception>
#include <typeinfo>

#include <segue/exception_ptr.hpp>
#include <segue/modern/kernel/loop_core.hpp>
#include <segue/type_name.hpp>

namespace segue::modern {

/// Calls `callback()`. What it throws goes to the loop's exception handler, with the type of what the user gave;
/// KeyboardInterrupt and SystemExit pass.
template <class Callback>
void call_of_user(LoopCore& loop, const std::type_info& given, Callback callback) {
  try {
    callback();
  } catch (...) {
    if (ends_program(std::current_exception())) throw;
    ExceptionContext context;
    context.message = "Exception in callback";
    context.exception = std::current_exception();
    context.handle = "<Handle " + qualified_type_name(given) + ">";
    loop.call_exception_handler(context);
  }
}

}  // namespace segue::modern
