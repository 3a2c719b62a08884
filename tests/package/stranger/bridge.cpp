// bridge: a callback, a generator-based coroutine and co_await, one on top of the other.
#include <chrono>
#include <cstdio>
#include <functional>

#include <segue/asyncio.hpp>
#include <segue/bridge/callback.hpp>
#include <segue/bridge/coroutine.hpp>

using namespace segue;
using namespace segue::bridge;
using namespace std::chrono_literals;

// First generation: it calls back when it is done.
void measure(std::function<void(int)> done) { asyncio::get_running_loop().call_later(10ms, done, 21); }

// Second: a generator-based coroutine, which waits with yield_from(), here and anywhere below.
const auto measure_often = coroutine<int>([](int times) {
  int sum = 0;
  for (int i = 0; i < times; ++i) sum += yield_from(from_callback<int>(measure));
  return sum;
});

// Third.
asyncio::Coroutine<void> report() {
  const int sum = co_await measure_often(2);
  std::printf("%d\n", sum);
}

int main() { asyncio::run(report()); }
