#include <segue/modern/kernel/handle_state.hpp>

#include <segue/modern/kernel/scope_exit.hpp>

#include "kernel/call_of_user.hpp"

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
  call_of_user(loop_, [this] { invoke(); });
}

}  // namespace segue::modern
