// What the C++ runtime knows of the exceptions being handled and thrown on the running stack.
//
// It is kept per thread, not per stack: two fibers that each suspend inside a handler would rethrow each other's
// exception, and one resumed during unwinding would count the resumer's `uncaught_exceptions()`. So each fiber has a
// state of its own, exchanged with the thread's at every switch.
#pragma once

#include <cstdint>

namespace segue::legacy::detail {

/// The Itanium C++ ABI's `__cxa_eh_globals`.
struct ExceptionState {
  void* caught = nullptr;
#if defined(__ARM_EABI_UNWINDER__)
  void* propagating = nullptr;
#endif
  std::uintptr_t uncaught = 0;
};

// The runtime's `__cxa_get_globals`, under a name of our own: <cxxabi.h> declares it as `const`, which would allow a
// compiler to go on using one thread's state after the fiber was resumed by another thread.
extern "C" ExceptionState* segue_exception_state() noexcept __asm__("__cxa_get_globals");

[[gnu::always_inline]] inline ExceptionState& thread_exception_state() noexcept {
  auto* get = &segue_exception_state;
  __asm__("" : "+r"(get));
  return *get();
}

[[gnu::always_inline]] inline void exchange(ExceptionState& left, ExceptionState& right) noexcept {
  const ExceptionState kept = left;
  left = right;
  right = kept;
}

}  // namespace segue::legacy::detail
