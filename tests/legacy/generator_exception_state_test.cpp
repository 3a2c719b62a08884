// The exception that a body is handling: kept across suspensions, and the context of what is raised.
#include <exception>
#include <string>

#include <gtest/gtest.h>

#include <segue/legacy/generator.hpp>
#include <segue/os_error.hpp>

#include "attempt.hpp"

namespace segue::legacy {
namespace {

using testing::raised;
using testing::with_contexts;

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

TEST(GeneratorExceptionState, keeps_what_was_thrown_in_as_long_as_its_handler_lasts) {
  Generator<std::string> generator([](auto& yield) {
    try {
      yield(with_contexts(std::current_exception()));
    } catch (const ValueError&) {
      yield(with_contexts(std::current_exception()));
      yield(with_contexts(std::current_exception()));
      throw;
    }
  });
  EXPECT_EQ(generator.next(), "None");
  try {
    throw ValueError("v");
  } catch (const ValueError&) {
    EXPECT_EQ(generator.throw_(std::current_exception()), "ValueError('v')");
  }
  EXPECT_EQ(generator.next(), "ValueError('v')");
  EXPECT_EQ(with_contexts(raised([&] { generator.next(); })), "ValueError('v')");
  EXPECT_EQ(std::current_exception(), nullptr);
}

TEST(GeneratorExceptionState, has_its_callers_only_as_the_context_of_what_it_raises) {
  Generator<std::string> generator([](auto& yield) {
    yield(with_contexts(std::current_exception()));
    throw TypeError("t");
  });
  try {
    throw ValueError("v");
  } catch (const ValueError&) {
    EXPECT_EQ(generator.next(), "None");
    EXPECT_EQ(with_contexts(std::current_exception()), "ValueError('v')");
    EXPECT_EQ(with_contexts(raised([&] { generator.next(); })), "TypeError('t') < ValueError('v')");
    EXPECT_EQ(with_contexts(std::current_exception()), "ValueError('v')");
  }
  EXPECT_EQ(std::current_exception(), nullptr);
}

// As in CPython 3.13: throw() raises what it was given, with the context that it has.
TEST(GeneratorExceptionState, of_its_caller_is_no_context_of_what_is_thrown_in_and_comes_out_again) {
  const auto made_before = std::make_exception_ptr(TypeError("t"));
  Generator<int> created([](auto& yield) { yield(1); });
  Generator<int> suspended([](auto& yield) { yield(1); });
  suspended.next();
  Generator<int> delegating([](auto& yield) { yield.from(Generator<int>([](auto& yield) { yield(1); })); });
  delegating.next();
  Generator<int> finished;
  try {
    throw ValueError("v");
  } catch (const ValueError&) {
    for (Generator<int>* generator : {&created, &suspended, &delegating, &finished}) {
      EXPECT_EQ(with_contexts(raised([&] { generator->throw_(made_before); })), "TypeError('t')");
      EXPECT_FALSE(*generator);
    }
  }
}

TEST(GeneratorExceptionState, is_restored_after_an_exception_that_it_handles_while_its_caller_handles_another) {
  Generator<std::string> generator([](auto& yield) {
    std::string handled;
    try {
      yield("start");
      throw TypeError("own");
    } catch (const TypeError&) {
      handled = describe(std::current_exception()).message;
    }
    EXPECT_EQ(std::current_exception(), nullptr);
    yield(handled);
    EXPECT_EQ(std::current_exception(), nullptr);
    yield("done");
  });
  EXPECT_EQ(generator.next(), "start");
  try {
    throw ValueError("caller's");
  } catch (const ValueError&) {
    EXPECT_EQ(generator.next(), "own");
    EXPECT_EQ(describe(std::current_exception()).message, "caller's");
  }
  EXPECT_EQ(generator.next(), "done");
  EXPECT_EQ(std::current_exception(), nullptr);
}

TEST(GeneratorExceptionState, becomes_the_context_of_what_a_handler_raises_over_what_was_thrown_in) {
  Generator<std::string> generator([](auto& yield) {
    std::string handled;
    try {
      try {
        yield("start");
      } catch (const ValueError&) {
        throw TypeError("t");
      }
    } catch (const Exception&) {
      handled = with_contexts(std::current_exception());
    }
    EXPECT_EQ(std::current_exception(), nullptr);
    yield(handled);
    yield("done");
  });
  generator.next();
  try {
    throw ValueError("v");
  } catch (const ValueError&) {
    EXPECT_EQ(generator.throw_(std::current_exception()), "TypeError('t') < ValueError('v')");
  }
  EXPECT_EQ(generator.next(), "done");
  EXPECT_EQ(std::current_exception(), nullptr);
}

TEST(GeneratorExceptionState, of_nested_generators_never_mix) {
  Generator<std::string> outer([](auto& yield) {
    Generator<int> inner([](auto& yield_inner) {
      for (int i = 0; i < 100; ++i) yield_inner(i);
      throw LookupError("inner");
    });
    try {
      throw TypeError("outer");
    } catch (const TypeError&) {
      try {
        for ([[maybe_unused]] const int value : inner) yield(with_contexts(std::current_exception()));
      } catch (const LookupError&) {
        yield(with_contexts(std::current_exception()));
      }
    }
  });
  try {
    throw ValueError("caller's");
  } catch (const ValueError&) {
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(outer.next(), "TypeError('outer')");
      EXPECT_EQ(describe(std::current_exception()).message, "caller's");
    }
    EXPECT_EQ(outer.next(), "LookupError('inner') < TypeError('outer')");
  }
  EXPECT_EQ(std::current_exception(), nullptr);
}

}  // namespace
}  // namespace segue::legacy
