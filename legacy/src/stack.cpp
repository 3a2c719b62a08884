#include <segue/legacy/stack.hpp>

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include <segue/exceptions.hpp>
#include <segue/legacy/fiber.hpp>

#include "memory_limits.hpp"
#include "resource_stacks.hpp"
#include "stack_guard.hpp"
#include "stack_overflow.hpp"
#include "valgrind.hpp"

namespace segue::legacy {
namespace {

using legacy_detail::guard_size;
using legacy_detail::StackHeader;

constexpr std::uint32_t class_count = 17;  // 16 KiB to 1 GiB
constexpr std::size_t first_region_bytes = std::size_t{4} << 20;
constexpr std::size_t last_region_bytes = std::size_t{4} << 30;
constexpr std::size_t thread_pool_bytes = std::size_t{4} << 20;
constexpr std::size_t shared_hot_bytes = std::size_t{16} << 20;
constexpr std::uint32_t max_batch = 32;
constexpr std::size_t max_regions = 4096;

constexpr std::size_t bytes_of(std::uint32_t size_class) { return std::size_t{16 * 1024} << size_class; }

constexpr std::uint32_t pool_limit(std::uint32_t size_class) {
  return static_cast<std::uint32_t>(
      std::clamp<std::size_t>(thread_pool_bytes / bytes_of(size_class), 2, std::size_t{2} * max_batch));
}

constexpr std::size_t hot_limit(std::uint32_t size_class) {
  return std::clamp<std::size_t>(shared_hot_bytes / bytes_of(size_class), 2, 1024);
}

std::uint32_t class_of(std::size_t bytes) {
  if (bytes > bytes_of(class_count - 1)) {
    throw MemoryError("a stack of " + std::to_string(bytes) + " bytes is more than the largest, " +
                      std::to_string(bytes_of(class_count - 1)));
  }
  if (bytes <= bytes_of(0)) return 0;
  return static_cast<std::uint32_t>(std::bit_width((bytes - 1) >> 14));
}

std::size_t slot_size(std::uint32_t size_class) { return bytes_of(size_class) + guard_size(); }

std::atomic<std::uint32_t> default_class{std::bit_width((initial_default_stack_size - 1) >> 14)};
static_assert(std::has_single_bit(initial_default_stack_size));

// One reservation, carved from its lower end into slots: a guard, then the stack, whose last bytes are its header.
struct Region {
  std::byte* base;
  std::size_t slots;
  std::uint32_t size_class;
};

// Written under the pool's lock, an entry before the count; read without it, by the signal handler too.
std::array<Region, max_regions> regions;
std::atomic<std::size_t> region_count{0};

std::string reservation_failure(std::size_t bytes, int error) {
  return "cannot reserve " + std::to_string(bytes) + " bytes for a stack: " + legacy_detail::why_refused(bytes, error);
}

// The stacks that no thread keeps to itself. Never destroyed: threads may end after static destructors have run.
class SharedPool {
 public:
  static SharedPool& instance() {
    static auto* const pool = new SharedPool;
    return *pool;
  }

  // At least one stack, at most `wanted`.
  std::uint32_t take(std::uint32_t size_class, std::uint32_t wanted, std::byte** tops) {
    const std::lock_guard lock(mutex_);
    Class& own = classes_[size_class];
    std::uint32_t taken = 0;
    for (auto* idle : {&own.hot, &own.cold}) {
      while (taken < wanted && !idle->empty()) {
        tops[taken++] = idle->back();
        idle->pop_back();
      }
    }
    if (taken == 0) tops[taken++] = carve(size_class);
    return taken;
  }

  void give(std::uint32_t size_class, std::uint32_t count, std::byte* const* tops) noexcept {
    std::uint32_t kept = 0;
    {
      const std::lock_guard lock(mutex_);
      Class& own = classes_[size_class];
      while (kept < count && own.hot.size() < hot_limit(size_class)) own.hot.push_back(tops[kept++]);
    }
    if (kept == count) return;
    for (std::uint32_t i = kept; i < count; ++i) {
      const Stack stack{tops[i], size_class};
      madvise(stack.bottom(), stack.size(), MADV_DONTNEED);
    }
    const std::lock_guard lock(mutex_);
    Class& own = classes_[size_class];
    own.cold.insert(own.cold.end(), tops + kept, tops + count);
  }

  StackStatistics statistics() noexcept {
    const std::lock_guard lock(mutex_);
    StackStatistics result{0, 0, region_count.load()};
    for (const Class& own : classes_) {
      result.stacks += own.stacks;
      result.shared_idle += own.hot.size() + own.cold.size();
    }
    return result;
  }

 private:
  struct Class {
    // Idle stacks whose pages are resident, and idle ones that gave them back. Both have room for every stack of the
    // class, made with its region, so that neither carving a stack nor giving one back allocates.
    std::vector<std::byte*> hot, cold;
    std::size_t stacks = 0;
    // What of the newest region is not carved yet.
    std::byte* next = nullptr;
    std::size_t slots_left = 0;
    std::size_t next_region_bytes = first_region_bytes;
  };

  std::byte* carve(std::uint32_t size_class) {
    Class& own = classes_[size_class];
    if (own.slots_left == 0) reserve_region(size_class);
    legacy_detail::install_overflow_handler();

    std::byte* const bottom = own.next + guard_size();
    std::byte* const end = own.next + slot_size(size_class);
    legacy_detail::install_guard(own.next);
    (void)VALGRIND_STACK_REGISTER(bottom, end);
    own.next = end;
    --own.slots_left;
    ++own.stacks;
    return end - sizeof(StackHeader);
  }

  void reserve_region(std::uint32_t size_class) {
    Class& own = classes_[size_class];
    const std::size_t slot = slot_size(size_class);
    const std::size_t count = region_count.load(std::memory_order_relaxed);
    if (count == max_regions) throw MemoryError("cannot reserve more than 4096 regions of stacks");
    std::size_t slots = std::max<std::size_t>(1, own.next_region_bytes / slot);
    void* base = MAP_FAILED;
    for (;; slots = (slots + 1) / 2) {
      base = mmap(nullptr, slots * slot, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (base != MAP_FAILED) break;
      if (slots == 1) throw MemoryError(reservation_failure(slot, errno));
    }
    struct Reservation {
      void* base;
      std::size_t bytes;
      ~Reservation() {
        if (base != nullptr) munmap(base, bytes);
      }
    } reservation{base, slots * slot};
    const std::size_t stacks = own.stacks + slots;
    try {
      own.hot.reserve(stacks);
      own.cold.reserve(stacks);
    } catch (const std::bad_alloc&) {
      const std::size_t bytes = stacks * sizeof(std::byte*);
      throw MemoryError("cannot reserve " + std::to_string(bytes) +
                        " bytes for a list of stacks: " + legacy_detail::why_heap_refused(bytes));
    }
    reservation.base = nullptr;
    // With huge pages, the first touch of a stack would make a whole huge page resident.
    madvise(base, slots * slot, MADV_NOHUGEPAGE);
    regions[count] = {static_cast<std::byte*>(base), slots, size_class};
    region_count.store(count + 1, std::memory_order_release);
    own.next = static_cast<std::byte*>(base);
    own.slots_left = slots;
    own.next_region_bytes = std::min(own.next_region_bytes * 2, last_region_bytes);
  }

  std::mutex mutex_;
  std::array<Class, class_count> classes_;
};

// The stacks that one thread keeps to itself, as lists through their headers. Trivial, so that reaching it costs no
// check for construction; `ThreadEnd` empties it.
struct ThreadPool {
  struct Idle {
    StackHeader* first = nullptr;
    std::uint32_t count = 0;
  };
  enum class Life : std::uint8_t { unused, open, ended };

  std::array<Idle, class_count> idle{};
  Life life = Life::unused;

  void push(StackHeader* header, Idle& own) noexcept {
    header->next = own.first;
    own.first = header;
    ++own.count;
  }
  static StackHeader* pop(Idle& own) noexcept {
    StackHeader* const header = own.first;
    own.first = header->next;
    --own.count;
    return header;
  }

  void open();
  void give_shared(std::uint32_t size_class, std::uint32_t keep) noexcept {
    Idle& own = idle[size_class];
    std::byte* tops[max_batch];
    while (own.count > keep) {
      std::uint32_t count = 0;
      while (own.count > keep && count < max_batch) tops[count++] = reinterpret_cast<std::byte*>(pop(own));
      SharedPool::instance().give(size_class, count, tops);
    }
  }
};

constinit thread_local ThreadPool thread_pool;

struct ThreadEnd {
  legacy_detail::SignalStack signal_stack;
  ~ThreadEnd() {
    thread_pool.life = ThreadPool::Life::ended;
    for (std::uint32_t i = 0; i < class_count; ++i) thread_pool.give_shared(i, 0);
  }
};
thread_local ThreadEnd thread_end;

void ThreadPool::open() {
  thread_end.signal_stack.install();
  life = Life::open;
}

[[gnu::noinline, gnu::cold]] Stack refill(std::uint32_t size_class) {
  std::byte* tops[max_batch];
  ThreadPool& pool = thread_pool;
  if (pool.life == ThreadPool::Life::unused) pool.open();
  const bool keeps = pool.life == ThreadPool::Life::open;
  std::uint32_t taken =
      SharedPool::instance().take(size_class, keeps ? std::min(max_batch, pool_limit(size_class)) : 1, tops);
  while (taken > 1) pool.push(reinterpret_cast<StackHeader*>(tops[--taken]), pool.idle[size_class]);
  return Stack{tops[0], size_class};
}

[[gnu::noinline, gnu::cold]] Stack allocate_from(std::pmr::memory_resource& resource, std::uint32_t size_class) {
  if (thread_pool.life == ThreadPool::Life::unused) thread_pool.open();
  legacy_detail::install_overflow_handler();
  return legacy_detail::allocate_resource_stack(resource, size_class);
}

[[gnu::noinline, gnu::cold]] void overflow(Stack stack) noexcept {
  ThreadPool& pool = thread_pool;
  if (pool.life == ThreadPool::Life::unused) pool.open();
  if (pool.life == ThreadPool::Life::ended) {
    SharedPool::instance().give(stack.size_class, 1, &stack.top);
    return;
  }
  pool.push(&legacy_detail::header_of(stack), pool.idle[stack.size_class]);
  if (pool.idle[stack.size_class].count > pool_limit(stack.size_class)) {
    pool.give_shared(stack.size_class, pool_limit(stack.size_class) / 2);
  }
}

}  // namespace

StackSize default_stack_size() noexcept { return {bytes_of(default_class.load(std::memory_order_relaxed))}; }

void set_default_stack_size(StackSize size) {
  default_class.store(class_of(size.bytes == 0 ? initial_default_stack_size : size.bytes), std::memory_order_relaxed);
}

// Not inlined: a caller may be on a fiber that another thread resumes later, and must not keep this thread's pool.
[[gnu::noinline]] Stack allocate_stack(StackSize size, std::pmr::memory_resource* resource) {
  const std::uint32_t size_class =
      size.bytes == 0 ? default_class.load(std::memory_order_relaxed) : class_of(size.bytes);
  if (resource != nullptr) [[unlikely]]
    return allocate_from(*resource, size_class);
  ThreadPool::Idle& own = thread_pool.idle[size_class];
  if (own.first == nullptr) [[unlikely]]
    return refill(size_class);
  return Stack{reinterpret_cast<std::byte*>(ThreadPool::pop(own)), size_class};
}

[[gnu::noinline]] void free_stack(Stack stack) noexcept {
  if (legacy_detail::header_of(stack).resource != nullptr) [[unlikely]]
    return legacy_detail::free_resource_stack(stack);
  ThreadPool& pool = thread_pool;
  ThreadPool::Idle& own = pool.idle[stack.size_class];
  if (pool.life != ThreadPool::Life::open || own.count >= pool_limit(stack.size_class)) [[unlikely]] {
    return overflow(stack);
  }
  pool.push(&legacy_detail::header_of(stack), own);
}

StackStatistics stack_statistics() noexcept { return SharedPool::instance().statistics(); }

StackHeader* legacy_detail::find_stack(const void* address, Stack* stack, std::size_t attempts) noexcept {
  const auto* const where = static_cast<const std::byte*>(address);
  const std::size_t count = region_count.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < count; ++i) {
    const Region& region = regions[i];
    const std::size_t slot = slot_size(region.size_class);
    if (where < region.base || where >= region.base + region.slots * slot) continue;
    const std::size_t index = static_cast<std::size_t>(where - region.base) / slot;
    std::byte* const top = region.base + (index + 1) * slot - sizeof(StackHeader);
    if (stack != nullptr) *stack = Stack{top, region.size_class};
    return reinterpret_cast<StackHeader*>(top);
  }
  return find_resource_stack(address, stack, attempts);
}

}  // namespace segue::legacy
