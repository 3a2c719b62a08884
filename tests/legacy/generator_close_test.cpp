// What close() raises in the body, and what it gives.
#include <exception>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include <segue/legacy/generator.hpp>
#include <segue/legacy/inspect.hpp>

#include "attempt.hpp"

namespace segue::legacy {
namespace {

using testing::attempt;

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

}  // namespace
}  // namespace segue::legacy
