// A generator is started, is sent values, and returns one.

#include <optional>
#include <string>

#include <fmt/core.h>

#include <segue/segue.hpp>

using namespace segue;
using legacy::Generator;
using legacy::getgeneratorstate;

// What it yields, what it is sent, and what it returns.
using Till = Generator<int, std::optional<int>, std::string>;

// A shop's till: yields the running total, is sent prices, and returns the last line of the receipt.
Till till() {
  return Till([](auto& yield) {
    fmt::print("  till: opened\n");
    int items = 0;
    int total = 0;
    while (true) {
      const std::optional<int> price = yield(total);
      if (!price) break;
      fmt::print("  till: rang up {}\n", *price);
      items += 1;
      total += *price;
    }
    fmt::print("  till: closed\n");
    return fmt::format("{} items, {} to pay", items, total);
  });
}

Generator<int> countdown(int start) {
  return Generator<int>([=](auto& yield) mutable {
    while (start > 0) {
      yield(start);
      start -= 1;
    }
  });
}

int main() {
  // Calling the function runs none of it; the first resume can only be next(): no yield waits for a value yet.
  Till sale = till();
  fmt::print("made: {}\n", to_string(getgeneratorstate(sale)));
  try {
    sale.send(4);
  } catch (const TypeError& error) {
    fmt::print("TypeError: {}\n", error.what());
  }

  fmt::print("next: {}\n", sale.next());
  fmt::print("started: {}\n", to_string(getgeneratorstate(sale)));

  // A value sent in is what `yield` evaluates to; what comes back is the next value yielded.
  for (const int price : {4, 10, 7}) fmt::print("send: {}\n", sale.send(price));

  // next() sends an empty optional; this till takes that as the end, and what it returns travels in StopIteration.
  try {
    sale.next();
  } catch (const StopIteration<std::string>& end) {
    fmt::print("returned: {}\n", end.value);
  }
  fmt::print("ended: {}\n", to_string(getgeneratorstate(sale)));

  // A loop calls next() and ends where the generator does.
  for (const int number : countdown(3)) fmt::print("countdown: {}\n", number);

  // A generator that nobody needs any more is closed where it stands.
  Generator<int> half_done = countdown(10);
  fmt::print("next: {}\n", half_done.next());
  half_done.close();
  fmt::print("closed: {}\n", to_string(getgeneratorstate(half_done)));
}
