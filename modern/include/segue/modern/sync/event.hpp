// Event: a flag that coroutines wait for (CPython: asyncio/locks.py).
//
//   Event ready;
//   co_await ready.wait();   // goes on when somebody calls ready.set()
//
// Like a future, it is a handle: copies share the event.
#pragma once

#include <string>
#include <utility>

#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/kernel/loop_bound.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/kernel/wait_queue.hpp>

namespace segue::modern {

namespace detail {

struct EventState final : LoopBound {
  EventState() noexcept : LoopBound("Event") {}
  void set() {
    if (is_set) return;
    waiters.wake_all();
    is_set = true;
  }
  std::string repr() override { return waiters.repr(*this, is_set ? "set" : "unset"); }

  WaitQueue waiters;
  bool is_set = false;
};

}  // namespace detail

class [[nodiscard("co_await it")]] EventWait : public QueuedWait {
 public:
  explicit EventWait(Ref<detail::EventState> event) noexcept : event_(std::move(event)) {}
  EventWait(EventWait&&) noexcept = default;
  EventWait& operator=(EventWait&&) = delete;
  ~EventWait() = default;

  bool await_ready() const {
    check_unused(event_);
    return event_->is_set;
  }
  void await_suspend(Resumable leaf) { wait_in(event_->waiters, event_->loop(), leaf); }
  bool await_resume() {
    if (waited()) {
      finish_wait();
    } else {
      event_ = nullptr;
    }
    return true;
  }

 private:
  Ref<detail::EventState> event_;
};

class Event : public HandleOf<Event, Ref<detail::EventState>> {
 public:
  Event() : HandleOf(make_ref<detail::EventState>()) {}

  bool is_set() const { return state()->is_set; }
  /// Wakes all who wait now, even if clear() follows at once.
  void set() const { state()->set(); }
  void clear() const { state()->is_set = false; }
  /// Awaiting it gives true when the event is set; at once where it is.
  EventWait wait() const { return EventWait(state()); }
  /// `<asyncio.locks.Event object at 0x55d0c8 [unset, waiters:2]>`.
  std::string repr() const { return state()->repr(); }
};

}  // namespace segue::modern
