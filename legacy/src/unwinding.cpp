#include "unwinding.hpp"

#if defined(__x86_64__) && defined(__LP64__) && defined(__linux__)

#include <link.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "eh_frame.hpp"

namespace segue::legacy::legacy_detail {
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
// What find_step() gave, remembered. Each entry has a return address, relative to the program's start, in its upper
// half, and the step in its lower one; 0 is an empty entry.
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

[[gnu::always_inline]] inline Step step_at(Address pc) noexcept {
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

// A frame on a stack: where it goes on when what it called returns, and its registers then.
struct StackFrame {
  Address pc;
  const Address* sp;
  Address bp;

  // Goes on to the caller's. False where that cannot be told.
  bool leave(const Step& step, const void* end) noexcept {
    const Address* const caller = (step.from_rbp ? reinterpret_cast<const Address*>(bp) : sp) + step.words;
    if (caller <= sp || caller > end) return false;
    if (step.rbp_words != 0) bp = caller[-std::ptrdiff_t{step.rbp_words}];
    pc = caller[-1];
    sp = caller;
    return true;
  }
};

}  // namespace

Unwinding find_unwinding(Context suspended, const void* until, const void* end) noexcept {
  // What jump_fcontext leaves on the stack: two control words, r12 to r15, rbx, rbp, the return address.
  const auto* const saved = static_cast<const Address*>(suspended);
  StackFrame frame{.pc = saved[8], .sp = saved + 9, .bp = saved[7]};
  auto result = Unwinding::nothing;
  while (frame.pc != reinterpret_cast<Address>(until)) {
    const Step step = step_at(frame.pc);
    result = std::max(result, step.unwinding);
    if (result == Unwinding::anything) break;
    if (!frame.leave(step, end)) return Unwinding::anything;
  }
  return result;
}

std::uintptr_t find_next_unwinding(_Unwind_Context& unwinding, const void* until, const void* end) noexcept {
  constexpr int rbp = 6;  // as DWARF counts
  StackFrame frame{.pc = _Unwind_GetIP(&unwinding),
                   .sp = reinterpret_cast<const Address*>(_Unwind_GetCFA(&unwinding)),
                   .bp = _Unwind_GetGR(&unwinding, rbp)};
  while (frame.pc != reinterpret_cast<Address>(until)) {
    const Step step = step_at(frame.pc);
    if (step.unwinding != Unwinding::nothing || !frame.leave(step, end)) return reinterpret_cast<Address>(frame.sp);
  }
  return reinterpret_cast<Address>(end);
}

}  // namespace segue::legacy::legacy_detail

#else

namespace segue::legacy::legacy_detail {

Unwinding find_unwinding(Context, const void*, const void*) noexcept { return Unwinding::anything; }
std::uintptr_t find_next_unwinding(_Unwind_Context& unwinding, const void*, const void*) noexcept {
  return _Unwind_GetCFA(&unwinding);
}

}  // namespace segue::legacy::legacy_detail

#endif
