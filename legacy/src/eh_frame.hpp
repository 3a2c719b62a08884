// What the tables of the C++ runtime's unwinder (.eh_frame and each function's handlers) say of a return address. For
// x86-64; elsewhere it is not defined.
#pragma once

#include <cstdint>

#include "unwinding.hpp"

namespace segue::legacy::legacy_detail {

using Address = std::uintptr_t;

/// How to get from the frame that goes on at a return address to its caller's.
struct Step {
  Unwinding unwinding = Unwinding::anything;  // where it is this, the rest means nothing
  bool from_rbp = false;                      // the base register is rbp; else rsp
  std::uint32_t words = 0;                    // from the base register up to the caller's stack pointer
  std::uint8_t rbp_words = 0;                 // from there down to the caller's rbp; 0: it is in the register still
};

Step find_step(Address pc) noexcept;

}  // namespace segue::legacy::legacy_detail
