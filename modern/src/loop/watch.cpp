#include <segue/modern/loop/watch.hpp>

#include <exception>

#include <segue/exception_ptr.hpp>
#include <segue/modern/kernel/loop_core.hpp>
#include <segue/modern/kernel/scope_exit.hpp>

namespace segue::modern {

void Watch::run() {
  if (turn_ == Turn::cancelled) return end_turn();
  turn_ = Turn::running;
  const ScopeExit at_the_end([this]() noexcept { end_turn(); });
  try {
    ready();
  } catch (...) {
    if (ends_program(std::current_exception())) throw;
    ExceptionContext context;
    context.message = "Exception in callback";
    context.exception = std::current_exception();
    context.handle = "<Handle>";
    LoopCore::running()->call_exception_handler(context);
  }
}

}  // namespace segue::modern
