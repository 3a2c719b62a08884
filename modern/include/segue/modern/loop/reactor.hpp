// The reactor: how a loop waits (CPython: the module selectors). The loop's ready queue and timer heap are its own; a
// reactor tells the time, waits until a descriptor is ready, and can be woken from another thread. epoll's is the
// default; ManualReactor, with a virtual clock, serves tests; bridge/asio has one that waits in an io_context.
//
// To write one, implement the pure virtual functions below; a WatchTable keeps the watches. Then
// `new_event_loop(std::make_unique<MyReactor>())`. All but wake() are called in the loop's thread alone.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include <segue/modern/kernel/ready_queue.hpp>
#include <segue/modern/loop/watch.hpp>

namespace segue::modern {

class Reactor {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  Reactor() = default;
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;
  virtual ~Reactor() = default;

  /// The loop's clock.
  virtual time_point now() noexcept = 0;

  /// Waits until a watched descriptor is ready, `deadline` has come or wake() was called, and pushes the watches that
  /// are ready, in the order in which the system tells of them, a descriptor's reader before its writer. It may return
  /// early with nothing. `time_point::min()` does not wait; `time_point::max()` waits without limit. Where it throws,
  /// it has pushed nothing.
  virtual void poll(time_point deadline, ReadyQueue& ready) = 0;

  /// Ends the poll() that is under way or the next one. From any thread, and from a signal handler.
  virtual void wake() noexcept = 0;

  /// From now on each poll() finds `watch` while `fd` is ready for its event (level-triggered). `watch` is idle, and
  /// takes the place of the one that watched the same, if any. Where this throws, nothing has changed: ValueError where
  /// `fd` is negative, OSError where it is not open, PermissionError where it cannot be watched (a regular file).
  virtual void watch(Watch& watch, int fd) = 0;
  /// `watch` is found no more, and becomes idle, which may destroy it. An idle one is left alone. The descriptor may be
  /// closed already.
  virtual void unwatch(Watch& watch) noexcept = 0;
  /// What watches `fd` for `event`; null where nothing does.
  virtual Watch* find(int fd, Events event) const noexcept = 0;
  /// unwatch() for all of them: the loop is closed.
  virtual void unwatch_all() noexcept = 0;

  /// How many calls are under way in other threads, whose ends will wake the loop. A clock that jumps gives them time
  /// before it does.
  virtual void set_calls_elsewhere(std::size_t) noexcept {}

  /// Whether poll() could find anything. False spares a busy loop the system call.
  bool watching() const noexcept { return watched_ != 0; }

  /// A descriptor that is readable while a poll() would find something, by which the loop of another library can wait
  /// for this one; -1 where there is none.
  virtual int fileno() const noexcept { return -1; }

 protected:
  std::size_t watched_ = 0;  // kept by whoever derives: how many things poll() could find; 1 where it cannot know
};

/// epoll's reactor, the default of a new loop. OSError where the system has no descriptor left.
std::unique_ptr<Reactor> make_reactor();

}  // namespace segue::modern
