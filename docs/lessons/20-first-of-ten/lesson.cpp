// Ten mirrors are asked for the same file; the first answer counts, and the others are told so.

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <segue/asyncio.hpp>

using namespace segue;
using namespace std::chrono_literals;
using asyncio::Coroutine;
using asyncio::Task;
using Tasks = std::vector<Task<std::string>>;

std::vector<int> told;

Coroutine<std::string> ask(int mirror) {
  try {
    // The farther, the slower; the seventh is the nearest.
    co_await asyncio::sleep(10ms + 10ms * std::abs(mirror - 7));
  } catch (const asyncio::CancelledError&) {
    told.push_back(mirror);
    throw;
  }
  co_return fmt::format("file from mirror {}", mirror);
}

Tasks ask_all(const std::vector<int>& mirrors) {
  Tasks tasks;
  for (const int mirror : mirrors) tasks.push_back(asyncio::create_task(ask(mirror)));
  return tasks;
}

Coroutine<Task<std::string>> first_of(Tasks tasks) {
  auto [done, pending] = co_await asyncio::wait(tasks, {.return_when = asyncio::FIRST_COMPLETED});
  for (const auto& task : pending) task.cancel();
  // A cancellation is a request: they are done when they have heard of it.
  co_await asyncio::wait(pending);
  co_return done.front();
}

Coroutine<> async_main() {
  fmt::print("- the first of ten\n");
  const std::vector<int> ten{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  const Task<std::string> first = co_await first_of(ask_all(ten));
  fmt::print("  {}\n", first.result());
  std::ranges::sort(told);
  fmt::print("  told: [{}]\n", fmt::join(told, ", "));

  fmt::print("- all, in the order in which they come\n");
  const std::vector<int> three{9, 7, 4};
  Tasks tasks = ask_all(three);
  const Task<std::string> last = tasks.back();
  last.add_done_callback([](const asyncio::AnyFuture&) { fmt::print("  the last one\n"); });
  tasks.pop_back();
  const auto show = [](const Task<std::string>& task) { fmt::print("  {}\n", task.result()); };
  co_await asyncio::async_for(asyncio::as_completed(tasks), show);
  co_await last;
  co_await asyncio::sleep(0s);

  fmt::print("- those that come in time\n");
  const std::vector<int> two{7, 0};
  tasks = ask_all(two);
  const auto [done, pending] = co_await asyncio::wait(tasks, {.timeout = 30ms});
  fmt::print("  {} in time, {} still under way\n", done.size(), pending.size());
  fmt::print("  {}\n", co_await tasks[1]);
}

int main() { asyncio::run(async_main()); }
