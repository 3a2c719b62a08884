// throw_() and close() through a chain of `yield.from`.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <segue/legacy/generator.hpp>
#include <segue/legacy/inspect.hpp>
#include <segue/legacy/yielder.hpp>

#include "texts.hpp"

namespace segue::legacy {
namespace {

using testing::close;
using testing::next;
using testing::returning_on_exit;
using testing::text;
using testing::Texts;
using testing::throw_;
using testing::Trace;
using testing::Value;

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

TEST(DelegationClose, GoesFromTheInnermostOutwards) {
  Trace trace;
  const auto noting = [&](auto& yield, auto what, const char* name) {
    try {
      what(yield);
    } catch (const GeneratorExit&) {
      trace.emplace_back(name);
      throw;
    }
  };
  Generator<int> generator([&](auto& yield) {
    noting(
        yield,
        [&](auto& outer) {
          outer.from(Generator<int>([&](auto& middle) {
            noting(
                middle,
                [&](auto& in) {
                  in.from(Generator<int>([&](auto& leaf) { noting(leaf, [](auto& y) { y(1); }, "inner"); }));
                },
                "middle");
          }));
        },
        "outer");
  });
  generator.next();
  generator.close();
  EXPECT_EQ(trace, (Trace{"inner", "middle", "outer"}));
}

TEST(DelegationClose, LosesWhatTheDelegateReturnsOnGeneratorExit) {
  Trace trace;
  const auto body = [&](auto& yield) -> Value {
    try {
      yield.from(returning_on_exit());
      trace.emplace_back("never");
    } catch (const GeneratorExit& e) {
      trace.push_back(std::string("outer exit") + e.what());
      throw;
    }
    return {};
  };
  Texts closed(body);
  closed.next();
  EXPECT_EQ(close(closed), "None");
  Texts thrown(body);
  thrown.next();
  EXPECT_EQ(throw_(thrown, GeneratorExit(" thrown")), "GeneratorExit( thrown)");
  EXPECT_EQ(trace, (Trace{"outer exit", "outer exit thrown"}));
}

TEST(DelegationClose, RaisesWhatTheDelegateRaisesInTheDelegator) {
  Trace trace;
  Texts generator([&](auto& yield) -> Value {
    try {
      yield.from(Texts([](auto& inner) -> Value {
        try {
          inner("");
        } catch (...) {
          throw ValueError("s");
        }
        return {};
      }));
    } catch (const ValueError& e) {
      trace.push_back(std::string("outer ") + e.what());
    }
    return "closed";
  });
  generator.next();
  EXPECT_EQ(close(generator), "closed");
  EXPECT_EQ(getgeneratorstate(generator), GEN_CLOSED);
  EXPECT_EQ(trace, (Trace{"outer s"}));
}

Texts ignoring_exit() {
  return Texts([](auto& yield) -> Value {
    try {
      yield("one");
    } catch (const GeneratorExit&) {
      yield("two");
    }
    return "end";
  });
}

TEST(DelegationClose, RaisesInTheDelegatorWhenTheDelegateIgnoresIt) {
  Trace trace;
  Texts inner = ignoring_exit();
  Texts generator([&](auto& yield) -> Value {
    try {
      yield.from(inner);
    } catch (const RuntimeError& e) {
      trace.push_back(std::string("in outer: ") + e.what());
      throw;
    }
    return {};
  });
  generator.next();
  EXPECT_EQ(close(generator), "RuntimeError(generator ignored GeneratorExit)");
  EXPECT_EQ(trace, (Trace{"in outer: generator ignored GeneratorExit"}));
  EXPECT_EQ(getgeneratorstate(inner), GEN_SUSPENDED);
  EXPECT_EQ(next(inner), "StopIteration(end)");
}

TEST(DelegationClose, RaisesInTheDelegatorInTheMiddleOfTheChain) {
  Trace trace;
  Texts generator([&](auto& yield) -> Value {
    try {
      yield.from(Texts([&](auto& middle) -> Value {
        try {
          middle.from(ignoring_exit());
        } catch (const RuntimeError&) {
          trace.emplace_back("middle handles");
        }
        return {};
      }));
    } catch (const GeneratorExit&) {
      trace.emplace_back("outer exits");
      throw;
    }
    return {};
  });
  generator.next();
  EXPECT_EQ(close(generator), "None");
  EXPECT_EQ(trace, (Trace{"middle handles", "outer exits"}));
}

}  // namespace
}  // namespace segue::legacy
