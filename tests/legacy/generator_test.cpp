#include <segue/legacy/generator.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include <segue/legacy/inspect.hpp>
#include <segue/os_error.hpp>

#include "attempt.hpp"

namespace segue::legacy {
namespace {

using testing::attempt;
using testing::for_any_value;
using testing::text;

// values

TEST(Generator, YieldsOneValueForEachNext) {
  Generator<int> squares([](auto& yield) {
    for (int i = 1;; ++i) yield(i * i);
  });
  EXPECT_EQ(squares.next(), 1);
  EXPECT_EQ(squares.next(), 4);
  EXPECT_EQ(squares.next(), 9);
}

TEST(Generator, RunsNothingBeforeTheFirstNext) {
  bool ran = false;
  Generator<int> generator([&](auto& yield) {
    ran = true;
    yield(1);
  });
  EXPECT_FALSE(ran);
  generator.next();
  EXPECT_TRUE(ran);
}

TEST(Generator, YieldsFromAnywhereBelowItsBody) {
  struct Tree {
    int value;
    std::unique_ptr<Tree> left, right;
    void walk(Yielder<int>& yield) const {
      if (left) left->walk(yield);
      yield(value);
      if (right) right->walk(yield);
    }
  };
  const auto leaf = [](int value) { return std::make_unique<Tree>(Tree{value, nullptr, nullptr}); };
  const Tree tree{3, std::make_unique<Tree>(Tree{2, leaf(1), nullptr}), leaf(4)};
  std::vector<int> seen;
  for (const int value : Generator<int>([&](auto& yield) { tree.walk(yield); })) seen.push_back(value);
  EXPECT_EQ(seen, (std::vector{1, 2, 3, 4}));
}

TEST(Generator, YieldsReferences) {
  int value = 1;
  Generator<int&> generator([&](auto& yield) {
    yield(value);
    yield(value);
  });
  generator.next() = 7;
  EXPECT_EQ(value, 7);
  EXPECT_EQ(&generator.next(), &value);
}

TEST(Generator, YieldsConstReferencesToTemporaries) {
  Generator<const std::string&> generator([](auto& yield) { yield(std::string(100, 'x')); });
  EXPECT_EQ(generator.next(), std::string(100, 'x'));
}

TEST(Generator, YieldsWhatCanOnlyBeMoved) {
  Generator<std::unique_ptr<int>> generator([](auto& yield) {
    yield(std::make_unique<int>(1));
    auto two = std::make_unique<int>(2);
    yield(std::move(two));
    yield(std::make_unique<int>(3));
  });
  EXPECT_EQ(*generator.next(), 1);
  EXPECT_EQ(*generator.next(nullptr), 2);
  EXPECT_EQ(**generator.begin(), 3);
  EXPECT_EQ(generator.next(nullptr), nullptr);
}

TEST(Generator, YieldsNothingInParticular) {
  int rounds = 0;
  Generator<void> generator([&](auto& yield) {
    for (; rounds < 2; ++rounds) yield();
  });
  generator.next();
  generator.next();
  EXPECT_EQ(attempt([&] { generator.next(); }), "StopIteration(None)");
  EXPECT_EQ(rounds, 2);
}

TEST(Generator, GoesOnAfterAValueWhoseMoveThrows) {
  struct Refusing {
    explicit Refusing(int value) : value(value) {}
    Refusing(const Refusing& other) : value(other.value) {
      if (value == 1) throw std::runtime_error("refused");
    }
    int value;
  };
  Generator<Refusing> generator([](auto& yield) {
    yield(Refusing(1));
    yield(Refusing(2));
  });
  EXPECT_THROW(generator.next(), std::runtime_error);
  EXPECT_EQ(generator.next().value, 2);
}

TEST(Generator, KeepsItsArguments) {
  int referred = 0;
  Generator<int> generator(
      [](Yielder<int>& yield, std::unique_ptr<int> first, const std::vector<int>& rest, int& referred) {
        yield(*first);
        for (const int value : rest) yield(value);
        referred = 9;
      },
      std::make_unique<int>(1), std::vector{2, 3}, std::ref(referred));
  EXPECT_EQ(generator.next(), 1);
  EXPECT_EQ(generator.next(), 2);
  EXPECT_EQ(generator.next(), 3);
  EXPECT_EQ(generator.next(0), 0);
  EXPECT_EQ(referred, 9);
}

TEST(Generator, TakesAFunctionPointerAsItsBody) {
  constexpr auto body = +[](Yielder<int>& yield, int value) { yield(value); };
  Generator<int> generator(body, 5);
  EXPECT_EQ(generator.next(), 5);
}

// what is sent

TEST(Generator, GivesWhatIsSentToTheYield) {
  std::vector<int> got;
  Generator<int, int> generator([&](auto& yield) {
    for (int i = 0;; ++i) got.push_back(yield(i));
  });
  EXPECT_EQ(generator.next(), 0);
  EXPECT_EQ(generator.send(10), 1);
  EXPECT_EQ(generator.next(), 2);
  EXPECT_EQ(generator.send(30), 3);
  EXPECT_EQ(got, (std::vector{10, 0, 30}));
}

TEST(Generator, TakesReferencesAndWhatCanOnlyBeMoved) {
  Generator<int, std::unique_ptr<int>> moves([](auto& yield) {
    std::unique_ptr<int> got = yield(0);
    for (;;) got = yield(got ? *got : -1);
  });
  moves.next();
  EXPECT_EQ(moves.send(std::make_unique<int>(4)), 4);
  EXPECT_EQ(moves.next(), -1);

  Generator<int, int&> refers([](auto& yield) {
    for (;;) ++yield(0);
  });
  refers.next();
  int counted = 0;
  refers.send(counted);
  refers.send(counted);
  EXPECT_EQ(counted, 2);
  EXPECT_EQ(attempt([&] { return refers.next(); }),
            "TypeError(next() has no value for this generator's yield: use send())");
  refers.send(counted);
  EXPECT_EQ(counted, 3);
}

TEST(Generator, FirstResumptionMustCarryNone) {
  std::vector<std::string> trace;
  Generator<int, std::optional<int>> generator([&](auto& yield) {
    trace.emplace_back("start");
    trace.push_back("got " + testing::text(yield(1)));
  });
  EXPECT_EQ(attempt([&] { return generator.send(5); }),
            "TypeError(can't send non-None value to a just-started generator)");
  EXPECT_EQ(getgeneratorstate(generator), GEN_CREATED);
  EXPECT_EQ(attempt([&] { return generator.send(std::nullopt); }), "1");
  EXPECT_EQ(attempt([&] { return generator.send(5); }), "StopIteration(None)");
  EXPECT_EQ(trace, (std::vector<std::string>{"start", "got 5"}));
}

TEST(Generator, FirstResumptionKnowsTheNoneOfPointersAndVariants) {
  Generator<int, const char*> pointers([](auto& yield) { yield(1); });
  EXPECT_EQ(attempt([&] { return pointers.send("x"); }).substr(0, 9), "TypeError");
  EXPECT_EQ(attempt([&] { return pointers.send(nullptr); }), "1");

  Generator<int, std::variant<std::monostate, int>> variants([](auto& yield) { yield(1); });
  EXPECT_EQ(attempt([&] { return variants.send(3); }).substr(0, 9), "TypeError");
  EXPECT_EQ(attempt([&] { return variants.send(std::monostate()); }), "1");

  Generator<int, int> numbers([](auto& yield) { yield(1); });
  EXPECT_EQ(attempt([&] { return numbers.send(0); }).substr(0, 9), "TypeError");
  EXPECT_EQ(attempt([&] { return numbers.send(None{}); }), "1");
}

TEST(Generator, first_resumption_takes_every_view_of_a_string_for_a_value) {
  Generator<int, std::string_view> generator([](auto& yield) {
    for (;;)
      yield.from(Generator<short, std::string_view>([](auto& inner) {
        for (;;) inner(static_cast<short>(inner(-1).size()));
      }));
  });
  EXPECT_EQ(attempt([&] { return generator.send("x"); }),
            "TypeError(can't send non-None value to a just-started generator)");
  EXPECT_EQ(attempt([&] { return generator.send(std::string_view()); }),
            "TypeError(can't send non-None value to a just-started generator)");
  EXPECT_EQ(generator.next(), -1);
  EXPECT_EQ(generator.send("four"), 4);
  EXPECT_EQ(generator.next(), -1);
  EXPECT_EQ(generator.send(std::string_view()), 0);
}

// the end

TEST(Generator, DeliversItsReturnValueOnce) {
  Generator<int, int, int> generator([](auto& yield) {
    yield(1);
    return 7;
  });
  generator.next();
  EXPECT_EQ(attempt([&] { return generator.next(); }), "StopIteration(7)");
  EXPECT_EQ(attempt([&] { return generator.next(); }), "StopIteration(None)");
  EXPECT_EQ(attempt([&] { return generator.send(3); }), "StopIteration(None)");
}

TEST(Generator, ReturnsReferencesAndWhatCanOnlyBeMoved) {
  Generator<int, void, std::unique_ptr<int>> moves([](auto&) { return std::make_unique<int>(3); });
  try {
    moves.next();
    FAIL();
  } catch (StopIteration<std::unique_ptr<int>>& stop) {
    EXPECT_EQ(*stop.value, 3);
  }
  int value = 1;
  Generator<int, void, int&> refers([&](auto&) -> int& { return value; });
  try {
    refers.next();
    FAIL();
  } catch (const StopIteration<std::reference_wrapper<int>>& stop) {
    EXPECT_EQ(&stop.value.get(), &value);
  }
}

TEST(Generator, AStopIterationAsAValueArrivesIntact) {
  Generator<int, void, StopIteration<int>> generator([](auto&) { return StopIteration<int>(3); });
  try {
    generator.next();
    FAIL();
  } catch (const StopIteration<StopIteration<int>>& stop) {
    EXPECT_EQ(stop.value.value, 3);
  }
}

TEST(Generator, GivesTheDefaultAtTheEnd) {
  Generator<int> generator([](auto& yield) { yield(1); });
  EXPECT_EQ(generator.next(0), 1);
  EXPECT_EQ(generator.next(0), 0);
  EXPECT_EQ(generator.next(5), 5);
}

TEST(Generator, AnExceptionEndsItForGood) {
  Generator<int> generator([](auto& yield) {
    yield(1);
    throw IndexError("k1");
  });
  EXPECT_EQ(generator.next(), 1);
  EXPECT_EQ(attempt([&] { return generator.next(); }), "IndexError(k1)");
  EXPECT_EQ(getgeneratorstate(generator), GEN_CLOSED);
  EXPECT_EQ(attempt([&] { return generator.next(); }), "StopIteration(None)");
}

TEST(Generator, WhatItHoldsGoesWithItsEnd) {
  const auto held = std::make_shared<int>(1);
  Generator<int> generator([held](auto& yield) { yield(*held); });
  Generator<int> unstarted([held](auto& yield) { yield(*held); });
  EXPECT_EQ(held.use_count(), 3);
  generator.next();
  generator.next(0);
  EXPECT_EQ(held.use_count(), 2);
  unstarted.close();
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Generator, TurnsAnEscapingStopIterationIntoARuntimeError) {
  Generator<int> generator([](auto&) { throw StopIteration<int>(1); });
  try {
    generator.next();
    FAIL();
  } catch (const RuntimeError& e) {
    EXPECT_STREQ(e.what(), "generator raised StopIteration");
    EXPECT_TRUE(holds<StopIteration<int>>(e.cause()));
    EXPECT_TRUE(holds<StopIteration<int>>(e.context()));
  }
  Generator<int> thrown_into([](auto& yield) { yield(1); });
  thrown_into.next();
  EXPECT_EQ(attempt([&] { return thrown_into.throw_(StopIteration<int>(1)); }),
            "RuntimeError(generator raised StopIteration)");
}

// re-entry

TEST(Generator, RefusesReentryAndGoesOnUnharmed) {
  Generator<std::string, std::optional<int>> generator;
  std::vector<std::string> errors;
  generator = Generator<std::string, std::optional<int>>([&](auto& yield) {
    errors.push_back(std::string(to_string(getgeneratorstate(generator))));
    errors.push_back(attempt([&] { return generator.next(); }));
    errors.push_back(attempt([&] { return generator.send(1); }));
    errors.push_back(attempt([&] { return generator.throw_(OSError()); }));
    errors.push_back(attempt([&] { generator.close(); }));
    errors.push_back(attempt([&] { return generator.next("default"); }));
    errors.push_back(attempt([&] { return generator.begin() == generator.end(); }));
    yield("fine");
  });
  EXPECT_EQ(generator.next(), "fine");
  ASSERT_EQ(errors.size(), 7U);
  EXPECT_EQ(errors[0], "GEN_RUNNING");
  for (std::size_t i = 1; i < errors.size(); ++i) EXPECT_EQ(errors[i], "ValueError(generator already executing)");
  EXPECT_EQ(getgeneratorstate(generator), GEN_SUSPENDED);
}

TEST(Generator, turns_a_stop_iteration_into_a_runtime_error_after_its_first_value_too) {
  Generator<int> generator([](auto& yield) {
    yield(1);
    throw StopIteration<void>();
  });
  EXPECT_EQ(generator.next(), 1);
  EXPECT_EQ(attempt([&] { return generator.next(); }), "RuntimeError(generator raised StopIteration)");
  EXPECT_EQ(attempt([&] { return generator.next(); }), "StopIteration(None)");
}

TEST(Generator, delivers_any_return_value_to_next_and_to_send) {
  for_any_value([]<class T>(const T& value) {
    std::string got;
    const auto body = [&](auto& yield) {
      got = text(yield());
      return value;
    };
    Generator<void, std::optional<std::string>, T> advanced(body);
    advanced.next();
    EXPECT_EQ(attempt<T>([&] { advanced.next(); }), "StopIteration(" + text(value) + ")");
    EXPECT_EQ(got, "None");
    Generator<void, std::optional<std::string>, T> sent(body);
    sent.next();
    EXPECT_EQ(attempt<T>([&] { sent.send("spam"); }), "StopIteration(" + text(value) + ")");
    EXPECT_EQ(got, "spam");
  });
}

TEST(Generator, returns_any_value_that_it_was_sent) {
  for_any_value([]<class T>(const T& value) {
    Generator<int, std::optional<T>, T> generator([](auto& yield) { return *yield(1); });
    EXPECT_EQ(generator.next(), 1);
    EXPECT_EQ(attempt<T>([&] { return generator.send(value); }), "StopIteration(" + text(value) + ")");
  });
}

// what it is made from

using Echo = Generator<int, std::optional<int>, std::optional<int>>;

std::optional<int> echo(Echo::YielderType& yield) { return yield(1); }

TEST(Generator, is_the_same_from_a_lambda_as_from_a_function) {
  const auto lambda = [](auto& yield) { return yield(1); };
  std::vector<Echo> generators;
  generators.push_back(Echo(&echo));
  generators.push_back(Echo(lambda));
  generators.push_back(Echo([](auto& yield) { return yield.from(Echo(&echo)); }));
  generators.push_back(Echo([=](auto& yield) { return yield.from(Echo(lambda)); }));
  for (Echo& generator : generators) {
    EXPECT_EQ(generator.next(), 1);
    EXPECT_EQ(attempt<std::optional<int>>([&] { return generator.send(2); }), "StopIteration(2)");
  }
}

}  // namespace
}  // namespace segue::legacy
