// Coroutine frames, task states and handles are made and freed millions of times a second in a handful of sizes:
// each thread keeps free lists by size class, so that neither costs a trip to the heap.
#pragma once

#include <array>
#include <cstddef>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define SEGUE_DETAIL_POOLED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SEGUE_DETAIL_POOLED 0
#endif
#endif

namespace segue::modern::detail {

#ifdef SEGUE_DETAIL_POOLED  // under AddressSanitizer a reused block would hide a use after free
inline constexpr bool pooled = false;
#undef SEGUE_DETAIL_POOLED
#else
inline constexpr bool pooled = true;
#endif

inline constexpr std::size_t pool_step = 64;
inline constexpr std::size_t pool_classes = 32;  // up to 2 KiB; what is larger goes to the heap

struct FreeBlock {
  FreeBlock* next;
};

// Trivially destructible, so that blocks may be freed at any time until the thread is gone; the lists themselves
// are given back by PoolJanitor, which marks the pool closed.
struct Pool {
  std::array<FreeBlock*, pool_classes> free{};
  bool watched = false;
  bool closed = false;
};

inline constinit thread_local Pool this_thread_pool{};

/// Registers the clean-up of this thread's pool at its end. Out of line: once a thread.
void watch_pool(Pool& pool) noexcept;

inline void* pool_allocate(std::size_t size) {
  const std::size_t size_class = (size + pool_step - 1) / pool_step - 1;
  if (!pooled || size_class >= pool_classes) return ::operator new(size);
  Pool& pool = this_thread_pool;
  if (FreeBlock* block = pool.free[size_class]) {
    pool.free[size_class] = block->next;
    return block;
  }
  return ::operator new((size_class + 1) * pool_step);
}

inline void pool_free(void* memory, std::size_t size) noexcept {
  const std::size_t size_class = (size + pool_step - 1) / pool_step - 1;
  Pool& pool = this_thread_pool;
  if (!pooled || size_class >= pool_classes || pool.closed) return ::operator delete(memory);
  if (!pool.watched) watch_pool(pool);
  pool.free[size_class] = ::new (memory) FreeBlock{pool.free[size_class]};
}

/// A base that takes its derived classes' memory from the pool.
struct Pooled {
  static void* operator new(std::size_t size) { return pool_allocate(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { pool_free(memory, size); }
};

}  // namespace segue::modern::detail
