// Calling what a user gave the loop to call: a callback, a reader, a writer.
#pragma once

#include <exception>
#include <new>
#include <string>
#include <typeinfo>

#include <segue/exception_ptr.hpp>
#include <segue/modern/kernel/loop_core.hpp>
#include <segue/modern/kernel/origin.hpp>
#include <segue/type_name.hpp>

namespace segue::modern {

inline std::string repr_of_handle(const std::type_info& given, const Origin* origin = nullptr) {
  const std::string created_at = origin != nullptr ? origin->created_at() : std::string();
  return "<Handle " + qualified_type_name(given) + created_at + ">";
}

/// Calls `callback()`. What it throws goes to the loop's exception handler, with the type of what the user gave, and
/// where, if that is known, and if there is memory to say so; KeyboardInterrupt and SystemExit pass.
template <class Callback>
void call_of_user(LoopCore& loop, const std::type_info& given, Callback callback, const Origin* origin = nullptr) {
  try {
    callback();
  } catch (...) {
    if (ends_program(std::current_exception())) throw;
    ExceptionContext context;
    context.exception = std::current_exception();
    try {
      context.message = "Exception in callback";
      context.handle = repr_of_handle(given, origin);
      if (origin != nullptr) context.source_traceback = origin->traceback();
    } catch (const std::bad_alloc&) {
      if (holds<std::bad_alloc>(context.exception)) throw;  // there is none: who runs the loop is told
    }
    loop.call_exception_handler(context);
  }
}

}  // namespace segue::modern
