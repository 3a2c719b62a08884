// The stacks that fibers run on: pooled, guarded, and cheap enough to have a million of.
//
// Stacks are carved from large reserved regions that cost address space until they are touched. Below each lies a
// guard, so that an overflow ends the program with a message instead of corrupting a neighbour. Freed stacks go to a
// pool of the freeing thread, from there to one shared by all threads; stacks that stay idle give their pages back.
#pragma once

#include <cstddef>
#include <cstdint>

#include <segue/legacy/detail/sanitizers.hpp>

namespace segue::legacy {

class Fiber;

/// How much stack a fiber may use; rounded up to a power of two from 16 KiB on. 0 stands for default_stack_size().
struct StackSize {
  std::size_t bytes = 0;
};

inline constexpr std::size_t initial_default_stack_size = detail::sanitized ? 256 * 1024 : 64 * 1024;

/// The size of a stack for which none was asked; the process starts with `initial_default_stack_size`.
StackSize default_stack_size() noexcept;
void set_default_stack_size(StackSize size);

/// What lies below a stack. `light` takes a kernel that has MADV_GUARD_INSTALL (Linux 6.13) and no mapping of its own;
/// `protect` is a protected page, two mappings a stack, of which `vm.max_map_count` allows about 32,000.
enum class StackGuard { light, protect };

/// The guard that new stacks get: `light` where the kernel has it.
StackGuard stack_guard() noexcept;
/// Asks for a guard; `light` is refused (false) where the kernel does not have it.
bool set_stack_guard(StackGuard guard) noexcept;

/// Whether an overflow is reported on stderr, with the fiber and its stack size, before the program ends with SIGSEGV.
/// On by default: the first stack installs a handler for SIGSEGV, which passes other faults on to the handler before
/// it, and each thread that asks for stacks gets a signal stack if it has none. Under a sanitizer its own report is
/// used.
void set_overflow_reports(bool enabled);

/// One stack, as handed out: a plain handle, to be given back once.
struct Stack {
  std::byte* top = nullptr;  ///< one past the highest usable byte, aligned for anything
  std::uint32_t size_class = 0;

  std::size_t size() const noexcept { return std::size_t{16 * 1024} << size_class; }
  std::byte* bottom() const noexcept;
};

/// A stack from the pool, or a new one. Throws MemoryError, naming the limit that was hit.
Stack allocate_stack(StackSize size = {});
/// Gives a stack back, from any thread.
void free_stack(Stack stack) noexcept;

/// How many stacks there are, in use and idle, and how many mappings were asked for to hold them.
struct StackStatistics {
  std::size_t stacks;
  std::size_t shared_idle;  ///< idle ones in the pool that all threads share
  std::size_t regions;
};
StackStatistics stack_statistics() noexcept;

namespace detail {

/// The last bytes of a stack, above `top`: who lives on it, for as long as somebody does.
struct alignas(16) StackHeader {
  Fiber* occupant = nullptr;
  StackHeader* next_idle = nullptr;
};

inline StackHeader& header_of(Stack stack) noexcept { return *reinterpret_cast<StackHeader*>(stack.top); }

/// The header of the stack that `address` lies in, its guard included; null where it is no stack of ours. Safe to call
/// in a signal handler.
StackHeader* find_stack(const void* address, Stack* stack = nullptr) noexcept;

}  // namespace detail

inline std::byte* Stack::bottom() const noexcept { return top + sizeof(detail::StackHeader) - size(); }

}  // namespace segue::legacy
