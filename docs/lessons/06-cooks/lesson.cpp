// Two cooks in one kitchen: each works until it has to wait, and then the other goes on.

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <fmt/core.h>

#include <segue/asyncio.hpp>

using namespace segue;
using namespace std::chrono_literals;
using asyncio::Coroutine;

using Words = std::vector<std::string>;

Coroutine<std::string> cook(std::string name, std::string dish, Words steps, std::chrono::milliseconds delay) {
  // A late start by a few milliseconds, then both take the same time for each step: they alternate.
  co_await asyncio::sleep(delay);
  for (std::size_t number = 1; number <= steps.size(); ++number) {
    fmt::print("{} {}/{}: {}\n", name, number, steps.size(), steps[number - 1]);
    co_await asyncio::sleep(20ms);
  }
  fmt::print("{}: the {} is served\n", name, dish);
  co_return dish;
}

Coroutine<> without_waiting(std::string name, Words chores) {
  // No await that waits: nobody else gets a turn before the end.
  for (const std::string& chore : chores) fmt::print("{}: {}\n", name, chore);
  co_return;
}

Coroutine<> with_turns(std::string name, Words chores) {
  // sleep(0s) waits for nothing, but lets all others that are ready go first.
  for (const std::string& chore : chores) {
    fmt::print("{}: {}\n", name, chore);
    co_await asyncio::sleep(0s);
  }
}

Coroutine<> async_main() {
  fmt::print("- dinner\n");
  auto ana = asyncio::create_task(cook("Ana", "soup", {"chop leeks", "sweat them", "add stock", "blend"}, 0ms));
  auto ben = asyncio::create_task(cook("Ben", "tart", {"roll dough", "slice apples", "bake"}, 10ms));
  const std::string soup = co_await ana;
  const std::string tart = co_await ben;
  fmt::print("menu: {} and {}\n", soup, tart);

  const Words anas = {"pots", "pans"}, bens = {"bowls", "spoons"};
  fmt::print("- washing up, each lost in thought\n");
  co_await asyncio::gather(without_waiting("Ana", anas), without_waiting("Ben", bens));

  fmt::print("- washing up, taking turns\n");
  co_await asyncio::gather(with_turns("Ana", anas), with_turns("Ben", bens));
}

int main() { asyncio::run(async_main()); }
