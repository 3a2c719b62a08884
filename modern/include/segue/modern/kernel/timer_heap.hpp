// The loop's timers, the earliest first.
//
// The heap's keys lie beside each other, four to a parent, so that ordering them touches no timer. A cancelled timer
// stays where it is until it comes to the top or until most of them are cancelled, as in CPython: cancelling costs
// nothing then, and the usual timer, which is cancelled long before it is due, is never moved.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <segue/modern/kernel/ready_queue.hpp>

namespace segue::modern {

/// Something that the loop runs at a time. From add() on it belongs to the heap, which calls exactly one of run() (by
/// way of the ready queue) and drop().
class Timer : public Ready {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// When it is due, on the loop's clock.
  time_point when() const noexcept { return when_; }
  /// Whether it waits in the heap, and was not cancelled.
  bool scheduled() const noexcept { return place_ == Place::heap; }

 protected:
  Timer() noexcept = default;
  ~Timer() = default;

 private:
  friend class TimerHeap;
  enum class Place : std::uint8_t { elsewhere, heap, cancelled_in_heap };

  time_point when_{};
  Place place_ = Place::elsewhere;
};

class TimerHeap {
 public:
  using time_point = Timer::time_point;

  TimerHeap() noexcept = default;
  TimerHeap(const TimerHeap&) = delete;
  TimerHeap& operator=(const TimerHeap&) = delete;
  ~TimerHeap() { clear(); }

  bool empty() const noexcept { return entries_.empty(); }
  /// From now on timers with equal times are due in an order that depends on `key`; 0 for the order in which they are
  /// added.
  void set_order_of_equals(std::uint64_t key) noexcept { order_of_equals_ = key; }

  /// Timers with equal times are due in the order in which they were added. std::bad_alloc: it was not added.
  void add(Timer& timer, time_point when) {
    entries_.push_back({when, next_place(), &timer});
    timer.when_ = when;
    timer.place_ = Timer::Place::heap;
    sift_up(entries_.size() - 1);
  }
  /// The timer will not run. Does nothing where it is not in the heap.
  void cancel(Timer& timer) noexcept {
    if (!timer.scheduled()) return;
    timer.place_ = Timer::Place::cancelled_in_heap;
    ++cancelled_;
  }
  /// When the next one is due; time_point::max() where there is none.
  time_point next() noexcept {
    while (!entries_.empty() && is_cancelled(entries_.front())) take().drop();
    return entries_.empty() ? time_point::max() : entries_.front().when;
  }
  /// Moves those that are due to the ready queue.
  void collect(time_point now, ReadyQueue& ready) noexcept {
    if (cancelled_ > min_cancelled && cancelled_ * 2 > entries_.size()) drop_cancelled();
    while (!entries_.empty() && entries_.front().when <= now) {
      const bool cancelled = is_cancelled(entries_.front());
      Timer& timer = take();
      cancelled ? timer.drop() : ready.push(timer);
    }
  }
  /// Drops them all.
  void clear() noexcept {
    ReadyQueue dropped;
    for (const Entry& entry : entries_) dropped.push(*entry.timer);
    entries_.clear();
    cancelled_ = 0;
    drop_all(dropped);
  }

 private:
  static constexpr std::size_t children = 4;
  static constexpr std::size_t min_cancelled = 100;  // fewer are not worth a clean-up

  struct Entry {
    time_point when;
    std::uint64_t sequence;
    Timer* timer;
    bool before(const Entry& other) const noexcept {
      return when != other.when ? when < other.when : sequence < other.sequence;
    }
  };

  static bool is_cancelled(const Entry& entry) noexcept {
    return entry.timer->place_ == Timer::Place::cancelled_in_heap;
  }

  std::uint64_t next_place() noexcept {
    const std::uint64_t sequence = sequence_++;
    return order_of_equals_ == 0 ? sequence : mixed(sequence ^ order_of_equals_);
  }
  // SplitMix64's finalizer: different numbers stay different.
  static std::uint64_t mixed(std::uint64_t bits) noexcept {
    bits = (bits ^ (bits >> 30U)) * 0xbf58476d1ce4e5b9U;
    bits = (bits ^ (bits >> 27U)) * 0x94d049bb133111ebU;
    return bits ^ (bits >> 31U);
  }

  /// Takes the first one out.
  Timer& take() noexcept {
    Timer& timer = *entries_.front().timer;
    if (timer.place_ == Timer::Place::cancelled_in_heap) --cancelled_;
    timer.place_ = Timer::Place::elsewhere;
    const Entry last = entries_.back();
    entries_.pop_back();
    if (!entries_.empty()) sift_down(0, last);
    return timer;
  }
  void drop_cancelled() noexcept {
    const auto kept =
        std::partition(entries_.begin(), entries_.end(), [](const Entry& entry) { return !is_cancelled(entry); });
    ReadyQueue dropped;
    for (auto entry = kept; entry != entries_.end(); ++entry) dropped.push(*entry->timer);
    entries_.erase(kept, entries_.end());
    cancelled_ = 0;
    for (std::size_t i = entries_.size() / children + 1; i-- > 0;)
      if (i < entries_.size()) sift_down(i, entries_[i]);
    drop_all(dropped);
  }
  /// Dropping a timer may run code that uses this heap, which is in order by then.
  static void drop_all(ReadyQueue& timers) noexcept {
    ReadyQueue::Batch batch(timers);
    while (Ready* const node = batch.pop()) {
      auto& timer = static_cast<Timer&>(*node);
      timer.place_ = Timer::Place::elsewhere;
      timer.drop();
    }
  }
  void sift_up(std::size_t index) noexcept {
    const Entry moved = entries_[index];
    while (index > 0) {
      const std::size_t parent = (index - 1) / children;
      if (!moved.before(entries_[parent])) break;
      entries_[index] = entries_[parent];
      index = parent;
    }
    entries_[index] = moved;
  }
  void sift_down(std::size_t index, const Entry moved) noexcept {
    const std::size_t size = entries_.size();
    for (std::size_t first; (first = index * children + 1) < size;) {
      std::size_t least = first;
      const std::size_t end = std::min(first + children, size);
      for (std::size_t i = first + 1; i < end; ++i)
        if (entries_[i].before(entries_[least])) least = i;
      if (!entries_[least].before(moved)) break;
      entries_[index] = entries_[least];
      index = least;
    }
    entries_[index] = moved;
  }

  std::vector<Entry> entries_;
  std::size_t cancelled_ = 0;  // still in the heap
  std::uint64_t sequence_ = 0;
  std::uint64_t order_of_equals_ = 0;
};

}  // namespace segue::modern
