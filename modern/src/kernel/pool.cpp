#include <segue/modern/kernel/pool.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <mutex>
#include <span>
#include <utility>

// Of the sanitizers' runtime libraries, which every process has whose code was compiled with one, if only in part.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" [[gnu::weak]] void __asan_init();
extern "C" [[gnu::weak]] void __lsan_init();
// NOLINTEND(bugprone-reserved-identifier)

namespace segue::modern::detail {

bool pooled() noexcept { return &__asan_init == nullptr && &__lsan_init == nullptr; }

namespace {

constexpr std::size_t magazine_bytes = std::size_t{32} << 10;
constexpr std::size_t first_chunk_bytes = std::size_t{64} << 10;
// A huge page: a million tasks are some hundreds of page faults instead of a hundred thousand.
constexpr std::size_t last_chunk_bytes = std::size_t{2} << 20;

constexpr std::size_t cache_line = 64;

constexpr std::size_t bytes_of(std::size_t size_class) { return (size_class + 1) * pool_step; }

constexpr std::size_t bytes_of(const Magazine& magazine, std::size_t size_class) {
  return magazine.count * bytes_of(size_class);
}

constexpr std::uint32_t capacity_of(std::size_t size_class) {
  return static_cast<std::uint32_t>(magazine_bytes / bytes_of(size_class));
}

constexpr std::size_t least_surplus = std::size_t{64} << 20;

/// A chunk of last_chunk_bytes, on a boundary of as many: where a block lies tells which chunk it is of.
struct HugeChunk {
  std::byte* const memory = map();
  HugeChunk* next = nullptr;
  // While its free blocks are looked for: these, and how large they are in all.
  FreeBlock* blocks = nullptr;
  std::size_t free = 0;

  HugeChunk() = default;
  HugeChunk(const HugeChunk&) = delete;
  ~HugeChunk() {
    // Where a mapping cannot be divided, there being too many, its pages are let go of all the same.
    if (munmap(memory, last_chunk_bytes) != 0) madvise(memory, last_chunk_bytes, MADV_DONTNEED);
  }

 private:
  // Not by operator new: what the heap does with a block that is given back is its own affair, and it would have to map
  // twice as much for the sake of the boundary.
  static std::byte* map() {
    const std::size_t bytes = 2 * last_chunk_bytes - static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void* const mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    // The last boundary: mappings are made downwards, so that the next chunk lies right below this one.
    auto* const begin = static_cast<std::byte*>(mapped);
    const std::size_t behind = reinterpret_cast<std::uintptr_t>(begin + bytes) % last_chunk_bytes;
    const std::size_t before = bytes - behind - last_chunk_bytes;
    if (before != 0) munmap(begin, before);
    if (behind != 0) munmap(begin + bytes - behind, behind);
    madvise(begin + before, last_chunk_bytes, MADV_HUGEPAGE);
    return begin + before;
  }
};

/// The magazines of a class in the depot.
class Magazines {
 public:
  bool empty() const noexcept { return top_ == nullptr; }
  void push(Magazine magazine) noexcept {
    magazine.top->count = magazine.count;
    magazine.top->next_magazine = std::exchange(top_, magazine.top);
    if (bottom_ == nullptr) bottom_ = top_;
  }
  Magazine pop() noexcept {
    if (top_ == nullptr) return {};
    FreeBlock* const top = std::exchange(top_, top_->next_magazine);
    if (top_ == nullptr) bottom_ = nullptr;
    return {top, top->count};
  }
  /// Puts all of `others` on top.
  void splice(Magazines others) noexcept {
    if (others.empty()) return;
    others.bottom_->next_magazine = top_;
    if (bottom_ == nullptr) bottom_ = others.bottom_;
    top_ = others.top_;
  }

 private:
  FreeBlock* top_ = nullptr;
  FreeBlock* bottom_ = nullptr;
};

/// What is in the depot, or was taken out to be looked through.
struct Stock {
  std::array<Magazines, pool_classes> magazines{};
  HugeChunk* chunks = nullptr;
  std::size_t free = 0;  // bytes in magazines
};

// What no thread keeps to itself. Never destroyed: blocks are freed after static destructors have run, too.
class Depot {
 public:
  static Depot& instance() {
    static auto* const depot = new Depot;
    return *depot;
  }

  Magazine take(std::size_t size_class) noexcept {
    const std::lock_guard lock(mutex_);
    const Magazine magazine = stock_.magazines[size_class].pop();
    stock_.free -= bytes_of(magazine, size_class);
    seen_ = std::min(seen_, stock_.free);
    publish();
    return magazine;
  }

  void give(std::size_t size_class, Magazine magazine) noexcept {
    if (magazine.top == nullptr) return;
    const std::lock_guard lock(mutex_);
    stock_.magazines[size_class].push(magazine);
    stock_.free += bytes_of(magazine, size_class);
    publish();
  }

  // What threads that ended had not cut of their chunks.
  bool take_rest(std::byte*& next, std::byte*& end) noexcept {
    const std::lock_guard lock(mutex_);
    if (rests_ == nullptr) return false;
    next = reinterpret_cast<std::byte*>(rests_);
    end = rests_->end;
    rests_ = rests_->next;
    return true;
  }

  void give_rest(std::byte* next, std::byte* end) noexcept {
    if (next == end) return;
    const std::lock_guard lock(mutex_);
    rests_ = ::new (static_cast<void*>(next)) Rest{rests_, end};
  }

  std::byte* add_huge_chunk() {
    auto chunk = std::make_unique<HugeChunk>();
    const std::lock_guard lock(mutex_);
    chunk->next = stock_.chunks;
    stock_.chunks = chunk.release();
    return stock_.chunks->memory;
  }

  // All but the rests. Whoever needs a block before it is back cuts a new one.
  Stock take_all() noexcept {
    const std::lock_guard lock(mutex_);
    seen_ = 0;
    Stock all = std::exchange(stock_, {});
    publish();
    return all;
  }

  // `seen` says whether its chunks have been looked at.
  void give_all(const Stock& all, bool seen) noexcept {
    HugeChunk* last = all.chunks;
    while (last != nullptr && last->next != nullptr) last = last->next;
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < pool_classes; ++i) stock_.magazines[i].splice(all.magazines[i]);
    if (last != nullptr) last->next = std::exchange(stock_.chunks, all.chunks);
    stock_.free += all.free;
    if (seen) seen_ += all.free;
    publish();
  }

  PoolFigures figures() noexcept {
    const std::lock_guard lock(mutex_);
    std::size_t chunks = 0;
    for (const HugeChunk* chunk = stock_.chunks; chunk != nullptr; chunk = chunk->next) ++chunks;
    return {chunks, stock_.free};
  }

 private:
  struct Rest {
    Rest* next;
    std::byte* end;
  };

  // To look through all costs some nanoseconds a block. So it has to be worth it, and where much was left the last
  // time, a good part of it has to have come since.
  void publish() noexcept {
    const bool surplus = stock_.free - seen_ >= std::max(least_surplus, seen_ / 4);
    if (pool_has_surplus.load(std::memory_order_relaxed) != surplus) {
      pool_has_surplus.store(surplus, std::memory_order_relaxed);
    }
  }

  std::mutex mutex_;
  Stock stock_;
  std::size_t seen_ = 0;  // so many of the free bytes were there when somebody looked through them, and had to stay
  Rest* rests_ = nullptr;
};

/// Finds the chunk that a block is of.
class ChunkTable {
 public:
  /// False where memory is lacking.
  bool fill(HugeChunk* chunks) noexcept {
    std::size_t count = 0;
    for (const HugeChunk* chunk = chunks; chunk != nullptr; chunk = chunk->next) ++count;
    const std::size_t size = std::bit_ceil(2 * count + 1);
    slots_.reset(new (std::nothrow) HugeChunk*[size]());
    if (slots_ == nullptr) return false;
    mask_ = size - 1;
    for (HugeChunk* chunk = chunks; chunk != nullptr; chunk = chunk->next) slots_[slot_of(chunk->memory)] = chunk;
    return true;
  }

  /// Null where it is of none: a block of a small chunk, or from the heap.
  HugeChunk* find(const FreeBlock* block) const noexcept {
    return slots_[slot_of(reinterpret_cast<const std::byte*>(block))];
  }

  /// The chunks in any order, which ends the table's use.
  std::span<HugeChunk*> release() noexcept {
    HugeChunk** const end = std::remove(slots_.get(), slots_.get() + mask_ + 1, nullptr);
    return {slots_.get(), end};
  }

 private:
  // Where it is, or a free slot.
  std::size_t slot_of(const std::byte* address) const noexcept {
    const std::uintptr_t number = reinterpret_cast<std::uintptr_t>(address) / last_chunk_bytes;
    std::size_t i = number & mask_;
    while (slots_[i] != nullptr && reinterpret_cast<std::uintptr_t>(slots_[i]->memory) / last_chunk_bytes != number) {
      i = (i + 1) & mask_;
    }
    return i;
  }

  std::unique_ptr<HugeChunk*[]> slots_;
  std::size_t mask_ = 0;
};

/// Makes magazines of blocks.
class Packer {
 public:
  void add(FreeBlock* blocks) noexcept {
    while (blocks != nullptr) {
      FreeBlock* const block = std::exchange(blocks, blocks->next);
      const std::size_t size_class = block->count;
      Magazine& magazine = filling_[size_class];
      block->next = std::exchange(magazine.top, block);
      if (++magazine.count == capacity_of(size_class)) flush(size_class);
    }
  }
  void move_to(Stock& stock) noexcept {
    for (std::size_t i = 0; i < pool_classes; ++i) flush(i);
    stock.magazines = full_;
    stock.free = free_;
  }

 private:
  void flush(std::size_t size_class) noexcept {
    const Magazine magazine = std::exchange(filling_[size_class], {});
    if (magazine.top == nullptr) return;
    free_ += bytes_of(magazine, size_class);
    full_[size_class].push(magazine);
  }

  std::array<Magazine, pool_classes> filling_{};
  std::array<Magazines, pool_classes> full_{};
  std::size_t free_ = 0;
};

/// Unmaps the chunks of `stock` that are free as a whole. False where memory is lacking, and nothing has changed.
bool unmap_free_chunks(Stock& stock) noexcept {
  ChunkTable table;
  if (!table.fill(stock.chunks)) return false;
  FreeBlock* others = nullptr;
  const auto sort_in = [&](FreeBlock& block, std::size_t size_class) {
    block.count = static_cast<std::uint32_t>(size_class);
    HugeChunk* const chunk = table.find(&block);
    block.next = std::exchange(chunk != nullptr ? chunk->blocks : others, &block);
    if (chunk != nullptr) chunk->free += bytes_of(size_class);
  };
  // Each block is a miss of the caches, and tells where the next one is: of several magazines at once.
  std::array<FreeBlock*, 16> walks{};
  for (std::size_t i = 0; i < pool_classes; ++i) {
    for (bool more = true; more;) {
      more = false;
      for (FreeBlock*& walk : walks) {
        if (walk == nullptr) walk = stock.magazines[i].pop().top;
        if (walk == nullptr) continue;
        FreeBlock* const next = walk->next;
        if (next != nullptr) __builtin_prefetch(next, 1);
        sort_in(*walk, i);
        walk = next;
        more = true;
      }
    }
  }

  // What comes last is used first: what is of no huge chunk, and stays anyway, then the fullest. So the emptiest have
  // the better chance to become free.
  const std::span<HugeChunk*> chunks = table.release();
  std::ranges::sort(chunks, std::ranges::greater(), &HugeChunk::free);
  stock.chunks = nullptr;
  Packer packer;
  for (HugeChunk* const chunk : chunks) {
    if (chunk->free == last_chunk_bytes) {
      delete chunk;
      continue;
    }
    packer.add(std::exchange(chunk->blocks, nullptr));
    chunk->free = 0;
    chunk->next = std::exchange(stock.chunks, chunk);
  }
  packer.add(others);
  packer.move_to(stock);
  return true;
}

void give_magazines(Pool& pool) noexcept {
  for (std::size_t i = 0; i < pool_classes; ++i) {
    Depot::instance().give(i, std::exchange(pool.classes[i].loaded, {}));
    Depot::instance().give(i, std::exchange(pool.classes[i].full, {}));
  }
}

struct PoolEnd {
  Pool* pool = nullptr;
  ~PoolEnd() {
    if (pool == nullptr) return;
    pool->life = Pool::Life::ended;
    give_magazines(*pool);
    for (Pool::Class& own : pool->classes) own.capacity = 0;
    Depot::instance().give_rest(pool->next, pool->end);
    pool->next = pool->end = nullptr;
  }
};

void open(Pool& pool) noexcept {
  thread_local PoolEnd end;
  end.pool = &pool;
  pool.life = Pool::Life::open;
  for (std::size_t i = 0; i < pool_classes; ++i) {
    pool.classes[i].capacity = capacity_of(i);
  }
}

void add_chunk(Pool& pool) {
  if (Depot::instance().take_rest(pool.next, pool.end)) return;
  const std::size_t bytes = std::clamp(pool.chunk_bytes * 2, first_chunk_bytes, last_chunk_bytes);
  pool.next = bytes == last_chunk_bytes ? Depot::instance().add_huge_chunk()
                                        : static_cast<std::byte*>(::operator new(bytes, std::align_val_t{cache_line}));
  pool.chunk_bytes = bytes;
  pool.end = pool.next + bytes;
}

void* cut(Pool& pool, std::size_t size_class) {
  const std::size_t bytes = bytes_of(size_class);
  while (static_cast<std::size_t>(pool.end - pool.next) < bytes) {
    // What is left of the chunk is too small for this class: it becomes a block of a smaller one.
    const auto rest = static_cast<std::size_t>(pool.end - pool.next);
    if (rest != 0) pool_free(std::exchange(pool.next, pool.end), rest);
    add_chunk(pool);
  }
  return std::exchange(pool.next, pool.next + bytes);
}

}  // namespace

void* pool_refill(std::size_t size_class) {
  Pool& pool = this_thread_pool;
  if (!pooled()) return ::operator new(bytes_of(size_class), std::align_val_t{pool_step});
  if (pool.life == Pool::Life::unused) open(pool);
  if (pool.life == Pool::Life::ended) return ::operator new(bytes_of(size_class), std::align_val_t{pool_step});
  Pool::Class& own = pool.classes[size_class];
  own.loaded = own.full.top != nullptr ? std::exchange(own.full, {}) : Depot::instance().take(size_class);
  if (own.loaded.top == nullptr) return cut(pool, size_class);
  FreeBlock* const block = own.loaded.top;
  own.loaded.top = block->next;
  --own.loaded.count;
  return block;
}

void pool_overflow(void* memory, std::size_t size_class) noexcept {
  Pool& pool = this_thread_pool;
  if (!pooled()) return ::operator delete(memory, std::align_val_t{pool_step});
  if (pool.life == Pool::Life::unused) open(pool);
  Pool::Class& own = pool.classes[size_class];
  if (pool.life == Pool::Life::ended) {
    return Depot::instance().give(size_class, {::new (memory) FreeBlock{nullptr, nullptr, 0}, 1});
  }
  if (own.loaded.count == own.capacity) {
    Depot::instance().give(size_class, std::exchange(own.full, std::exchange(own.loaded, {})));
  }
  own.loaded.top = ::new (memory) FreeBlock{own.loaded.top, nullptr, 0};
  ++own.loaded.count;
}

void pool_give_back() noexcept {
  give_magazines(this_thread_pool);
  Stock all = Depot::instance().take_all();
  const bool seen = unmap_free_chunks(all);
  Depot::instance().give_all(all, seen);
}

PoolFigures pool_figures() noexcept { return Depot::instance().figures(); }

}  // namespace segue::modern::detail
