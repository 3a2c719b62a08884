// The loop's queue of what is to run next: first in, first out, and intrusive, so that scheduling allocates nothing.
#pragma once

#include <utility>

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

  void push(Ready& node) noexcept {
    node.next_ = nullptr;
    *last_ = &node;
    last_ = &node.next_;
  }
  Ready& pop() noexcept {
    Ready& node = *first_;
    first_ = node.next_;
    if (first_ == nullptr) last_ = &first_;
    return node;
  }

  ReadyQueue() noexcept = default;
  /// Takes all that is in `other`.
  ReadyQueue(ReadyQueue&& other) noexcept : first_(std::exchange(other.first_, nullptr)) {
    if (first_ != nullptr) last_ = std::exchange(other.last_, &other.first_);
  }
  ReadyQueue& operator=(ReadyQueue&&) = delete;
  ~ReadyQueue() = default;

  /// Puts all that is in `other` before what is here.
  void prepend(ReadyQueue&& other) noexcept {
    if (other.empty()) return;
    *other.last_ = first_;
    if (empty()) last_ = other.last_;
    first_ = std::exchange(other.first_, nullptr);
    other.last_ = &other.first_;
  }

 private:
  Ready* first_ = nullptr;
  Ready** last_ = &first_;  // where the next one is linked in
};

}  // namespace segue::modern::detail
