// `yield.from` an object with a member next(): PEP 380's optional protocol.
#include <exception>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/legacy/inspect.hpp>
#include <segue/legacy/simple_generator.hpp>
#include <segue/legacy/yielder.hpp>

#include "texts.hpp"
#include "unraisable_reports.hpp"

namespace segue::legacy {
namespace {

using testing::attempt;
using testing::close;
using testing::next;
using testing::run;
using testing::send;
using testing::text;
using testing::Texts;
using testing::throw_;
using testing::Trace;
using testing::Value;

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

TEST(DelegationToObjects, SayWhatItsSendDoesNotTake) {
  struct Numbers {
    int next() { return 1; }
    int send(int sent) { return sent; }
  };
  Generator<int, std::string> generator([](auto& yield) { yield.from(Numbers()); });
  generator.next();
  const std::string error = attempt([&] { generator.send("text"); });
  EXPECT_TRUE(error.starts_with("TypeError(send() of a 'Numbers' object takes no ")) << error;
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

struct EndsByClose {
  using return_type = int;
  int next() { return 1; }
  void close() { throw StopIteration<int>(5); }
};

TEST(DelegationToObjects, end_the_delegation_by_a_stop_iteration_from_close) {
  Trace trace;
  const auto over = [&](auto& yield) -> int {
    trace.push_back("result " + std::to_string(yield.from(EndsByClose())));
    yield(2);
    return 9;
  };
  Generator<int, void, int> thrown(over);
  thrown.next();
  EXPECT_EQ(thrown.throw_(GeneratorExit()), 2);
  Generator<int, void, int> closed([&](auto& yield) -> int {
    trace.push_back("result " + std::to_string(yield.from(EndsByClose())));
    return 9;
  });
  closed.next();
  EXPECT_EQ(closed.close(), 9);
  EXPECT_EQ(trace, Trace({"result 5", "result 5"}));
}

TEST(DelegationToObjects, hands_a_tuple_on_as_one_value) {
  using Tuple = std::tuple<int, int, int, int>;
  struct Taking {
    std::optional<Tuple>& got;
    int next() { return 42; }
    int send(const std::optional<Tuple>& value) {
      got = value;
      return 43;
    }
  };
  std::optional<Tuple> got;
  Generator<int, std::optional<Tuple>> generator([&](auto& yield) { yield.from(Taking{got}); });
  EXPECT_EQ(generator.next(), 42);
  EXPECT_EQ(generator.send(Tuple(1, 2, 3, 4)), 43);
  EXPECT_EQ(got, Tuple(1, 2, 3, 4));
}

// Raises where it is told to.
struct Failing {
  std::string where;
  std::string next() { return answer("next"); }
  std::string send(std::optional<int>) { return answer("send"); }
  std::string throw_(const std::exception_ptr&) { return answer("throw_"); }
  void close() { answer("close"); }
  std::string answer(const std::string& here) const {
    if (here == where) throw LookupError("in " + here);
    return here;
  }
};

TEST(DelegationToObjects, raises_at_the_delegation_what_their_members_raise) {
  const auto resume = [](const std::string& where, Texts& generator) {
    if (where == "next") return next(generator);
    if (where == "send") return send(generator, 1);
    if (where == "throw_") return throw_(generator, ValueError());
    return close(generator);
  };
  for (const std::string where : {"next", "send", "throw_", "close"}) {
    Failing failing{""};
    Trace caught;
    Texts generator([&](auto& yield) -> Value {
      try {
        yield.from(failing);
      } catch (const LookupError& e) {
        caught.emplace_back(e.what());
      }
      return "went on";
    });
    EXPECT_EQ(next(generator), "next");
    failing.where = where;
    EXPECT_EQ(resume(where, generator), where == "close" ? "went on" : "StopIteration(went on)");
    EXPECT_EQ(caught, (Trace{"in " + where}));
    EXPECT_EQ(getgeneratorstate(generator), GEN_CLOSED);
  }
}

TEST(DelegationToObjects, takes_one_whose_next_gives_nothing) {
  struct Ticking {
    int left = 2;
    void next() {
      if (left-- == 0) throw StopIteration<void>();
    }
  };
  bool over = false;
  Generator<void> generator([&](auto& yield) {
    yield.from(Ticking());
    over = true;
  });
  generator.next();
  generator.next();
  EXPECT_FALSE(over);
  EXPECT_EQ(attempt([&] { generator.next(); }), "StopIteration(None)");
  EXPECT_TRUE(over);
}

/// Ends with whatever it is given.
template <class Stop>
struct EndsWith {
  using return_type = std::string;
  Stop stop;
  int next() { throw stop; }
};

TEST(DelegationToObjects, takes_a_text_for_a_string_and_reports_a_value_that_it_has_to_drop) {
  const segue::testing::UnraisableReports reports;
  const auto result_of = [](auto stop) {
    Generator<int, void, std::string> generator(
        [](auto& yield, auto ends) -> std::string { return "<" + yield.from(ends) + ">"; }, EndsWith{stop});
    try {
      generator.next();
      return std::string("no end");
    } catch (const StopIteration<std::string>& end) {
      return end.value;
    }
  };
  EXPECT_EQ(result_of(StopIteration("done")), "<done>");
  EXPECT_EQ(result_of(StopIteration<void>()), "<>");
  EXPECT_TRUE(reports.lines.empty());
  EXPECT_EQ(result_of(StopIteration(7)), "<>");
  ASSERT_EQ(reports.lines.size(), 1U);
  EXPECT_EQ(reports.lines[0].find("yield.from, which drops a value that is no "), 0U) << reports.lines[0];
  EXPECT_NE(reports.lines[0].find(": StopIteration(7)"), std::string::npos) << reports.lines[0];
}

TEST(DelegationToObjects, takes_a_simple_generator) {
  const auto body = [](auto& yield) {
    yield(1);
    yield(2);
    throw LookupError("after two");
  };
  SimpleGenerator<int> kept(body);
  Generator<int, std::optional<int>> generator([&](auto& yield) {
    try {
      yield.from(kept);
    } catch (const AttributeError&) {
      yield(-1);
    }
    try {
      yield.from(kept);
    } catch (const LookupError&) {
      yield(-2);
    }
    yield.from(SimpleGenerator<int>(body));
  });
  EXPECT_EQ(generator.next(), 1);
  EXPECT_EQ(generator.send(5), -1);
  for (const int value : {2, -2, 1, 2}) EXPECT_EQ(generator.next(), value);
  EXPECT_EQ(attempt([&] { return generator.next(); }), "LookupError(after two)");
}

TEST(DelegationToObject, LeavesTheValueOfAStopIterationThatOthersHold) {
  const std::exception_ptr held = std::make_exception_ptr(StopIteration<std::string>("a value that others hold, too"));
  struct Stops {
    int next() { std::rethrow_exception(*stop); }
    const std::exception_ptr* stop;
  };
  std::string result;
  Generator<int> generator([&](auto& yield) { result = yield.template from<std::string>(Stops{&held}); });
  EXPECT_EQ(generator.next(-1), -1);
  EXPECT_EQ(result, "a value that others hold, too");
  EXPECT_EQ(exception_ptr_cast<StopIteration<std::string>>(held)->value, "a value that others hold, too");
}

}  // namespace
}  // namespace segue::legacy
