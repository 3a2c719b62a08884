// Calling a coroutine function runs nothing; a coroutine goes from created to closed, here driven by hand.

#include <chrono>
#include <string>
#include <vector>

#include <fmt/core.h>

#include <segue/asyncio.hpp>

using namespace segue;
using namespace std::chrono_literals;
using asyncio::Coroutine;
using inspect::getcoroutinestate;

Coroutine<std::string> errand() {
  fmt::print("  errand: out of the door\n");
  {
    struct Home {
      ~Home() { fmt::print("  errand: home again\n"); }
    } home;
    co_await asyncio::sleep(0s);
    fmt::print("  errand: at the baker's\n");
    co_await asyncio::sleep(0s);
  }
  co_return "bread";
}

Coroutine<> look_at(std::vector<Coroutine<>>& mirror) {
  fmt::print("  running: {}\n", to_string(getcoroutinestate(mirror[0])));
  co_return;
}

int main() {
  fmt::print("- to the end\n");
  Coroutine<std::string> coroutine = errand();
  fmt::print("called: {}\n", to_string(getcoroutinestate(coroutine)));
  coroutine.send();
  fmt::print("sent off: {}\n", to_string(getcoroutinestate(coroutine)));
  coroutine.send();
  try {
    coroutine.send();
  } catch (const StopIteration<std::string>& end) {
    fmt::print("returned: {}\n", end.value);
  }
  fmt::print("ended: {}\n", to_string(getcoroutinestate(coroutine)));

  fmt::print("- only once\n");
  try {
    coroutine.send();
  } catch (const RuntimeError& error) {
    fmt::print("RuntimeError: {}\n", error.what());
  }

  fmt::print("- in front of a mirror\n");
  std::vector<Coroutine<>> mirror;
  mirror.push_back(look_at(mirror));
  try {
    mirror[0].send();
  } catch (const StopIteration<>&) {
    fmt::print("ended: {}\n", to_string(getcoroutinestate(mirror[0])));
  }

  fmt::print("- called off before the start\n");
  coroutine = errand();
  coroutine.close();
  fmt::print("closed: {}\n", to_string(getcoroutinestate(coroutine)));

  fmt::print("- called off on the way\n");
  coroutine = errand();
  coroutine.send();
  coroutine.close();
  fmt::print("closed: {}\n", to_string(getcoroutinestate(coroutine)));

  fmt::print("- an error on the way\n");
  coroutine = errand();
  coroutine.send();
  try {
    coroutine.throw_(ValueError("no money"));
  } catch (const ValueError& error) {
    fmt::print("ValueError: {}\n", error.what());
  }
  fmt::print("ended: {}\n", to_string(getcoroutinestate(coroutine)));

  fmt::print("- the usual way\n");
  fmt::print("run: {}\n", asyncio::run(errand()));
}
