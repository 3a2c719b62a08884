// Calling what a user gave the loop to call: a callback, a reader, a writer.
#pragma once

#include <exception>
#include <new>
#include <string>

#include <segue/exception_ptr.hpp>
#include <segue/modern/kernel/callable.hpp>
#include <segue/modern/kernel/loop_core.hpp>
#include <segue/modern/kernel/origin.hpp>
#include <segue/type_name.hpp>

namespace segue::modern {

inline std::string repr_of_handle(const Callable& given, const Origin* origin = nullptr) {
  const FunctionPlace found = Origin::function_at(given.code);
  const bool has_name = !found.name.empty() && found.name != "<lambda>";
  return "<Handle " + (has_name ? found.name + "()" : qualified_type_name(*given.type)) +
         (found.place.empty() ? "" : " at " + found.place) + (origin != nullptr ? origin->created_at() : "") + ">";
}

/// Calls `callback()`. What it throws goes to the loop's exception handler, with what the user gave, which `given()`
/// tells, and where, if that is known, and if there is memory to say so; KeyboardInterrupt and SystemExit pass.
template <class Callback, class Given>
void call_of_user(LoopCore& loop, Callback callback, Given given, const Origin* origin = nullptr) {
  try {
    callback();
  } catch (...) {
    if (ends_program(std::current_exception())) throw;
    ExceptionContext context;
    context.exception = std::current_exception();
    try {
      context.message = "Exception in callback";
      context.handle = repr_of_handle(given(), origin);
      if (origin != nullptr) context.source_traceback = origin->traceback();
    } catch (const std::bad_alloc&) {
      if (holds<std::bad_alloc>(context.exception)) throw;  // there is none: who runs the loop is told
    }
    loop.call_exception_handler(context);
  }
}

}  // namespace segue::modern
