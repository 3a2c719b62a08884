// `gather` over a list: all run at once, and the results come in the order of the list.

#include <chrono>
#include <cstddef>
#include <numeric>
#include <ranges>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <segue/asyncio.hpp>

using namespace segue;
using namespace std::chrono_literals;
using asyncio::Coroutine;
namespace views = std::views;

using Names = std::vector<std::string>;

Coroutine<std::string> runner(std::string name, std::chrono::milliseconds time, Names& finish) {
  co_await asyncio::sleep(time);
  finish.push_back(name);
  fmt::print("  {} is in\n", name);
  co_return fmt::format("{}: place {}", name, finish.size());
}

Coroutine<int> square(int number) {
  co_await asyncio::sleep(0s);
  co_return (number * number);
}

Coroutine<Names> race(Names names) {
  // The later in the list, the faster.
  Names finish;
  const auto run = [&](std::size_t lane) { return runner(names[lane], 10ms * (names.size() - lane), finish); };
  co_return co_await asyncio::gather(views::iota(0u, names.size()) | views::transform(run));
}

Coroutine<> async_main() {
  fmt::print("- a race\n");
  const Names four = {"Ada", "Bo", "Cleo", "Dev"};
  for (const std::string& result : co_await race(four)) fmt::print("{}\n", result);

  fmt::print("- numbers\n");
  const std::vector<int> squares = co_await asyncio::gather(views::iota(1, 8) | views::transform(square));
  fmt::print("squares: {}\n", squares);
  fmt::print("sum: {}\n", std::accumulate(squares.begin(), squares.end(), 0));

  fmt::print("- two things of different kinds\n");
  Names nobody_else;
  const auto [place, nine] = co_await asyncio::gather(runner("Eve", 5ms, nobody_else), square(3));
  fmt::print("{}\n", place);
  fmt::print("nine: {}\n", nine);

  fmt::print("- nobody\n");
  const auto none = co_await asyncio::gather();
  fmt::print("results: {}\n", std::tuple_size_v<decltype(none)>);

  fmt::print("- a gather of gathers\n");
  const std::vector<Names> entries = {{"Fay", "Gus"}, {"Hal"}};
  const std::vector<Names> heats = co_await asyncio::gather(entries | views::transform(race));
  for (std::size_t number = 1; number <= heats.size(); ++number) {
    for (const std::string& result : heats[number - 1]) fmt::print("heat {}, {}\n", number, result);
  }
}

int main() { asyncio::run(async_main()); }
