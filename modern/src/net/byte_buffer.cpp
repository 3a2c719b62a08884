#include "net/byte_buffer.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

#include <segue/modern/kernel/pool.hpp>

namespace segue::modern::detail {

namespace {

constexpr std::size_t smallest_block = 64;
constexpr std::size_t largest_in_pool = 2048;
constexpr std::size_t largest_kept = std::size_t{256} << 10;
// 16 bytes past a page's start, where large blocks of the heap lie, the system's copy takes half as long again.
constexpr std::align_val_t alignment_of_large{64};
constexpr std::size_t most_kept = std::size_t{4} << 20;

struct FreeLargeBlock {
  FreeLargeBlock* next;
};

// A thread's free blocks that are too large for the pool, by size. Trivially destructible, so that blocks may be freed
// at any time.
struct LargeBlocks {
  enum class Life : std::uint8_t { unused, open, ended };

  static std::size_t class_of(std::size_t size) noexcept {
    return static_cast<std::size_t>(std::bit_width(size) - std::bit_width(largest_in_pool)) - 1;
  }

  std::array<FreeLargeBlock*, 8> free{};
  std::size_t bytes = 0;
  Life life = Life::unused;
};

static_assert(largest_in_pool << std::tuple_size_v<decltype(LargeBlocks::free)> >= largest_kept);

constinit thread_local LargeBlocks large_blocks;

struct LargeBlocksEnd {
  LargeBlocks* blocks = nullptr;
  ~LargeBlocksEnd() {
    if (blocks == nullptr) return;
    blocks->life = LargeBlocks::Life::ended;
    for (FreeLargeBlock*& first : blocks->free) {
      while (first != nullptr) ::operator delete(std::exchange(first, first->next), alignment_of_large);
    }
  }
};

void* allocate(std::size_t size) {
  if (size <= largest_in_pool) return pool_allocate(size);
  if (size <= largest_kept) {
    FreeLargeBlock*& first = large_blocks.free[LargeBlocks::class_of(size)];
    if (first != nullptr) {
      large_blocks.bytes -= size;
      return std::exchange(first, first->next);
    }
  }
  return ::operator new(size, alignment_of_large);
}

void deallocate(void* block, std::size_t size) noexcept {
  if (size <= largest_in_pool) return pool_free(block, size);
  LargeBlocks& own = large_blocks;
  if (own.life == LargeBlocks::Life::unused) {
    thread_local LargeBlocksEnd end;
    end.blocks = &own;
    own.life = LargeBlocks::Life::open;
  }
  const bool kept =
      pooled() && own.life == LargeBlocks::Life::open && size <= largest_kept && own.bytes + size <= most_kept;
  if (!kept) return ::operator delete(block, alignment_of_large);
  FreeLargeBlock*& first = own.free[LargeBlocks::class_of(size)];
  first = ::new (block) FreeLargeBlock{first};
  own.bytes += size;
}

}  // namespace

void ByteBuffer::append(std::string_view data) {
  reserve(data.size());
  std::memcpy(block_ + end_, data.data(), data.size());
  end_ += data.size();
}

void ByteBuffer::reserve(std::size_t count) {
  if (room().size() < count) make_room(count);
}

void ByteBuffer::commit(std::size_t count) noexcept {
  end_ += count;
  if (begin_ == end_) release();
}

void ByteBuffer::drop(std::size_t count) noexcept {
  begin_ += count;
  if (begin_ == end_) return release();
  if (capacity_ <= largest_kept || size() > capacity_ / 8) return;
  try {
    const std::size_t smaller = capacity_ / 4;
    move_to(static_cast<char*>(allocate(smaller)), smaller);
  } catch (const std::bad_alloc&) {  // the large one does
  }
}

// Moves what is held to the front of the block, where it fills at most half of the block and `count` more fit in: so no
// more bytes are moved than came. Else moves it into a new block.
void ByteBuffer::make_room(std::size_t count) {
  const std::size_t held = size();
  if (held + count <= capacity_ && held <= capacity_ / 2) {
    std::memmove(block_, block_ + begin_, held);
    begin_ = 0;
    end_ = held;
  } else {
    const std::size_t capacity = std::bit_ceil(std::max({held + count, held * 2, smallest_block}));
    move_to(static_cast<char*>(allocate(capacity)), capacity);
  }
}

void ByteBuffer::move_to(char* block, std::size_t capacity) noexcept {
  const std::size_t held = size();
  if (held > 0) std::memcpy(block, block_ + begin_, held);
  release();
  block_ = block;
  capacity_ = capacity;
  end_ = held;
}

void ByteBuffer::release() noexcept {
  if (block_ != nullptr) deallocate(block_, capacity_);
  block_ = nullptr;
  capacity_ = begin_ = end_ = 0;
}

}  // namespace segue::modern::detail
