// A generator is closed where it delegates to a shared one that has ended behind its back.
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/legacy/generator.hpp>

namespace segue::legacy {
namespace {

using Numbers = Generator<int>;

// What the delegator does on its way out, when `end` has ended what it delegates to, and then it is closed.
std::string closed_after(const std::function<void(Numbers&)>& end) {
  Numbers shared([](auto& yield) { yield(1); });
  std::string trace;
  Numbers delegator([&](auto& yield) {
    struct Leaving {
      std::string& trace;
      ~Leaving() { trace += "left"; }
    } leaving{trace};
    yield.from(shared);
    trace += "went on, ";
    yield(2);
  });
  delegator.next();
  end(shared);
  delegator.close();
  return trace;
}

TEST(ClosingWhereTheDelegateHasEnded, leaves_the_body_at_the_delegation) {
  EXPECT_EQ(closed_after([](Numbers& shared) { shared.next(0); }), "left");
  EXPECT_EQ(closed_after([](Numbers& shared) { shared.close(); }), "left");
  EXPECT_EQ(closed_after([](Numbers& shared) { shared = {}; }), "left");
}

TEST(ClosingWhereTheDelegateHasEnded, can_be_caught_there) {
  Numbers shared([](auto& yield) { yield(1); });
  bool caught = false;
  Numbers delegator([&](auto& yield) {
    try {
      yield.from(shared);
    } catch (const GeneratorExit&) {
      caught = true;
      throw;
    }
  });
  delegator.next();
  shared.close();
  delegator.close();
  EXPECT_TRUE(caught);
}

}  // namespace
}  // namespace segue::legacy
