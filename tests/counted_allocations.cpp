#include "counted_allocations.hpp"

#include <malloc.h>

#include <cstdlib>
#include <new>

#if defined(__SANITIZE_THREAD__)
#define SEGUE_TEST_TSAN
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SEGUE_TEST_TSAN
#endif
#endif

namespace segue::testing {
namespace {

struct Counts {
  std::size_t made = 0;
  std::ptrdiff_t alive = 0;
  std::ptrdiff_t bytes = 0;
  // The number of the allocation to refuse, counted from where the refusal began; 0 for none.
  std::size_t refused = 0;
  bool from_then_on = false;
  std::size_t asked = 0;
  int paused = 0;

  bool allowed() noexcept {
    if (refused == 0 || paused != 0) return true;
    ++asked;
    return asked < refused || (asked > refused && !from_then_on);
  }
};

constinit thread_local Counts counts;

// As malloc(size), or as aligned_alloc() where there is an alignment.
[[maybe_unused]] void* allocate(std::size_t size, std::size_t alignment = 0) {
  ++counts.made;
  if (size == 0) size = 1;
  if (counts.allowed()) {
    void* const memory = alignment == 0 ? std::malloc(size)
                                        : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (memory != nullptr) {
      ++counts.alive;
      counts.bytes += static_cast<std::ptrdiff_t>(malloc_usable_size(memory));
      return memory;
    }
  }
  throw std::bad_alloc();
}

[[maybe_unused]] void deallocate(void* memory) noexcept {
  if (memory != nullptr) {
    --counts.alive;
    counts.bytes -= static_cast<std::ptrdiff_t>(malloc_usable_size(memory));
  }
  std::free(memory);
}

}  // namespace

#if defined(SEGUE_TEST_TSAN)
const bool allocations_counted = false;
#else
const bool allocations_counted = true;
#endif

std::size_t allocations_made() noexcept { return counts.made; }
std::ptrdiff_t allocations_alive() noexcept { return counts.alive; }
std::ptrdiff_t bytes_alive() noexcept { return counts.bytes; }

RefusedAllocation::RefusedAllocation(std::size_t nth, Refused refused) noexcept {
  counts.refused = nth;
  counts.from_then_on = refused == Refused::from_then_on;
  counts.asked = 0;
}
RefusedAllocation::~RefusedAllocation() { counts.refused = 0; }
bool RefusedAllocation::happened() noexcept { return counts.refused != 0 && counts.asked >= counts.refused; }

NothingRefused::NothingRefused() noexcept { ++counts.paused; }
NothingRefused::~NothingRefused() { --counts.paused; }

}  // namespace segue::testing

// ThreadSanitizer has these operators itself.
#if !defined(SEGUE_TEST_TSAN)
void* operator new(std::size_t size) { return segue::testing::allocate(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return segue::testing::allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { segue::testing::deallocate(memory); }
void operator delete(void* memory, std::size_t) noexcept { segue::testing::deallocate(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { segue::testing::deallocate(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { segue::testing::deallocate(memory); }
#endif
