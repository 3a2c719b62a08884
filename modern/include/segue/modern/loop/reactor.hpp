// The reactor: how a loop waits. The loop's ready queue and timer heap are its own; the reactor tells the time, waits
// for readiness and completions, and can be woken from another thread. Asio's is the default (make_reactor);
// ManualReactor, with a virtual clock, serves tests.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

namespace segue::modern {

class Reactor {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  Reactor() = default;
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;
  virtual ~Reactor() = default;

  virtual time_point now() noexcept = 0;

  /// Waits until something is ready, `deadline` has come or wake() was called, and runs the completions, which schedule
  /// callbacks on the loop. `time_point::min()` does not wait; `time_point::max()` waits without limit.
  virtual void poll(time_point deadline) = 0;

  /// Ends the poll() that is under way or the next one. From any thread, and from a signal handler.
  virtual void wake() noexcept = 0;

  /// Whether poll() could find anything. False spares a busy loop the system call.
  bool watching() const noexcept { return watched_ != 0; }

  /// Calls `callback` in each poll() while `fd` is readable, until it is removed; adding again replaces it. OSError
  /// where the descriptor cannot be watched.
  virtual void add_reader(int fd, std::function<void()> callback) = 0;
  virtual void add_writer(int fd, std::function<void()> callback) = 0;
  /// Whether there was one.
  virtual bool remove_reader(int fd) = 0;
  virtual bool remove_writer(int fd) = 0;

  /// The `boost::asio::io_context*` of Asio's reactor, which is polled in each iteration from then on; null elsewhere.
  virtual void* io_context() noexcept { return nullptr; }

 protected:
  std::size_t watched_ = 0;  // kept by whoever derives: how many things poll() could find; 1 where it cannot know
};

/// Asio's reactor, the default of a new loop.
std::unique_ptr<Reactor> make_reactor();

}  // namespace segue::modern
