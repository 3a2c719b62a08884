#include <segue/legacy/inspect.hpp>

#include <functional>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "attempt.hpp"

namespace segue::legacy {
namespace {

TEST(Inspect, TellsTheStates) {
  Generator<int> generator;
  EXPECT_EQ(getgeneratorstate(generator), GEN_CLOSED);
  generator = Generator<int>([&](auto& yield) {
    EXPECT_EQ(getgeneratorstate(generator), GEN_RUNNING);
    EXPECT_TRUE(gi_running(generator));
    EXPECT_FALSE(gi_suspended(generator));
    yield(1);
  });
  EXPECT_EQ(getgeneratorstate(generator), GEN_CREATED);
  generator.next();
  EXPECT_EQ(getgeneratorstate(generator), GEN_SUSPENDED);
  EXPECT_TRUE(gi_suspended(generator));
  generator.next(0);
  EXPECT_EQ(getgeneratorstate(generator), GEN_CLOSED);
}

TEST(Inspect, NamesTheStatesAsPythonDoes) {
  EXPECT_EQ(to_string(GEN_CREATED), "GEN_CREATED");
  EXPECT_EQ(to_string(GEN_RUNNING), "GEN_RUNNING");
  EXPECT_EQ(to_string(GEN_SUSPENDED), "GEN_SUSPENDED");
  EXPECT_EQ(to_string(GEN_CLOSED), "GEN_CLOSED");
}

TEST(Inspect, TellsWhatIsDelegatedTo) {
  Generator<int> inner([](auto& yield) { yield(1); });
  const std::vector<int> range{2};
  Generator<int> outer([&](auto& yield) {
    yield(0);
    yield.from(inner);
    yield.from(range);
    yield(3);
  });
  EXPECT_EQ(gi_yieldfrom(outer), nullptr);
  EXPECT_EQ(outer.next(), 0);
  EXPECT_EQ(gi_yieldfrom(outer), nullptr);
  EXPECT_EQ(outer.next(), 1);
  EXPECT_EQ(gi_yieldfrom(outer), inner.id());
  EXPECT_EQ(outer.next(), 2);
  EXPECT_EQ(gi_yieldfrom(outer), &range);
  EXPECT_EQ(outer.next(), 3);
  EXPECT_EQ(gi_yieldfrom(outer), nullptr);
  outer.close();
  EXPECT_EQ(gi_yieldfrom(outer), nullptr);
}

TEST(Inspect, TellsWhereItIsSuspended) {
  unsigned first = 0;
  unsigned second = 0;
  Generator<int> generator([&](auto& yield) {
    first = std::source_location::current().line() + 1;
    yield(1);
    second = std::source_location::current().line() + 1;
    yield.from(std::vector{2});
  });
  EXPECT_EQ(suspended_at(generator), std::nullopt);
  generator.next();
  ASSERT_TRUE(suspended_at(generator));
  EXPECT_EQ(suspended_at(generator)->line(), first);
  EXPECT_NE(std::string(suspended_at(generator)->file_name()).find("inspect_test.cpp"), std::string::npos);
  generator.next();
  EXPECT_EQ(suspended_at(generator)->line(), second);
  generator.close();
  EXPECT_FALSE(suspended_at(generator));
}

TEST(Inspect, KnowsAName) {
  Generator<int> generator(GeneratorOptions{.name = "counter"}, [](auto& yield) { yield(1); });
  EXPECT_EQ(generator.name(), "counter");
  generator.set_name("renamed");
  EXPECT_EQ(generator.name(), "renamed");
}

TEST(Inspect, tells_of_no_delegation_while_it_runs) {
  Generator<int> outer;
  const auto look = [&] {
    EXPECT_EQ(getgeneratorstate(outer), GEN_RUNNING);
    EXPECT_EQ(gi_yieldfrom(outer), nullptr);
  };
  struct Looking {
    const std::function<void()> look;
    int next() {
      look();
      return 2;
    }
  };
  outer = Generator<int>([&](auto& yield) {
    look();
    yield.from(Generator<int>([&](auto& inner) {
      look();
      inner(1);
      look();
    }));
    look();
    yield.from(Looking{look});
  });
  EXPECT_EQ(gi_yieldfrom(outer), nullptr);
  for (const int value : {1, 2, 2}) {
    EXPECT_EQ(outer.next(), value);
    EXPECT_EQ(getgeneratorstate(outer), GEN_SUSPENDED);
    EXPECT_NE(gi_yieldfrom(outer), nullptr);
  }
}

}  // namespace
}  // namespace segue::legacy
