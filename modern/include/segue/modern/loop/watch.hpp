// Watch: one direction of a descriptor, and what is done when it is ready. Whoever acts on the descriptor embeds it. It
// is both what the reactor remembers and what the loop queues, so that an event needs no std::function, no search and
// no allocation.
//
//   idle -> watched                            Reactor::watch()
//   watched -> queued -> running -> watched    the reactor finds it ready, and the loop runs it, once an iteration
//   any of them -> idle                        Reactor::unwatch(), or another watch takes its place
//
// A watch that becomes idle while it is queued does not run, not even where it is watched again meanwhile.
#pragma once

#include <cstdint>
#include <typeinfo>

#include <segue/modern/kernel/callable.hpp>
#include <segue/modern/kernel/ready_queue.hpp>

namespace segue::modern {

/// What a descriptor is to be, or is, ready for: a mask of these (Python: the module selectors).
using Events = unsigned;
inline constexpr Events EVENT_READ = 1;
inline constexpr Events EVENT_WRITE = 2;

/// Where a callback is enough, add_reader() makes a watch of it; derive from this to write a transport:
///
///     class Doorbell final : public Watch {
///      public:
///       Doorbell() : Watch(EVENT_READ) {}
///       void ready() override { std::puts("somebody is there"); }
///       void let_go() noexcept override { delete this; }
///     };
///     loop.reactor().watch(*new Doorbell, fd);
class Watch : public Ready {
 public:
  /// `event` is EVENT_READ or EVENT_WRITE.
  explicit Watch(Events event) noexcept : event_(static_cast<std::uint8_t>(event)) {}

  Events event() const noexcept { return event_; }
  bool watched() const noexcept { return fd_ >= 0; }
  /// What is watched; -1 while nothing is.
  int fd() const noexcept { return fd_; }

 protected:
  ~Watch() = default;  // not before let_go()

  /// The descriptor is ready. An exception goes to the loop's exception handler; KeyboardInterrupt and SystemExit leave
  /// the loop.
  virtual void ready() = 0;
  /// It is idle, and neither the reactor nor the loop refers to it any more. It has to live until then; this call may
  /// destroy it.
  virtual void let_go() noexcept = 0;
  /// What the user gave, for messages.
  virtual Callable callable() const noexcept { return {&typeid(*this)}; }

 private:
  friend class WatchTable;
  enum class Turn : std::uint8_t { none, queued, cancelled, running };

  void run() final;
  void drop() noexcept final { end_turn(); }
  std::function<std::string()> deferred_repr() final;
  void end_turn() noexcept {
    turn_ = Turn::none;
    if (!watched()) let_go();
  }
  void become_idle() noexcept {
    fd_ = -1;
    if (turn_ == Turn::none) return let_go();
    if (turn_ == Turn::queued) turn_ = Turn::cancelled;
  }

  int fd_ = -1;
  std::uint8_t event_;
  Turn turn_ = Turn::none;
};

}  // namespace segue::modern
