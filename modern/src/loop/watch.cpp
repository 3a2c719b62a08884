#include <segue/modern/loop/watch.hpp>

#include <segue/modern/kernel/loop_core.hpp>
#include <segue/modern/kernel/scope_exit.hpp>

#include "kernel/call_of_user.hpp"

namespace segue::modern {

std::function<std::string()> Watch::deferred_repr() {
  return [given = callable()] { return repr_of_handle(given); };
}

void Watch::run() {
  if (turn_ == Turn::cancelled) return end_turn();
  turn_ = Turn::running;
  const ScopeExit at_the_end([this]() noexcept { end_turn(); });
  call_of_user(*LoopCore::running(), [this] { ready(); }, [this] { return callable(); });
}

}  // namespace segue::modern
