#include <segue/modern/kernel/coroutine_methods.hpp>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>

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

std::exception_ptr leaving_coroutine(std::exception_ptr error) noexcept {
  if (!holds<StopIterationBase>(error)) return error;
  try {
    return std::make_exception_ptr(from(RuntimeError("coroutine raised StopIteration"), error));
  } catch (...) {
    return std::current_exception();  // there is no memory for it
  }
}

}  // namespace segue::modern
