// Timeouts: at an await, around a block, one within the other; and what happens when somebody else cancels as well.

#include <chrono>
#include <string>

#include <fmt/core.h>

#include <segue/asyncio.hpp>

using namespace segue;
using namespace std::chrono_literals;
using asyncio::Coroutine;
using asyncio::Timeout;

Coroutine<std::string> answer(std::chrono::milliseconds time) {
  try {
    co_await asyncio::sleep(time);
  } catch (const asyncio::CancelledError&) {
    fmt::print("  (the answer is not needed any more)\n");
    throw;
  }
  co_return "answer";
}

Coroutine<> patient() {
  try {
    co_await asyncio::async_with(asyncio::timeout(20ms), []() -> Coroutine<> { co_await asyncio::sleep(60s); });
  } catch (const TimeoutError&) {
    fmt::print("  its own timeout\n");
  } catch (const asyncio::CancelledError&) {
    fmt::print("  cancelled from outside\n");
    throw;
  }
}

Coroutine<> late() {
  const auto body = []() -> Coroutine<> {
    // The timeout cancels this task in the next iteration, and so does this callback.
    const auto self = *asyncio::current_task();
    asyncio::get_running_loop().call_soon([self] { self.cancel("from outside"); });
    co_await asyncio::sleep(60s);
  };
  try {
    co_await asyncio::async_with(asyncio::timeout(0s), body);
  } catch (const TimeoutError&) {
    fmt::print("  its own timeout\n");
  }
}

Coroutine<> async_main() {
  fmt::print("- one await\n");
  try {
    co_await asyncio::wait_for(answer(60s), 10ms);
  } catch (const TimeoutError&) {
    fmt::print("  too late\n");
  }

  fmt::print("- a block, with more time on the way\n");
  Timeout limit = asyncio::timeout(10ms);
  const auto ask = [](Timeout& within) -> Coroutine<> {
    within.reschedule(asyncio::get_running_loop().time() + 60s);
    const std::string answered = co_await answer(20ms);
    fmt::print("  {}\n", answered);
  };
  co_await asyncio::async_with(limit, ask);
  fmt::print("  expired: {}\n", limit.expired() ? "True" : "False");

  fmt::print("- one within the other: the outer one is over first\n");
  Timeout outer = asyncio::timeout(10ms);
  Timeout inner = asyncio::timeout(60s);
  const auto wait_inside = [&inner]() -> Coroutine<> {
    try {
      co_await asyncio::async_with(inner, []() -> Coroutine<> { co_await asyncio::sleep(60s); });
    } catch (const TimeoutError&) {
      fmt::print("  not here\n");
    }
  };
  try {
    co_await asyncio::async_with(outer, wait_inside);
  } catch (const TimeoutError&) {
    fmt::print("  outer: {} inner: {}\n", outer.expired() ? "True" : "False", inner.expired() ? "True" : "False");
  }

  fmt::print("- and when somebody cancels before it is over\n");
  auto task = asyncio::create_task(patient());
  co_await asyncio::sleep(0s);
  task.cancel("stop");
  try {
    co_await task;
  } catch (const asyncio::CancelledError& error) {
    fmt::print("  cancelled: {}\n", error.what());
  }

  fmt::print("- and when it is over as well: both have asked, and the other one counts\n");
  task = asyncio::create_task(late());
  try {
    co_await task;
  } catch (const asyncio::CancelledError& error) {
    fmt::print("  cancelled: {}\n", error.what());
  }
}

int main() { asyncio::run(async_main()); }
