// A server that runs until Ctrl-C, and a tidy end.

#include <signal.h>

#include <chrono>
#include <exception>
#include <string>
#include <vector>

#include <fmt/core.h>

#include <segue/asyncio.hpp>

using namespace segue;
using namespace std::chrono_literals;
using asyncio::Coroutine;

Coroutine<> connection(int number) {
  const auto served = []() -> Coroutine<> { co_await asyncio::Event().wait(); };
  const auto close = [&]() -> Coroutine<> {
    // The end may wait, too.
    co_await asyncio::sleep(0s);
    fmt::print("  connection {} closed\n", number);
  };
  co_await asyncio::finally_(served, close);
}

Coroutine<> serve() {
  std::vector<asyncio::Task<>> connections;
  for (const int number : {1, 2}) connections.push_back(asyncio::create_task(connection(number)));
  fmt::print("  serving\n");
  // In place of somebody at the keyboard:
  asyncio::get_running_loop().call_later(5ms, ::raise, SIGINT);
  std::exception_ptr interrupted;
  try {
    co_await asyncio::Event().wait();  // for ever
  } catch (const asyncio::CancelledError&) {
    interrupted = std::current_exception();
  }
  fmt::print("  no new ones\n");
  for (const auto& task : connections) task.cancel();
  co_await asyncio::gather(connections, asyncio::return_exceptions);
  fmt::print("  all closed\n");
  std::rethrow_exception(interrupted);
}

Coroutine<std::string> stubborn() {
  asyncio::get_running_loop().call_later(5ms, ::raise, SIGINT);
  try {
    co_await asyncio::Event().wait();
  } catch (const asyncio::CancelledError&) {
    asyncio::current_task()->uncancel();
  }
  co_return "saved first";
}

int main() {
  fmt::print("- Ctrl-C\n");
  try {
    asyncio::run(serve());
  } catch (const KeyboardInterrupt&) {
    fmt::print("  KeyboardInterrupt, when all is done\n");
  }

  fmt::print("- one that goes on\n");
  fmt::print("  {}\n", asyncio::run(stubborn()));
}
