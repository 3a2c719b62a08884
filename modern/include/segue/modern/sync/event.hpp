// Event: a flag that coroutines wait for (CPython: asyncio/locks.py).
//
//   Event ready;
//   co_await ready.wait();   // goes on when somebody calls ready.set()
//
// Like a future, it is a handle: copies share the event.
#pragma once

#include <utility>

#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/kernel/wait_queue.hpp>

namespace segue::modern {

namespace detail {

struct EventState final : WaitQueue {
  EventState() noexcept : WaitQueue("Event") {}
  void set() {
    if (std::exchange(is_set, true)) return;
    wake_all();
  }
  bool is_set = false;
};

}  // namespace detail

class [[nodiscard("co_await it")]] EventWait : public QueuedWait {
 public:
  explicit EventWait(Ref<detail::EventState> event) noexcept : event_(std::move(event)) {}
  EventWait(EventWait&&) noexcept = default;
  EventWait& operator=(EventWait&&) = delete;
  ~EventWait() = default;

  bool await_ready() const noexcept { return event_->is_set; }
  void await_suspend(Resumable leaf) { wait_in(*event_, leaf); }
  bool await_resume() {
    if (waited()) finish_wait();
    return true;
  }

 private:
  Ref<detail::EventState> event_;
};

class Event {
 public:
  Event() : state_(make_ref<detail::EventState>()) {}
  Event(const Event&) noexcept = default;
  Event& operator=(const Event&) noexcept = default;
  ~Event() = default;

  bool is_set() const noexcept { return state_->is_set; }
  /// Wakes all who wait now, even if clear() follows at once.
  void set() const { state_->set(); }
  void clear() const noexcept { state_->is_set = false; }
  /// Awaiting it gives true when the event is set; at once where it is.
  EventWait wait() const noexcept { return EventWait(state_); }

 private:
  Ref<detail::EventState> state_;
};

}  // namespace segue::modern
