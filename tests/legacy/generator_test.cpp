#include <segue/legacy/generator.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include <segue/legacy/inspect.hpp>

#include "attempt.hpp"

namespace segue::legacy {
namespace {

using testing::attempt;

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
  for (auto value : generator) EXPECT_EQ(*value, 3);
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

// throw_

TEST(GeneratorThrow, OnACreatedOneNeverRunsItsBody) {
  bool ran = false;
  Generator<int> generator([&](auto& yield) {
    ran = true;
    yield(1);
  });
  EXPECT_EQ(attempt([&] { return generator.throw_(ValueError("v")); }), "ValueError(v)");
  EXPECT_EQ(getgeneratorstate(generator), GEN_CLOSED);
  EXPECT_EQ(attempt([&] { return generator.next(); }), "StopIteration(None)");
  EXPECT_FALSE(ran);
}

TEST(GeneratorThrow, OnAFinishedOneRaisesEachTime) {
  Generator<int> generator([](auto&) {});
  generator.next(0);
  EXPECT_EQ(attempt([&] { return generator.throw_(OSError("x")); }), "OSError(x)");
  EXPECT_EQ(attempt([&] { return generator.throw_(OSError("y")); }), "OSError(y)");
}

TEST(GeneratorThrow, GivesTheNextValueOrStopIteration) {
  Generator<int, void, int> generator([](auto& yield) {
    try {
      yield(1);
    } catch (const ValueError&) {
      yield(2);
    }
    try {
      yield(3);
    } catch (const ValueError&) {
      return 9;
    }
    return 0;
  });
  generator.next();
  EXPECT_EQ(attempt([&] { return generator.throw_(ValueError()); }), "2");
  EXPECT_EQ(generator.next(), 3);
  EXPECT_EQ(attempt([&] { return generator.throw_(ValueError()); }), "StopIteration(9)");
}

TEST(GeneratorThrow, OfGeneratorExitIsNotClose) {
  for (const bool returns : {false, true}) {
    Generator<int, void, int> generator([&](auto& yield) {
      try {
        yield(0);
      } catch (const GeneratorExit&) {
        if (returns) return 1;
        throw;
      }
      return 0;
    });
    generator.next();
    EXPECT_EQ(attempt([&] { return generator.throw_(GeneratorExit()); }),
              returns ? "StopIteration(1)" : "GeneratorExit()");
  }
}

TEST(GeneratorThrow, TakesAnyException) {
  Generator<int> generator([](auto& yield) {
    try {
      yield(0);
    } catch (int number) {
      yield(number);
    }
  });
  generator.next();
  EXPECT_EQ(generator.throw_(std::make_exception_ptr(42)), 42);
}

// close

TEST(GeneratorClose, OnCreatedAndFinishedOnesDoesNothing) {
  bool ran = false;
  Generator<int> generator([&](auto&) { ran = true; });
  generator.close();
  EXPECT_EQ(getgeneratorstate(generator), GEN_CLOSED);
  EXPECT_EQ(attempt([&] { return generator.next(); }), "StopIteration(None)");
  generator.close();
  EXPECT_FALSE(ran);
}

TEST(GeneratorClose, GivesWhatTheBodyReturnsOnGeneratorExit) {
  Generator<int, void, int> generator([](auto& yield) {
    try {
      yield(0);
    } catch (const GeneratorExit&) {
      return 5;
    }
    return 0;
  });
  generator.next();
  EXPECT_EQ(generator.close(), 5);
  EXPECT_EQ(generator.close(), std::nullopt);
}

TEST(GeneratorClose, LeavesAGeneratorThatYieldsAgainSuspended) {
  Generator<int> generator([](auto& yield) {
    try {
      yield(1);
    } catch (const GeneratorExit&) {
      yield(2);
    }
  });
  generator.next();
  EXPECT_EQ(attempt([&] { generator.close(); }), "RuntimeError(generator ignored GeneratorExit)");
  EXPECT_EQ(getgeneratorstate(generator), GEN_SUSPENDED);
  EXPECT_EQ(attempt([&] { return generator.next(); }), "StopIteration(None)");
}

TEST(GeneratorClose, LetsOtherExceptionsOut) {
  Generator<int> generator([](auto& yield) {
    try {
      yield(1);
    } catch (...) {
      throw OSError("c");
    }
  });
  generator.next();
  try {
    generator.close();
    FAIL();
  } catch (const OSError& e) {
    EXPECT_STREQ(e.what(), "c");
    EXPECT_TRUE(holds<GeneratorExit>(e.context()));
  }
  EXPECT_EQ(getgeneratorstate(generator), GEN_CLOSED);
}

TEST(GeneratorClose, IsNotSwallowedByHandlersOfStdException) {
  bool swallowed = false;
  Generator<int> generator([&](auto& yield) {
    try {
      yield(1);
    } catch (const std::exception&) {
      swallowed = true;
    }
  });
  generator.next();
  generator.close();
  EXPECT_FALSE(swallowed);
}

TEST(GeneratorClose, GoesOnThroughAnExceptionPendingInACleanUp) {
  const auto body = [](auto& yield) {
    try {
      yield(1);
    } catch (...) {
      yield(2);
      throw;
    }
  };
  Generator<int> pending(body);
  pending.next();
  EXPECT_EQ(attempt([&] { return pending.throw_(ValueError("v")); }), "2");
  EXPECT_EQ(attempt([&] { return pending.next(); }), "ValueError(v)");

  Generator<int> replaced(body);
  replaced.next();
  replaced.throw_(ValueError("v"));
  try {
    replaced.throw_(OSError("o"));
    FAIL();
  } catch (const OSError& e) {
    EXPECT_STREQ(e.what(), "o");
    EXPECT_EQ(describe(e.context()).repr(), "ValueError('v')");
  }
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

// what is being handled

TEST(GeneratorExceptionState, IsItsOwn) {
  Generator<std::string> generator([](auto& yield) {
    try {
      throw LookupError("g");
    } catch (const LookupError&) {
      yield(describe(std::current_exception()).message);
      try {
        throw;
      } catch (const LookupError& e) {
        yield(std::string("reraised ") + e.what());
      }
    }
  });
  EXPECT_EQ(generator.next(), "g");
  EXPECT_EQ(std::current_exception(), nullptr);
  try {
    throw OSError("caller");
  } catch (const OSError&) {
    EXPECT_EQ(generator.next(), "reraised g");
    EXPECT_EQ(describe(std::current_exception()).message, "caller");
  }
}

TEST(GeneratorExceptionState, GivesTheContextOfWhatIsRaised) {
  for (const bool own : {true, false}) {
    Generator<int> generator([&](auto& yield) {
      if (own) {
        try {
          throw LookupError();
        } catch (const LookupError&) {
          yield(0);
          throw ValueError();
        }
      }
      yield(0);
      throw ValueError();
    });
    generator.next();
    try {
      try {
        throw OSError();
      } catch (const OSError&) {
        generator.next();
      }
      FAIL();
    } catch (const ValueError& e) {
      EXPECT_EQ(describe(e.context()).type, own ? "LookupError" : "OSError");
    }
  }
}

TEST(GeneratorExceptionState, NeverMakesAnExceptionItsOwnContext) {
  Generator<int> generator([](auto& yield) {
    try {
      yield(0);
    } catch (const ValueError&) {
      yield(1);
      throw;
    }
  });
  generator.next();
  try {
    throw ValueError("v");
  } catch (const ValueError& outer) {
    const std::exception_ptr thrown = std::current_exception();
    generator.throw_(thrown);
    try {
      generator.next();
      FAIL();
    } catch (const ValueError& e) {
      EXPECT_EQ(&e, &outer);
      EXPECT_EQ(e.context(), nullptr);
    }
  }
}

// iteration

TEST(GeneratorRange, IsAnInputRange) {
  static_assert(std::ranges::input_range<Generator<int>>);
  static_assert(std::ranges::input_range<Generator<std::unique_ptr<int>>>);
  static_assert(std::ranges::input_range<Generator<const std::string&>>);
  static_assert(std::ranges::input_range<Generator<int, int, int>>);
  static_assert(!std::ranges::range<Generator<void>>);
  static_assert(!std::is_copy_constructible_v<Generator<int>>);
  static_assert(std::is_nothrow_move_constructible_v<Generator<int>>);
  static_assert(std::is_nothrow_move_assignable_v<Generator<int>>);
  Generator<int> naturals([](auto& yield) {
    for (int i = 0;; ++i) yield(i);
  });
  std::vector<int> seen;
  for (const int value : naturals | std::views::filter([](int i) { return i % 2; }) | std::views::take(3)) {
    seen.push_back(value);
  }
  EXPECT_EQ(seen, (std::vector{1, 3, 5}));
}

TEST(GeneratorRange, LeavesWhatWasNotCountedOff) {
  Generator<int> naturals([](auto& yield) {
    for (int i = 0;; ++i) yield(i);
  });
  std::vector<int> seen;
  for (const int value : naturals | std::views::take(2)) seen.push_back(value);
  seen.push_back(naturals.next());
  EXPECT_EQ(seen, (std::vector{0, 1, 2}));
}

TEST(GeneratorRange, LeavingTheLoopDoesNotCloseIt) {
  bool closed = false;
  {
    Generator<int> generator([&](auto& yield) {
      try {
        yield(1);
        yield(2);
      } catch (const GeneratorExit&) {
        closed = true;
        throw;
      }
    });
    for ([[maybe_unused]] const int value : generator) break;
    EXPECT_EQ(generator.next(), 2);
    EXPECT_FALSE(closed);
  }
  EXPECT_TRUE(closed);
}

TEST(GeneratorRange, DropsTheReturnValueAndSendsNone) {
  Generator<std::string, std::optional<int>, int> generator([](auto& yield) {
    const auto got = yield("a");
    yield(got ? "sent" : "None");
    return 3;
  });
  std::vector<std::string> seen;
  for (auto&& value : generator) {
    static_assert(std::is_same_v<decltype(value), std::string&&>);
    seen.push_back(value);
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "None"}));
  EXPECT_EQ(attempt([&] { return generator.next(); }), "StopIteration(None)");
}

TEST(GeneratorRange, RaisesWhatTheBodyRaises) {
  Generator<int> generator([](auto& yield) {
    yield(1);
    throw ValueError("v");
  });
  std::vector<int> seen;
  EXPECT_EQ(attempt([&] {
              for (const int value : generator) seen.push_back(value);
            }),
            "ValueError(v)");
  EXPECT_EQ(seen, (std::vector{1}));
}

TEST(GeneratorRange, OfAClosedGeneratorIsEmpty) {
  Generator<int> generator;
  for ([[maybe_unused]] const int value : generator) FAIL();
  SUCCEED();
}

// moves

TEST(GeneratorMove, LeavesAClosedOneBehind) {
  Generator<int> first([](auto& yield) {
    yield(1);
    yield(2);
  });
  first.next();
  Generator<int> second = std::move(first);
  EXPECT_EQ(getgeneratorstate(first), GEN_CLOSED);  // NOLINT(bugprone-use-after-move)
  EXPECT_FALSE(first);
  EXPECT_EQ(attempt([&] { return first.next(); }), "StopIteration(None)");
  EXPECT_EQ(attempt([&] { return first.throw_(ValueError("v")); }), "ValueError(v)");
  first.close();
  EXPECT_TRUE(second);
  EXPECT_EQ(second.next(), 2);
}

TEST(GeneratorMove, ByAssignmentClosesTheOldOne) {
  std::vector<std::string> trace;
  const auto body = [&](auto& yield, const std::string& name) {
    try {
      yield(name);
    } catch (const GeneratorExit&) {
      trace.push_back("closed " + name);
      throw;
    }
  };
  Generator<std::string> one(body, std::string("one"));
  Generator<std::string> two(body, std::string("two"));
  one.next();
  two.next();
  one = std::move(two);
  EXPECT_EQ(trace, (std::vector<std::string>{"closed one"}));
  one = Generator<std::string>();
  EXPECT_EQ(trace, (std::vector<std::string>{"closed one", "closed two"}));
}

TEST(GeneratorMove, WhileItRunsIsAllowed) {
  Generator<int> first;
  Generator<int> second;
  first = Generator<int>([&](auto& yield) {
    second = std::move(first);
    yield(1);
    yield(2);
  });
  EXPECT_EQ(first.next(), 1);
  EXPECT_EQ(getgeneratorstate(first), GEN_CLOSED);
  EXPECT_EQ(second.next(), 2);
  EXPECT_EQ(second.next(0), 0);
  EXPECT_FALSE(second);
}

TEST(GeneratorMove, ToAnotherThreadIsAllowedWhileSuspended) {
  Generator<int> generator([](auto& yield) {
    for (int i = 0;; ++i) {
      try {
        throw ValueError(std::to_string(i));
      } catch (const ValueError&) {
        yield(i);
        if (describe(std::current_exception()).message != std::to_string(i)) yield(-1);
      }
    }
  });
  for (int i = 0; i < 5; ++i) {
    std::thread([&] { EXPECT_EQ(generator.next(), i); }).join();
  }
  std::thread([moved = std::move(generator)]() mutable { moved.close(); }).join();
}

}  // namespace
}  // namespace segue::legacy
