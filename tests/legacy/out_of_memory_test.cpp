// What happens when there is no memory: every allocation of every scenario is refused once, and from there on. Whoever
// asked gets std::bad_alloc, nothing is lost, and the generators are as usable or as closed as they say they are.
#include <cstddef>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/legacy/inspect.hpp>
#include <segue/legacy/stack.hpp>
#include <segue/unraisable.hpp>

#include "refused_allocations.hpp"

namespace segue::legacy {
namespace {

using segue::testing::NothingRefused;
using segue::testing::Refused;
using testing::echo;
using testing::long_text;
using testing::refuse_each_allocation;
using testing::run_refusing_from;
using testing::Sound;
using testing::Strings;

class OutOfMemory : public testing::RefusedAllocations {};

TEST_F(OutOfMemory, is_raised_by_making_a_generator) {
  refuse_each_allocation([] {
    const std::string name = long_text;
    const std::vector<int> numbers(100);
    Generator<int> generator({.name = name.c_str()}, [numbers](auto& yield) { yield.from(numbers); });
    const Sound sound(generator);
    generator.next();
  });
}

TEST_F(OutOfMemory, is_raised_by_next) {
  refuse_each_allocation([] {
    Strings generator = echo();
    const Sound sound(generator);
    while (generator) generator.next("end");
  });
}

TEST_F(OutOfMemory, is_raised_by_send) {
  refuse_each_allocation([] {
    Strings generator = echo();
    const Sound sound(generator);
    generator.next();
    EXPECT_EQ(generator.send(long_text), long_text);
    EXPECT_EQ(generator.send(long_text), long_text);
  });
}

TEST_F(OutOfMemory, is_raised_by_the_first_send) {
  refuse_each_allocation([] {
    Strings generator = echo();
    const Sound sound(generator);
    try {
      generator.send(long_text);
    } catch (const TypeError&) {
    }
    EXPECT_EQ(getgeneratorstate(generator), GEN_CREATED);
  });
}

TEST_F(OutOfMemory, is_raised_by_throw) {
  refuse_each_allocation([] {
    Strings generator = echo();
    const Sound sound(generator);
    generator.next();
    generator.throw_(ValueError("thrown in"));
    try {
      generator.throw_(LookupError("thrown through"));
    } catch (const LookupError&) {
      EXPECT_EQ(getgeneratorstate(generator), GEN_CLOSED);
    }
  });
}

TEST_F(OutOfMemory, is_raised_by_close) {
  refuse_each_allocation([] {
    Strings generator([](auto& yield) {
      try {
        yield(long_text);
      } catch (const GeneratorExit&) {
      }
      return long_text;
    });
    const Sound sound(generator);
    generator.next();
    EXPECT_EQ(generator.close(), long_text);
  });
}

TEST_F(OutOfMemory, is_raised_by_close_that_is_ignored) {
  refuse_each_allocation([] {
    Generator<int> generator([](auto& yield) {
      try {
        yield(1);
      } catch (const GeneratorExit&) {
        yield(2);
      }
    });
    const Sound sound(generator);
    generator.next();
    try {
      generator.close();
    } catch (const RuntimeError&) {
    }
    EXPECT_EQ(getgeneratorstate(generator), GEN_SUSPENDED);
  });
}

TEST_F(OutOfMemory, is_raised_instead_of_what_a_stop_iteration_becomes) {
  refuse_each_allocation([] {
    Generator<int> generator([](auto& yield) {
      yield(1);
      throw StopIteration<void>();
    });
    const Sound sound(generator);
    generator.next();
    try {
      generator.next();
      ADD_FAILURE() << "went on after StopIteration";
    } catch (const RuntimeError&) {
    }
  });
}

TEST_F(OutOfMemory, is_raised_instead_of_already_executing) {
  refuse_each_allocation([] {
    Generator<int>* self = nullptr;
    Generator<int> generator([&](auto& yield) {
      try {
        self->next();
      } catch (const ValueError&) {
      }
      yield(1);
      try {
        yield.from(*self);
      } catch (const ValueError&) {
      }
      yield(2);
    });
    self = &generator;
    const Sound sound(generator);
    EXPECT_EQ(generator.next(), 1);
    EXPECT_EQ(generator.next(), 2);
  });
}

TEST_F(OutOfMemory, is_reported_once_by_a_destructor) {
  int reports = 0;
  UnraisableHook before = set_unraisable_hook([&](const Unraisable&) { ++reports; });
  refuse_each_allocation([&] {
    reports = 0;
    {
      std::optional<Generator<int>> generator;
      generator.emplace([](auto& yield) {
        try {
          yield(1);
        } catch (const GeneratorExit&) {
          throw ValueError(long_text);
        }
      });
      {
        const NothingRefused all_right;
        generator->set_name(long_text);
      }
      generator->next();
    }
    EXPECT_EQ(reports, 1);
  });
  set_unraisable_hook(std::move(before));
}

TEST_F(OutOfMemory, is_reported_by_a_destructor_that_is_ignored) {
  int reports = 0;
  UnraisableHook before = set_unraisable_hook([&](const Unraisable&) { ++reports; });
  refuse_each_allocation([&] {
    reports = 0;
    {
      Generator<int> generator([](auto& yield) {
        try {
          yield(1);
        } catch (const GeneratorExit&) {
          yield(2);
        }
      });
      generator.next();
    }
    EXPECT_EQ(reports, 1);
  });
  set_unraisable_hook(std::move(before));
}

TEST_F(OutOfMemory, does_not_end_the_program_in_a_report) {
  UnraisableHook before = set_unraisable_hook(nullptr);
  ::testing::internal::CaptureStderr();
  refuse_each_allocation([] {
    std::string object = long_text;
    std::exception_ptr error;
    {
      const NothingRefused all_right;
      error = std::make_exception_ptr(ValueError(long_text));
    }
    report_unraisable(error, std::move(object));
  });
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("Exception ignored"), std::string::npos);
  set_unraisable_hook(std::move(before));
}

TEST_F(OutOfMemory, is_raised_by_stacks_and_loses_none) {
  constexpr std::size_t count = 100;
  const std::size_t stacks_before = stack_statistics().stacks;
  bool happened = true;
  for (std::size_t nth = 1; happened; ++nth) {
    std::vector<Stack> stacks;
    stacks.reserve(count);
    auto take_all = [&] {
      while (stacks.size() < count) stacks.push_back(allocate_stack({2 << 20}));
    };
    run_refusing_from(nth, Refused::once, take_all, happened);
    take_all();
    for (const Stack& stack : stacks) free_stack(stack);
  }
  EXPECT_EQ(stack_statistics().stacks, stacks_before + count);
}

TEST_F(OutOfMemory, is_raised_by_names) {
  refuse_each_allocation([] {
    Strings generator = echo();
    const Sound sound(generator);
    generator.set_name(long_text);
    EXPECT_EQ(generator.name(), long_text);
  });
}

}  // namespace
}  // namespace segue::legacy
