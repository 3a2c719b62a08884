// Three fetches one after the other, then the same three as tasks.

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include <segue/asyncio.hpp>

using namespace segue;
using namespace std::chrono_literals;
using asyncio::Coroutine;

const std::vector<std::pair<std::string, std::chrono::milliseconds>> PAGES = {
    {"news", 30ms}, {"weather", 10ms}, {"tides", 20ms}};

// Stands for a request over the network that takes its time.
Coroutine<std::string> fetch(std::string page, std::chrono::milliseconds time) {
  fmt::print("  {}: asked\n", page);
  co_await asyncio::sleep(time);
  fmt::print("  {}: here\n", page);
  co_return fmt::format("{} in {} ms", page, time.count());
}

Coroutine<> one_after_the_other() {
  for (const auto& [page, time] : PAGES) fmt::print("{}\n", co_await fetch(page, time));
}

Coroutine<> as_tasks() {
  // create_task() puts a coroutine on the loop's list at once; it starts when this one next waits.
  std::vector<asyncio::Task<std::string>> tasks;
  for (const auto& [page, time] : PAGES) tasks.push_back(asyncio::create_task(fetch(page, time)));
  fmt::print("  tasks made, none has started\n");
  for (const auto& task : tasks) fmt::print("{}\n", co_await task);
}

Coroutine<> async_main() {
  asyncio::EventLoop& loop = asyncio::get_running_loop();

  fmt::print("- one after the other\n");
  auto start = loop.time();
  co_await one_after_the_other();
  const auto in_turn = loop.time() - start;

  fmt::print("- as tasks\n");
  start = loop.time();
  co_await as_tasks();
  const auto together = loop.time() - start;

  fmt::print("the first way took the sum of all: {}\n", in_turn >= 60ms ? "yes" : "no");
  fmt::print("the second way was quicker: {}\n", together < in_turn ? "yes" : "no");
}

int main() { asyncio::run(async_main()); }
