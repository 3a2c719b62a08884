// The default reactor: epoll, level-triggered, with permanent registrations. One system call an iteration; the kernel
// is told of a descriptor when what is wanted of it changes or a watch takes another's place, and only then
// (docs/design/reactor.md).
#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>

#include <segue/modern/loop/reactor.hpp>
#include <segue/modern/loop/watch_table.hpp>

namespace segue::modern {

class EpollReactor final : public Reactor {
 public:
  EpollReactor();
  ~EpollReactor() override;

  time_point now() noexcept override { return std::chrono::steady_clock::now(); }
  void poll(time_point deadline, ReadyQueue& ready) override;
  void wake() noexcept override;
  void watch(Watch& watch, int fd) override;
  void unwatch(Watch& watch) noexcept override;
  Watch* find(int fd, Events event) const noexcept override { return table_.find(fd, event); }
  void unwatch_all() noexcept override;
  int fileno() const noexcept override { return epoll_; }

 private:
  int wait(time_point deadline);
  void close_descriptors() const noexcept;

  int epoll_;
  int wake_up_;                      // an eventfd
  std::atomic<bool> woken_ = false;  // wake_up_ was written to, and no poll() has seen it yet
  bool has_pwait2_ = true;           // epoll_pwait2(), of Linux 5.11: a timeout in nanoseconds
  WatchTable table_;
  // One poll takes no more than these, and leaves the rest of what is ready to the next: what arrives is answered while
  // it is in the processor's cache, and timers do not wait for thousands of connections.
  std::array<epoll_event, 128> events_;
};

}  // namespace segue::modern
