// `yield.from` a generator of other types, whose values come through the delegator's body: the delegate is the
// generator, wherever its handle goes.
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <segue/legacy/generator.hpp>
#include <segue/legacy/inspect.hpp>
#include <segue/legacy/yielder.hpp>

#include "texts.hpp"

namespace segue::legacy {
namespace {

using testing::attempt;
using testing::Leaving;
using testing::Trace;

using Inner = Generator<int, void, std::optional<int>>;
using Outer = Generator<long, void, long>;

Inner count_from(int first, Trace* trace = nullptr) {
  return Inner([=](auto& yield) -> std::optional<int> {
    std::optional<Leaving> leaving;
    if (trace != nullptr) leaving.emplace(*trace, "delegate");
    for (int n = first; n < first + 3; ++n) yield(n);
    return first;
  });
}

Outer relaying(Inner& inner) {
  return Outer([&inner](auto& yield) -> long { return yield.from(inner).value_or(-1); });
}

std::string end_of(Outer& outer) {
  return attempt([&] {
    try {
      outer.next();
    } catch (const StopIteration<long>& stop) {
      throw ValueError(std::to_string(stop.value));
    }
  });
}

TEST(RelayedDelegate, gives_its_values_and_its_result) {
  Inner inner = count_from(1);
  Outer outer = relaying(inner);
  EXPECT_EQ(outer.next(), 1);
  EXPECT_EQ(gi_yieldfrom(outer), inner.id());
  EXPECT_EQ(outer.next(), 2);
  EXPECT_EQ(outer.next(), 3);
  EXPECT_EQ(end_of(outer), "ValueError(1)");
}

TEST(RelayedDelegate, is_gone_on_with_when_it_has_been_moved) {
  Inner inner = count_from(1);
  Outer outer = relaying(inner);
  EXPECT_EQ(outer.next(), 1);
  Inner moved = std::move(inner);
  EXPECT_EQ(gi_yieldfrom(outer), moved.id());
  EXPECT_EQ(outer.next(), 2);
  EXPECT_EQ(moved.next(), 3);
  EXPECT_EQ(end_of(outer), "ValueError(1)");
}

TEST(RelayedDelegate, ends_with_none_when_its_owner_has_destroyed_it) {
  auto inner = std::make_unique<Inner>(count_from(1));
  Outer outer = relaying(*inner);
  EXPECT_EQ(outer.next(), 1);
  inner.reset();
  EXPECT_EQ(gi_yieldfrom(outer), nullptr);
  EXPECT_EQ(end_of(outer), "ValueError(-1)");
}

TEST(RelayedDelegate, is_not_taken_for_what_replaces_it) {
  Trace trace;
  Inner inner = count_from(1, &trace);
  Outer outer = relaying(inner);
  EXPECT_EQ(outer.next(), 1);
  inner = count_from(7);
  EXPECT_EQ(trace, Trace({"delegate ends"}));
  outer.close();
  EXPECT_EQ(getgeneratorstate(inner), GEN_CREATED);
  EXPECT_EQ(inner.next(), 7);
}

TEST(RelayedDelegate, is_closed_with_its_delegator_wherever_it_has_gone) {
  Trace trace;
  Inner inner = count_from(1, &trace);
  Outer outer = relaying(inner);
  EXPECT_EQ(outer.next(), 1);
  const Inner moved = std::move(inner);
  outer.close();
  EXPECT_EQ(trace, Trace({"delegate ends"}));
  EXPECT_EQ(getgeneratorstate(moved), GEN_CLOSED);
}

TEST(RelayedDelegate, is_let_go_of_by_a_delegator_that_leaves_it) {
  Inner inner = count_from(1);
  {
    Outer outer([&inner](auto& yield) -> long {
      try {
        yield.from(inner);
      } catch (const ValueError&) {
      }
      yield(100);
      return yield.from(inner).value_or(-1);
    });
    EXPECT_EQ(outer.next(), 1);
    EXPECT_EQ(inner.next(), 2);
    outer.throw_(ValueError("through the delegate"));
    EXPECT_EQ(gi_yieldfrom(outer), nullptr);
    EXPECT_EQ(end_of(outer), "ValueError(-1)");
  }
  EXPECT_EQ(getgeneratorstate(inner), GEN_CLOSED);
}

}  // namespace
}  // namespace segue::legacy
