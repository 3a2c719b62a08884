#include <segue/legacy/yielder.hpp>

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <ranges>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/legacy/generator.hpp>
#include <segue/legacy/inspect.hpp>
#include <segue/legacy/iter.hpp>

#include "attempt.hpp"

namespace segue::legacy {
namespace {

using testing::attempt;
using testing::text;
using Trace = std::vector<std::string>;

// A generator of texts that is sent optional numbers, the usual one of these tests.
using Texts = Generator<std::string, std::optional<int>, std::optional<std::string>>;
using TextYielder = Texts::YielderType;
using Value = std::optional<std::string>;

template <class Call>
std::string run(Call call) {
  return attempt<Value>(std::move(call));
}
std::string next(Texts& generator) {
  return run([&] { return generator.next(); });
}
std::string send(Texts& generator, int value) {
  return run([&] { return generator.send(value); });
}
template <class Error>
std::string throw_(Texts& generator, Error error) {
  return run([&] { return generator.throw_(error); });
}
std::string close(Texts& generator) {
  return run([&] { return generator.close(); });
}

// values

TEST(Delegation, CarriesValuesBothWaysThroughFiveLevels) {
  using Levels = Generator<std::string, std::optional<std::string>, std::vector<std::string>>;
  struct Level {
    static Levels make(int n, Trace& trace) {
      return Levels([n, &trace](auto& yield) -> std::vector<std::string> {
        if (n == 0) {
          const auto a = yield("L0-a");
          const auto b = yield("L0-b");
          return {text(a), text(b)};
        }
        trace.push_back("enter " + std::to_string(n));
        auto result = yield.from(make(n - 1, trace));
        trace.push_back("leave " + std::to_string(n));
        result.push_back(std::to_string(n));
        return result;
      });
    }
  };
  Trace trace;
  Levels top = Level::make(4, trace);
  EXPECT_EQ(top.next(), "L0-a");
  EXPECT_EQ(trace, (Trace{"enter 4", "enter 3", "enter 2", "enter 1"}));
  EXPECT_EQ(top.send("x"), "L0-b");
  try {
    top.send("y");
    FAIL();
  } catch (const StopIteration<std::vector<std::string>>& stop) {
    EXPECT_EQ(stop.value, (std::vector<std::string>{"x", "y", "1", "2", "3", "4"}));
  }
}

TEST(Delegation, EvaluatesToTheReturnValueAndNeverSuspendsForAnEmptyDelegate) {
  Generator<int, std::optional<int>, int> outer([](auto& yield) {
    const int doubled =
        yield.from(Generator<int, std::optional<int>, int>([](auto& inner) { return 2 * inner(1).value_or(0); }));
    yield.from(std::vector<int>());
    yield.from(iter(std::vector<int>()));
    yield.from(Generator<int, std::optional<int>>([](auto&) {}));
    const int immediate = yield.from(Generator<int, std::optional<int>, int>([](auto&) { return 100; }));
    yield(doubled + immediate);
    return 0;
  });
  outer.next();
  EXPECT_EQ(outer.send(21), 142);
}

TEST(Delegation, OfAFinishedOrClosedGeneratorGivesNone) {
  Texts finished([](auto& yield) -> Value {
    yield("a");
    return "result";
  });
  finished.next();
  finished.close();
  Texts outer([&](auto& yield) -> Value {
    const Value result = yield.from(finished);
    yield("tail " + text(result));
    return {};
  });
  EXPECT_EQ(next(outer), "tail None");
}

TEST(Delegation, GoesOnWhereAPartlyConsumedDelegateIs) {
  Texts source([](auto& yield) -> Value {
    const auto a = yield("a");
    const auto b = yield("b");
    return text(a) + text(b);
  });
  Texts outer([&](auto& yield) -> Value {
    const Value result = yield.from(source);
    yield("result " + *result);
    return "end";
  });
  EXPECT_EQ(next(source), "a");
  EXPECT_EQ(next(outer), "b");
  EXPECT_EQ(send(outer, 7), "result None7");
  EXPECT_EQ(next(outer), "StopIteration(end)");
}

TEST(Delegation, MovesValuesThatCannotBeCopied) {
  using Moves = Generator<std::unique_ptr<int>, std::unique_ptr<int>, std::unique_ptr<int>>;
  Moves outer([](auto& yield) {
    auto result = yield.from(Moves([](auto& inner) {
      auto got = inner(std::make_unique<int>(1));
      return got;
    }));
    yield(std::move(result));
    return nullptr;
  });
  EXPECT_EQ(*outer.next(), 1);
  EXPECT_EQ(*outer.send(std::make_unique<int>(2)), 2);
}

TEST(Delegation, ReturnsReferences) {
  int value = 5;
  Generator<int> outer([&](auto& yield) {
    int& same = yield.from(Generator<int, void, int&>([&](auto&) -> int& { return value; }));
    EXPECT_EQ(&same, &value);
  });
  outer.next(0);
}

TEST(Delegation, WithConvertibleTypesGoesThroughTheBody) {
  Trace trace;
  Generator<std::string, std::optional<int>> outer([&](auto& yield) {
    const int result = yield.from(Generator<const char*, std::optional<long>, int>([&](auto& inner) {
      trace.push_back(text(inner("one")));
      trace.push_back(text(inner("two")));
      try {
        inner("three");
      } catch (const ValueError&) {
        trace.push_back("caught");
      }
      return 4;
    }));
    yield(std::to_string(result));
    try {
      yield.from(Generator<const char*>([](auto& inner) {
        inner("void");
        inner("still void");
      }));
    } catch (const GeneratorExit&) {
      trace.push_back("exit");
      throw;
    }
  });
  EXPECT_EQ(outer.next(), "one");
  EXPECT_EQ(outer.send(8), "two");
  EXPECT_EQ(outer.next(), "three");
  EXPECT_EQ(outer.throw_(ValueError()), "4");
  EXPECT_EQ(outer.next(), "void");
  EXPECT_EQ(outer.send(9), "still void");
  outer.close();
  EXPECT_EQ(trace, (Trace{"8", "None", "caught", "exit"}));
}

#if !defined(NDEBUG)
TEST(YielderDeathTest, OfAnotherGeneratorIsRefused) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Generator<int> outer([](auto& yield) {
    Generator<int> inner([&](auto&) { yield(1); });
    inner.next();
  });
  EXPECT_DEATH(outer.next(), "a generator yields through its own yielder");
}
#endif

// plain iterators

TEST(DelegationToRanges, MapsNoneToNextAndHasNowhereToGoWithOtherValues) {
  const auto over = [](auto& yield, std::vector<std::string> values) -> Value {
    auto it = iter(values);
    yield.from(it);
    return {};
  };
  Texts generator(over, std::vector<std::string>{"10", "20", "30"});
  EXPECT_EQ(next(generator), "10");
  EXPECT_EQ(run([&] { return generator.send(std::nullopt); }), "20");
  EXPECT_EQ(send(generator, 7), "AttributeError('list_iterator' object has no attribute 'send')");
  EXPECT_EQ(next(generator), "StopIteration(None)");
}

TEST(DelegationToRanges, RaisesTheAttributeErrorInsideTheDelegator) {
  Texts generator([](auto& yield) -> Value {
    try {
      yield.from(std::list<std::string>{"a", "b"});
    } catch (const AttributeError&) {
      yield("attr");
    }
    return {};
  });
  EXPECT_EQ(next(generator), "a");
  EXPECT_EQ(send(generator, 1), "attr");
  EXPECT_EQ(next(generator), "StopIteration(None)");
}

TEST(DelegationToRanges, RaisesWhatIsThrownAtTheDelegationAndLeavesTheIteratorAlone) {
  auto it = iter(std::vector<std::string>{"1", "2", "3"});
  Trace trace;
  Texts generator([&](auto& yield) -> Value {
    for (;;) {
      try {
        yield.from(it);
        return {};
      } catch (const ValueError&) {
        trace.emplace_back("caught");
      }
    }
  });
  EXPECT_EQ(next(generator), "1");
  EXPECT_EQ(throw_(generator, ValueError()), "2");
  EXPECT_EQ(next(generator), "3");
  EXPECT_EQ(trace, (Trace{"caught"}));
}

TEST(DelegationToRanges, TakesAnyInputRange) {
  Generator<std::string> generator([](auto& yield) {
    std::istringstream words("from a stream");
    yield.from(std::ranges::istream_view<std::string>(words));
    std::string array[] = {"from", "an array"};
    yield.from(array);
    yield.from(std::deque<std::string>{"deque"} | std::views::transform([](const auto& s) { return s + "!"; }));
    const std::vector<std::string> constant{"const"};
    yield.from(constant);
  });
  std::string all;
  for (const std::string& word : generator) all += word + " ";
  EXPECT_EQ(all, "from a stream from an array deque! const ");
}

TEST(DelegationToRanges, NamesTheIteratorThatPythonWouldHave) {
  const auto error_of = [](auto range) {
    Generator<std::ranges::range_value_t<decltype(range)>, int> generator([&](auto& yield) { yield.from(range); });
    generator.next();
    return attempt([&] { return generator.send(1); });
  };
  EXPECT_EQ(error_of(std::string("ab")), "AttributeError('str_ascii_iterator' object has no attribute 'send')");
  EXPECT_EQ(error_of(std::vector{1}), "AttributeError('list_iterator' object has no attribute 'send')");
  EXPECT_EQ(error_of(std::views::iota(1)), "AttributeError('iota_view' object has no attribute 'send')");
}

// the optional protocol

struct Recorder {
  using return_type = std::string;
  Trace log;
  int n = 0;
  std::string next() {
    log.emplace_back("next");
    if (++n > 3) throw StopIteration<std::string>("rec-value");
    return std::to_string(n);
  }
  std::string send(std::optional<int> value) {
    log.push_back("send " + text(value));
    return "s" + text(value);
  }
};

TEST(DelegationToObjects, UsesNextAndSendAsPythonDoes) {
  Recorder recorder;
  Texts generator([&](auto& yield) -> Value {
    const std::string result = yield.from(recorder);
    yield("tail " + result);
    return {};
  });
  EXPECT_EQ(next(generator), "1");
  EXPECT_EQ(run([&] { return generator.send(std::nullopt); }), "2");
  EXPECT_EQ(send(generator, 9), "s9");
  EXPECT_EQ(next(generator), "3");
  EXPECT_EQ(next(generator), "tail rec-value");
  EXPECT_EQ(recorder.log, (Trace{"next", "next", "send 9", "next", "next"}));
}

TEST(DelegationToObjects, TheReturnValueMayBeNamedAtTheDelegation) {
  struct Immediate {
    int next() { throw StopIteration<int>(7); }
  };
  struct Nothing {
    int next() { throw StopIteration<void>(); }
  };
  Generator<int> generator([](auto& yield) {
    yield(yield.template from<int>(Immediate()));
    yield(yield.template from<int>(Nothing()));
    yield.from(Immediate());
    yield(1);
  });
  EXPECT_EQ(generator.next(), 7);
  EXPECT_EQ(generator.next(), 0);
  EXPECT_EQ(generator.next(), 1);
}

TEST(DelegationToObjects, WithoutTheOptionalMembersRaisesAtTheDelegation) {
  struct Bare {
    std::string next() { return "bare"; }
  };
  Texts generator([](auto& yield) -> Value {
    try {
      yield.from(Bare());
    } catch (const AttributeError& e) {
      yield(e.what());
    }
    try {
      yield.from(Bare());
    } catch (const ValueError& e) {
      yield(e.what());
    }
    yield.from(Bare());
    return {};
  });
  EXPECT_EQ(next(generator), "bare");
  EXPECT_EQ(send(generator, 1), "'Bare' object has no attribute 'send'");
  EXPECT_EQ(next(generator), "bare");
  EXPECT_EQ(throw_(generator, ValueError("v")), "v");
  EXPECT_EQ(next(generator), "bare");
  EXPECT_EQ(close(generator), "None");
}

struct Full {
  using return_type = std::string;
  Trace& log;
  std::string next() { return "n"; }
  std::string throw_(const std::exception_ptr& error) {
    log.push_back("throw " + describe(error).repr());
    if (holds<KeyError>(error)) throw StopIteration<std::string>("stopped");
    return "t";
  }
  void close() { log.emplace_back("close"); }
};

TEST(DelegationToObjects, PassesOnWhatIsThrownAndClosed) {
  Trace log;
  Texts generator([&](auto& yield) -> Value {
    const std::string result = yield.from(Full{log});
    yield(result);
    yield.from(Full{log});
    return {};
  });
  EXPECT_EQ(next(generator), "n");
  EXPECT_EQ(throw_(generator, ValueError("v")), "t");
  EXPECT_EQ(throw_(generator, KeyError("k")), "stopped");
  EXPECT_EQ(next(generator), "n");
  EXPECT_EQ(close(generator), "None");
  EXPECT_EQ(log, (Trace{"throw ValueError('v')", "throw KeyError('k')", "close"}));
}

TEST(DelegationToObjects, ClosesThemForAThrownGeneratorExitAndRaisesIt) {
  struct Closing {
    bool& closed;
    std::string next() { return "n"; }
    std::string throw_(const std::exception_ptr&) { return "wrong"; }
    void close() { closed = true; }
  };
  bool closed = false;
  Texts generator([&](auto& yield) -> Value {
    yield.from(Closing{closed});
    return {};
  });
  generator.next();
  EXPECT_EQ(throw_(generator, GeneratorExit("mine")), "GeneratorExit(mine)");
  EXPECT_TRUE(closed);
}

// throw_ and close through a chain

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

Texts returning_on_exit() {
  return Texts([](auto& yield) -> Value {
    try {
      yield("");
    } catch (const GeneratorExit&) {
      return "lost";
    }
    return {};
  });
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

// running

TEST(DelegationRunning, TheWholeChainRefusesReentryWhileItsLeafRuns) {
  Trace trace;
  Texts top;
  Texts middle;
  Texts leaf([&](auto& yield) -> Value {
    trace.push_back(next(top));
    trace.push_back(next(middle));
    trace.push_back(std::string(to_string(getgeneratorstate(top))));
    yield("1");
    trace.push_back(close(top));
    trace.push_back(throw_(middle, ValueError()));
    trace.push_back(std::string(to_string(getgeneratorstate(middle))));
    yield("2");
    return {};
  });
  middle = Texts([&](auto& yield) -> Value { return yield.from(leaf); });
  top = Texts([&](auto& yield) -> Value { return yield.from(middle); });
  EXPECT_EQ(next(top), "1");
  for (Texts* each : {&top, &middle, &leaf}) EXPECT_EQ(getgeneratorstate(*each), GEN_SUSPENDED);
  EXPECT_EQ(next(top), "2");
  const std::string refused = "ValueError(generator already executing)";
  EXPECT_EQ(trace, (Trace{refused, refused, "GEN_RUNNING", refused, refused, "GEN_RUNNING"}));
  EXPECT_EQ(next(top), "StopIteration(None)");
}

TEST(DelegationRunning, ToItselfRaisesInsideTheBody) {
  Texts generator;
  generator = Texts([&](auto& yield) -> Value {
    yield("start");
    yield.from(generator);
    return {};
  });
  EXPECT_EQ(next(generator), "start");
  EXPECT_EQ(next(generator), "ValueError(generator already executing)");
  EXPECT_EQ(next(generator), "StopIteration(None)");
}

TEST(DelegationRunning, ToADelegatorRaisesInsideTheDelegate) {
  Texts top;
  Texts leaf([&](auto& yield) -> Value {
    try {
      yield.from(top);
    } catch (const ValueError& e) {
      yield(e.what());
    }
    return {};
  });
  top = Texts([&](auto& yield) -> Value { return yield.from(leaf); });
  EXPECT_EQ(next(top), "generator already executing");
}

// behind the delegator's back

TEST(DelegationShared, TheDelegateMayBeAdvancedAndClosedByOthers) {
  Texts inner([](auto& yield) -> Value {
    for (const char* value : {"a", "b", "c", "d"}) yield(value);
    return {};
  });
  Texts outer([&](auto& yield) -> Value {
    const Value result = yield.from(inner);
    yield("end " + text(result));
    return {};
  });
  EXPECT_EQ(next(outer), "a");
  EXPECT_EQ(next(inner), "b");
  EXPECT_EQ(next(outer), "c");
  inner.close();
  EXPECT_EQ(next(outer), "end None");
}

TEST(DelegationShared, TwoDelegatorsTakeTurns) {
  Trace trace;
  Texts inner([&](auto& yield) -> Value {
    for (int i = 0; i < 6; ++i) {
      if (const auto got = yield(std::to_string(i))) trace.push_back("inner got " + text(got));
    }
    return "R";
  });
  const auto over = [&](auto& yield) -> Value {
    trace.push_back("result " + text(yield.from(inner)));
    yield("tail");
    return {};
  };
  Texts first(over);
  Texts second(over);
  EXPECT_EQ(next(first), "0");
  EXPECT_EQ(next(second), "1");
  EXPECT_EQ(send(first, 5), "2");
  EXPECT_EQ(send(second, 6), "3");
  inner.close();
  EXPECT_EQ(next(first), "tail");
  EXPECT_EQ(next(second), "tail");
  EXPECT_EQ(trace, (Trace{"inner got 5", "inner got 6", "result None", "result None"}));
}

TEST(DelegationShared, OnlyTheDelegatorThatEndsItGetsTheValue) {
  Texts inner([](auto& yield) -> Value {
    yield("0");
    yield("1");
    return "R";
  });
  const auto over = [&](auto& yield) -> Value {
    yield("result " + text(yield.from(inner)));
    return {};
  };
  Texts first(over);
  Texts second(over);
  EXPECT_EQ(next(first), "0");
  EXPECT_EQ(next(second), "1");
  EXPECT_EQ(next(first), "result R");
  EXPECT_EQ(next(second), "result None");
  EXPECT_EQ(next(inner), "StopIteration(None)");
}

TEST(DelegationShared, ThrowAndCloseReachADelegateThatWasTakenOver) {
  Trace trace;
  Texts inner([&](auto& yield) -> Value {
    for (;;) {
      try {
        yield("i");
      } catch (const ValueError& e) {
        trace.emplace_back(e.what());
      }
    }
  });
  const auto over = [&](auto& yield) -> Value { return yield.from(inner); };
  Texts first(over);
  Texts second(over);
  next(first);
  next(second);
  EXPECT_EQ(throw_(first, ValueError("to first")), "i");
  EXPECT_EQ(throw_(second, ValueError("to second")), "i");
  EXPECT_EQ(close(first), "None");
  EXPECT_EQ(getgeneratorstate(inner), GEN_CLOSED);
  EXPECT_EQ(throw_(second, ValueError("at the delegation")), "ValueError(at the delegation)");
  EXPECT_EQ(trace, (Trace{"to first", "to second"}));
}

TEST(DelegationShared, ThrownGeneratorExitClosesADelegateThatWasTakenOver) {
  Trace trace;
  Texts inner = returning_on_exit();
  const auto over = [&](auto& yield) -> Value {
    try {
      yield.from(inner);
    } catch (const GeneratorExit& e) {
      trace.emplace_back(e.what());
      throw;
    }
    return {};
  };
  Texts first(over);
  Texts second(over);
  next(first);
  inner = Texts([](auto& yield) -> Value {
    yield("w");
    try {
      yield("x");
    } catch (...) {
      yield("y");
    }
    return {};
  });
  Texts third(over);
  EXPECT_EQ(next(third), "w");
  Texts fourth(over);
  EXPECT_EQ(next(fourth), "x");
  EXPECT_EQ(throw_(third, GeneratorExit("third")), "RuntimeError(generator ignored GeneratorExit)");
  EXPECT_EQ(throw_(first, GeneratorExit("first")), "GeneratorExit(first)");
  EXPECT_EQ(trace, (Trace{"first"}));
}

TEST(DelegationShared, DelegateThatRunsRaisesInTheDelegator) {
  // The middle of a chain is driven directly, and drives the chain's top meanwhile.
  Trace trace;
  Texts top;
  Texts middle([&](auto& yield) -> Value {
    yield("1");
    trace.push_back(next(top));
    trace.push_back(std::string(to_string(getgeneratorstate(top))));
    yield("2");
    return {};
  });
  top = Texts([&](auto& yield) -> Value {
    try {
      yield.from(middle);
    } catch (const ValueError& e) {
      yield(std::string("top caught ") + e.what());
    }
    return "top";
  });
  EXPECT_EQ(next(top), "1");
  EXPECT_EQ(next(middle), "2");
  EXPECT_EQ(trace, (Trace{"top caught generator already executing", "GEN_SUSPENDED"}));
  EXPECT_EQ(next(top), "StopIteration(top)");
}

TEST(DelegationShared, TheMiddleOfALongChainMayBeDrivenDirectly) {
  std::vector<Texts> chain;
  chain.push_back(Texts([](auto& yield) -> Value {
    for (int i = 0; i < 8; ++i) yield(std::to_string(i));
    return "end";
  }));
  chain.reserve(10);
  for (std::size_t i = 1; i < 10; ++i) {
    chain.push_back(Texts([&, i](auto& yield) -> Value {
      const Value result = yield.from(chain[i - 1]);
      return text(result) + std::to_string(i);
    }));
  }
  std::string seen;
  for (const std::size_t which : {9U, 4U, 9U, 0U, 2U, 9U, 5U, 9U}) seen += next(chain[which]);
  EXPECT_EQ(seen, "01234567");
  for (Texts& each : chain) EXPECT_EQ(getgeneratorstate(each), GEN_SUSPENDED);
  EXPECT_EQ(next(chain[4]), "StopIteration(end1234)");
  EXPECT_EQ(getgeneratorstate(chain[3]), GEN_CLOSED);
  EXPECT_EQ(next(chain[9]), "StopIteration(None56789)");
  for (Texts& each : chain) EXPECT_EQ(getgeneratorstate(each), GEN_CLOSED);
}

// depth

#if defined(__SANITIZE_THREAD__)
constexpr int deep = 1000;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
constexpr int deep = 1000;  // ThreadSanitizer has a limit of 8,000 fibers
#else
constexpr int deep = 10'000;
#endif
#else
constexpr int deep = 10'000;
#endif

Generator<int, int, int> nested(int depth, int& closed) {
  return Generator<int, int, int>([depth, &closed](auto& yield) {
    try {
      if (depth > 0) return yield.from(nested(depth - 1, closed)) + 1;
      int sum = 0;
      for (int i = 0; i < 3; ++i) sum += yield(i);
      return sum;
    } catch (const GeneratorExit&) {
      ++closed;
      throw;
    }
  });
}

TEST(DelegationDepth, ValuesAndResultsPassThroughThousandsOfLevels) {
  int closed = 0;
  auto generator = nested(deep, closed);
  EXPECT_EQ(generator.next(), 0);
  EXPECT_EQ(generator.send(10), 1);
  EXPECT_EQ(generator.send(20), 2);
  EXPECT_EQ(attempt([&] { return generator.send(30); }), "StopIteration(" + std::to_string(60 + deep) + ")");
  EXPECT_EQ(closed, 0);
}

TEST(DelegationDepth, ClosingGoesThroughThousandsOfLevels) {
  int closed = 0;
  {
    auto generator = nested(deep, closed);
    generator.next();
  }
  EXPECT_EQ(closed, deep + 1);
}

TEST(DelegationDepth, ExceptionsPassThroughThousandsOfLevels) {
  int closed = 0;
  auto generator = nested(deep, closed);
  generator.next();
  EXPECT_EQ(attempt([&] { return generator.throw_(ValueError("v")); }), "ValueError(v)");
}

}  // namespace
}  // namespace segue::legacy
