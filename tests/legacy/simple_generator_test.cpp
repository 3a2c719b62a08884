#include <segue/legacy/simple_generator.hpp>

#include <memory>
#include <ranges>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "attempt.hpp"

namespace segue::legacy {
namespace {

using testing::attempt;

SimpleGenerator<int> count(int end) {
  return SimpleGenerator<int>(
      [](auto& yield, int end) {
        for (int i = 0; i < end; ++i) yield(i);
      },
      end);
}

TEST(SimpleGenerator, gives_one_value_for_each_next) {
  SimpleGenerator<int> fibonacci([](auto& yield) {
    for (int a = 0, b = 1;; b += std::exchange(a, b)) yield(a);
  });
  std::vector<int> seen;
  for (int i = 0; i < 8; ++i) seen.push_back(fibonacci.next());
  EXPECT_EQ(seen, (std::vector{0, 1, 1, 2, 3, 5, 8, 13}));
}

TEST(SimpleGenerator, runs_nothing_before_the_first_next) {
  bool ran = false;
  SimpleGenerator<int> generator([&](auto& yield) {
    ran = true;
    yield(1);
  });
  EXPECT_FALSE(ran);
  generator.next();
  EXPECT_TRUE(ran);
}

TEST(SimpleGenerator, stops_at_the_end_and_ever_after) {
  SimpleGenerator<int> generator = count(1);
  EXPECT_EQ(generator.next(), 0);
  EXPECT_EQ(attempt<void>([&] { return generator.next(); }), "StopIteration(None)");
  EXPECT_EQ(attempt<void>([&] { return generator.next(); }), "StopIteration(None)");
}

TEST(SimpleGenerator, raises_the_bodys_error_once_and_stops) {
  SimpleGenerator<int> generator([](auto& yield) {
    yield(1);
    throw ValueError("bad");
  });
  generator.next();
  EXPECT_EQ(attempt([&] { return generator.next(); }), "ValueError(bad)");
  EXPECT_EQ(attempt<void>([&] { return generator.next(); }), "StopIteration(None)");
}

TEST(SimpleGenerator, refuses_to_be_resumed_while_it_runs) {
  SimpleGenerator<int>* self = nullptr;
  SimpleGenerator<int> generator([&](auto& yield) { yield(self->next()); });
  self = &generator;
  EXPECT_EQ(attempt([&] { return generator.next(); }), "ValueError(generator already executing)");
}

TEST(SimpleGenerator, is_an_input_range) {
  static_assert(std::ranges::input_range<SimpleGenerator<int>>);
  std::vector<int> seen;
  for (const int value : count(5) | std::views::drop(1) | std::views::take(3)) seen.push_back(value);
  EXPECT_EQ(seen, (std::vector{1, 2, 3}));
}

TEST(SimpleGenerator, goes_on_with_another_one_in_a_loop) {
  struct Tree {
    int value;
    std::unique_ptr<Tree> left, right;
    static SimpleGenerator<int> inorder(const Tree* tree) {
      return SimpleGenerator<int>([tree](auto& yield) {
        if (tree == nullptr) return;
        for (const int value : inorder(tree->left.get())) yield(value);
        yield(tree->value);
        for (const int value : inorder(tree->right.get())) yield(value);
      });
    }
  };
  const auto leaf = [](int value) { return std::make_unique<Tree>(Tree{value, nullptr, nullptr}); };
  const Tree tree{2, leaf(1), leaf(3)};
  std::vector<int> seen;
  for (const int value : Tree::inorder(&tree)) seen.push_back(value);
  EXPECT_EQ(seen, (std::vector{1, 2, 3}));
}

TEST(SimpleGenerator, yields_references_and_what_can_only_be_moved) {
  int value = 1;
  SimpleGenerator<int&> references([&](auto& yield) { yield(value); });
  references.next() = 7;
  EXPECT_EQ(value, 7);
  SimpleGenerator<std::unique_ptr<int>> boxes([](auto& yield) { yield(std::make_unique<int>(3)); });
  EXPECT_EQ(*boxes.next(), 3);
}

TEST(SimpleGenerator, leaves_its_body_when_it_goes) {
  const auto held = std::make_shared<int>();
  {
    SimpleGenerator<int> generator([](auto& yield, std::shared_ptr<int>) { yield(1); }, held);
    EXPECT_EQ(held.use_count(), 2);
    generator.next();
  }
  EXPECT_EQ(held.use_count(), 1);
}

template <class T>
concept CanDoMore = requires(T& generator) { generator.send(1); } || requires(T& generator) { generator.close(); } ||
                    requires(T& generator) { generator.throw_(ValueError()); };

TEST(SimpleGenerator, has_nothing_that_came_later) {
  static_assert(CanDoMore<Generator<int>> && !CanDoMore<SimpleGenerator<int>>);
  static_assert(std::is_void_v<decltype(std::declval<SimpleYielder<int>&>()(1))>);
}

}  // namespace
}  // namespace segue::legacy
