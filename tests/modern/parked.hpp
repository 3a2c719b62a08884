// What tests of coroutines share: chains that wait for their driver, and say when they are left.
#pragma once

#include <any>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/tasks/yield.hpp>

#include "attempt.hpp"

namespace segue::modern::testing {

/// Writes its name to `trace` when the scope that it is in is left.
class Local {
 public:
  Local(Trace& trace, std::string name) : trace_(trace), name_(std::move(name)) {}
  Local(const Local&) = delete;
  Local& operator=(const Local&) = delete;
  ~Local() { trace_.push_back(name_); }

 private:
  Trace& trace_;
  std::string name_;
};

/// Waits for a bare yield; returns what it is sent, or 0.
inline Coroutine<int> park() {
  const std::any sent = co_await yield_("parked");
  co_return sent.has_value() ? std::any_cast<int>(sent) : 0;
}

/// Waits in a chain of `depth` more coroutines, each with a local.
inline Coroutine<int> park_below(Trace& trace, int depth) {
  const Local local(trace, "level " + std::to_string(depth));
  if (depth == 0) {
    const int sent = co_await park();
    co_return sent;
  }
  const int result = co_await park_below(trace, depth - 1);
  co_return result + 1;
}

/// What `call` writes to standard error, where a coroutine's end is reported while no loop runs.
template <class Call>
std::string said_by(Call call) {
  ::testing::internal::CaptureStderr();
  call();
  return ::testing::internal::GetCapturedStderr();
}

/// Ignores GeneratorExit `times` times.
inline Coroutine<> stay(Trace& trace, int times) {
  const Local local(trace, "left");
  for (;;) {
    bool closed = false;
    try {
      co_await yield_();
    } catch (const GeneratorExit&) {
      closed = true;
      if (times == 0) throw;
    }
    if (closed) --times;
  }
}

}  // namespace segue::modern::testing
