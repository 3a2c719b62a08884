// What a Queue keeps its items in: first in, first out. Unlike std::deque, it allocates nothing before the first item
// comes, and nothing again once it is as large as it has to be.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace segue::modern::detail {

template <class T>
class RingBuffer {
 public:
  RingBuffer() noexcept = default;
  RingBuffer(const RingBuffer&) = delete;
  RingBuffer& operator=(const RingBuffer&) = delete;
  ~RingBuffer() {
    while (!empty()) drop_front();
    if (items_ != nullptr) std::allocator<T>().deallocate(items_, capacity_);
  }

  bool empty() const noexcept { return count_ == 0; }

  void push_back(T&& item) {
    if (count_ == capacity_) [[unlikely]]
      grow();
    ::new (static_cast<void*>(items_ + ((first_ + count_) & (capacity_ - 1)))) T(std::move(item));
    ++count_;
  }
  T pop_front() {
    T item = std::move(items_[first_]);
    drop_front();
    return item;
  }

 private:
  static constexpr std::size_t smallest = 8;

  void drop_front() noexcept {
    items_[first_].~T();
    first_ = (first_ + 1) & (capacity_ - 1);
    --count_;
  }
  void grow() {
    RingBuffer larger;
    const std::size_t capacity = capacity_ == 0 ? smallest : capacity_ * 2;
    larger.items_ = std::allocator<T>().allocate(capacity);
    larger.capacity_ = capacity;
    while (!empty()) larger.push_back(pop_front());
    std::swap(items_, larger.items_);
    std::swap(capacity_, larger.capacity_);
    std::swap(first_, larger.first_);
    std::swap(count_, larger.count_);
  }

  T* items_ = nullptr;
  std::size_t capacity_ = 0;  // a power of two, or nothing
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

}  // namespace segue::modern::detail
