// Long chains are let go of without recursion: of a user's own class, and of exceptions.
#include <segue/let_go.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/legacy/generator.hpp>

#include "small_stack.hpp"

namespace segue {
namespace {

using testing::long_chain;
using testing::on_small_stack;

struct Node {
  explicit Node(int& alive_nodes) noexcept : alive(alive_nodes) { ++alive; }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node() {
    let_go(std::move(left));
    let_go(std::move(right));
    --alive;
  }

  std::unique_ptr<Node> left;
  std::unique_ptr<Node> right;
  int& alive;
};

TEST(LetGo, destroys_a_long_chain) {
  on_small_stack([] {
    int alive = 0;
    std::unique_ptr<Node> top;
    for (int i = 0; i < long_chain; ++i) {
      auto node = std::make_unique<Node>(alive);
      node->left = std::move(top);
      node->right = std::make_unique<Node>(alive);
      top = std::move(node);
    }
    EXPECT_EQ(alive, 2 * long_chain);
    top.reset();
    EXPECT_EQ(alive, 0);
  });
}

TEST(LetGo, destroys_what_is_no_chain_at_once) {
  int alive = 0;
  let_go(std::make_unique<Node>(alive));
  EXPECT_EQ(alive, 0);
  let_go(std::unique_ptr<Node>());
}

// A chain of `length` objects that `make(i)` gives.
struct Link {
  std::shared_ptr<void> object;
  std::unique_ptr<Link> next;
  ~Link() { let_go(std::move(next)); }
};

template <class Make>
std::unique_ptr<Link> chain_of(int length, Make make) {
  std::unique_ptr<Link> top;
  for (int i = 0; i < length; ++i) {
    auto link = std::make_unique<Link>();
    link->object = make(i);
    link->next = std::move(top);
    top = std::move(link);
  }
  return top;
}

struct YieldsAtItsEnd {
  explicit YieldsAtItsEnd(legacy::Yielder<int>& yielder) noexcept : yield(yielder) {}
  YieldsAtItsEnd(const YieldsAtItsEnd&) = delete;
  YieldsAtItsEnd& operator=(const YieldsAtItsEnd&) = delete;
  ~YieldsAtItsEnd() { yield(1); }
  legacy::Yielder<int>& yield;
};

// Yields in the destructor of one that had to wait for its turn.
legacy::Generator<int> left_in_a_destructor(int& alive) {
  return legacy::Generator<int>([&alive](legacy::Yielder<int>& yield) {
    chain_of(40, [&](int i) -> std::shared_ptr<void> {
      if (i == 10) return std::make_shared<YieldsAtItsEnd>(yield);
      return std::make_shared<Node>(alive);
    }).reset();
    yield(2);
  });
}

bool destroys_a_chain(int length = 40) {
  int alive = 0;
  chain_of(length, [&alive](int) { return std::make_shared<Node>(alive); }).reset();
  return alive == 0;
}

TEST(LetGo, waits_for_no_other_stack_that_was_left_in_a_destructor) {
  int alive = 0;
  auto first = left_in_a_destructor(alive);
  auto second = left_in_a_destructor(alive);
  EXPECT_EQ(first.next(), 1);
  EXPECT_TRUE(destroys_a_chain());
  EXPECT_EQ(second.next(), 1);
  EXPECT_TRUE(destroys_a_chain());
  EXPECT_EQ(first.next(), 2);
  EXPECT_TRUE(destroys_a_chain());
  EXPECT_EQ(second.next(), 2);
  EXPECT_TRUE(destroys_a_chain());
  EXPECT_EQ(alive, 0);
}

TEST(LetGo, goes_on_in_another_thread_than_it_was_left_in) {
  int alive = 0;
  auto generator = left_in_a_destructor(alive);
  std::thread([&generator] { EXPECT_EQ(generator.next(), 1); }).join();
  EXPECT_TRUE(destroys_a_chain());
  EXPECT_EQ(generator.next(), 2);
  EXPECT_EQ(alive, 0);
  on_small_stack([] { EXPECT_TRUE(destroys_a_chain(long_chain)); });
}

using Lengthen = std::exception_ptr (*)(std::exception_ptr);

std::exception_ptr with_context(std::exception_ptr earlier) {
  ValueError error("late");
  error.set_context(std::move(earlier));
  return std::make_exception_ptr(error);
}

std::exception_ptr with_cause(std::exception_ptr earlier) {
  return std::make_exception_ptr(from(ValueError("late"), std::move(earlier)));
}

std::exception_ptr with_both(std::exception_ptr earlier) {
  ValueError error = from(ValueError("late"), earlier);
  error.set_context(std::move(earlier));
  return std::make_exception_ptr(error);
}

class LongHistory : public ::testing::TestWithParam<Lengthen> {};

TEST_P(LongHistory, is_destroyed) {
  on_small_stack([] {
    std::exception_ptr top;
    for (int i = 0; i < long_chain; ++i) top = GetParam()(std::move(top));
    EXPECT_EQ(exception_repr(top), "ValueError('late')");
    top = nullptr;
  });
}

INSTANTIATE_TEST_SUITE_P(, LongHistory, ::testing::Values(&with_context, &with_cause, &with_both));

TEST(History, is_searched_from_the_last_to_the_first) {
  const std::exception_ptr first = with_context(std::make_exception_ptr(7));
  const std::exception_ptr last = with_context(with_context(first));
  const auto is = [](const std::exception_ptr& wanted) {
    return [&wanted](const std::exception_ptr& each) { return each == wanted; };
  };
  EXPECT_EQ(*find_in_history(last, is(last)), last);
  EXPECT_EQ(*find_in_history(last, is(first)), first);
  EXPECT_TRUE(holds<int>(*find_in_history(last, holds<int>)));
  EXPECT_EQ(find_in_history(first, is(last)), nullptr);
  EXPECT_EQ(find_in_history(nullptr, is(last)), nullptr);
}

TEST(History, that_leads_back_into_itself_is_searched_once) {
  for (int before = 0; before < 5; ++before) {
    for (int ring = 1; ring < 6; ++ring) {
      const std::exception_ptr entrance = with_context(nullptr);
      std::exception_ptr last = entrance;
      for (int i = 1; i < ring; ++i) last = with_context(last);
      exception_ptr_cast<BaseException>(entrance)->set_context(last);
      std::exception_ptr top = last;
      for (int i = 0; i < before; ++i) top = with_context(top);

      std::vector<const void*> seen;
      const auto note = [&seen](const std::exception_ptr& each) {
        seen.push_back(exception_id(each));
        return false;
      };
      EXPECT_EQ(find_in_history(top, note), nullptr);
      EXPECT_NE(std::find(seen.begin(), seen.end(), exception_id(entrance)), seen.end());

      const std::exception_ptr error = std::make_exception_ptr(KeyError());
      chain_context(error, top);
      EXPECT_EQ(exception_ptr_cast<BaseException>(error)->context(), top);
      exception_ptr_cast<BaseException>(entrance)->set_context(nullptr);
    }
  }
}

}  // namespace
}  // namespace segue
