// What a plugin does with generators and with coroutines; in it all of segue.
#include <stdexcept>

#include <segue/segue.hpp>

// More than a program has to spare for the `thread_local`s of a library that is loaded late, if they need its room.
thread_local char scratch[4096];

namespace {

// The sum of 1 to `last`, an exception thrown and caught on each of the two stacks.
int add_up(int last) {
  segue::legacy::Generator<int> numbers(
      [](auto& yield, int end) {
        try {
          for (int i = 1; i <= end; ++i) yield(i);
          throw std::length_error("no more");
        } catch (const std::length_error&) {
          yield(0);
          throw;
        }
      },
      last);
  int total = 0;
  try {
    for (const int number : numbers) scratch[static_cast<unsigned>(total += number) % sizeof scratch] = 1;
  } catch (const std::length_error&) {
    return total;
  }
  return -1;
}

segue::asyncio::Coroutine<int> later(int last) {
  co_await segue::asyncio::sleep(std::chrono::seconds(0));
  co_return add_up(last);
}

}  // namespace

/// The sum of 1 to `last`, by way of a generator-based coroutine, a coroutine and a loop of the calling thread.
extern "C" int sum(int last) {
  const auto awaiting = segue::bridge::coroutine<int>([](int end) { return segue::bridge::yield_from(later(end)); });
  return segue::asyncio::run([](auto begin, int end) -> segue::asyncio::Coroutine<int> {
    const int total = co_await begin(end);
    co_return total;
  }(awaiting, last));
}
