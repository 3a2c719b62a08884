// Debug mode: it finds who holds the loop up, and who was forgotten.

#include <chrono>
#include <regex>
#include <string>
#include <thread>

#include <fmt/core.h>

#include <segue/asyncio.hpp>
#include <segue/modern/kernel/log.hpp>

using namespace segue;
using namespace std::chrono_literals;
using asyncio::Coroutine;

// What is the same wherever this runs: names, and not how long it took.
void report(const std::string& message) {
  static const std::regex slow(R"(^Executing .*?(\w+)\(\) (?:running|done).* took .* seconds)");
  static const std::regex slow_callback(R"(^Executing <Handle (\w+)\(\) at .* took .* seconds)");
  static const std::regex never(R"(coroutine '(\w+)' was never awaited[^]* in (forget\w+))");
  static const std::regex lost(R"(exception was never retrieved[^]* in (forget\w+)[^]*(ValueError: .*))");
  std::smatch found;
  if (std::regex_search(message, found, slow)) {
    fmt::print("  slow: {}\n", found[1].str());
  } else if (std::regex_search(message, found, slow_callback)) {
    fmt::print("  slow: the callback {}\n", found[1].str());
  } else if (std::regex_search(message, found, never)) {
    fmt::print("  never awaited: {}, called in {}\n", found[1].str(), found[2].str());
  } else if (std::regex_search(message, found, lost)) {
    fmt::print("  never retrieved: {}, of a task made in {}\n", found[2].str(), found[1].str());
  }
}

Coroutine<std::string> fetch() { co_return "page"; }

Coroutine<> compute() {
  std::this_thread::sleep_for(120ms);
  co_return;
}

void write_log() { std::this_thread::sleep_for(120ms); }

Coroutine<> fail() {
  throw ValueError("lost");
  co_return;
}

[[gnu::noinline]] void forget_to_await() { static_cast<void>(fetch()); }

[[gnu::noinline]] void forget_a_task() { asyncio::create_task(fail()); }

Coroutine<> async_main() {
  fmt::print("- a step that takes long\n");
  co_await asyncio::create_task(compute());

  fmt::print("- a callback that takes long\n");
  asyncio::get_running_loop().call_soon(write_log);
  co_await asyncio::sleep(10ms);

  fmt::print("- a coroutine that nobody awaits\n");
  forget_to_await();

  fmt::print("- a task whose error nobody looks at\n");
  forget_a_task();
  co_await asyncio::sleep(10ms);
}

int main() {
  modern::set_log_handler([](modern::LogLevel, const std::string& message) { report(message); });
  asyncio::run(async_main(), {.debug = true});
}
