// Exceptions through a chain of `yield.from`: what a delegate raises, and what is thrown in.
#include <exception>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <segue/legacy/generator.hpp>
#include <segue/legacy/yielder.hpp>

#include "texts.hpp"

namespace segue::legacy {
namespace {

using testing::for_any_value;
using testing::Leaving;
using testing::next;
using testing::raised;
using testing::returning_on_exit;
using testing::send;
using testing::text;
using testing::Texts;
using testing::throw_;
using testing::Trace;
using testing::Value;
using testing::with_contexts;

// exceptions that a delegate raises of its own

Texts raising_after(Trace& trace, int values) {
  return Texts([&trace, values](auto& yield) -> Value {
    const Leaving leaving(trace, "outer");
    yield.from(Texts([&](auto& inner) -> Value {
      const Leaving leaving_inner(trace, "inner");
      for (int i = 0; i < values; ++i) trace.push_back("got " + text(inner(std::to_string(i))));
      throw ZeroDivisionError("division by zero");
    }));
    trace.emplace_back("never");
    return {};
  });
}

TEST(DelegationRaise, goes_through_the_delegator_to_whoever_asked_for_the_first_value) {
  Trace trace;
  Texts generator = raising_after(trace, 0);
  EXPECT_EQ(next(generator), "ZeroDivisionError(division by zero)");
  EXPECT_EQ(trace, (Trace{"inner ends", "outer ends"}));
  EXPECT_EQ(next(generator), "StopIteration(None)");
}

TEST(DelegationRaise, goes_through_the_delegator_to_whoever_asked_for_a_later_value) {
  Trace trace;
  Texts generator = raising_after(trace, 2);
  EXPECT_EQ(next(generator), "0");
  EXPECT_EQ(next(generator), "1");
  EXPECT_EQ(next(generator), "ZeroDivisionError(division by zero)");
  EXPECT_EQ(trace, (Trace{"got None", "got None", "inner ends", "outer ends"}));
  EXPECT_EQ(next(generator), "StopIteration(None)");
}

TEST(DelegationRaise, goes_through_the_delegator_to_whoever_sent_a_value) {
  Trace trace;
  Texts generator = raising_after(trace, 2);
  EXPECT_EQ(next(generator), "0");
  EXPECT_EQ(send(generator, 1), "1");
  EXPECT_EQ(send(generator, 2), "ZeroDivisionError(division by zero)");
  EXPECT_EQ(trace, (Trace{"got 1", "got 2", "inner ends", "outer ends"}));
}

// exceptions that are thrown in

TEST(DelegationThrow, ReachesTheInnermostFirst) {
  Texts generator([](auto& yield) -> Value {
    const Value result = yield.from(Texts([](auto& inner) -> Value {
      try {
        inner("1");
      } catch (const ValueError&) {
        return "ret";
      }
      return {};
    }));
    yield("outer " + text(result));
    return {};
  });
  generator.next();
  EXPECT_EQ(throw_(generator, ValueError()), "outer ret");
}

TEST(DelegationThrow, GoesUpThroughEachDelegator) {
  Trace trace;
  struct Level {
    static Texts make(int n, Trace& trace) {
      return Texts([n, &trace](auto& yield) -> Value {
        try {
          if (n == 0) {
            yield("leaf");
          } else {
            yield.from(make(n - 1, trace));
          }
        } catch (const ValueError& e) {
          trace.push_back(std::to_string(n) + e.what());
          if (n == 2) {
            yield("handled");
          } else {
            throw;
          }
        }
        return std::to_string(n);
      });
    }
  };
  Texts generator = Level::make(3, trace);
  EXPECT_EQ(next(generator), "leaf");
  EXPECT_EQ(throw_(generator, ValueError("v")), "handled");
  EXPECT_EQ(trace, (Trace{"0v", "1v", "2v"}));
  EXPECT_EQ(next(generator), "StopIteration(3)");
}

TEST(DelegationThrow, OfStopIterationThroughABodyIsAnError) {
  for (const bool caught : {true, false}) {
    Texts generator([&](auto& yield) -> Value {
      return yield.from(Texts([&](auto& inner) -> Value {
        try {
          inner("");
        } catch (const StopIteration<Value>&) {
          if (caught) return "c";
          throw;
        }
        return {};
      }));
    });
    generator.next();
    EXPECT_EQ(throw_(generator, StopIteration<Value>("x")),
              caught ? "StopIteration(c)" : "RuntimeError(generator raised StopIteration)");
  }
}

TEST(DelegationThrow, OfStopIterationWhereItIsRaisedAtTheDelegationEndsIt) {
  // CPython's `yield from` takes any StopIteration raised there for its own end, against PEP 380's letter.
  Texts closed([](auto& yield) -> Value {
    yield("inner");
    return {};
  });
  Texts generator([&](auto& yield) -> Value {
    yield.from(std::vector<std::string>{"a", "b"});
    yield("after the range");
    const Value result = yield.from(closed);
    yield("after the generator: " + text(result));
    return {};
  });
  EXPECT_EQ(next(generator), "a");
  EXPECT_EQ(throw_(generator, StopIteration<Value>("x")), "after the range");
  EXPECT_EQ(next(generator), "inner");
  closed.close();
  EXPECT_EQ(throw_(generator, StopIteration<Value>("y")), "after the generator: y");
}

TEST(DelegationThrow, comes_back_from_the_innermost_outwards_when_nobody_catches_it) {
  Trace trace;
  Texts generator([&](auto& yield) -> Value {
    const Leaving leaving(trace, "outer");
    yield.from(Texts([&](auto& inner) -> Value {
      const Leaving leaving_inner(trace, "inner");
      inner("one");
      inner("two");
      return {};
    }));
    yield("after");
    return {};
  });
  EXPECT_EQ(next(generator), "one");
  EXPECT_EQ(throw_(generator, ValueError("v")), "ValueError(v)");
  EXPECT_EQ(trace, (Trace{"inner ends", "outer ends"}));
  EXPECT_EQ(next(generator), "StopIteration(None)");
}

TEST(DelegationThrow, gives_what_the_delegate_yields_for_it_and_goes_on_there) {
  Texts generator([](auto& yield) -> Value {
    yield.from(Texts([](auto& inner) -> Value {
      try {
        inner("one");
        inner("never");
      } catch (const ValueError&) {
        inner("saved");
        inner("and more");
      }
      return {};
    }));
    yield("after");
    return {};
  });
  EXPECT_EQ(next(generator), "one");
  EXPECT_EQ(throw_(generator, ValueError()), "saved");
  EXPECT_EQ(next(generator), "and more");
  EXPECT_EQ(next(generator), "after");
  EXPECT_EQ(next(generator), "StopIteration(None)");
}

TEST(DelegationThrow, lets_the_delegate_return_any_value_for_it) {
  for_any_value([]<class T>(const T& value) {
    Generator<std::string> outer([&](auto& yield) {
      const T result = yield.from(Generator<std::string, void, T>([&](auto& inner) {
        try {
          inner("one");
        } catch (const ValueError&) {
        }
        return value;
      }));
      yield(text(result));
    });
    EXPECT_EQ(outer.next(), "one");
    EXPECT_EQ(outer.throw_(ValueError()), text(value));
  });
}

TEST(DelegationThrow, gets_what_the_delegator_is_handling_as_its_context) {
  Texts generator([](auto& yield) -> Value {
    try {
      throw KeyError("a");
    } catch (const KeyError&) {
      yield.from(returning_on_exit());
    }
    return {};
  });
  generator.next();
  EXPECT_EQ(with_contexts(raised([&] { generator.throw_(ValueError("v")); })), "ValueError('v') < KeyError('a')");
}

TEST(DelegationThrow, of_what_the_delegator_is_handling_gets_no_context) {
  const auto error = std::make_exception_ptr(KeyError("a"));
  Texts generator([&](auto& yield) -> Value {
    try {
      std::rethrow_exception(error);
    } catch (const KeyError&) {
      try {
        yield.from(returning_on_exit());
      } catch (const KeyError&) {
        yield(with_contexts(std::current_exception()));
      }
    }
    return {};
  });
  EXPECT_EQ(next(generator), "");
  EXPECT_EQ(throw_(generator, error), "KeyError('a')");
}

}  // namespace
}  // namespace segue::legacy
