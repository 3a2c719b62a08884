// A worker is cancelled after a few rounds, and cleans up.

#include <chrono>
#include <exception>
#include <string>

#include <fmt/core.h>

#include <segue/asyncio.hpp>

using namespace segue;
using namespace std::chrono_literals;
using asyncio::Coroutine;

Coroutine<> put_away(std::string tool) {
  co_await asyncio::sleep(5ms);
  fmt::print("  {} put away\n", tool);
}

Coroutine<> gardener(int rounds_wanted, asyncio::Event& enough) {
  int rounds = 0;
  std::exception_ptr called_in;
  try {
    while (true) {
      ++rounds;
      fmt::print("  round {}: watering\n", rounds);
      if (rounds == rounds_wanted) enough.set();
      co_await asyncio::sleep(10ms);
    }
  } catch (const asyncio::CancelledError& call) {
    // Cancellation arrives at the await, as an exception.
    fmt::print("  called in: {}\n", call.what());
    called_in = std::current_exception();
  }
  // Cleaning up may wait, too; C++ has no co_await inside a handler, so it comes after.
  co_await put_away("hose");
  fmt::print("  {} rounds done\n", rounds);
  std::rethrow_exception(called_in);
}

Coroutine<std::string> stubborn(int minutes) {
  // A task may decline; then it is not cancelled, and its result counts.
  try {
    co_await asyncio::sleep(minutes * 1min);
  } catch (const asyncio::CancelledError&) {
    fmt::print("  not now, nearly finished\n");
  }
  co_return "hedge cut";
}

Coroutine<> nap() {
  // What has to happen in any case is written once.
  struct Awake {
    ~Awake() { fmt::print("  awake\n"); }
  } awake;
  co_await asyncio::sleep(1h);
}

const char* yes_or_no(bool answer) { return answer ? "yes" : "no"; }

Coroutine<> async_main() {
  fmt::print("- after three rounds\n");
  asyncio::Event enough;
  asyncio::Task<> worker = asyncio::create_task(gardener(3, enough));
  co_await enough.wait();
  fmt::print("asked to stop: {}\n", yes_or_no(worker.cancel("supper is ready")));
  fmt::print("stopped yet: {}\n", yes_or_no(worker.done()));
  try {
    co_await worker;
  } catch (const asyncio::CancelledError& error) {
    fmt::print("CancelledError: {}\n", error.what());
  }
  fmt::print("cancelled: {}\n", yes_or_no(worker.cancelled()));
  fmt::print("asked again: {}\n", yes_or_no(worker.cancel()));

  fmt::print("- before the start\n");
  worker = asyncio::create_task(gardener(1, enough));
  worker.cancel();
  try {
    co_await worker;
  } catch (const asyncio::CancelledError&) {
    fmt::print("it never began\n");
  }

  fmt::print("- one who declines\n");
  asyncio::Task<std::string> decliner = asyncio::create_task(stubborn(60));
  co_await asyncio::sleep(0s);
  decliner.cancel();
  fmt::print("result: {}\n", co_await decliner);
  fmt::print("cancelled: {}\n", yes_or_no(decliner.cancelled()));

  fmt::print("- an alarm clock\n");
  try {
    co_await asyncio::wait_for(nap(), 5ms);
  } catch (const TimeoutError&) {
    fmt::print("time is up\n");
  }
}

int main() { asyncio::run(async_main()); }
