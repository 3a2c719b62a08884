// What the C++ runtime knows of the exceptions being handled and thrown on the running stack.
//
// It is kept per thread, not per stack: two fibers that each suspend inside a handler would rethrow each other's
// exception, and one resumed during unwinding would count the resumer's `uncaught_exceptions()`. So each fiber has a
// state of its own, exchanged with the thread's at every switch.
#pragma once

#include <cstdint>

namespace segue::legacy::legacy_detail {

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

// What segue_exception_state() gives in this thread, kept where code of the executable reads it faster. Null until
// remember_thread_exception_state() is called.
extern "C" constinit thread_local ExceptionState* segue_thread_exception_state;
ExceptionState* remember_thread_exception_state() noexcept;

// What belongs to a thread is read anew after each switch, which may end in another thread. A compiler would not do so:
// to it the address of a `thread_local` is a constant within a function. So the pointer is read by hand, in assembler;
// but not in code that may end up in a shared library: read in this way, the `thread_local`s of a library need room
// that there is little of when it is loaded late (DF_STATIC_TLS).
[[gnu::always_inline]] inline ExceptionState& thread_exception_state() noexcept {
#if defined(__x86_64__) && defined(__LP64__) && defined(__linux__) && !defined(__ANDROID__) && \
    (!defined(__PIC__) || defined(__PIE__))
  ExceptionState* state;
  __asm__ volatile(
      "{movq segue_thread_exception_state@gottpoff(%%rip), %0|mov %0, QWORD PTR "
      "segue_thread_exception_state@gottpoff[rip]}\n\t"
      "{movq %%fs:(%0), %0|mov %0, QWORD PTR fs:[%0]}"
      : "=r"(state));
  return state != nullptr ? *state : *remember_thread_exception_state();
#else
  auto* ask = &segue_exception_state;
  __asm__("" : "+r"(ask));
  return *ask();
#endif
}

[[gnu::always_inline]] inline void exchange(ExceptionState& left, ExceptionState& right) noexcept {
  const ExceptionState kept = left;
  left = right;
  right = kept;
}

}  // namespace segue::legacy::legacy_detail
