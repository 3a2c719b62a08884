#include <segue/modern/detail/pool.hpp>

namespace segue::modern::detail {

namespace {

struct PoolJanitor {
  Pool* pool = nullptr;
  ~PoolJanitor() {
    if (pool == nullptr) return;
    pool->closed = true;
    for (FreeBlock*& list : pool->free) {
      while (list != nullptr) {
        FreeBlock* block = list;
        list = block->next;
        ::operator delete(block);
      }
    }
  }
};

}  // namespace

void watch_pool(Pool& pool) noexcept {
  thread_local PoolJanitor janitor;
  janitor.pool = &pool;
  pool.watched = true;
}

}  // namespace segue::modern::detail
