// A producer and a consumer with a small queue between them: whoever is ahead waits.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <fmt/format.h>

#include <segue/asyncio.hpp>

using namespace segue;
using namespace std::chrono_literals;
using asyncio::Coroutine;

using Shelf = asyncio::Queue<std::string>;
// Shared, as a list in Python: the customer may outlive who made it.
using Bag = std::shared_ptr<std::vector<std::string>>;

Coroutine<> baker(Shelf shelf, std::vector<std::string> loaves) {
  for (const std::string& loaf : loaves) {
    if (shelf.full()) fmt::print("baker: no room for the {}, waits\n", loaf);
    co_await shelf.put(loaf);
    fmt::print("baker: {} on the shelf ({} there)\n", loaf, shelf.qsize());
  }
  fmt::print("baker: done\n");
}

Coroutine<> customer(std::string name, Shelf shelf, Bag bought) {
  while (true) {
    if (shelf.empty()) fmt::print("{}: waits\n", name);
    const std::string loaf = co_await shelf.get();
    fmt::print("{}: takes the {}\n", name, loaf);
    // Carrying it home takes a turn of the loop; task_done() then tells the queue that it arrived.
    co_await asyncio::sleep(0s);
    bought->push_back(loaf);
    shelf.task_done();
  }
}

Coroutine<> async_main() {
  Shelf shelf(2);
  const auto bought = std::make_shared<std::vector<std::string>>();
  asyncio::Task<> buyer = asyncio::create_task(customer("Kim", shelf, bought));
  co_await asyncio::sleep(0s);

  const std::vector<std::string> loaves = {"rye", "spelt", "bun", "twist", "plait"};
  co_await baker(shelf, loaves);

  // join() returns when task_done() was called for each item; the customer would wait for ever.
  co_await shelf.join();
  fmt::print("all sold: {}\n", fmt::join(*bought, ", "));
  buyer.cancel();
  try {
    co_await buyer;
  } catch (const asyncio::CancelledError&) {
    fmt::print("Kim goes home\n");
  }

  try {
    shelf.get_nowait();
  } catch (const asyncio::QueueEmpty&) {
    fmt::print("the shelf is empty\n");
  }
}

int main() { asyncio::run(async_main()); }
