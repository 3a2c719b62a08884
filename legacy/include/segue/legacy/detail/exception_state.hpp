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

/// Asks the runtime for the calling thread's state and remembers it for thread_exception_state().
ExceptionState* find_thread_exception_state() noexcept;

#if defined(__x86_64__) && defined(__LP64__)
extern "C" constinit thread_local ExceptionState* segue_thread_exception_state;
#endif

// What belongs to a thread is read anew after each switch, which the thread may not be the same after. A compiler would
// not: to it the address of a `thread_local` is a constant within a function. So it is read by hand where that is a
// matter of two instructions, and elsewhere by a function that is not inlined.
[[gnu::always_inline]] inline ExceptionState& thread_exception_state() noexcept {
#if defined(__x86_64__) && defined(__LP64__)
  ExceptionState* state;
  __asm__ volatile(
      "movq segue_thread_exception_state@gottpoff(%%rip), %0\n\t"
      "movq %%fs:(%0), %0"
      : "=r"(state));
  if (state != nullptr) [[likely]]
    return *state;
#endif
  return *find_thread_exception_state();
}

[[gnu::always_inline]] inline void exchange(ExceptionState& left, ExceptionState& right) noexcept {
  const ExceptionState kept = left;
  left = right;
  right = kept;
}

}  // namespace segue::legacy::detail
