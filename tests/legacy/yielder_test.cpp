#include <segue/legacy/yielder.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/legacy/generator.hpp>
#include <segue/legacy/iter.hpp>

#include "texts.hpp"

namespace segue::legacy {
namespace {

using testing::for_any_value;
using testing::Leaving;
using testing::next;
using testing::send;
using testing::text;
using testing::Texts;
using testing::Trace;
using testing::Value;

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

TEST(Delegation, starts_its_delegate_with_its_own_first_next) {
  Trace trace;
  Texts outer([&](auto& yield) -> Value {
    const Leaving leaving(trace, "outer");
    trace.emplace_back("outer starts");
    yield.from(Texts([&](auto& inner) -> Value {
      const Leaving leaving(trace, "inner");
      trace.emplace_back("inner starts");
      inner("value");
      return {};
    }));
    return {};
  });
  EXPECT_EQ(trace, Trace());
  for (const std::string& value : outer) trace.push_back("got " + value);
  EXPECT_EQ(trace, (Trace{"outer starts", "inner starts", "got value", "inner ends", "outer ends"}));
}

TEST(Delegation, takes_place_between_the_values_of_the_delegator) {
  Trace trace;
  Texts outer([&](auto& yield) -> Value {
    yield("before");
    yield.from(Texts([&](auto& inner) -> Value {
      const Leaving leaving(trace, "inner");
      trace.emplace_back("inner starts");
      inner("one");
      inner("two");
      return {};
    }));
    yield("after");
    return {};
  });
  for (const std::string& value : outer) trace.push_back("got " + value);
  EXPECT_EQ(trace, (Trace{"got before", "inner starts", "got one", "got two", "inner ends", "got after"}));
}

TEST(Delegation, hands_what_is_sent_to_whoever_yielded_last) {
  Trace trace;
  const auto note = [&](const char* who, const std::optional<int>& got) {
    trace.push_back(who + (" got " + text(got)));
  };
  Texts outer([&](auto& yield) -> Value {
    note("outer", yield("a"));
    yield.from(Texts([&](auto& inner) -> Value {
      note("inner", inner("b"));
      note("inner", inner("c"));
      return {};
    }));
    note("outer", yield("d"));
    return {};
  });
  EXPECT_EQ(next(outer), "a");
  EXPECT_EQ(send(outer, 1), "b");
  EXPECT_EQ(send(outer, 2), "c");
  EXPECT_EQ(send(outer, 3), "d");
  EXPECT_EQ(send(outer, 4), "StopIteration(None)");
  EXPECT_EQ(trace, (Trace{"outer got 1", "inner got 2", "inner got 3", "outer got 4"}));
}

TEST(Delegation, evaluates_to_any_value_that_its_delegate_returns) {
  for_any_value([]<class T>(const T& value) {
    using Sub = Generator<std::string, void, std::optional<T>>;
    const auto body = [](auto& yield, std::optional<T> returned) {
      yield("one");
      yield("two");
      return returned;
    };
    Generator<std::string> outer([&](auto& yield) {
      yield(text(yield.from(Sub(body, std::optional<T>(value)))));
      yield(text(yield.from(Sub(body, std::optional<T>()))));
    });
    Trace seen;
    for (const std::string& each : outer) seen.push_back(each);
    EXPECT_EQ(seen, (Trace{"one", "two", text(value), "one", "two", "None"}));
  });
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

}  // namespace
}  // namespace segue::legacy
