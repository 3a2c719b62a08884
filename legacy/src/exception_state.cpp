#include <segue/legacy/detail/exception_state.hpp>

namespace segue::legacy::detail {

// Used by assembler alone, which no optimiser sees.
[[gnu::used]] constinit thread_local ExceptionState* segue_thread_exception_state = nullptr;

[[gnu::noinline]] ExceptionState* remember_thread_exception_state() noexcept {
  return segue_thread_exception_state = segue_exception_state();
}

}  // namespace segue::legacy::detail
