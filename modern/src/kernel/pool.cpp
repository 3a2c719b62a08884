#include <segue/modern/kernel/pool.hpp>

#include <sys/mman.h>

#include <algorithm>
#include <mutex>
#include <utility>

// Of the sanitizer's runtime library, which every process has one of whose code was compiled with it, if only in part.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" [[gnu::weak]] void __asan_init();

namespace segue::modern::detail {

bool pooled() noexcept { return &__asan_init == nullptr; }

namespace {

constexpr std::size_t magazine_bytes = std::size_t{32} << 10;
constexpr std::size_t first_chunk_bytes = std::size_t{64} << 10;
// A huge page: a million tasks are some hundreds of page faults instead of a hundred thousand.
constexpr std::size_t last_chunk_bytes = std::size_t{2} << 20;

constexpr std::size_t cache_line = 64;

constexpr std::size_t bytes_of(std::size_t size_class) { return (size_class + 1) * pool_step; }

// What no thread keeps to itself. Never destroyed: blocks are freed after static destructors have run, too.
class Depot {
 public:
  static Depot& instance() {
    static auto* const depot = new Depot;
    return *depot;
  }

  Magazine take(std::size_t size_class) noexcept {
    const std::lock_guard lock(mutex_);
    FreeBlock* const top = magazines_[size_class];
    if (top == nullptr) return {};
    magazines_[size_class] = top->next_magazine;
    return {top, top->count};
  }

  void give(std::size_t size_class, Magazine magazine) noexcept {
    if (magazine.top == nullptr) return;
    magazine.top->count = magazine.count;
    const std::lock_guard lock(mutex_);
    magazine.top->next_magazine = std::exchange(magazines_[size_class], magazine.top);
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

 private:
  struct Rest {
    Rest* next;
    std::byte* end;
  };

  std::mutex mutex_;
  std::array<FreeBlock*, pool_classes> magazines_{};
  Rest* rests_ = nullptr;
};

struct PoolEnd {
  Pool* pool = nullptr;
  ~PoolEnd() {
    if (pool == nullptr) return;
    pool->life = Pool::Life::ended;
    for (std::size_t i = 0; i < pool_classes; ++i) {
      Depot::instance().give(i, pool->classes[i].loaded);
      Depot::instance().give(i, pool->classes[i].full);
      pool->classes[i] = {};
    }
    Depot::instance().give_rest(pool->next, pool->end);
    pool->next = pool->end = nullptr;
  }
};

void open(Pool& pool) noexcept {
  thread_local PoolEnd end;
  end.pool = &pool;
  pool.life = Pool::Life::open;
  for (std::size_t i = 0; i < pool_classes; ++i) {
    pool.classes[i].capacity = static_cast<std::uint32_t>(magazine_bytes / bytes_of(i));
  }
}

void add_chunk(Pool& pool) {
  if (Depot::instance().take_rest(pool.next, pool.end)) return;
  const std::size_t bytes = std::clamp(pool.chunk_bytes * 2, first_chunk_bytes, last_chunk_bytes);
  const bool huge = bytes == last_chunk_bytes;
  void* const chunk = ::operator new(bytes, std::align_val_t{huge ? last_chunk_bytes : cache_line});
  if (huge) madvise(chunk, bytes, MADV_HUGEPAGE);
  pool.chunk_bytes = bytes;
  pool.next = static_cast<std::byte*>(chunk);
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

}  // namespace segue::modern::detail
