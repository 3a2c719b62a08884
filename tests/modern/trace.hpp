// For tests that stand beside a program in Python: what it says, in one line as Python would put it.
//
//   const auto program = [](Events& ev) -> Coroutine<> { ev("done", co_await task); };
//   EXPECT_EQ(trace_of(program), "started | done True");
#pragma once

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/loop/event_loop.hpp>

#include "attempt.hpp"

namespace segue::modern::testing {

/// As Python prints it: `True`, `None`, `ValueError(bad)`, `[1, 2]`.
template <class T>
std::string shown(const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value ? "True" : "False";
  } else if constexpr (std::is_same_v<T, None>) {
    return "None";
  } else {
    return text(value);
  }
}
template <class T>
std::string shown(const std::vector<T>& values) {
  std::string all;
  for (const T& value : values) all += (all.empty() ? "" : ", ") + shown(value);
  return "[" + all + "]";
}

/// What a program says: an event a call, its parts with a blank between them.
class Events {
 public:
  template <class... Parts>
  void operator()(const Parts&... parts) {
    std::string event;
    ((event += (event.empty() ? "" : " ") + shown(parts)), ...);
    trace_ += (trace_.empty() ? "" : " | ") + event;
  }
  const std::string& trace() const noexcept { return trace_; }

 private:
  std::string trace_;
};

/// What awaiting it gives or throws. Await it into a variable, not among the arguments of an event: their order is not
/// promised.
template <Awaitable A>
Coroutine<std::string> at(A awaitable) {
  try {
    if constexpr (std::is_void_v<await_result_t<A>>) {
      co_await std::move(awaitable);
      co_return "None";
    } else {
      const auto result = co_await std::move(awaitable);
      co_return shown(result);
    }
  } catch (...) {
    co_return text(std::current_exception());
  }
}

/// What `program`, a coroutine function of an Events&, says in a loop in virtual time, and while that is closed.
template <class Program>
std::string trace_of(Program program) {
  Events ev;
  make_loop()->run_until_complete(program(ev));
  return ev.trace();
}

}  // namespace segue::modern::testing
