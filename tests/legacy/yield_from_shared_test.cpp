// `yield.from` a generator that others drive, close or delegate to meanwhile.
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/legacy/generator.hpp>
#include <segue/legacy/inspect.hpp>
#include <segue/legacy/yielder.hpp>

#include "texts.hpp"

namespace segue::legacy {
namespace {

using testing::close;
using testing::Leaving;
using testing::next;
using testing::returning_on_exit;
using testing::send;
using testing::text;
using testing::Texts;
using testing::throw_;
using testing::Trace;
using testing::Value;

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

TEST(DelegationShared, closing_after_the_delegate_was_closed_by_others_exits_at_the_delegation) {
  Trace trace;
  for (const bool closes : {true, false}) {
    Texts inner([](auto& yield) -> Value {
      yield("i");
      return {};
    });
    Texts outer([&](auto& yield) -> Value {
      const Leaving leaving(trace, "outer");
      yield.from(inner);
      trace.emplace_back("outer goes on");
      return {};
    });
    next(outer);
    inner.close();
    EXPECT_EQ(closes ? close(outer) : throw_(outer, GeneratorExit("mine")), closes ? "None" : "GeneratorExit(mine)");
  }
  EXPECT_EQ(trace, (Trace{"outer ends", "outer ends"}));
}

TEST(DelegationShared, a_delegate_may_be_moved_while_it_is_delegated_to) {
  Texts inner([](auto& yield) -> Value {
    for (int i = 0; i < 4; ++i) yield(std::to_string(i));
    return "R";
  });
  Texts outer([&](auto& yield) -> Value { return yield.from(inner); });
  EXPECT_EQ(next(outer), "0");
  Texts moved = std::move(inner);
  EXPECT_EQ(gi_yieldfrom(outer), moved.id());
  EXPECT_EQ(next(outer), "1");
  EXPECT_EQ(next(moved), "2");
  EXPECT_EQ(next(outer), "3");
  EXPECT_EQ(next(outer), "StopIteration(R)");
  EXPECT_EQ(getgeneratorstate(moved), GEN_CLOSED);
}

// What is thrown in does not get through to a delegate that runs by itself; the delegator has handled what it got
// instead.
TEST(DelegationShared, an_error_for_a_delegate_that_runs_is_not_raised_once_the_delegator_has_returned) {
  std::vector<std::string> seen;
  for (const bool exits : {false, true}) {
    Texts* delegator = nullptr;
    Texts inner([&](auto& yield) -> Value {
      yield("0");
      seen.push_back(exits ? throw_(*delegator, GeneratorExit("mine")) : throw_(*delegator, ValueError("mine")));
      return {};
    });
    Texts outer([&](auto& yield) -> Value {
      try {
        return yield.from(inner);
      } catch (const ValueError& error) {
        seen.emplace_back(error.what());
        return "handled";
      }
    });
    delegator = &outer;
    EXPECT_EQ(next(outer), "0");
    EXPECT_EQ(next(inner), "StopIteration(None)");
  }
  const std::string refused = "generator already executing";
  EXPECT_EQ(seen, (std::vector<std::string>{refused, "StopIteration(handled)", refused, "StopIteration(handled)"}));
}

// A delegate of other types, which goes through its delegator.
using OtherNumbers = Generator<int, std::optional<long>, std::optional<std::string>>;

OtherNumbers numbers_from(int first) {
  return OtherNumbers([first](auto& yield) -> Value {
    for (int i = first;;) i = static_cast<int>(yield(i).value_or(i + 1));
  });
}

// `inner` is delegated to, then replaced; what comes in next meets the end of the delegation.
template <class Replace>
void expect_end_with_none(Replace replace) {
  using Outer = Generator<long, std::optional<int>>;
  const std::vector<std::string> ways{"next", "send", "throw_"};
  for (const std::string& way : ways) {
    OtherNumbers inner = numbers_from(1);
    Outer outer([&](auto& yield) {
      try {
        if (yield.from(inner) == std::nullopt) yield(-1);
      } catch (const ValueError&) {
        yield(-2);
      }
    });
    EXPECT_EQ(outer.next(), 1);
    EXPECT_EQ(outer.send(7), 7);
    replace(inner);
    EXPECT_EQ(gi_yieldfrom(outer), nullptr);
    const long got = way == "next" ? outer.next() : way == "send" ? outer.send(70) : outer.throw_(ValueError());
    EXPECT_EQ(got, way == "throw_" ? -2 : -1) << way;
    EXPECT_NE(getgeneratorstate(inner), GEN_SUSPENDED) << "the new one was started";
    EXPECT_EQ(outer.next(-9), -9);
  }
}

TEST(DelegationShared, a_relayed_delegate_that_is_replaced_ends_with_none) {
  expect_end_with_none([](OtherNumbers& inner) { inner = numbers_from(100); });
}

TEST(DelegationShared, a_relayed_delegate_that_is_replaced_in_its_place_ends_with_none) {
  expect_end_with_none([](OtherNumbers& inner) {
    inner = OtherNumbers();  // gives its stack back, which the next one takes
    inner = numbers_from(100);
  });
}

TEST(DelegationShared, a_relayed_delegate_that_is_closed_ends_with_none) {
  expect_end_with_none([](OtherNumbers& inner) { inner.close(); });
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

}  // namespace
}  // namespace segue::legacy
