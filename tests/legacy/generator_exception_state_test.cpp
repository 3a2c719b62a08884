// The exception that a body is handling: kept across suspensions, and the context of what is raised.
#include <exception>
#include <string>

#include <gtest/gtest.h>

#include <segue/legacy/generator.hpp>

#include "attempt.hpp"

namespace segue::legacy {
namespace {

using testing::attempt;

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

}  // namespace
}  // namespace segue::legacy
