// ManualReactor: a loop without real time, for tests. Its clock stands still while callbacks run and jumps to the next
// timer when nothing else is left, so that sleep(1h) takes no time and two runs never differ. Where calls are under way
// in other threads (to_thread()), it lets 100 ms of real time pass before it jumps, once for each of them.
//
//   auto loop = new_event_loop(std::make_unique<asyncio::ManualReactor>());
//   loop->run_until_complete(asyncio::sleep(1h));
#pragma once

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <vector>

#include <segue/modern/loop/reactor.hpp>
#include <segue/modern/loop/watch_table.hpp>

namespace segue::modern {

class ManualReactor final : public Reactor {
 public:
  /// OSError where the system has no descriptor left.
  ManualReactor();
  ManualReactor(const ManualReactor&) = delete;
  ManualReactor& operator=(const ManualReactor&) = delete;
  ~ManualReactor() override;

  time_point now() noexcept override { return now_; }
  /// Jumps to `deadline`. Without one it waits for another thread's wake(); where none comes within `patience` of real
  /// time, nothing ever will: RuntimeError.
  void poll(time_point deadline, ReadyQueue& ready) override;
  void wake() noexcept override;
  void watch(Watch& watch, int fd) override;
  void unwatch(Watch& watch) noexcept override;
  Watch* find(int fd, Events event) const noexcept override { return table_.find(fd, event); }
  void unwatch_all() noexcept override;
  void set_calls_elsewhere(std::size_t calls) noexcept override;

  /// Moves the clock on by hand.
  void advance(std::chrono::nanoseconds step) noexcept { now_ += step; }

  /// How long a loop with nothing to do and no timer waits for another thread.
  std::chrono::milliseconds patience{10'000};

 private:
  /// Whether something is found within that time: a descriptor that is ready, or that somebody woke the loop.
  bool wait(std::chrono::milliseconds time, ReadyQueue& ready);

  time_point now_{};
  std::size_t calls_elsewhere_ = 0;
  bool waits_for_calls_ = false;  // they have not had their time yet
  WatchTable table_;
  int wake_up_;                 // an eventfd
  std::vector<pollfd> polled_;  // with room for it, and for all that is watched
};

}  // namespace segue::modern

namespace segue::asyncio {

using modern::ManualReactor;

}  // namespace segue::asyncio
