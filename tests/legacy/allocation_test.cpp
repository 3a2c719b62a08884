// What generators take from the heap: nothing, once there are stacks in the pool.
#include <cstddef>
#include <functional>
#include <new>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include <segue/legacy/detail/sanitizers.hpp>
#include <segue/legacy/generator.hpp>

#include "counted_allocations.hpp"

namespace segue::legacy {
namespace {

template <class Call>
std::size_t allocations_of(Call call) {
  call();  // fills the pool
  const std::size_t before = segue::testing::allocations_made();
  call();
  return segue::testing::allocations_made() - before;
}

class Allocation : public ::testing::Test {
 protected:
  void SetUp() override {
    if (legacy_detail::sanitized) GTEST_SKIP() << "not counted under a sanitizer";
  }
};

TEST_F(Allocation, IsSeenByThisTest) {
  EXPECT_EQ(allocations_of([] { ::operator delete(::operator new(1)); }), 1U);
}

TEST_F(Allocation, IsNotNeededForNextAndSend) {
  Generator<int, std::optional<int>> generator([](auto& yield) {
    for (int i = 0;; ++i) i += yield(i).value_or(0);
  });
  EXPECT_EQ(allocations_of([&] {
              for (int i = 0; i < 100; ++i) {
                generator.next();
                generator.send(i);
              }
            }),
            0U);
}

TEST_F(Allocation, IsNotNeededForAWholeGenerator) {
  EXPECT_EQ(allocations_of([] {
              Generator<int> generator([](auto& yield) { yield(1); });
              for ([[maybe_unused]] const int value : generator) continue;
            }),
            0U);
}

TEST_F(Allocation, IsNotNeededForDelegation) {
  struct Level {
    static Generator<int> make(int depth) {
      return Generator<int>([depth](auto& yield) {
        yield(depth);
        if (depth != 0) yield.from(make(depth - 1));
        yield(-depth);
      });
    }
  };
  EXPECT_EQ(allocations_of([] {
              for ([[maybe_unused]] const int value : Level::make(30)) continue;
            }),
            0U);
}

// What the steps of a generator that delegates to `source` take, sent values included.
template <class Yield, class Source>
std::size_t allocations_of_steps(Source& source, bool sends) {
  Generator<Yield, std::optional<int>> generator([&](auto& yield) { yield.from(source); });
  generator.next();
  return allocations_of([&] {
    for (int i = 0; i < 50; ++i) {
      generator.next();
      if (sends) generator.send(i);
    }
  });
}

TEST_F(Allocation, is_not_needed_for_relayed_delegation) {
  const std::vector<int> range(1000);
  EXPECT_EQ(allocations_of_steps<int>(range, false), 0U);

  const std::function<std::optional<int>()> function = [] { return std::optional(1); };
  EXPECT_EQ(allocations_of_steps<int>(function, false), 0U);

  struct Object {
    int next() { return 1; }
    int send(std::optional<int> value) { return value.value_or(0); }
  } object;
  EXPECT_EQ(allocations_of_steps<int>(object, true), 0U);

  Generator<int, std::optional<long>> converting([](auto& yield) {
    for (;;) yield(1);
  });
  EXPECT_EQ(allocations_of_steps<long>(converting, true), 0U);
}

}  // namespace
}  // namespace segue::legacy
