// Another library's coroutine, and awaiter, that throws out of its resume(): into whoever drives the coroutine that
// awaits it.
#pragma once

#include <coroutine>
#include <utility>

namespace segue::modern::testing {

struct Throwing {
  struct promise_type {
    Throwing get_return_object() { return Throwing(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() { throw; }
  };

  explicit Throwing(std::coroutine_handle<promise_type> made) : frame(made) {}
  Throwing(Throwing&& other) noexcept
      : frame(std::exchange(other.frame, nullptr)), waiting(std::exchange(other.waiting, nullptr)) {}
  Throwing& operator=(Throwing&&) = delete;
  ~Throwing() {
    if (frame) frame.destroy();
    if (waiting) waiting.destroy();
  }
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
    waiting = awaiting;
    return frame;
  }
  void await_resume() const noexcept {}

  std::coroutine_handle<promise_type> frame;
  std::coroutine_handle<> waiting;
};

}  // namespace segue::modern::testing
