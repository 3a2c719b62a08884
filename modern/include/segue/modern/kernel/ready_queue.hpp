// The loop's queue of what is to run next: first in, first out, and intrusive, so that scheduling allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace segue::modern {

/// Something that the loop can run. In at most one queue at a time.
class Ready {
 public:
  Ready() noexcept = default;
  Ready(const Ready&) = delete;
  Ready& operator=(const Ready&) = delete;

  virtual void run() = 0;
  /// Called instead of run() where the loop is closed first.
  virtual void drop() noexcept = 0;
  /// For debug mode, before it runs: what gives its repr afterwards. Empty for what has none of its own.
  virtual std::function<std::string()> deferred_repr() { return {}; }

 protected:
  /// How much of it, from its start, is fetched before it runs: two cache lines. A task has in them what a step needs.
  static constexpr std::size_t fetched_bytes = 128;

  ~Ready() = default;

 private:
  friend class ReadyQueue;

  static void fetch(const Ready* node) noexcept {
    if (node == nullptr) return;  // it could be fetched, but the search for its page is dear, and in vain each time
    const auto address = reinterpret_cast<std::uintptr_t>(node);
    for (std::size_t i = 0; i < fetched_bytes; i += 64) __builtin_prefetch(reinterpret_cast<const void*>(address + i));
  }

  Ready* next_ = nullptr;  // the queue's
};

class ReadyQueue {
 public:
  ReadyQueue() noexcept = default;
  ReadyQueue(const ReadyQueue&) = delete;
  ReadyQueue& operator=(const ReadyQueue&) = delete;

  bool empty() const noexcept { return end_ == &first_; }

  void push(Ready& node) noexcept {
    *end_ = &node;
    end_ = &node.next_;
  }

  /// Moves all of `other` to the end.
  void append(ReadyQueue& other) noexcept {
    if (other.empty()) return;
    *end_ = other.first_;
    end_ = std::exchange(other.end_, &other.first_);
  }
  /// Drops all, what is pushed meanwhile included.
  void drop_all() noexcept {
    while (!empty()) {
      Batch batch(*this);
      while (Ready* const node = batch.pop()) node->drop();
    }
  }

  /// What is queued when it is made, to be run one by one: what they push meanwhile is not of this batch. What is left
  /// of it when it ends goes back to the front.
  class Batch {
   public:
    explicit Batch(ReadyQueue& queue) noexcept : queue_(queue), end_(std::exchange(queue.end_, &queue.first_)) {
      *end_ = nullptr;
      next_ = queue.first_;
    }
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;
    ~Batch() {
      if (next_ == nullptr) return;
      *end_ = queue_.first_;
      if (queue_.empty()) queue_.end_ = end_;
      queue_.first_ = next_;
    }

    /// The next one; null after the last.
    Ready* pop() noexcept {
      Ready* const node = next_;
      if (node == nullptr) return nullptr;
      next_ = node->next_;
      Ready::fetch(next_);  // while this one runs
      return node;
    }

   private:
    ReadyQueue& queue_;
    Ready** end_;
    Ready* next_;
  };

 private:
  Ready* first_ = nullptr;
  Ready** end_ = &first_;  // where the next one goes; what is there now means nothing
};

}  // namespace segue::modern
