#include <segue/legacy/inspect.hpp>

#include <exception>
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

TEST(Inspect, tells_of_no_delegate_that_others_have_closed) {
  Generator<int> linked([](auto& yield) { yield(1); });
  Generator<short> relayed([](auto& yield) { yield(2); });
  Generator<int> outer([&](auto& yield) {
    yield.from(linked);
    yield.from(relayed);
  });
  outer.next();
  EXPECT_EQ(gi_yieldfrom(outer), linked.id());
  linked.close();
  EXPECT_EQ(gi_yieldfrom(outer), nullptr);
  EXPECT_EQ(outer.next(), 2);
  EXPECT_EQ(gi_yieldfrom(outer), relayed.id());
  EXPECT_NE(relayed.id(), nullptr);
  relayed.close();
  EXPECT_EQ(gi_yieldfrom(outer), nullptr);
}

TEST(Inspect, has_no_id_for_what_is_finished_even_where_its_outcome_is_not_taken_yet) {
  Generator<int> inner([](auto& yield) { yield(1); });
  EXPECT_NE(inner.id(), nullptr);
  struct Asking {
    const Generator<int>& asked;
    std::vector<bool>& answers;
    ~Asking() { answers.push_back(asked.id() != nullptr); }
  };
  std::vector<bool> answers;
  Generator<int> outer([&](auto& yield) {
    const Asking asking{inner, answers};
    yield.from(inner);
    answers.push_back(inner.id() != nullptr);
  });
  outer.next();
  outer.next(0);
  EXPECT_EQ(inner.id(), nullptr);
  EXPECT_EQ(answers, (std::vector{false, false}));
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

// what a const one can do

template <class G>
concept CanAdvance = requires(G& g) { g.next(); };
template <class G>
concept CanAdvanceOrDefault = requires(G& g) { g.next(1); };
template <class G>
concept CanSend = requires(G& g) { g.send(1); };
template <class G>
concept CanSendNone = requires(G& g) { g.send(None()); };
template <class G>
concept CanThrow = requires(G& g) { g.throw_(ValueError()); } || requires(G& g) { g.throw_(std::exception_ptr()); };
template <class G>
concept CanClose = requires(G& g) { g.close(); };
template <class G>
concept CanLoop = requires(G& g) { g.begin(); };
template <class G>
concept CanRename = requires(G& g) { g.set_name("name"); };
template <class G>
concept CanTell = requires(G& g) {
  bool(g);
  g.id();
  g.name();
  getgeneratorstate(g);
  gi_running(g);
  gi_suspended(g);
  gi_yieldfrom(g);
  suspended_at(g);
  stack_used(g);
};
template <class G>
inline constexpr int abilities = CanAdvance<G> + CanAdvanceOrDefault<G> + CanSend<G> + CanSendNone<G> + CanThrow<G> +
                                 CanClose<G> + CanLoop<G> + CanRename<G>;

TEST(Inspect, is_all_that_can_be_done_to_a_const_generator) {
  using Numbers = Generator<int, int, int>;
  static_assert(abilities<Numbers> == 8 && abilities<const Numbers> == 0);
  static_assert(CanTell<Numbers> && CanTell<const Numbers>);
}

Generator<int> inspected_function(int) {
  return Generator<int>([](auto& yield) { yield(1); });
}

TEST(Inspect, tells_generators_and_their_functions_by_their_types) {
  Generator<int> generator = inspected_function(1);
  const auto lambda = [] { return Generator<std::string>([](auto& yield) { yield("x"); }); };
  EXPECT_TRUE(isgenerator(generator));
  EXPECT_FALSE(isgenerator(1));
  EXPECT_TRUE(isgeneratorfunction(inspected_function));
  EXPECT_TRUE(isgeneratorfunction(lambda));
  EXPECT_FALSE(isgeneratorfunction([] { return 1; }));
  EXPECT_FALSE(isgeneratorfunction(generator));
}

}  // namespace
}  // namespace segue::legacy
