#include "unwinding.hpp"

#if defined(__x86_64__) && defined(__LP64__) && defined(__linux__)

#include <link.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "eh_frame.hpp"

namespace segue::legacy::detail {
namespace {

struct Code {
  Address start = 0;
  Address size = 0;
};

// The code of the program itself, which is never unloaded; a library's may be, and another one loaded in its place.
const Code& program() noexcept {
  static const Code code = [] {
    Code found;
    dl_iterate_phdr(
        [](dl_phdr_info* object, std::size_t, void* result) {
          Address start = ~Address{0};
          Address end = 0;
          for (int i = 0; i < object->dlpi_phnum; ++i) {
            const auto& segment = object->dlpi_phdr[i];
            if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
            start = std::min<Address>(start, object->dlpi_addr + segment.p_vaddr);
            end = std::max<Address>(end, object->dlpi_addr + segment.p_vaddr + segment.p_memsz);
          }
          if (start < end) *static_cast<Code*>(result) = {start, end - start};
          return 1;  // the first object is the program
        },
        &found);
    return found;
  }();
  return code;
}

constexpr std::size_t remembered_steps = 1024;
// Each a return address, relative to the program's start, in the upper half, and its step in the lower; 0: empty.
std::array<std::atomic<std::uint64_t>, remembered_steps> steps;

constexpr std::uint32_t packed(const Step& step) noexcept {
  return step.words << 11 | std::uint32_t{step.rbp_words} << 3 | std::uint32_t{step.from_rbp} << 2 |
         static_cast<std::uint32_t>(step.unwinding);
}
constexpr Step unpacked(std::uint32_t bits) noexcept {
  return {.unwinding = static_cast<Unwinding>(bits & 3),
          .from_rbp = (bits & 4) != 0,
          .words = bits >> 11,
          .rbp_words = static_cast<std::uint8_t>(bits >> 3)};
}

Step step_at(Address pc) noexcept {
  const Code& code = program();
  const Address offset = pc - code.start;
  if (offset == 0 || offset >= std::min<Address>(code.size, 0xffffffff)) return find_step(pc);
  auto& entry = steps[static_cast<std::uint32_t>(offset * 0x9e3779b1U) >> 22];
  const std::uint64_t known = entry.load(std::memory_order_relaxed);
  if (known >> 32 == offset) return unpacked(static_cast<std::uint32_t>(known));
  const Step step = find_step(pc);
  entry.store(offset << 32 | packed(step), std::memory_order_relaxed);
  return step;
}

}  // namespace

Unwinding find_unwinding(Context suspended, const void* until, const void* end) noexcept {
  // What jump_fcontext leaves on the stack: two control words, r12 to r15, rbx, rbp, the return address.
  const auto* const saved = static_cast<const Address*>(suspended);
  Address frame = saved[7];
  Address pc = saved[8];
  const Address* stack = saved + 9;
  auto result = Unwinding::nothing;
  while (pc != reinterpret_cast<Address>(until)) {
    const Step step = step_at(pc);
    result = std::max(result, step.unwinding);
    if (result == Unwinding::anything) break;
    const Address* const caller = (step.from_rbp ? reinterpret_cast<const Address*>(frame) : stack) + step.words;
    if (caller <= stack || caller > end) return Unwinding::anything;
    if (step.rbp_words != 0) frame = caller[-std::ptrdiff_t{step.rbp_words}];
    pc = caller[-1];
    stack = caller;
  }
  return result;
}

}  // namespace segue::legacy::detail

#else

namespace segue::legacy::detail {

Unwinding find_unwinding(Context, const void*, const void*) noexcept { return Unwinding::anything; }

}  // namespace segue::legacy::detail

#endif
