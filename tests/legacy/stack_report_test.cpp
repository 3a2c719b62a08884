#include <segue/legacy/stack_report.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory_resource>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <segue/legacy/fiber.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/legacy/inspect.hpp>
#include <segue/legacy/pipeline.hpp>
#include <segue/legacy/simple_generator.hpp>

#include "counted_allocations.hpp"

namespace segue::legacy {
namespace {

constexpr std::size_t kib = 1024;

// Leaves its mark `bytes` deep; not in a frame, which AddressSanitizer would keep elsewhere.
[[gnu::noinline]] int use_stack(std::size_t bytes) {
  auto* const deepest = static_cast<volatile char*>(__builtin_alloca(bytes));
  *deepest = 1;
  return *deepest;
}

Generator<int, std::size_t> digging(const char* name, std::pmr::memory_resource* resource = nullptr) {
  return Generator<int, std::size_t>(
      {.name = name, .stack_size = {256 * kib}, .stack_resource = resource, .measure_stack = true}, [](auto& yield) {
        std::size_t bytes = yield(0);
        for (;;) bytes = yield(use_stack(bytes));
      });
}

std::optional<StackUse> row(const std::string& name) {
  for (const StackUse& use : stack_report()) {
    if (use.name == name) return use;
  }
  return std::nullopt;
}

class MeasuringAll {
 public:
  MeasuringAll() noexcept { set_stack_measuring(true); }
  MeasuringAll(const MeasuringAll&) = delete;
  ~MeasuringAll() { set_stack_measuring(false); }
};

// --- one generator ---

TEST(StackUsed, grows_with_the_depth_of_the_calls_and_never_shrinks) {
  auto generator = digging("grows");
  const std::size_t made = stack_used(generator).value();
  EXPECT_GT(made, 0U);  // the control block
  EXPECT_LT(made, 4 * kib);
  generator.next();
  generator.send(20 * kib);
  const std::size_t deep = stack_used(generator).value();
  EXPECT_GE(deep, 20 * kib);
  EXPECT_LT(deep, 200 * kib);
  generator.send(100 * kib);
  const std::size_t deeper = stack_used(generator).value();
  EXPECT_GE(deeper, deep + 70 * kib);
  EXPECT_LE(deeper, 256 * kib);
  generator.send(kib);
  EXPECT_EQ(stack_used(generator), deeper);
}

TEST(StackUsed, is_asked_by_the_body_itself_too) {
  Generator<std::size_t>* self = nullptr;
  Generator<std::size_t> generator({.measure_stack = true}, [&self](auto& yield) {
    yield(stack_used(*self).value());
    use_stack(30 * kib);
    yield(stack_used(*self).value());
  });
  self = &generator;
  const std::size_t before = generator.next();
  EXPECT_GE(generator.next(), before + 20 * kib);
}

TEST(StackUsed, is_not_known_of_one_that_is_not_measured_or_closed) {
  Generator<int> unmeasured([](auto& yield) { yield(1); });
  unmeasured.next();
  EXPECT_EQ(stack_used(unmeasured), std::nullopt);
  auto closed = digging("closed");
  closed.next();
  closed.close();
  EXPECT_EQ(stack_used(closed), std::nullopt);
  EXPECT_EQ(stack_used(Generator<int>()), std::nullopt);
}

TEST(StackUsed, does_not_carry_the_mark_of_the_stacks_former_generator) {
  const void* stack = nullptr;
  {
    auto deep = digging("former");
    deep.next();
    deep.send(100 * kib);
    stack = deep.id();
  }
  auto shallow = digging("latter");
  ASSERT_EQ(shallow.id(), stack) << "the pool gave another stack";
  shallow.next();
  EXPECT_LT(stack_used(shallow).value(), 20 * kib);
}

TEST(StackUsed, is_known_of_a_stack_from_a_resource) {
  auto generator = digging("rented", std::pmr::new_delete_resource());
  generator.next();
  generator.send(50 * kib);
  EXPECT_GE(stack_used(generator).value(), 50 * kib);
  generator.close();
  EXPECT_GE(row("rented").value().used, 50 * kib);
}

TEST(StackUsed, measures_a_fiber_that_asks_for_it) {
  struct Digger : Fiber {
    void run() noexcept { use_stack(30 * kib); }
    std::string_view label() const noexcept override { return "digger"; }
  };
  auto* const fiber = make_fiber<Digger>(StackOptions({256 * kib}, nullptr, true));
  fiber->resume();
  destroy_fiber(fiber);
  EXPECT_GE(row("digger").value().used, 30 * kib);
  EXPECT_EQ(row("digger").value().created.line(), 0U);
}

TEST(StackUsed, leaves_no_painted_pages_in_the_pool) {
  Stack stack;
  {
    Generator<int> generator({.stack_size = {512 * kib}, .measure_stack = true},
                             [&stack](auto&) { stack = Fiber::current()->stack(); });
    generator.next(0);
  }
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages(stack.size() / page);
  ASSERT_EQ(mincore(stack.bottom(), stack.size(), pages.data()), 0);
  EXPECT_LE(std::ranges::count_if(pages, [](unsigned char resident) { return (resident & 1) != 0; }), 1);
}

// --- the report ---

TEST(StackReport, has_a_row_for_each_name_and_place_the_deepest_first) {
  for (const std::size_t bytes : {10 * kib, 90 * kib, 50 * kib}) {
    auto generator = digging(bytes == 50 * kib ? "second" : "first");
    generator.next();
    generator.send(bytes);
  }
  const std::vector<StackUse> report = stack_report();
  EXPECT_TRUE(std::ranges::is_sorted(report, std::ranges::greater(), &StackUse::used));
  const StackUse first = row("first").value();
  EXPECT_EQ(first.generators, 2U);
  EXPECT_GE(first.used, 90 * kib);
  EXPECT_EQ(first.size, 256 * kib);
  EXPECT_NE(std::string(first.created.file_name()).find("stack_report_test.cpp"), std::string::npos);
  const StackUse second = row("second").value();
  EXPECT_EQ(second.generators, 1U);
  EXPECT_GE(second.used, 50 * kib);
  EXPECT_LT(second.used, first.used);
}

TEST(StackReport, tells_two_places_apart_that_use_one_name) {
  Generator<int> one({.name = "twin", .measure_stack = true}, [](auto& yield) { yield(1); });
  Generator<int> other({.name = "twin", .measure_stack = true}, [](auto& yield) { yield(1); });
  const auto report = stack_report();
  EXPECT_EQ(std::ranges::count(report, "twin", &StackUse::name), 2);
}

TEST(StackReport, names_the_place_where_a_generator_was_made_by_whatever_made_it) {
  const MeasuringAll measuring;
  const auto made_here = [](unsigned line) {
    return std::ranges::any_of(stack_report(), [line](const StackUse& use) {
      return use.created.line() == line && std::string_view(use.created.file_name()) == __FILE__;
    });
  };
  const auto skip = [](auto& yield, int n) {
    for (; n > 0; --n) yield();
  };
  SimpleGenerator<int> simple([](auto& yield) { yield(1); });
  EXPECT_TRUE(made_here(__LINE__ - 1));
  SimpleGenerator<int> with_arguments(GeneratorOptions{}, [](auto& yield, int n) { yield(n); }, 1);
  EXPECT_TRUE(made_here(__LINE__ - 1));
  const auto sunk = sink<int>([](auto& yield) { yield(); });
  EXPECT_TRUE(made_here(__LINE__ - 1));
  const auto sunk_with_arguments = sink<int>(GeneratorOptions{}, skip, 1);
  EXPECT_TRUE(made_here(__LINE__ - 1));
  const auto same = stage<int>([](auto& yield, auto source) { yield.from(source); });
  const auto made = std::vector{1} | same;
  EXPECT_TRUE(made_here(__LINE__ - 2));
}

TEST(StackReport, does_not_take_the_librarys_own_lines_for_the_place) {
  const MeasuringAll measuring;
  SimpleGenerator<int> simple([](auto& yield, int n) { yield(n); }, 1);
  const auto sunk = sink<int>([](auto& yield, int) { yield(); }, 1);
  for (const StackUse& use : stack_report()) {
    EXPECT_FALSE(std::string_view(use.created.file_name()).ends_with(".hpp")) << use.created.file_name();
  }
}

// The address of the code that calls it.
[[gnu::noinline]] const void* here() noexcept {
  __asm__ volatile("" ::: "memory");
  return __builtin_return_address(0);
}

TEST(StackReport, tells_by_an_address_where_one_with_arguments_was_made_and_no_options) {
  const MeasuringAll measuring;
  const auto made_between = [](const void* before, const void* after) {
    return std::ranges::count_if(stack_report(), [&](const StackUse& use) {
      return use.created.line() == 0 && before < use.caller && use.caller < after &&
             use.place().find("legacy_tests+0x") != std::string::npos;
    });
  };
  const void* const start = here();
  Generator<int> generator([](auto& yield, int n) { yield(n); }, 1);
  const void* const after_generator = here();
  SimpleGenerator<int> simple([](auto& yield, int n) { yield(n); }, 1);
  const void* const after_simple = here();
  const auto sunk = sink<int>([](auto& yield, int) { yield(); }, 1);
  const void* const after_sink = here();
  EXPECT_EQ(made_between(start, after_generator), 1);
  EXPECT_EQ(made_between(after_generator, after_simple), 1);
  EXPECT_EQ(made_between(after_simple, after_sink), 1);
}

TEST(StackReport, names_file_and_line_of_the_place_where_they_are_known) {
  auto generator = digging("placed");
  const StackUse use = row("placed").value();
  EXPECT_EQ(use.place(), std::string(__FILE__) + ":" + std::to_string(use.created.line()));
  EXPECT_EQ(use.caller, nullptr);
  EXPECT_EQ(StackUse().place(), "");
}

TEST(StackReport, knows_those_that_live_as_deep_as_they_are_by_now) {
  auto generator = digging("living");
  generator.next();
  generator.send(20 * kib);
  const std::size_t before = row("living").value().used;
  EXPECT_EQ(before, stack_used(generator));
  generator.send(60 * kib);
  EXPECT_GE(row("living").value().used, before + 30 * kib);
}

TEST(StackReport, gives_the_size_of_the_stack_that_was_used_deepest) {
  for (const std::size_t size : {256 * kib, 512 * kib, 128 * kib}) {
    Generator<int> generator({.name = "sized", .stack_size = {size}, .measure_stack = true},
                             [size](auto& yield) { yield(use_stack(size / 4)); });
    generator.next();
  }
  EXPECT_EQ(row("sized").value().size, 512 * kib);
}

TEST(StackReport, has_whatever_is_made_while_everything_is_measured) {
  Generator<int> before({.name = "before"}, [](auto& yield) { yield(1); });
  {
    const MeasuringAll measuring;
    Generator<int> meanwhile({.name = "meanwhile"}, [](auto& yield) { yield(1); });
    EXPECT_TRUE(stack_used(meanwhile));
  }
  Generator<int> after({.name = "after"}, [](auto& yield) { yield(1); });
  EXPECT_FALSE(row("before"));
  EXPECT_TRUE(row("meanwhile"));
  EXPECT_FALSE(row("after"));
  EXPECT_FALSE(stack_used(before));
  EXPECT_FALSE(stack_used(after));
}

TEST(StackReport, is_made_while_generators_come_run_and_go_in_other_threads) {
  constexpr int threads = 3, each = 50;
  std::atomic<int> running = threads;
  std::vector<std::thread> diggers;
  for (int t = 0; t < threads; ++t) {
    diggers.emplace_back([&running] {
      for (int i = 1; i <= each; ++i) {
        auto generator = digging("threads");
        generator.next();
        generator.send(static_cast<std::size_t>(i) * kib);
      }
      --running;
    });
  }
  std::size_t deepest = 0;
  while (running != 0) {
    const auto found = row("threads");
    EXPECT_GE(found ? found->used : 0, deepest);
    if (found) deepest = found->used;
  }
  for (std::thread& digger : diggers) digger.join();
  const StackUse use = row("threads").value();
  EXPECT_EQ(use.generators, static_cast<std::size_t>(threads * each));
  EXPECT_GE(use.used, each * kib);
}

TEST(StackReport, without_memory_for_its_row_there_is_no_generator_and_nothing_is_lost) {
  if (!segue::testing::allocations_counted) GTEST_SKIP() << "a sanitizer has the heap's operators";
  const auto make = [](const char* name) {
    Generator<int> generator({.name = name, .measure_stack = true}, [](auto& yield) { yield(1); });
    generator.next();
  };
  make("a name that is too long to be kept without an allocation");
  const std::size_t stacks = stack_statistics().stacks;
  for (std::size_t nth = 1, refused = 1; refused != 0; ++nth) {
    refused = 0;
    for (int round = 0; round < 70; ++round) {  // more often than a thread's pool has idle stacks
      const std::ptrdiff_t alive = segue::testing::allocations_alive();
      const segue::testing::RefusedAllocation refusal(nth, segue::testing::Refused::once);
      try {
        make("a name that is too long to be kept without an allocation");
      } catch (const std::bad_alloc&) {
        ++refused;
        EXPECT_EQ(segue::testing::allocations_alive(), alive);
      }
    }
    ASSERT_LT(nth, 100U) << "there is no end to it";
  }
  EXPECT_EQ(stack_statistics().stacks, stacks);
}

TEST(StackReport, keeps_its_figures_where_nothing_can_be_allocated) {
  if (!segue::testing::allocations_counted) GTEST_SKIP() << "a sanitizer has the heap's operators";
  auto generator = digging("penniless");
  generator.next();
  generator.send(40 * kib);
  {
    const segue::testing::RefusedAllocation refusal(1, segue::testing::Refused::from_then_on);
    generator = {};
    EXPECT_FALSE(refusal.happened());
  }
  EXPECT_GE(row("penniless").value().used, 40 * kib);
}

}  // namespace
}  // namespace segue::legacy
