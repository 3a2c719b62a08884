// What throw_() raises, where, and what comes of it.
#include <exception>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/legacy/generator.hpp>
#include <segue/legacy/inspect.hpp>
#include <segue/os_error.hpp>

#include "attempt.hpp"

namespace segue::legacy {
namespace {

using testing::attempt;
using testing::raised;
using testing::with_contexts;

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

TEST(GeneratorThrow, gets_what_the_body_is_handling_as_its_context) {
  Generator<std::string> raising([](auto& yield) {
    try {
      throw KeyError("a");
    } catch (const KeyError&) {
      yield("handling");
    }
  });
  raising.next();
  EXPECT_EQ(with_contexts(raised([&] { raising.throw_(ValueError("v")); })), "ValueError('v') < KeyError('a')");

  Generator<std::string> catching([](auto& yield) {
    try {
      throw KeyError("a");
    } catch (const KeyError&) {
      try {
        yield("handling");
      } catch (const ValueError&) {
        yield(with_contexts(std::current_exception()));
      }
    }
  });
  catching.next();
  EXPECT_EQ(catching.throw_(ValueError("v")), "ValueError('v') < KeyError('a')");
}

TEST(GeneratorThrow, gets_no_context_from_what_the_body_has_handled_before) {
  Generator<int> generator([](auto& yield) {
    try {
      throw KeyError("over");
    } catch (const KeyError&) {
    }
    try {
      yield(1);
    } catch (const ValueError&) {
      throw RuntimeError("r");
    }
  });
  generator.next();
  EXPECT_EQ(with_contexts(raised([&] { generator.throw_(ValueError("v")); })), "RuntimeError('r') < ValueError('v')");
}

TEST(GeneratorThrow, RefusesNothing) {
  Generator<int> numbers([](auto& yield) { yield(1); });
  EXPECT_THROW(numbers.throw_(std::exception_ptr()), TypeError);
  EXPECT_EQ(numbers.next(), 1);
  EXPECT_THROW(numbers.throw_(std::exception_ptr()), TypeError);
  EXPECT_TRUE(static_cast<bool>(numbers));
}

TEST(GeneratorThrow, RefusesAnExceptionThatIsKnownByItsBase) {
  Generator<int> generator([](auto& yield) { yield(1); });
  generator.next();
  const ValueError error("bad");
  const Exception& base = error;
  EXPECT_THAT(attempt([&] { generator.throw_(base); }), ::testing::HasSubstr("got a ValueError as a Exception"));
  EXPECT_THROW(generator.throw_(error), ValueError);
}

}  // namespace
}  // namespace segue::legacy
