// The loop's queue of what is to run next: first in, first out, and intrusive, so that scheduling allocates nothing.
#pragma once

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
  ~Ready() = default;

 private:
  friend class ReadyQueue;
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
    // Fetched while this one runs: what a task's step needs of it, two lines.
    const auto next = reinterpret_cast<std::uintptr_t>(first_);  // may be null, which can be fetched, but not added to
    __builtin_prefetch(reinterpret_cast<const void*>(next));
    __builtin_prefetch(reinterpret_cast<const void*>(next + 64));
    return node;
  }

 private:
  Ready* first_ = nullptr;
  Ready* last_ = nullptr;  // dangles while empty
};

}  // namespace segue::modern::detail
