// A generator as it began: a yield, a next(), a loop, and a tree that is walked by hand.

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <segue/segue.hpp>

using namespace segue;
using legacy::Generator;
using legacy::SimpleGenerator;

struct Tree {
  std::string value;
  std::unique_ptr<const Tree> left = nullptr, right = nullptr;
};
using Branch = std::unique_ptr<const Tree>;

Branch fork(std::string value, Branch left, Branch right) {
  return std::make_unique<const Tree>(std::move(value), std::move(left), std::move(right));
}
Branch leaf(std::string value) { return fork(std::move(value), nullptr, nullptr); }

using Strings = std::vector<std::string>;

// All that a generator yields from here on, in a row.
template <class Values>
auto all(Values&& values) {
  std::vector<typename std::remove_cvref_t<Values>::yield_type> row;
  for (auto&& value : values) row.push_back(std::forward<decltype(value)>(value));
  return row;
}

// What PEP 255 allows: `yield` gives nothing, `return` has no value, and all that a caller can say is next().

// A number and its halves, down to 1.
SimpleGenerator<int> halves(int number) {
  return SimpleGenerator<int>([=](auto& yield) mutable {
    fmt::print("  halves: begins\n");
    while (number > 1) {
      yield(number);
      number /= 2;
    }
    yield(number);
    fmt::print("  halves: ends\n");
  });
}

// As many as `wanted`, and no more is asked for.
SimpleGenerator<int> first(int wanted, SimpleGenerator<int> values) {
  return SimpleGenerator<int>(
      [](auto& yield, int wanted, SimpleGenerator<int> values) {
        if (wanted == 0) return;
        for (const int value : values) {
          yield(value);
          wanted -= 1;
          if (wanted == 0) return;
        }
      },
      wanted, std::move(values));
}

// Each level yields again, by hand, what the level below has yielded. All of them note it in `yields`.
SimpleGenerator<std::string> inorder(const Branch& tree, Strings& yields) {
  return SimpleGenerator<std::string>([&](auto& yield) {
    if (tree == nullptr) return;
    for (const std::string& value : inorder(tree->left, yields)) {
      yields.push_back(value);
      yield(value);
    }
    yields.push_back(tree->value);
    yield(tree->value);
    for (const std::string& value : inorder(tree->right, yields)) {
      yields.push_back(value);
      yield(value);
    }
  });
}

// What PEP 380 made of it: the same walk delegates, and may return a value, here how many there were.

Generator<std::string, void, int> inorder_from(const Branch& tree, Strings& yields) {
  return Generator<std::string, void, int>([&](auto& yield) {
    if (tree == nullptr) return 0;
    const int before = yield.from(inorder_from(tree->left, yields));
    yields.push_back(tree->value);
    yield(tree->value);
    const int after = yield.from(inorder_from(tree->right, yields));
    return before + 1 + after;
  });
}

Generator<std::string> counted(const Branch& tree, Strings& yields) {
  return Generator<std::string>([&](auto& yield) {
    const int number = yield.from(inorder_from(tree, yields));
    fmt::print("  returned: {}\n", number);
  });
}

int main() {
  // Making it runs nothing; each next() runs to the next yield, and the end is an exception.
  fmt::print("- next\n");
  SimpleGenerator<int> numbers = halves(6);
  fmt::print("  made\n");
  fmt::print("  next: {}\n", numbers.next());
  fmt::print("  next: {}\n", numbers.next());
  fmt::print("  next: {}\n", numbers.next());
  for (int i = 0; i < 2; ++i) {
    try {
      numbers.next();
    } catch (const StopIterationBase&) {
      fmt::print("  StopIteration\n");
    }
  }

  // A loop goes on from where the generator stands; one that is never asked again just stays there.
  fmt::print("- for\n");
  numbers = halves(40);
  fmt::print("  next: {}\n", numbers.next());
  fmt::print("  the rest: {}\n", fmt::join(all(numbers), " "));
  fmt::print("  four: {}\n", fmt::join(all(first(4, halves(1000))), " "));

  // It cannot be resumed while it runs.
  fmt::print("- itself\n");
  SimpleGenerator<int>* me = nullptr;
  SimpleGenerator<int> restless([&](auto& yield) { yield(me->next()); });
  me = &restless;
  try {
    me->next();
  } catch (const ValueError& error) {
    fmt::print("  ValueError: {}\n", error.what());
  }

  // Same values, same order; by hand each value is yielded once more at each level above its own.
  const Branch tree = fork("elm", fork("birch", leaf("ash"), leaf("cedar")),
                           fork("oak", leaf("fir"), fork("yew", leaf("pine"), nullptr)));
  fmt::print("- by hand\n");
  Strings yields;
  fmt::print("  {}\n", fmt::join(all(inorder(tree, yields)), " "));
  fmt::print("  yields: {}\n", yields.size());
  fmt::print("- yield from\n");
  yields.clear();
  fmt::print("  {}\n", fmt::join(all(counted(tree, yields)), " "));
  fmt::print("  yields: {}\n", yields.size());
}
