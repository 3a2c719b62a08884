#include "resource_stacks.hpp"

#include <sched.h>

#include <atomic>
#include <cstddef>
#include <limits>
#include <new>

#include "stack_guard.hpp"
#include "valgrind.hpp"

namespace segue::legacy::legacy_detail {
namespace {

// The list of all of these stacks, linked through their headers: the first one, and whether some thread is at work on
// the list. Not a mutex: a signal handler must be able to give up.
std::atomic<StackHeader*> first{nullptr};
std::atomic_flag busy;

class ListLock {
 public:
  explicit ListLock(std::size_t attempts = std::numeric_limits<std::size_t>::max()) noexcept {
    while (!(owned_ = !busy.test_and_set(std::memory_order_acquire)) && --attempts != 0) sched_yield();
  }
  ListLock(const ListLock&) = delete;
  ListLock& operator=(const ListLock&) = delete;
  ~ListLock() {
    if (owned_) busy.clear(std::memory_order_release);
  }
  explicit operator bool() const noexcept { return owned_; }

 private:
  bool owned_ = false;
};

Stack stack_of(StackHeader& header) noexcept { return {reinterpret_cast<std::byte*>(&header), header.size_class}; }

void link(StackHeader& header) noexcept {
  const ListLock lock;
  header.next = first;
  if (header.next != nullptr) header.next->previous = &header;
  first = &header;
}

void unlink(StackHeader& header) noexcept {
  const ListLock lock;
  if (header.next != nullptr) header.next->previous = header.previous;
  if (header.previous != nullptr) {
    header.previous->next = header.next;
  } else {
    first = header.next;
  }
}

}  // namespace

Stack allocate_resource_stack(std::pmr::memory_resource& resource, std::uint32_t size_class) {
  const std::size_t bytes = guard_size() + Stack{nullptr, size_class}.size();
  auto* const block = static_cast<std::byte*>(resource.allocate(bytes, page_size()));
  try {
    install_guard(block);
  } catch (...) {
    resource.deallocate(block, bytes, page_size());
    throw;
  }
  auto* const header = ::new (block + bytes - sizeof(StackHeader)) StackHeader{
      .resource = &resource,
      .size_class = size_class,
      .valgrind_id = static_cast<std::uint32_t>(VALGRIND_STACK_REGISTER(block + guard_size(), block + bytes))};
  link(*header);
  return stack_of(*header);
}

void free_resource_stack(Stack stack) noexcept {
  StackHeader& header = header_of(stack);
  std::pmr::memory_resource& resource = *header.resource;
  unlink(header);
  VALGRIND_STACK_DEREGISTER(header.valgrind_id);
  std::byte* const block = stack.bottom() - guard_size();
  remove_guard(block);
  resource.deallocate(block, guard_size() + stack.size(), page_size());
}

StackHeader* find_resource_stack(const void* address, Stack* stack, std::size_t attempts) noexcept {
  if (first == nullptr) return nullptr;
  const auto* const where = static_cast<const std::byte*>(address);
  const ListLock lock(attempts);
  if (!lock) return nullptr;
  for (StackHeader* header = first; header != nullptr; header = header->next) {
    const Stack candidate = stack_of(*header);
    if (where < candidate.bottom() - guard_size() || where >= candidate.bottom() + candidate.size()) continue;
    if (stack != nullptr) *stack = candidate;
    return header;
  }
  return nullptr;
}

}  // namespace segue::legacy::legacy_detail
