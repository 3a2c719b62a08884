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
#include <segue/legacy/unraisable.hpp>

#include "counted_allocations.hpp"

namespace segue::legacy {
namespace {

using segue::testing::NothingRefused;
using segue::testing::Refused;
using segue::testing::RefusedAllocation;

using Strings = Generator<std::string, std::optional<std::string>, std::string>;

// Longer than what a string keeps in itself.
const std::string long_text(100, 'x');

class OutOfMemory : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!segue::testing::allocations_counted) GTEST_SKIP() << "no allocation can be refused under ThreadSanitizer";
  }
};

template <class Scenario>
void run_refusing_from(std::size_t nth, Refused refused, Scenario& scenario, bool& happened) {
  const RefusedAllocation refusal(nth, refused);
  try {
    scenario();
  } catch (const std::bad_alloc&) {
  } catch (const MemoryError&) {
  }
  happened = refusal.happened();
}

// Runs the scenario with its first allocation refused, with its second one, … until it comes through.
template <class Scenario>
void refuse_each_allocation(Scenario scenario) {
  scenario();
  std::size_t stacks = 0;
  // More often than there are idle stacks in a thread's pool, which would hide that one is lost each time.
  for (int round = 0; round < 70; ++round) {
    for (const Refused refused : {Refused::once, Refused::from_then_on}) {
      bool happened = true;
      for (std::size_t nth = 1; happened; ++nth) {
        const std::ptrdiff_t alive = segue::testing::allocations_alive();
        run_refusing_from(nth, refused, scenario, happened);
        ASSERT_EQ(segue::testing::allocations_alive(), alive) << "lost by refusing allocation " << nth;
        ASSERT_LT(nth, 1000U) << "there is no end to it";
      }
    }
    if (round == 0) stacks = stack_statistics().stacks;
  }
  EXPECT_EQ(stack_statistics().stacks, stacks);
}

// Checks, at the end of a scenario, that a generator is what it says it is, and closes it.
template <class Generator>
class Sound {
 public:
  explicit Sound(Generator& generator) : generator_(generator) {}
  Sound(const Sound&) = delete;
  ~Sound() {
    const NothingRefused all_right;
    EXPECT_NE(getgeneratorstate(generator_), GEN_RUNNING);
    EXPECT_EQ(static_cast<bool>(generator_), getgeneratorstate(generator_) != GEN_CLOSED);
    generator_.close();
    EXPECT_EQ(getgeneratorstate(generator_), GEN_CLOSED);
  }

 private:
  Generator& generator_;
};

// Yields and returns what it is sent, and takes memory at each step.
Strings echo() {
  return Strings([](auto& yield) {
    std::string text = long_text;
    for (int i = 0; i < 3; ++i) {
      try {
        text = yield(text).value_or(long_text);
      } catch (const ValueError& e) {
        text = long_text + e.what();
      }
    }
    return text;
  });
}

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

// Three levels, the lower two shared or owned; what the lowest one raises goes through all of them.
template <bool shared>
Strings level(int depth) {
  return Strings([depth](auto& yield) -> std::string {
    if (depth == 0) {
      std::string text = yield.from(echo());
      throw StopIteration<std::string>(text);
    }
    if constexpr (shared) {
      Strings sub = level<shared>(depth - 1);
      return yield.from(sub);
    } else {
      return yield.from(level<shared>(depth - 1));
    }
  });
}

template <bool shared>
void delegate() {
  Strings generator = level<shared>(3);
  const Sound sound(generator);
  generator.next();
  EXPECT_EQ(generator.send(long_text), long_text);
  generator.throw_(ValueError("thrown in"));
  try {
    generator.next();
    ADD_FAILURE() << "went on after StopIteration";
  } catch (const RuntimeError&) {
  }
}

TEST_F(OutOfMemory, is_raised_through_owned_delegates) { refuse_each_allocation(&delegate<false>); }
TEST_F(OutOfMemory, is_raised_through_shared_delegates) { refuse_each_allocation(&delegate<true>); }

TEST_F(OutOfMemory, is_raised_where_a_delegate_ignores_its_closing) {
  refuse_each_allocation([] {
    Generator<int> sub([](auto& yield) {
      try {
        yield(1);
      } catch (const GeneratorExit&) {
        yield(2);
      }
    });
    const Sound sub_sound(sub);
    Generator<int> generator([&](auto& yield) { yield.from(sub); });
    const Sound sound(generator);
    generator.next();
    try {
      generator.close();
      ADD_FAILURE() << "closed what ignored it";
    } catch (const RuntimeError&) {
    }
    EXPECT_EQ(getgeneratorstate(generator), GEN_CLOSED);
    EXPECT_EQ(getgeneratorstate(sub), GEN_SUSPENDED);
  });
}

// An object with a member next(), which takes memory for each value.
struct Countdown {
  using return_type = std::string;
  int left = 2;
  std::string next() {
    if (left-- == 0) throw StopIteration<std::string>(long_text);
    return long_text;
  }
};

TEST_F(OutOfMemory, is_raised_by_delegates_of_other_types) {
  refuse_each_allocation([] {
    Strings generator([](auto& yield) {
      const std::vector<std::string> range(2, long_text);
      yield.from(range);
      yield.from(Generator<const char*>([](auto& inner) { inner(long_text.c_str()); }));
      return yield.from(Countdown());
    });
    const Sound sound(generator);
    generator.next();
    try {
      generator.send(long_text);
      ADD_FAILURE() << "a range was sent something";
    } catch (const AttributeError&) {
    }
    EXPECT_EQ(getgeneratorstate(generator), GEN_CLOSED);
  });
  refuse_each_allocation([] {
    Strings generator([](auto& yield) {
      const std::vector<std::string> range(2, long_text);
      yield.from(range);
      yield.from(Generator<const char*>([](auto& inner) { inner(long_text.c_str()); }));
      return yield.from(Countdown());
    });
    const Sound sound(generator);
    int values = 0;
    for (const std::string& value : generator) values += value == long_text;
    EXPECT_EQ(values, 5);
  });
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
