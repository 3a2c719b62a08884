// What a queue keeps its items in: they go in at the back, and out at either end. Unlike std::deque, it allocates
// nothing before the first item comes, and nothing again once it is as large as it has to be.
//
// The destructor of an item may use the queue. So an item that goes out is no longer counted when it is destroyed, and
// nothing takes its place, nor frees it, until that has ended.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <segue/modern/kernel/ref.hpp>

namespace segue::modern::detail {

/// How many items there are, for whoever need not know of what type.
class RingSize {
 public:
  std::size_t size() const noexcept { return size_; }

 protected:
  std::size_t size_ = 0;
};

template <class T>
class RingBuffer : public RingSize {
 public:
  RingBuffer() noexcept = default;
  RingBuffer(const RingBuffer&) = delete;
  RingBuffer& operator=(const RingBuffer&) = delete;
  ~RingBuffer() {
    for (std::size_t i = 0; i < size_; ++i) (*this)[i].~T();
  }

  T& operator[](std::size_t i) noexcept { return *slots_->at(first_ + i); }
  void push_back(T&& item) {
    while (!slots_ || size_ == slots_->capacity || (is_destroyed_by_user && !slots_->unique())) [[unlikely]]
      move_to_others();
    ::new (static_cast<void*>(slots_->at(first_ + size_))) T(std::move(item));
    ++size_;
  }
  T pop_front() { return pop((*this)[0], first_ + 1); }
  T pop_back() { return pop((*this)[size_ - 1], first_); }

  void swap(RingBuffer& other) noexcept {
    std::swap(slots_, other.slots_);
    std::swap(first_, other.first_);
    std::swap(size_, other.size_);
  }

 private:
  static constexpr std::size_t smallest = 8;
  static constexpr bool is_destroyed_by_user = !std::is_trivially_destructible_v<T>;

  // Shared while an item that went out is being destroyed.
  struct Slots final : RefCounted {
    explicit Slots(std::size_t n) : capacity(n), items(std::allocator<T>().allocate(n)) {}
    Slots(const Slots&) = delete;
    Slots& operator=(const Slots&) = delete;
    ~Slots() override { std::allocator<T>().deallocate(items, capacity); }
    T* at(std::size_t position) const noexcept { return items + (position & (capacity - 1)); }

    std::size_t capacity;  // a power of two
    T* items;
  };

  T pop(T& slot, std::size_t first) {
    T item = std::move(slot);
    first_ = first;
    --size_;
    if constexpr (is_destroyed_by_user) {
      const Ref<Slots> slots(slots_);
      slot.~T();
    }
    return item;
  }
  [[gnu::noinline]] void move_to_others() {
    RingBuffer others;
    others.slots_ = make_ref<Slots>(!slots_ ? smallest : slots_->capacity * (size_ == slots_->capacity ? 2 : 1));
    for (; others.size_ < size_; ++others.size_)
      ::new (static_cast<void*>(others.slots_->items + others.size_)) T(std::move_if_noexcept((*this)[others.size_]));
    swap(others);
  }

  Ref<Slots> slots_;       // null before the first item
  std::size_t first_ = 0;  // taken modulo the capacity
};

}  // namespace segue::modern::detail
