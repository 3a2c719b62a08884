#include <segue/legacy/detail/exception_state.hpp>

namespace segue::legacy::legacy_detail {

// `used`, since it is read by assembler alone, where no optimiser looks.
[[gnu::used]] constinit thread_local ExceptionState* segue_thread_exception_state = nullptr;

[[gnu::noinline]] ExceptionState* remember_thread_exception_state() noexcept {
  return segue_thread_exception_state = segue_exception_state();
}

}  // namespace segue::legacy::legacy_detail
