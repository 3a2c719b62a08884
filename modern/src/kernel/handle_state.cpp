#include <segue/modern/kernel/handle_state.hpp>

#include <segue/exception_ptr.hpp>
#include <segue/modern/kernel/scope_exit.hpp>

namespace segue::modern {

void HandleState::cancel() noexcept {
  if (cancelled_) return;
  cancelled_ = true;
  if (scheduled()) loop_.cancel_timer(*this);
  if (!running_) forget();
}

void HandleState::run() {
  const Ref<HandleState> keep = Ref<HandleState>::adopt(this);
  if (cancelled_) return;
  running_ = true;
  const ScopeExit stop_running([this] {
    running_ = false;
    if (cancelled_) forget();
  });
  try {
    invoke();
  } catch (...) {
    if (ends_program(std::current_exception())) throw;
    ExceptionContext context;
    context.message = "Exception in callback";
    context.exception = std::current_exception();
    context.handle = "<Handle>";
    loop_.call_exception_handler(context);
  }
}

}  // namespace segue::modern
