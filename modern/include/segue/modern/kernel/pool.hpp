// Coroutine frames, task states and handles are made and freed millions of times a second in a handful of sizes: each
// thread keeps free blocks by size class, so that neither costs a trip to the heap.
//
// Blocks lie on boundaries of 32 bytes. They are cut from chunks. A thread keeps at most two magazines of free blocks a
// class (Bonwick's scheme); full ones go to a depot that all threads share, and so do all of a thread that ends. So
// blocks may be freed by another thread than the one that they were made in, and come back to it. When much lies free
// in the depot, a loop that has time gives back the chunks in which nothing is used any more.
//
// In a process with AddressSanitizer or LeakSanitizer each block comes from the heap: a reused one would hide a use
// after free or a leak. That is found out where the program runs, and not by a macro in here, so that a program may be
// compiled with the sanitizer and the library without it, or the other way round.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

namespace segue::modern::detail {

inline constexpr std::size_t pool_step = 32;
inline constexpr std::size_t pool_classes = 2048 / pool_step;  // what is larger than 2 KiB goes to the heap

struct FreeBlock {
  FreeBlock* next;
  // Of the first block of a magazine in the depot:
  FreeBlock* next_magazine;
  std::uint32_t count;
};

static_assert(sizeof(FreeBlock) <= pool_step);

struct Magazine {
  FreeBlock* top = nullptr;
  std::uint32_t count = 0;
};

/// The free blocks of one thread. Trivially destructible, so that blocks may be freed at any time until the thread is
/// gone.
struct Pool {
  enum class Life : std::uint8_t { unused, open, ended };  // always unused where nothing is pooled
  struct Class {
    Magazine loaded;
    std::uint32_t capacity = 0;  // of a magazine; 0 unless the pool is open
    Magazine full;               // one in reserve: full, or none at all
  };

  std::array<Class, pool_classes> classes{};
  // What of the newest chunk is not cut yet.
  std::byte* next = nullptr;
  std::byte* end = nullptr;
  std::size_t chunk_bytes = 0;
  Life life = Life::unused;
};

inline constinit thread_local Pool this_thread_pool{};

/// Whether blocks are pooled at all in this process.
bool pooled() noexcept;

/// A block for a thread that has none left of this class. Throws std::bad_alloc.
void* pool_refill(std::size_t size_class);
/// Takes a block that does not fit into the loaded magazine.
void pool_overflow(void* memory, std::size_t size_class) noexcept;

/// Whether so much has come to the depot since somebody looked through it that it is worth doing so again: then whoever
/// has time calls pool_give_back().
inline constinit std::atomic<bool> pool_has_surplus = false;
/// Gives those chunks of 2 MiB back to the system whose blocks all lie in the depot or in the calling thread's
/// magazines. Does nothing where memory is lacking.
void pool_give_back() noexcept;

struct PoolFigures {
  std::size_t chunks;  // of 2 MiB
  std::size_t free;    // bytes in the depot
};
/// For tests.
PoolFigures pool_figures() noexcept;

inline void* pool_allocate(std::size_t size) {
  const std::size_t size_class = (size + pool_step - 1) / pool_step - 1;
  if (size_class >= pool_classes) return ::operator new(size, std::align_val_t{pool_step});
  Magazine& loaded = this_thread_pool.classes[size_class].loaded;
  FreeBlock* const block = loaded.top;
  if (block == nullptr) [[unlikely]]
    return pool_refill(size_class);
  loaded.top = block->next;
  --loaded.count;
  return block;
}

inline void pool_free(void* memory, std::size_t size) noexcept {
  const std::size_t size_class = (size + pool_step - 1) / pool_step - 1;
  if (size_class >= pool_classes) return ::operator delete(memory, std::align_val_t{pool_step});
  Pool::Class& own = this_thread_pool.classes[size_class];
  if (own.loaded.count >= own.capacity) [[unlikely]]
    return pool_overflow(memory, size_class);
  own.loaded.top = ::new (memory) FreeBlock{own.loaded.top, nullptr, 0};
  ++own.loaded.count;
}

}  // namespace segue::modern::detail

namespace segue::modern {

/// A base that takes its derived classes' memory from the pool.
struct Pooled {
  static void* operator new(std::size_t size) { return detail::pool_allocate(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { detail::pool_free(memory, size); }
  // What has to be aligned further than the pool's blocks comes from the heap.
  static void* operator new(std::size_t size, std::align_val_t alignment) { return ::operator new(size, alignment); }
  static void operator delete(void* memory, std::size_t size, std::align_val_t alignment) noexcept {
    ::operator delete(memory, size, alignment);
  }
};

}  // namespace segue::modern
