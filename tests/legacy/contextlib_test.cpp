#include <segue/legacy/contextlib.hpp>

#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/os_error.hpp>

#include "attempt.hpp"

namespace segue::legacy {
namespace {

using ::testing::ElementsAre;
using testing::raised;
using testing::with_contexts;

class ContextManager : public ::testing::Test {
 protected:
  std::vector<std::string> log;
};

TEST_F(ContextManager, runs_the_body_at_the_yield) {
  const auto whole = contextmanager([this](int number) {
    return Generator<int>([this, number](auto& yield) {
      log.push_back("enter");
      yield(number);
      log.push_back("exit");
    });
  });
  const std::optional<int> result = with(whole(20), [this](int number) {
    log.push_back("body");
    return number + 1;
  });
  EXPECT_EQ(result, 21);
  EXPECT_THAT(log, ElementsAre("enter", "body", "exit"));
}

TEST_F(ContextManager, takes_a_body_that_wants_nothing) {
  const auto whole = contextmanager([] { return Generator<int>([](auto& yield) { yield(1); }); });
  with(whole(), [this] { log.push_back("body"); });
  EXPECT_THAT(log, ElementsAre("body"));
}

TEST_F(ContextManager, cleans_up_after_an_exception_that_goes_on) {
  const auto whole = contextmanager([this] {
    return Generator<int>([this](auto& yield) {
      try {
        yield(1);
      } catch (...) {
        log.push_back("clean-up");
        throw;
      }
    });
  });
  EXPECT_THROW(with(whole(), [](int) { throw ZeroDivisionError("by 0"); }), ZeroDivisionError);
  EXPECT_THAT(log, ElementsAre("clean-up"));
}

TEST_F(ContextManager, keeps_an_exception_that_the_generator_handles) {
  const auto whole = contextmanager([this] {
    return Generator<int>([this](auto& yield) {
      try {
        yield(1);
      } catch (const ValueError& error) {
        log.emplace_back(error.what());
      }
    });
  });
  const std::optional<int> result = with(whole(), [](int) -> int { throw ValueError("handled"); });
  EXPECT_EQ(result, std::nullopt);
  EXPECT_THAT(log, ElementsAre("handled"));
}

TEST_F(ContextManager, throws_what_the_generator_throws_instead) {
  const auto whole = contextmanager([] {
    return Generator<int>([](auto& yield) {
      try {
        yield(1);
      } catch (const ValueError&) {
        throw LookupError("instead");
      }
    });
  });
  EXPECT_THROW(with(whole(), [](int) { throw ValueError("first"); }), LookupError);
}

template <class Call>
std::string error_of_call(Call call) {
  try {
    call();
  } catch (const RuntimeError& error) {
    return error.what();
  }
  return "none";
}

TEST_F(ContextManager, refuses_a_generator_that_does_not_yield_once) {
  const auto never = contextmanager([] { return Generator<int>([](auto&) {}); });
  EXPECT_EQ(error_of_call([&] { with(never(), [](int) {}); }), "generator didn't yield");
  const auto twice = contextmanager([] {
    return Generator<int>([](auto& yield) {
      try {
        yield(1);
      } catch (const ValueError&) {
      }
      yield(2);
    });
  });
  EXPECT_EQ(error_of_call([&] { with(twice(), [](int) {}); }), "generator didn't stop");
  EXPECT_EQ(error_of_call([&] { with(twice(), [](int) { throw ValueError("x"); }); }),
            "generator didn't stop after throw()");
}

TEST_F(ContextManager, lets_the_bodys_StopIteration_out_although_PEP_479_turns_it_into_a_RuntimeError) {
  const auto whole = contextmanager([] { return Generator<int>([](auto& yield) { yield(1); }); });
  EXPECT_THROW(with(whole(), [](int) { throw StopIteration<void>(); }), StopIteration<void>);
}

TEST_F(ContextManager, may_yield_a_reference) {
  int value = 1;
  const auto whole = contextmanager([&value] { return Generator<int&>([&value](auto& yield) { yield(value); }); });
  with(whole(), [](int& entered) { entered = 5; });
  EXPECT_EQ(value, 5);
}

TEST(With, GivesWhatTheExitRaisesTheContextOfWhatTheBodyRaised) {
  struct Failing {
    void enter() {}
    bool exit(const std::exception_ptr&) { throw RuntimeError("exit failed"); }
  };
  EXPECT_EQ(with_contexts(raised([] { with(Failing(), [] { throw ValueError("body"); }); })),
            "RuntimeError('exit failed') < ValueError('body')");
}

TEST_F(ContextManager, GivesWhatItsClosingRaisesTheContextThatItDidNotStop) {
  const auto twice = contextmanager([] {
    return Generator<int>([](auto& yield) {
      try {
        yield(1);
      } catch (const ValueError&) {
      }
      try {
        yield(2);
      } catch (const GeneratorExit&) {
        throw KeyError("in close");
      }
    });
  });
  EXPECT_EQ(with_contexts(raised([&] { with(twice(), [] { throw ValueError("body"); }); })),
            "KeyError('in close') < GeneratorExit() < RuntimeError(\"generator didn't stop after throw()\") < "
            "ValueError('body')");
}

}  // namespace
}  // namespace segue::legacy
