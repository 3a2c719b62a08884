// Every way to end a delegation, with every way in which the delegate may answer: what comes out, and what it was
// raised in the context of.
#include <exception>
#include <string>

#include <gtest/gtest.h>

#include <segue/legacy/generator.hpp>
#include <segue/legacy/yielder.hpp>

#include "texts.hpp"

namespace segue::legacy {
namespace {

using testing::next;
using testing::text;
using testing::Texts;
using testing::Trace;
using testing::Value;
using testing::with_contexts;

template <class Call>
std::string outcome(Call call) {
  try {
    return text(call());
  } catch (const StopIteration<Value>& stop) {
    return text(stop);
  } catch (...) {
    return with_contexts(std::current_exception());
  }
}

// What comes of close(), and of a GeneratorExit, a StopIteration, a BaseException and an Exception that are thrown into
// a delegator to `body`. Each time the delegator is finished afterwards.
template <class Body>
Trace outcomes(Body body) {
  Trace lines;
  const auto end = [&](auto act) {
    Texts delegator([&](auto& yield) { return yield.from(Texts(body)); });
    EXPECT_EQ(next(delegator), "first");
    lines.push_back(outcome([&] { return act(delegator); }));
    if (lines.back() == "second") lines.back() += ", " + outcome([&] { return delegator.next(); });
    EXPECT_EQ(next(delegator), "StopIteration(None)");
  };
  end([](Texts& delegator) { return delegator.close(); });
  end([](Texts& delegator) { return delegator.throw_(GeneratorExit("thrown")); });
  end([](Texts& delegator) { return delegator.throw_(StopIteration<>("thrown")); });
  end([](Texts& delegator) { return delegator.throw_(BaseException("thrown")); });
  end([](Texts& delegator) { return delegator.throw_(Exception("thrown")); });
  return lines;
}

template <class Error>
Trace outcomes_when_the_clean_up_raises() {
  return outcomes([](auto& yield) -> Value {
    try {
      yield("first");
    } catch (...) {
      throw Error("raised");
    }
    return "returned";
  });
}

const std::string pep479 = "RuntimeError('generator raised StopIteration') < ";

TEST(CloseAndThrow, go_through_a_delegate_that_lets_them) {
  EXPECT_EQ(outcomes([](auto& yield) -> Value {
              yield("first");
              yield("second");
              return "returned";
            }),
            (Trace{"None", "GeneratorExit('thrown')", pep479 + "StopIteration('thrown')", "BaseException('thrown')",
                   "Exception('thrown')"}));
}

TEST(CloseAndThrow, may_be_answered_with_a_generator_exit) {
  EXPECT_EQ(
      outcomes_when_the_clean_up_raises<GeneratorExit>(),
      (Trace{"None", "GeneratorExit('thrown')", "GeneratorExit('raised') < StopIteration('thrown')",
             "GeneratorExit('raised') < BaseException('thrown')", "GeneratorExit('raised') < Exception('thrown')"}));
}

// The GeneratorExit in a context here is the one that closes the delegate, not the one that was thrown in.

TEST(CloseAndThrow, may_not_be_answered_with_a_stop_iteration) {
  const std::string answer = pep479 + "StopIteration('raised') < ";
  EXPECT_EQ(outcomes_when_the_clean_up_raises<StopIteration<>>(),
            (Trace{answer + "GeneratorExit()", answer + "GeneratorExit()", answer + "StopIteration('thrown')",
                   answer + "BaseException('thrown')", answer + "Exception('thrown')"}));
}

TEST(CloseAndThrow, may_be_answered_with_a_base_exception) {
  const std::string answer = "BaseException('raised') < ";
  EXPECT_EQ(outcomes_when_the_clean_up_raises<BaseException>(),
            (Trace{answer + "GeneratorExit()", answer + "GeneratorExit()", answer + "StopIteration('thrown')",
                   answer + "BaseException('thrown')", answer + "Exception('thrown')"}));
}

TEST(CloseAndThrow, may_be_answered_with_an_exception) {
  const std::string answer = "Exception('raised') < ";
  EXPECT_EQ(outcomes_when_the_clean_up_raises<Exception>(),
            (Trace{answer + "GeneratorExit()", answer + "GeneratorExit()", answer + "StopIteration('thrown')",
                   answer + "BaseException('thrown')", answer + "Exception('thrown')"}));
}

TEST(CloseAndThrow, may_be_answered_with_a_value_but_for_a_generator_exit) {
  EXPECT_EQ(outcomes([](auto& yield) -> Value {
              try {
                yield("first");
              } catch (...) {
                yield("second");
                throw;
              }
              return "returned";
            }),
            (Trace{"RuntimeError('generator ignored GeneratorExit')", "RuntimeError('generator ignored GeneratorExit')",
                   "second, " + pep479 + "StopIteration('thrown')", "second, BaseException('thrown')",
                   "second, Exception('thrown')"}));
}

TEST(CloseAndThrow, may_be_answered_with_a_return_value) {
  EXPECT_EQ(outcomes([](auto& yield) -> Value {
              try {
                yield("first");
              } catch (...) {
              }
              return "returned";
            }),
            (Trace{"None", "GeneratorExit('thrown')", "StopIteration(returned)", "StopIteration(returned)",
                   "StopIteration(returned)"}));
}

}  // namespace
}  // namespace segue::legacy
