// `gather` with `return_exceptions`, without it, and try/catch around one await.

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include <segue/asyncio.hpp>

using namespace segue;
using namespace std::chrono_literals;
using asyncio::Coroutine;

class Spoilt : public Exception {
 public:
  using Exception::Exception;
};

Coroutine<std::string> open_jar(std::string label, std::chrono::milliseconds wait) {
  co_await asyncio::sleep(wait);
  if (label == "plum") throw Spoilt("plum has gone off");
  if (label.empty()) throw ValueError("a jar without a label");
  fmt::print("  {} opened\n", label);
  co_return label + " jam";
}

Coroutine<std::string> open_or_replace(std::string label, std::chrono::milliseconds wait) {
  // The error is handled where one jar is opened: whoever gathers sees a result like any other.
  try {
    co_return co_await open_jar(label, wait);
  } catch (const Spoilt& error) {
    fmt::print("  replaced: {}\n", error.what());
    co_return "honey";
  }
}

Coroutine<> async_main() {
  fmt::print("- errors among the results\n");
  std::vector<Coroutine<std::string>> shelf;
  for (auto [label, wait] : {std::pair("fig", 5ms), {"plum", 10ms}, {"", 15ms}, {"quince", 20ms}})
    shelf.push_back(open_jar(label, wait));
  const std::vector<Outcome<std::string>> results =
      co_await asyncio::gather(std::move(shelf), asyncio::return_exceptions);
  for (const Outcome<std::string>& result : results) {
    if (result.has_exception()) {
      const auto [type, message] = describe(result.exception());
      fmt::print("{}: {}\n", type, message);
    } else {
      fmt::print("{}\n", result.stored());
    }
  }

  fmt::print("- the first error at once\n");
  std::vector<asyncio::Task<std::string>> jars;
  for (auto [label, wait] : {std::pair("fig", 5ms), {"plum", 10ms}, {"quince", 40ms}})
    jars.push_back(asyncio::create_task(open_jar(label, wait)));
  try {
    co_await asyncio::gather(jars);
  } catch (const Spoilt& error) {
    fmt::print("Spoilt: {}\n", error.what());
  }
  // The others are not cancelled by that: their results are still to be had.
  fmt::print("quince is open already: {}\n", jars[2].done() ? "yes" : "no");
  fmt::print("{}\n", co_await jars[2]);

  fmt::print("- handled at each await\n");
  const auto [first, second] = co_await asyncio::gather(open_or_replace("plum", 5ms), open_or_replace("pear", 10ms));
  fmt::print("{}\n{}\n", first, second);

  fmt::print("- handled for one type only\n");
  try {
    fmt::print("{}\n", co_await open_or_replace("", 0ms));
  } catch (const ValueError& error) {
    fmt::print("ValueError: {}\n", error.what());
  }
}

int main() { asyncio::run(async_main()); }
