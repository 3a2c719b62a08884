// What an exception would run on its way out of a suspended stack: found out from the tables that the C++ runtime's
// unwinder reads, without throwing one.
#pragma once

#include <unwind.h>

#include <cstdint>

#include <segue/legacy/detail/fcontext.hpp>

namespace segue::legacy::legacy_detail {

enum class Unwinding : std::uint8_t {
  nothing,   ///< the frames could as well be forgotten
  cleanups,  ///< destructors, and no handler
  anything   ///< a handler, the end of the program (noexcept), or what cannot be told
};

/// What an exception that is raised where `suspended` waits would run on its way to the code at `until`, the return
/// address of one of the calls on that stack. `end` is where the stack begins, above all of its frames. Cannot tell on
/// other processors than x86-64, for frames of unusual layout, or without the runtime's tables. Allocates nothing.
Unwinding find_unwinding(Context suspended, const void* until, const void* end) noexcept;
/// For an unwinding under way: of the frames from the present one up, the stack pointer of the first in which it runs,
/// or may run, anything; `end` where there is none.
std::uintptr_t find_next_unwinding(_Unwind_Context& unwinding, const void* until, const void* end) noexcept;

}  // namespace segue::legacy::legacy_detail
