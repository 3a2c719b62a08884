// The stacks that fibers run on: pooled, guarded, and cheap enough to have a million of.
//
// Stacks are carved from large reserved regions that cost address space until they are touched. Below each lies a
// guard, so that an overflow ends the program with a message instead of corrupting a neighbour. Freed stacks go to a
// pool of the freeing thread, from there to one shared by all threads; stacks that stay idle give their pages back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory_resource>

#include <segue/legacy/detail/sanitizers.hpp>

namespace segue::legacy {

class Fiber;

/// How much stack a fiber may use; rounded up to a power of two from 16 KiB on. 0 stands for default_stack_size().
struct StackSize {
  std::size_t bytes = 0;  ///< at most 1 GiB, or whatever takes the stack throws MemoryError
};

/// In bytes: 64 KiB, and 256 KiB under a sanitizer, whose frames are larger.
inline constexpr std::size_t initial_default_stack_size = legacy_detail::sanitized ? 256 * 1024 : 64 * 1024;

/// The size of a stack for which none was asked; the process starts with `initial_default_stack_size`.
StackSize default_stack_size() noexcept;
/// Applies to stacks made from now on, in all threads; 0 for the initial one. Throws MemoryError above 1 GiB.
void set_default_stack_size(StackSize size);

/// What lies below a stack: 16 KiB that nobody may touch.
enum class StackGuard {
  light,   ///< takes a kernel that has MADV_GUARD_INSTALL (Linux 6.13), and no mapping of its own
  protect  ///< protected pages, two mappings a stack: `vm.max_map_count`'s default of 65,530 allows about 32,000
};

/// The guard that new stacks get: `light` where the kernel has it.
StackGuard stack_guard() noexcept;
/// Asks for a guard; `light` is refused (false) where the kernel does not have it.
bool set_stack_guard(StackGuard guard) noexcept;

/// Whether an overflow is reported on stderr, with the fiber and its stack size, before the program ends with SIGSEGV.
/// On by default: the first stack installs a handler for SIGSEGV, which passes other faults on to the handler before
/// it. Each thread gets a signal stack, if it has none, with the first stack that it takes or gives back; one that has
/// only resumed what others made dies without the report, unless it starts with `free_stack(allocate_stack())`. Under a
/// sanitizer its own report is used.
void set_overflow_reports(bool enabled);

/// One stack, as handed out: a plain handle, to be given back once.
struct Stack {
  std::byte* top = nullptr;      ///< one past the highest usable byte, aligned for anything
  std::uint32_t size_class = 0;  ///< the binary logarithm of its size in units of 16 KiB

  /// In bytes, from bottom() up: the header above `top` is included, the guard is not.
  std::size_t size() const noexcept { return std::size_t{16 * 1024} << size_class; }
  /// The lowest usable byte; the guard lies below.
  std::byte* bottom() const noexcept;
};

/// A stack from the pool, or a new one. Throws MemoryError, naming the limit that was hit.
///
/// With a `resource` it comes from there, and free_stack() deallocates it there, in whichever thread that is; it is not
/// pooled. The resource is asked for whole pages, the stack's and 16 KiB for its guard, and gets them back without the
/// guard. It has to outlive the stack, and its memory must bear a guard: mapped for this process alone, as what the
/// heap gives is. Throws what the resource throws, and MemoryError when the guard is refused; nothing is lost then.
Stack allocate_stack(StackSize size = {}, std::pmr::memory_resource* resource = nullptr);
/// Gives a stack back, from any thread.
void free_stack(Stack stack) noexcept;

/// How many stacks the pool has made, and how many mappings it asked for to hold them.
struct StackStatistics {
  std::size_t stacks;       ///< made so far, in use and idle; those from a resource are not counted
  std::size_t shared_idle;  ///< idle ones in the pool that all threads share
  std::size_t regions;      ///< address ranges reserved to carve stacks from; at most 4096
};
/// The pool's figures now, for all threads together. From any thread.
StackStatistics stack_statistics() noexcept;

namespace legacy_detail {

class MeasuredStack;

/// The last bytes of a stack, above `top`. In a fresh stack of the pool nobody constructs it: all of it is zero, as the
/// pages are.
struct alignas(16) StackHeader {
  // Who lives on it, for as long as somebody does.
  Fiber* occupant = nullptr;
  // In the pool the next idle stack; for a stack from a resource the next one that is in use.
  StackHeader* next = nullptr;
  // Null while nobody measures it.
  MeasuredStack* measured = nullptr;

  // Null in a stack of the pool, to which the rest does not apply.
  std::pmr::memory_resource* resource = nullptr;
  StackHeader* previous = nullptr;
  std::uint32_t size_class = 0;
  std::uint32_t valgrind_id = 0;
};

inline StackHeader& header_of(Stack stack) noexcept { return *reinterpret_cast<StackHeader*>(stack.top); }

/// The header of the stack that `address` lies in, its guard included; null where it is no stack of ours. Walks through
/// those from a resource, whose list one thread at a time may use: a signal handler gives up after some `attempts`.
StackHeader* find_stack(const void* address, Stack* stack = nullptr,
                        std::size_t attempts = std::numeric_limits<std::size_t>::max()) noexcept;

}  // namespace legacy_detail

inline std::byte* Stack::bottom() const noexcept { return top + sizeof(legacy_detail::StackHeader) - size(); }

}  // namespace segue::legacy
