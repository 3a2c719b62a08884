#include <segue/legacy/detail/exception_state.hpp>

namespace segue::legacy::detail {

// The runtime's `__cxa_get_globals`, under a name of our own: <cxxabi.h> declares it as `const`, which would allow a
// compiler to go on using one thread's state in another.
extern "C" ExceptionState* segue_get_globals() noexcept __asm__("__cxa_get_globals");

#if defined(__x86_64__) && defined(__LP64__)
constinit thread_local ExceptionState* segue_thread_exception_state = nullptr;
#endif

[[gnu::noinline]] ExceptionState* find_thread_exception_state() noexcept {
  ExceptionState* const state = segue_get_globals();
#if defined(__x86_64__) && defined(__LP64__)
  segue_thread_exception_state = state;
#endif
  return state;
}

}  // namespace segue::legacy::detail
