// WatchTable: what every reactor has to remember, for who writes one: the watches by their descriptors.
#pragma once

#include <cstddef>
#include <vector>

#include <segue/modern/kernel/ready_queue.hpp>
#include <segue/modern/loop/watch.hpp>

namespace segue::modern {

class WatchTable {
 public:
  WatchTable() = default;
  WatchTable(const WatchTable&) = delete;
  WatchTable& operator=(const WatchTable&) = delete;
  ~WatchTable() { clear(); }

  /// How many descriptors are watched.
  std::size_t size() const noexcept { return size_; }
  /// One above the highest descriptor that has ever been watched.
  int end() const noexcept { return static_cast<int>(slots_.size()); }
  /// What is watched for on `fd`.
  Events events(int fd) const noexcept {
    return (find(fd, EVENT_READ) ? EVENT_READ : 0) | (find(fd, EVENT_WRITE) ? EVENT_WRITE : 0);
  }
  /// Null where there is none.
  Watch* find(int fd, Events event) const noexcept {
    if (fd < 0 || fd >= end()) return nullptr;
    const Slot& slot = slots_[static_cast<std::size_t>(fd)];
    return event == EVENT_READ ? slot.reader : slot.writer;
  }

  /// `watch` is idle, and takes the place of the one that watched the same, if any. Nothing has changed where it
  /// throws.
  void insert(Watch& watch, int fd);
  /// `watch` is in the table.
  void erase(Watch& watch) noexcept;
  void clear() noexcept;

  /// Queues the watches of a descriptor that is ready for `events`, the reader first, as CPython does.
  void report(int fd, Events events, ReadyQueue& ready) const noexcept {
    if ((events & EVENT_READ) != 0) queue(find(fd, EVENT_READ), ready);
    if ((events & EVENT_WRITE) != 0) queue(find(fd, EVENT_WRITE), ready);
  }

 private:
  struct Slot {
    Watch* reader = nullptr;
    Watch* writer = nullptr;
  };

  Watch*& place(int fd, Events event) noexcept {
    Slot& slot = slots_[static_cast<std::size_t>(fd)];
    return event == EVENT_READ ? slot.reader : slot.writer;
  }
  static void queue(Watch* watch, ReadyQueue& ready) noexcept {
    // One may be queued still, from an iteration that an exception ended: it has that turn, and no second one.
    if (watch == nullptr || watch->turn_ != Watch::Turn::none) return;
    watch->turn_ = Watch::Turn::queued;
    ready.push(*watch);
  }

  std::vector<Slot> slots_;  // by descriptor
  std::size_t size_ = 0;
};

}  // namespace segue::modern
