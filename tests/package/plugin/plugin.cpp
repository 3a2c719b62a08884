// What a plugin does with generators; in it all of legacy.
#include <stdexcept>

#include <segue/legacy/generator.hpp>

// More than a program has to spare for the `thread_local`s of a library that is loaded late, if they need its room.
thread_local char scratch[4096];

/// The sum of 1 to `last`, an exception thrown and caught on each of the two stacks.
extern "C" int sum(int last) {
  segue::legacy::Generator<int> numbers(
      [](auto& yield, int last) {
        try {
          for (int i = 1; i <= last; ++i) yield(i);
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
