#include <segue/modern/kernel/coroutine_methods.hpp>

namespace segue::modern {

const char* to_string(CoroutineState state) noexcept {
  switch (state) {
    case CoroutineState::CORO_CREATED: return "CORO_CREATED";
    case CoroutineState::CORO_RUNNING: return "CORO_RUNNING";
    case CoroutineState::CORO_SUSPENDED: return "CORO_SUSPENDED";
    case CoroutineState::CORO_CLOSED: return "CORO_CLOSED";
  }
  return "unknown";
}

}  // namespace segue::modern
