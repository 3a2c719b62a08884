// All rooms in one program, by the header that has everything: a generator's values, awaited one by one.
#include <segue/segue.hpp>

#include <chrono>
#include <cstdio>

// Names of a program's own, which segue's directives leave alone.
namespace detail {
constexpr auto pause = std::chrono::milliseconds(1);
}
struct Iter {};

using namespace segue;
using namespace segue::legacy;
using namespace segue::bridge;
using namespace std::chrono_literals;

asyncio::Coroutine<int> add_up() {
  legacy::Generator<int> numbers([](auto& yield) {
    for (int i = 1; i <= 3; ++i) yield(i);
  });
  const auto twice = bridge::coroutine<int>([](int number) {
    bridge::yield_from(asyncio::sleep(detail::pause));
    return 2 * number;
  });
  int sum = 0;
  for (const int number : numbers) {
    const int doubled = co_await twice(number);
    sum += doubled;
  }
  co_return sum;
}

asyncio::Coroutine<asyncio::await_result_t<asyncio::Coroutine<int>>> nothing(Iter, asyncio::Yielded,
                                                                             asyncio::Resumable) {
  co_return 0;
}

int main() {
  const int sum = asyncio::run(add_up());
  std::printf("%d\n", sum);
  return sum == 12 ? 0 : 1;
}
