// out_of_memory_test.cpp's question, asked of delegation and of what is built on it.
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/legacy/inspect.hpp>
#include <segue/legacy/pipeline.hpp>
#include <segue/legacy/pull.hpp>

#include "refused_allocations.hpp"

namespace segue::legacy {
namespace {

using testing::echo;
using testing::long_text;
using testing::refuse_each_allocation;
using testing::Sound;
using testing::Strings;

class OutOfMemoryDelegating : public testing::RefusedAllocations {};

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

TEST_F(OutOfMemoryDelegating, is_raised_through_owned_delegates) { refuse_each_allocation(&delegate<false>); }
TEST_F(OutOfMemoryDelegating, is_raised_through_shared_delegates) { refuse_each_allocation(&delegate<true>); }

TEST_F(OutOfMemoryDelegating, is_raised_where_a_delegate_ignores_its_closing) {
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

Strings delegating_to_other_types() {
  return Strings([](auto& yield) {
    const std::vector<std::string> range(2, long_text);
    yield.from(range);
    yield.from(Generator<const char*>([](auto& inner) { inner(long_text.c_str()); }));
    return yield.from(Countdown());
  });
}

TEST_F(OutOfMemoryDelegating, is_raised_by_delegates_of_other_types) {
  refuse_each_allocation([] {
    Strings generator = delegating_to_other_types();
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
    Strings generator = delegating_to_other_types();
    const Sound sound(generator);
    int values = 0;
    for (const std::string& value : generator) values += value == long_text;
    EXPECT_EQ(values, 5);
  });
}

// A delegate that somebody else drives and delegates to between two values.
TEST_F(OutOfMemoryDelegating, is_raised_through_a_delegate_that_is_taken_over) {
  refuse_each_allocation([] {
    Strings inner = echo();
    const Sound inner_sound(inner);
    const auto over = [&](auto& yield) { return yield.from(inner); };
    Strings first(over);
    const Sound first_sound(first);
    Strings second(over);
    const Sound second_sound(second);
    EXPECT_EQ(first.next(), long_text);
    EXPECT_EQ(second.next(), long_text);
    first.throw_(ValueError("thrown in"));
    second.close();
    EXPECT_EQ(getgeneratorstate(inner), GEN_CLOSED);
    EXPECT_EQ(first.next("end"), "end");
  });
}

TEST_F(OutOfMemoryDelegating, is_raised_by_a_relays_throw_and_close) {
  using Other = Generator<const char*, std::optional<std::string>, std::string>;
  refuse_each_allocation([] {
    Other inner([](auto& yield) -> std::string {
      try {
        yield(long_text.c_str());
      } catch (const ValueError&) {
      }
      try {
        yield(long_text.c_str());
      } catch (const GeneratorExit&) {
      }
      return long_text;
    });
    const Sound inner_sound(inner);
    Strings outer([&](auto& yield) { return yield.from(inner); });
    const Sound sound(outer);
    EXPECT_EQ(outer.next(), long_text);
    EXPECT_EQ(outer.throw_(ValueError("thrown in")), long_text);
    outer.close();
    EXPECT_EQ(getgeneratorstate(inner), GEN_CLOSED);
  });
}

TEST_F(OutOfMemoryDelegating, is_raised_by_what_is_pulled) {
  refuse_each_allocation([] {
    auto pulled = pull<std::string>([](Emitter<std::string>& emit) {
      for (int i = 0; i < 3 && emit(long_text); ++i) continue;
    });
    const Sound sound(pulled);
    EXPECT_EQ(pulled.next(), long_text);
    EXPECT_EQ(pulled.next(), long_text);
    pulled.close();
  });
}

TEST_F(OutOfMemoryDelegating, is_raised_through_a_pipeline) {
  refuse_each_allocation([] {
    const auto doubled = stage<std::string>([](auto& yield, auto source) {
      for (const std::string& word : source) yield(word + word);
    });
    auto words = Generator<std::string>([](auto& yield) {
      for (int i = 0; i < 2; ++i) yield(long_text);
    });
    auto all = std::move(words) | doubled | doubled;
    const Sound sound(all);
    int values = 0;
    for (const std::string& word : all) values += word.size() == 4 * long_text.size();
    EXPECT_EQ(values, 2);
  });
}

}  // namespace
}  // namespace segue::legacy
