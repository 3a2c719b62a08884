// What close() raises in the body, and what it gives.
#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

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

TEST(GeneratorClose, gives_nothing_when_the_exit_goes_through_the_body) {
  static_assert(std::is_void_v<decltype(std::declval<Generator<int>&>().close())>);
  Generator<int, void, int> generator([](auto& yield) {
    yield(1);
    return 0;
  });
  generator.next();
  EXPECT_EQ(generator.close(), std::nullopt);
}

TEST(GeneratorClose, gives_nothing_when_there_is_nothing_left_to_close) {
  const auto body = [](auto& yield) {
    try {
      yield(1);
    } catch (const GeneratorExit&) {
    }
    return 0;
  };
  Generator<int, void, int> created(body);
  EXPECT_EQ(created.close(), std::nullopt);
  Generator<int, void, int> exhausted(body);
  exhausted.next();
  EXPECT_EQ(attempt([&] { return exhausted.next(); }), "StopIteration(0)");
  EXPECT_EQ(exhausted.close(), std::nullopt);
  Generator<int, void, int> closed(body);
  closed.next();
  EXPECT_EQ(closed.close(), 0);
  EXPECT_EQ(closed.close(), std::nullopt);
}

TEST(GeneratorClose, raises_what_the_body_raises_once_it_has_swallowed_the_exit) {
  Generator<int> generator([](auto& yield) {
    try {
      yield(1);
    } catch (const GeneratorExit&) {
    }
    throw RuntimeError("late");
  });
  generator.next();
  EXPECT_EQ(with_contexts(raised([&] { generator.close(); })), "RuntimeError('late')");
  EXPECT_EQ(getgeneratorstate(generator), GEN_CLOSED);
}

TEST(GeneratorClose, by_a_destructor_leaves_the_handler_that_the_body_is_suspended_in) {
  std::vector<std::string> trace;
  const int uncaught = std::uncaught_exceptions();
  {
    Generator<int> generator([&](auto& yield) {
      try {
        throw ValueError("handled");
      } catch (const ValueError&) {
        try {
          yield(1);
        } catch (const GeneratorExit& e) {
          trace.push_back(describe(e.context()).repr());
          throw;
        }
      }
    });
    generator.next();
  }
  EXPECT_EQ(trace, (std::vector<std::string>{"ValueError('handled')"}));
  EXPECT_EQ(std::uncaught_exceptions(), uncaught);
  EXPECT_EQ(std::current_exception(), nullptr);
}

// As the chapter says: nothing may be thrown there, and C++ ends the program.
TEST(GeneratorCloseDeathTest, of_a_body_inside_a_destructor_that_unwinding_has_called_ends_the_program) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  struct Yielding {
    Yielder<int>& yield;
    ~Yielding() noexcept(false) { yield(2); }
  };
  const auto abandon = [] {
    Generator<int> generator([](auto& yield) {
      const Yielding yielding{yield};
      throw ValueError("v");
    });
    generator.next();
  };
  EXPECT_DEATH(abandon(), "terminate");
}

}  // namespace
}  // namespace segue::legacy
