// modern alone: coroutines on the event loop.
#include <chrono>
#include <cstdio>
#include <string>

#include <segue/asyncio.hpp>

using namespace segue;
using namespace std::chrono_literals;

asyncio::Coroutine<std::string> fetch(std::string name) {
  co_await asyncio::sleep(20ms);
  co_return "page of " + name;
}

asyncio::Coroutine<void> browse() {
  auto [home, news] = co_await asyncio::gather(fetch("home"), fetch("news"));  // both at once: 20 ms, not 40
  std::printf("%s, %s\n", home.c_str(), news.c_str());
}

int main() { asyncio::run(browse()); }
