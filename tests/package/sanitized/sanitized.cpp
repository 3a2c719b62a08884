// A program that is compiled with AddressSanitizer, for a library that is not: blocks that one of them makes are freed
// by the other.
#include <chrono>
#include <vector>

#include <segue/asyncio.hpp>

using namespace segue;

asyncio::Coroutine<int> number(int value) {
  co_await asyncio::sleep(std::chrono::milliseconds(1));
  co_return value;
}

asyncio::Coroutine<int> sum() {
  std::vector<asyncio::Task<int>> tasks;
  for (int i = 0; i < 100; ++i) tasks.push_back(asyncio::create_task(number(i)));
  int total = 0;
  for (const asyncio::Task<int>& task : tasks) total += co_await task;
  total += co_await asyncio::wait_for(number(50), std::chrono::seconds(1));
  co_return total;
}

int main() { return asyncio::run(sum()) == 5000 ? 0 : 1; }
