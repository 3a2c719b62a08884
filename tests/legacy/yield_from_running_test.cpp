// A chain of `yield.from` that is entered while it runs.
#include <string>

#include <gtest/gtest.h>

#include <segue/legacy/generator.hpp>
#include <segue/legacy/inspect.hpp>
#include <segue/legacy/yielder.hpp>

#include "texts.hpp"

namespace segue::legacy {
namespace {

using testing::close;
using testing::next;
using testing::Texts;
using testing::throw_;
using testing::Trace;
using testing::Value;

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

}  // namespace
}  // namespace segue::legacy
