// A generator-based coroutine sleeps on the loop with `yield_from`, as asyncio code did before `await`.

#include <chrono>
#include <string>

#include <fmt/core.h>

#include <segue/segue.hpp>

using namespace segue;
using namespace std::chrono_literals;
using bridge::coroutine;
using bridge::yield_from;

const auto boil = coroutine<std::string>([](const std::string& what, std::chrono::milliseconds time) {
  fmt::print("  {}: on the fire\n", what);
  yield_from(asyncio::sleep(time));
  fmt::print("  {}: done\n", what);
  return "hot " + what;
});

const auto burn = coroutine<void>([](const std::string& what) {
  yield_from(asyncio::sleep(5ms));
  throw RuntimeError(what + " burnt");
});

const auto breakfast = coroutine<std::string>([] {
  // One after the other: `yield_from` hands the loop over until the inner one has returned.
  fmt::print("- one ring\n");
  const std::string tea = yield_from(boil("tea", 10ms));
  const std::string egg = yield_from(boil("egg", 5ms));
  fmt::print("{} and {}\n", tea, egg);

  // As tasks they share the time.
  fmt::print("- two rings\n");
  auto more_tea = asyncio::create_task(boil("tea", 20ms));
  auto more_eggs = asyncio::create_task(boil("egg", 5ms));
  const std::string first = yield_from(more_eggs);
  const std::string second = yield_from(more_tea);
  fmt::print("{} and {}\n", first, second);

  // An error comes out of the `yield_from`.
  fmt::print("- a moment's inattention\n");
  try {
    yield_from(burn("toast"));
  } catch (const RuntimeError& error) {
    fmt::print("RuntimeError: {}\n", error.what());
  }
  return "washing up";
});

int main() {
  auto loop = asyncio::new_event_loop();
  fmt::print("left: {}\n", loop->run_until_complete(breakfast()));
  loop->close();
}
