// The loop's queue of what is to run next: first in, first out, and intrusive, so that scheduling allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>

namespace segue::modern::detail {

/// Something that the loop can run. In at most one queue at a time.
class Ready {
 public:
  Ready() noexcept = default;
  Ready(const Ready&) = delete;
  Ready& operator=(const Ready&) = delete;

  virtual void run() = 0;
  /// Called instead of run() where the loop is closed first.
  virtual void drop() noexcept = 0;

 protected:
  /// How much of it, from its start, is fetched before it runs: two cache lines. A task has in them what a step needs.
  static constexpr std::size_t fetched_bytes = 128;

  ~Ready() = default;

 private:
  friend class ReadyQueue;

  static void fetch(const Ready* node) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(node);  // null can be fetched, but not added to
    for (std::size_t i = 0; i < fetched_bytes; i += 64) __builtin_prefetch(reinterpret_cast<const void*>(address + i));
  }

  Ready* next_ = nullptr;
};

class ReadyQueue {
 public:
  bool empty() const noexcept { return first_ == nullptr; }
  /// The one that was pushed last. Requires that it is not empty.
  const Ready* last() const noexcept { return last_; }

  void push(Ready& node) noexcept {
    node.next_ = nullptr;
    (first_ != nullptr ? last_->next_ : first_) = &node;
    last_ = &node;
  }
  Ready& pop() noexcept {
    Ready& node = *first_;
    first_ = node.next_;
    Ready::fetch(first_);  // while this one runs
    return node;
  }

 private:
  Ready* first_ = nullptr;
  Ready* last_ = nullptr;  // dangles while empty
};

}  // namespace segue::modern::detail
