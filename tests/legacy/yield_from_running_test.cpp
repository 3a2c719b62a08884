// A chain of `yield.from` that is entered while it runs.
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include <segue/legacy/generator.hpp>
#include <segue/legacy/inspect.hpp>
#include <segue/legacy/yielder.hpp>

#include "texts.hpp"

namespace segue::legacy {
namespace {

using testing::attempt;
using testing::close;
using testing::next;
using testing::send;
using testing::Texts;
using testing::throw_;
using testing::Trace;
using testing::Value;
using TextYielder = Texts::YielderType;

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

// What each way to enter `generator` gives.
template <class G>
Trace entering(G& generator) {
  return {attempt([&] { return generator.next(); }),  attempt([&] { return generator.next({}); }),
          attempt([&] { return generator.send(1); }), attempt([&] { return generator.throw_(ValueError()); }),
          attempt([&] { generator.close(); }),        attempt([&] { return generator.begin() == generator.end(); })};
}

// A chain of three whose leaf enters each of them while it runs, after a next(), a send() and a throw_().
template <class Top, class Middle, class Leaf>
void expect_refusals() {
  const Trace refused(6, "ValueError(generator already executing)");
  Top top;
  Middle middle;
  int rounds = 0;
  Leaf leaf;
  leaf = Leaf([&](auto& yield) {
    for (;;) {
      EXPECT_EQ(entering(top), refused);
      EXPECT_EQ(entering(middle), refused);
      EXPECT_EQ(entering(leaf), refused);
      try {
        yield(static_cast<typename Leaf::yield_type>(++rounds));
      } catch (const KeyError&) {
      }
    }
  });
  middle = Middle([&](auto& yield) { yield.from(leaf); });
  top = Top([&](auto& yield) { yield.from(middle); });
  EXPECT_EQ(top.next(), 1);
  EXPECT_EQ(top.send(5), 2);
  EXPECT_EQ(top.throw_(KeyError()), 3);
  EXPECT_EQ(getgeneratorstate(top), GEN_SUSPENDED);
  EXPECT_EQ(getgeneratorstate(middle), GEN_SUSPENDED);
  EXPECT_EQ(getgeneratorstate(leaf), GEN_SUSPENDED);
  top.close();
  EXPECT_EQ(getgeneratorstate(leaf), GEN_CLOSED);
}

TEST(DelegationRunning, refuses_every_way_into_every_frame_of_a_chain) {
  using Link = Generator<int, std::optional<int>>;
  expect_refusals<Link, Link, Link>();
}

TEST(DelegationRunning, refuses_every_way_into_every_frame_of_a_relayed_chain) {
  using Top = Generator<long, std::optional<int>>;
  using Middle = Generator<int, std::optional<int>>;
  using Leaf = Generator<short, std::optional<long>>;
  expect_refusals<Top, Middle, Leaf>();
  expect_refusals<Top, Top, Leaf>();
  expect_refusals<Top, Leaf, Leaf>();
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

// Yields `value`, whatever is thrown in.
void calmly(TextYielder& yield, const char* value) {
  try {
    yield(value);
  } catch (const KeyError&) {
  }
}

// A delegate that delegates to its delegator, which is refused, and goes on.
template <class Resume>
Trace values_around_a_refusal(Resume resume) {
  Trace seen;
  Texts top;
  Texts leaf([&](auto& yield) -> Value {
    calmly(yield, "1");
    try {
      yield.from(top);
    } catch (const ValueError& e) {
      seen.emplace_back(e.what());
    }
    calmly(yield, "2");
    return {};
  });
  top = Texts([&](auto& yield) -> Value {
    calmly(yield, "0");
    yield.from(leaf);
    calmly(yield, "3");
    return {};
  });
  seen.push_back(next(top));
  while (top) seen.push_back(resume(top));
  return seen;
}

TEST(DelegationRunning, goes_on_unharmed_after_a_refusal) {
  const Trace expected{"0", "1", "generator already executing", "2", "3", "StopIteration(None)"};
  EXPECT_EQ(values_around_a_refusal([](Texts& top) { return next(top); }), expected);
  EXPECT_EQ(values_around_a_refusal([](Texts& top) { return send(top, 42); }), expected);
}

TEST(DelegationRunning, goes_on_unharmed_after_a_refusal_while_an_exception_is_thrown_in) {
  EXPECT_EQ(values_around_a_refusal([](Texts& top) { return throw_(top, KeyError()); }),
            (Trace{"0", "1", "generator already executing", "2", "3", "StopIteration(None)"}));
}

TEST(DelegationRunning, refuses_reentry_while_it_closes_its_delegate) {
  Trace trace;
  Texts generator;
  struct Closing {
    Trace& trace;
    Texts& delegator;
    std::string next() { return "42"; }
    void close() {
      trace.push_back(testing::text(gi_running(delegator)));
      trace.push_back(testing::next(delegator));
    }
  };
  generator = Texts([&](auto& yield) -> Value {
    yield.from(Closing{trace, generator});
    return {};
  });
  EXPECT_EQ(next(generator), "42");
  EXPECT_EQ(close(generator), "None");
  EXPECT_EQ(trace, (Trace{"True", "ValueError(generator already executing)"}));
}

}  // namespace
}  // namespace segue::legacy
