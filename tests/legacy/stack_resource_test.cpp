// Stacks whose memory comes from a std::pmr::memory_resource.
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <memory_resource>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/legacy/fiber.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/legacy/pull.hpp>
#include <segue/legacy/stack.hpp>

#include "recurse.hpp"

namespace segue::legacy {
namespace {

const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));

// What it is asked for comes from the heap; it writes to all that it gets back, as the heap's next user would.
class Counting : public std::pmr::memory_resource {
 public:
  std::atomic<std::size_t> allocated = 0;
  std::atomic<std::size_t> deallocated = 0;
  std::atomic<bool> whole_pages = true;

  std::size_t in_use() const { return allocated - deallocated; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (bytes % page != 0 || alignment != page) whole_pages = false;
    allocated += bytes;
    return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  }
  void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override {
    std::memset(memory, 1, bytes);
    deallocated += bytes;
    std::pmr::new_delete_resource()->deallocate(memory, bytes, alignment);
  }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }
};

class Refusing : public std::pmr::memory_resource {
  void* do_allocate(std::size_t, std::size_t) override { throw std::length_error("no stack today"); }
  void do_deallocate(void*, std::size_t, std::size_t) override {}
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }
};

// Breaks the contract: what it gives is no longer mapped, so that it cannot be guarded.
class Unmapping : public Counting {
  void* do_allocate(std::size_t bytes, std::size_t) override {
    allocated += bytes;
    void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(memory, bytes);
    return memory;
  }
  void do_deallocate(void*, std::size_t bytes, std::size_t) override { deallocated += bytes; }
};

class StackResource : public ::testing::TestWithParam<StackGuard> {
 protected:
  void SetUp() override {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    if (!set_stack_guard(GetParam())) GTEST_SKIP() << "this kernel has no MADV_GUARD_INSTALL";
  }
  void TearDown() override { set_stack_guard(before_); }

 private:
  const StackGuard before_ = stack_guard();
};

INSTANTIATE_TEST_SUITE_P(, StackResource, ::testing::Values(StackGuard::light, StackGuard::protect),
                         [](const auto& guard) { return guard.param == StackGuard::light ? "light" : "protect"; });

TEST_P(StackResource, gives_whole_pages_and_gets_them_back_without_the_guard) {
  Counting resource;
  const Stack stack = allocate_stack({100'000}, &resource);
  EXPECT_EQ(stack.size(), 128U * 1024);
  EXPECT_EQ(resource.in_use(), stack.size() + 16 * 1024);
  EXPECT_TRUE(resource.whole_pages);
  std::memset(stack.bottom(), 1, static_cast<std::size_t>(stack.top - stack.bottom()));
  free_stack(stack);
  EXPECT_EQ(resource.in_use(), 0U);
}

TEST_P(StackResource, has_its_memory_guarded) {
  Counting resource;
  const Stack stack = allocate_stack({}, &resource);
  for (const std::size_t below : {std::size_t{1}, std::size_t{16 * 1024}}) {
    EXPECT_DEATH(*const_cast<volatile std::byte*>(stack.bottom() - below) = std::byte{1}, "");
  }
  free_stack(stack);
}

TEST_P(StackResource, holds_the_stack_of_a_generator_while_that_lives) {
  Counting resource;
  Generator<int> numbers({.stack_size = {32 * 1024}, .stack_resource = &resource}, [](auto& yield) {
    for (int i = 1; i <= 3; ++i) yield(i);
  });
  EXPECT_EQ(resource.in_use(), 48U * 1024);
  int sum = 0;
  for (const int number : numbers) sum += number;
  EXPECT_EQ(sum, 6);
  EXPECT_EQ(resource.in_use(), 0U);
}

TEST_P(StackResource, may_hold_any_number_of_stacks) {
  Counting resource;
  std::vector<std::optional<Generator<int>>> generators;
  for (int i = 0; i < 5'000; ++i) {
    generators.emplace_back(std::in_place, GeneratorOptions{.stack_size = {16 * 1024}, .stack_resource = &resource},
                            [i](auto& yield) { yield(i); });
    ASSERT_EQ(generators.back()->next(), i);
  }
  // From the middle outwards, so that neighbours go in either order.
  const std::size_t half = generators.size() / 2;
  for (std::size_t i = 0; i < half; ++i) {
    generators[half + i].reset();
    generators[half - 1 - i].reset();
  }
  EXPECT_EQ(resource.in_use(), 0U);
}

TEST(StackResourceErrors, its_exception_is_the_generators_and_nothing_is_lost) {
  Refusing resource;
  const auto held = std::make_shared<int>();
  const auto make = [&] {
    return Generator<int>({.stack_resource = &resource}, [held](auto& yield) { yield(*held); });
  };
  EXPECT_THROW(static_cast<void>(make()), std::length_error);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(StackResourceErrors, memory_that_cannot_be_guarded_is_given_back) {
  Unmapping resource;
  try {
    allocate_stack({}, &resource);
    FAIL() << "there is a stack without a guard";
  } catch (const MemoryError& e) {
    EXPECT_NE(std::string(e.what()).find("cannot guard a stack"), std::string::npos) << e.what();
  }
  EXPECT_NE(resource.allocated, 0U);
  EXPECT_EQ(resource.in_use(), 0U);
}

TEST(StackResourceErrors, a_control_block_that_cannot_be_made_gives_its_stack_back) {
  struct Failing : Fiber {
    Failing() { throw std::runtime_error("no"); }
    void run() noexcept {}
  };
  Counting resource;
  EXPECT_THROW(make_fiber<Failing>({{}, &resource}), std::runtime_error);
  EXPECT_NE(resource.allocated, 0U);
  EXPECT_EQ(resource.in_use(), 0U);
}

TEST(StackResourceThreads, stacks_may_be_freed_in_another_thread) {
  Counting resource;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&resource] {
      std::vector<Stack> stacks;
      for (int i = 0; i < 200; ++i) stacks.push_back(allocate_stack({16 * 1024}, &resource));
      std::thread([&stacks] {
        for (const Stack& stack : stacks) free_stack(stack);
      }).join();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(resource.in_use(), 0U);
}

TEST(StackResourceThreads, the_fiber_that_runs_on_one_is_found) {
  Counting resource;
  auto values = pull<std::size_t>([](auto& emit) { (void)emit(Fiber::current()->stack().size()); },
                                  {.stack_size = {512 * 1024}, .stack_resource = &resource});
  Generator<int> neighbour({.stack_resource = &resource}, [](auto& yield) { yield(1); });
  EXPECT_EQ(values.next(), 512U * 1024);
}

// --- what happens in a child process ---

using segue::testing::recurse;

TEST_P(StackResource, an_overflow_is_reported_with_the_generators_name) {
  if (legacy_detail::sanitized) GTEST_SKIP() << "a sanitizer reports overflows itself";
  Counting resource;
  Generator<int> generator({.name = "rented", .stack_size = {128 * 1024}, .stack_resource = &resource},
                           [](auto& yield) { yield(recurse(0)); });
  Generator<int> neighbour({.name = "neighbour", .stack_resource = &resource}, [](auto& yield) { yield(1); });
  EXPECT_EXIT(
      generator.next(), ::testing::KilledBySignal(SIGSEGV),
      "stack overflow: rented \\(made at .*stack_resource_test.cpp:[0-9]+\\) used up its stack of 131072 bytes");
}

TEST_P(StackResource, an_overflow_in_a_thread_that_asked_for_no_other_stack_is_reported) {
  if (legacy_detail::sanitized) GTEST_SKIP() << "a sanitizer reports overflows itself";
  const auto overflow = [] {
    std::thread([] {
      Counting resource;
      Generator<int>({.name = "alone", .stack_resource = &resource}, [](auto& yield) { yield(recurse(0)); }).next();
    }).join();
  };
  EXPECT_EXIT(overflow(), ::testing::KilledBySignal(SIGSEGV), "stack overflow: alone .* used up its stack of 65536");
}

// A piece of address space, handed out from one end to the other: all the mappings that it comes to have are guards'.
class Bump : public Counting {
  static constexpr std::size_t size = std::size_t{4} << 30;
  std::byte* const base_ = static_cast<std::byte*>(
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));

  void* do_allocate(std::size_t bytes, std::size_t) override {
    if (allocated + bytes > size) throw std::length_error("no guard was refused");
    return base_ + allocated.fetch_add(bytes);
  }
  void do_deallocate(void*, std::size_t bytes, std::size_t) override { deallocated += bytes; }
};

[[noreturn]] void use_up_mappings_of_resource() {
  set_stack_guard(StackGuard::protect);
  Bump resource;
  std::vector<Stack> stacks;
  std::string message;
  try {
    for (;;) stacks.push_back(allocate_stack({16 * 1024}, &resource));
  } catch (const MemoryError& e) {
    message = e.what();
  }
  const bool balanced = resource.in_use() == stacks.size() * 32 * 1024;
  for (const Stack& stack : stacks) free_stack(stack);
  std::cerr << stacks.size() << " stacks; " << message << std::endl;
  std::_Exit(balanced && resource.in_use() == 0 && stacks.size() > 1'000 ? 0 : 1);
}

TEST(StackResourceDeathTest, the_limit_of_mappings_is_named) {
  if (legacy_detail::sanitized) GTEST_SKIP() << "a sanitizer needs mappings of its own";
  std::size_t limit = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> limit;
  if (limit > 100'000) GTEST_SKIP() << "it takes too long to use up " << limit << " mappings";
  EXPECT_EXIT(use_up_mappings_of_resource(), ::testing::ExitedWithCode(0),
              "cannot guard a stack: .*vm.max_map_count is");
}

}  // namespace
}  // namespace segue::legacy
