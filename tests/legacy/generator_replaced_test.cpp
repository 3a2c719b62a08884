// A generator that is assigned to while what it held has something to say about it: the body that is closed, or what
// its arguments hold, puts another one into the same variable.
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <segue/legacy/generator.hpp>

#include "texts.hpp"

namespace segue::legacy {
namespace {

using testing::attempt;
using testing::Leaving;
using testing::Trace;

Generator<int> holding(Trace& trace, const char* name, int value) {
  return Generator<int>([&trace, name, value](auto& yield) {
    const Leaving leaving(trace, name);
    for (;;) yield(value);
  });
}

// Puts another generator into `variable` when it is closed.
Generator<int> replacing(Generator<int>& variable, Trace& trace, const char* other) {
  return Generator<int>([&variable, &trace, other](auto& yield) {
    try {
      for (;;) yield(1);
    } catch (const GeneratorExit&) {
      variable = holding(trace, other, 2);
      trace.push_back(std::to_string(variable.next()));
      throw;
    }
  });
}

// As CPython 3.13 does it: `variable = …` stores first, and finalizes what was there afterwards.
TEST(ReplacedGenerator, is_closed_when_the_other_is_in_its_place_and_has_the_last_word) {
  Trace trace;
  Generator<int> variable;
  variable = replacing(variable, trace, "second");
  variable.next();
  variable = holding(trace, "third", 3);
  EXPECT_EQ(trace, Trace({"2"}));
  EXPECT_EQ(variable.next(), 2);
  variable = {};
  EXPECT_EQ(trace, Trace({"2", "second ends"}));
}

TEST(ReplacedGenerator, that_has_run_is_closed_where_the_body_of_another_replaces_it) {
  Trace trace;
  Generator<int> variable;
  variable = replacing(variable, trace, "second");
  variable.next();
  Generator<int> third = holding(trace, "third", 3);
  third.next();
  variable = std::move(third);
  EXPECT_EQ(trace, Trace({"third ends", "2"}));
  variable = {};
  EXPECT_EQ(trace, Trace({"third ends", "2", "second ends"}));
}

TEST(ReplacedGenerator, may_own_what_it_is_replaced_by) {
  Trace trace;
  Generator<int>* inner = nullptr;
  Generator<int> variable([&](auto& yield) {
    Generator<int> own = holding(trace, "own", 7);
    inner = &own;
    const Leaving leaving(trace, "owner");
    for (;;) yield(own.next());
  });
  variable.next();
  variable = std::move(*inner);
  EXPECT_EQ(trace, Trace({"owner ends"}));
  EXPECT_EQ(variable.next(), 7);
}

TEST(ReplacedGenerator, is_itself_after_an_assignment_to_itself) {
  Trace trace;
  Generator<int> variable = holding(trace, "it", 5);
  Generator<int>& same = variable;
  variable = std::move(same);
  EXPECT_EQ(variable.next(), 5);
  EXPECT_EQ(trace, Trace());
}

// What a body holds and destroys with it.
class PutsAnother {
 public:
  PutsAnother(Generator<int>& variable, Trace& trace) : variable_(&variable), trace_(&trace) {}
  PutsAnother(PutsAnother&& other) noexcept
      : variable_(std::exchange(other.variable_, nullptr)), trace_(other.trace_) {}
  ~PutsAnother() {
    if (variable_ != nullptr) *variable_ = holding(*trace_, "other", 2);
  }

 private:
  Generator<int>* variable_;
  Trace* trace_;
};

TEST(ReplacedGenerator, that_was_not_started_leaves_what_its_arguments_put_in_its_place) {
  Trace trace;
  Generator<int> variable;
  const auto body = [](auto& yield, const PutsAnother&) { yield(1); };
  variable = Generator<int>(body, PutsAnother(variable, trace));
  EXPECT_EQ(attempt([&] { variable.throw_(ValueError("thrown")); }), "ValueError(thrown)");
  EXPECT_EQ(variable.next(), 2);
  variable = Generator<int>(body, PutsAnother(variable, trace));
  variable.close();
  EXPECT_EQ(variable.next(), 2);
  EXPECT_EQ(trace, Trace({"other ends"}));
}

}  // namespace
}  // namespace segue::legacy
