// Every way of throwing ends in one of two functions of the unwinder. The executable's own stand before them.
#include "counted_throws.hpp"

#include <dlfcn.h>
#include <unwind.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SEGUE_TEST_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SEGUE_TEST_SANITIZED
#endif
#endif

namespace segue::testing {
namespace {

constinit thread_local std::size_t throws = 0;

}  // namespace

#if defined(SEGUE_TEST_SANITIZED)
const bool throws_counted = false;
#else
const bool throws_counted = true;
#endif

std::size_t throws_made() noexcept { return throws; }

}  // namespace segue::testing

#if !defined(SEGUE_TEST_SANITIZED)

// With the unwinder's own signature; what is thrown passes through these frames.
using Raise = _Unwind_Reason_Code(_Unwind_Exception*);

extern "C" _Unwind_Reason_Code _Unwind_RaiseException(_Unwind_Exception* exception) {
  static Raise* const next = reinterpret_cast<Raise*>(::dlsym(RTLD_NEXT, "_Unwind_RaiseException"));
  ++segue::testing::throws;
  return next(exception);
}

extern "C" _Unwind_Reason_Code _Unwind_Resume_or_Rethrow(_Unwind_Exception* exception) {
  static Raise* const next = reinterpret_cast<Raise*>(::dlsym(RTLD_NEXT, "_Unwind_Resume_or_Rethrow"));
  ++segue::testing::throws;
  return next(exception);
}

#endif
