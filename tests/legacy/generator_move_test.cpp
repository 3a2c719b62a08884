// Generators that are moved: while suspended, while running, to another thread.
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/legacy/generator.hpp>
#include <segue/legacy/inspect.hpp>

#include "attempt.hpp"

namespace segue::legacy {
namespace {

using testing::attempt;

TEST(GeneratorMove, LeavesAClosedOneBehind) {
  Generator<int> first([](auto& yield) {
    yield(1);
    yield(2);
  });
  first.next();
  Generator<int> second = std::move(first);
  EXPECT_EQ(getgeneratorstate(first), GEN_CLOSED);  // NOLINT(bugprone-use-after-move)
  EXPECT_FALSE(first);
  EXPECT_EQ(attempt([&] { return first.next(); }), "StopIteration(None)");
  EXPECT_EQ(attempt([&] { return first.throw_(ValueError("v")); }), "ValueError(v)");
  first.close();
  EXPECT_TRUE(second);
  EXPECT_EQ(second.next(), 2);
}

TEST(GeneratorMove, ByAssignmentClosesTheOldOne) {
  std::vector<std::string> trace;
  const auto body = [&](auto& yield, const std::string& name) {
    try {
      yield(name);
    } catch (const GeneratorExit&) {
      trace.push_back("closed " + name);
      throw;
    }
  };
  Generator<std::string> one(body, std::string("one"));
  Generator<std::string> two(body, std::string("two"));
  one.next();
  two.next();
  one = std::move(two);
  EXPECT_EQ(trace, (std::vector<std::string>{"closed one"}));
  one = Generator<std::string>();
  EXPECT_EQ(trace, (std::vector<std::string>{"closed one", "closed two"}));
}

TEST(GeneratorMove, WhileItRunsIsAllowed) {
  Generator<int> first;
  Generator<int> second;
  first = Generator<int>([&](auto& yield) {
    second = std::move(first);
    yield(1);
    yield(2);
  });
  EXPECT_EQ(first.next(), 1);
  EXPECT_EQ(getgeneratorstate(first), GEN_CLOSED);
  EXPECT_EQ(second.next(), 2);
  EXPECT_EQ(second.next(0), 0);
  EXPECT_FALSE(second);
}

TEST(GeneratorMove, ToAnotherThreadIsAllowedWhileSuspended) {
  Generator<int> generator([](auto& yield) {
    for (int i = 0;; ++i) {
      try {
        throw ValueError(std::to_string(i));
      } catch (const ValueError&) {
        yield(i);
        if (describe(std::current_exception()).message != std::to_string(i)) yield(-1);
      }
    }
  });
  for (int i = 0; i < 5; ++i) {
    std::thread([&] { EXPECT_EQ(generator.next(), i); }).join();
  }
  std::thread([moved = std::move(generator)]() mutable { moved.close(); }).join();
}

[[gnu::noinline]] void move_from_an_emptied_local(Generator<int>& kept) {
  Generator<int> local;
  local = {};  // g++ 12 warned here, of a dangling pointer
  kept = std::move(local);
}

TEST(GeneratorMove, from_an_emptied_local_leaves_nothing_of_it_behind) {
  Generator<int> kept([](auto& yield) { yield(1); });
  move_from_an_emptied_local(kept);
  EXPECT_EQ(attempt([&] { return kept.next(); }), "StopIteration(None)");
}

TEST(GeneratorMove, is_all_there_is_for_nobody_can_copy_one) {
  using Any = Generator<int, int, int>;
  static_assert(!std::is_copy_constructible_v<Any> && !std::is_copy_assignable_v<Any>);
  static_assert(std::is_nothrow_move_constructible_v<Any> && std::is_nothrow_move_assignable_v<Any>);
}

}  // namespace
}  // namespace segue::legacy
