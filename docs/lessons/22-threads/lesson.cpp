// A computation that takes its time: on the loop it stops everything, in a thread nobody notices.

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <fmt/core.h>

#include <segue/asyncio.hpp>

using namespace segue;
using namespace std::chrono_literals;
using asyncio::Coroutine;
using Clock = std::chrono::steady_clock;

contextvars::ContextVar<std::string> user("user");

std::string compute(std::chrono::milliseconds time) {
  const auto end = Clock::now() + time;
  int rounds = 0;
  while (Clock::now() < end) ++rounds;
  if (rounds == 0) throw ValueError("no rounds");
  return "computed for " + user.get();
}

Coroutine<> ticker(std::vector<std::string>& ticks) {
  for (;;) {
    ticks.emplace_back("tick");
    co_await asyncio::sleep(5ms);
  }
}

std::string some(const std::vector<std::string>& ticks) {
  return ticks.size() > 1 ? "some ticks" : fmt::format("{} tick", ticks.size());
}

Coroutine<> async_main() {
  user.set("Ada");
  std::vector<std::string> ticks;
  const auto ticking = asyncio::create_task(ticker(ticks));
  co_await asyncio::sleep(0s);

  fmt::print("- on the loop\n");
  fmt::print("  {} - {} meanwhile\n", compute(50ms), some(ticks));

  fmt::print("- in a thread\n");
  ticks.clear();
  const std::string computed = co_await asyncio::to_thread(compute, 50ms);
  fmt::print("  {} - {} meanwhile\n", computed, some(ticks));

  fmt::print("- two at once, and an error comes back as well\n");
  const auto begin = Clock::now();
  auto sleeping = asyncio::to_thread([] { std::this_thread::sleep_for(50ms); });
  auto computing = asyncio::to_thread(compute, 0ms);
  const auto [slept, second] =
      co_await asyncio::gather(std::move(sleeping), std::move(computing), asyncio::return_exceptions);
  fmt::print("  at once: {}\n", Clock::now() - begin < 5s ? "True" : "False");
  fmt::print("  the second: {}\n", exception_repr(second.exception()));

  fmt::print("- a thread cannot be stopped, but waiting for it can\n");
  bool in_time = true;
  try {
    co_await asyncio::wait_for(asyncio::to_thread(compute, 50ms), 10ms);
  } catch (const TimeoutError&) {
    in_time = false;
  }
  if (!in_time) fmt::print("  no answer in time\n");
  ticking.cancel();
}

int main() { asyncio::run(async_main()); }
