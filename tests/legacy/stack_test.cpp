#include <segue/legacy/stack.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exceptions.hpp>

namespace segue::legacy {
namespace {

std::size_t resident_pages(const Stack& stack) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages(stack.size() / page);
  if (mincore(stack.bottom(), stack.size(), pages.data()) != 0) return 0;
  std::size_t count = 0;
  for (const unsigned char p : pages) count += p & 1;
  return count;
}

TEST(Stack, HasAtLeastTheSizeAskedForAndIsWritable) {
  for (const std::size_t bytes : {1UL, 16UL * 1024, 16UL * 1024 + 1, 100'000UL, 1UL << 20}) {
    const Stack stack = allocate_stack({bytes});
    EXPECT_GE(stack.size(), bytes);
    EXPECT_LT(stack.size(), bytes < 16 * 1024 ? 16 * 1024 + 1 : bytes * 2);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(stack.top) % 16, 0U);
    std::memset(stack.bottom(), 1, static_cast<std::size_t>(stack.top - stack.bottom()));
    free_stack(stack);
  }
}

TEST(Stack, IsOfTheDefaultSizeWhenNoneIsAsked) {
  EXPECT_EQ(default_stack_size().bytes, initial_default_stack_size);
  Stack stack = allocate_stack();
  EXPECT_EQ(stack.size(), initial_default_stack_size);
  free_stack(stack);

  set_default_stack_size({1 << 20});
  stack = allocate_stack();
  EXPECT_EQ(stack.size(), std::size_t{1} << 20);
  free_stack(stack);
  set_default_stack_size({});
  EXPECT_EQ(default_stack_size().bytes, initial_default_stack_size);
}

TEST(Stack, IsReusedFromThePool) {
  const Stack first = allocate_stack();
  free_stack(first);
  const Stack second = allocate_stack();
  EXPECT_EQ(first.top, second.top);
  free_stack(second);
}

TEST(Stack, LargerThanTheLargestIsRefused) {
  try {
    allocate_stack({std::size_t{1} << 40});
    FAIL() << "allocated a terabyte";
  } catch (const MemoryError& e) {
    EXPECT_NE(std::string(e.what()).find("more than the largest"), std::string::npos) << e.what();
  }
}

TEST(Stack, NoTwoInUseOverlap) {
  std::vector<Stack> stacks;
  std::set<std::byte*> bottoms;
  for (int i = 0; i < 3000; ++i) {
    stacks.push_back(allocate_stack({16 * 1024}));
    EXPECT_TRUE(bottoms.insert(stacks.back().bottom()).second);
  }
  std::byte* previous_end = nullptr;
  for (std::byte* const bottom : bottoms) {
    EXPECT_GT(bottom, previous_end);
    previous_end = bottom + 16 * 1024;
  }
  for (const Stack& stack : stacks) free_stack(stack);
}

TEST(Stack, FreedInAnotherThreadIsFoundAgain) {
  const auto round_trip = [] {
    std::vector<Stack> stacks;
    for (int i = 0; i < 500; ++i) stacks.push_back(allocate_stack({32 * 1024}));
    std::thread([&] {
      for (const Stack& stack : stacks) free_stack(stack);
    }).join();
  };
  round_trip();
  const std::size_t count = stack_statistics().stacks;
  for (int i = 0; i < 20; ++i) round_trip();
  EXPECT_LE(stack_statistics().stacks, count + 64);
}

TEST(Stack, ManyIdleOnesGiveTheirPagesBack) {
  std::vector<Stack> stacks;
  for (int i = 0; i < 4000; ++i) {
    stacks.push_back(allocate_stack({64 * 1024}));
    std::memset(stacks.back().bottom(), 1, 60'000);
  }
  for (const Stack& stack : stacks) free_stack(stack);
  std::size_t resident = 0;
  for (const Stack& stack : stacks) resident += resident_pages(stack);
  EXPECT_LT(resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)), std::size_t{40} << 20);
}

TEST(Stack, ManyTakeFewMappings) {
  if (stack_guard() != StackGuard::light) GTEST_SKIP() << "this kernel has no MADV_GUARD_INSTALL";
  const auto mappings = [] {
    std::ifstream maps("/proc/self/maps");
    std::string line;
    int count = 0;
    while (std::getline(maps, line)) ++count;
    return count;
  };
  const int before = mappings();
  std::vector<Stack> stacks;
  for (int i = 0; i < 20'000; ++i) stacks.push_back(allocate_stack({16 * 1024}));
  EXPECT_LT(mappings() - before, 100);
  for (const Stack& stack : stacks) free_stack(stack);
}

using StackDeathTest = ::testing::Test;

void write_below(const Stack& stack) { *const_cast<volatile std::byte*>(stack.bottom() - 1) = std::byte{1}; }

TEST(StackDeathTest, IsGuardedBelow) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const Stack stack = allocate_stack({128 * 1024});
  EXPECT_DEATH(write_below(stack), "");
  free_stack(stack);
}

TEST(StackDeathTest, IsGuardedBelowByAProtectedPageToo) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const StackGuard before = stack_guard();
  ASSERT_TRUE(set_stack_guard(StackGuard::protect));
  const Stack stack = allocate_stack({256 * 1024});
  EXPECT_DEATH(write_below(stack), "");
  free_stack(stack);
  set_stack_guard(before);
}

}  // namespace
}  // namespace segue::legacy
