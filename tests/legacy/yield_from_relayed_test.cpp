// `yield.from` a generator of other types, whose values come through the delegator's body: the delegate is the
// generator, wherever its handle goes.
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

Outer relaying_any(Generator<int>& inner) {
  return Outer([&inner](auto& yield) -> long {
    yield.from(inner);
    return 0;
  });
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

// As a joined one, and as in CPython, where what waits for a generator refers to it.
TEST(RelayedDelegate, whose_owner_goes_while_it_runs_is_gone_on_with) {
  Trace trace;
  std::optional<Generator<int>> inner;
  inner.emplace([&](auto& yield) {
    const Leaving leaving(trace, "delegate");
    yield(1);
    inner.reset();
    yield(2);
    yield(3);
  });
  Outer outer([&inner](auto& yield) -> long {
    yield.from(*inner);
    return 99;
  });
  EXPECT_EQ(outer.next(), 1);
  EXPECT_EQ(outer.next(), 2);
  EXPECT_EQ(outer.next(), 3);
  EXPECT_EQ(trace, Trace());
  EXPECT_EQ(end_of(outer), "ValueError(99)");
  EXPECT_EQ(trace, Trace({"delegate ends"}));
}

TEST(RelayedDelegate, whose_owner_went_while_it_ran_goes_with_its_delegator) {
  for (const bool destroyed : {false, true}) {
    Trace trace;
    std::optional<Generator<int>> inner;
    inner.emplace([&](auto& yield) {
      const Leaving leaving(trace, "delegate");
      inner.reset();
      yield(1);
    });
    std::optional<Outer> outer(relaying_any(*inner));
    EXPECT_EQ(outer->next(), 1);
    EXPECT_EQ(trace, Trace());
    if (destroyed) {
      outer.reset();
    } else {
      EXPECT_EQ(attempt([&] { outer->throw_(ValueError("through both")); }), "ValueError(through both)");
    }
    EXPECT_EQ(trace, Trace({"delegate ends"}));
  }
}

// What is yielded is made of what the delegate gives, and may be a view of it.
TEST(RelayedDelegate, may_give_what_a_view_is_yielded_of) {
  const auto text = [](int n) { return "a text that is too long to be kept without the heap " + std::to_string(n); };
  struct Object {
    decltype(text) make;
    int n = 0;
    std::string next() {
      if (n == 2) throw StopIteration<void>();
      return make(n++);
    }
  };
  Generator<std::string_view> views([&](auto& yield) {
    yield.from(Generator<std::string>([&](auto& yield) {
      yield(text(0));
      yield(text(1));
    }));
    yield.from(Object{text});
    yield.from([&, n = 0]() mutable { return n == 2 ? std::nullopt : std::optional(text(n++)); });
    yield.from(std::views::iota(0, 2) | std::views::transform(text));
  });
  std::vector<std::string> seen;
  for (const std::string_view view : views) seen.emplace_back(view);
  EXPECT_EQ(seen, (std::vector{text(0), text(1), text(0), text(1), text(0), text(1), text(0), text(1)}));
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

// What converts it delegates to another generator first.
struct Detour {
  operator int() const {
    if (other != nullptr) yielder->from(*other);
    return value;
  }

  int value = 0;
  Yielder<int>* yielder = nullptr;
  Generator<int>* other = nullptr;
};

TEST(RelayedDelegate, may_give_what_delegates_again_when_it_is_converted) {
  Yielder<int>* yielder = nullptr;
  Generator<int> other([](auto& yield) {
    yield(100);
    yield(101);
  });
  Generator<Detour> inner([&](auto& yield) {
    yield(Detour{1, yielder, &other});
    yield(Detour{2});
    yield(Detour{3});
  });
  Generator<int> outer([&](Yielder<int>& yield) {
    yielder = &yield;
    yield.from(inner);
    yield(-1);
  });
  std::vector<int> values;
  for (const int value : outer) values.push_back(value);
  EXPECT_EQ(values, (std::vector{100, 101, 1, 2, 3, -1}));
}

TEST(RelayedDelegate, is_let_go_of_where_another_delegation_was_inside) {
  Yielder<int>* yielder = nullptr;
  Generator<int> other([](auto& yield) { yield(100); });
  Generator<Detour> inner([&](auto& yield) {
    yield(Detour{1, yielder, &other});
    yield(Detour{2});
  });
  {
    Generator<int> outer([&](Yielder<int>& yield) {
      yielder = &yield;
      yield.from(inner);
    });
    EXPECT_EQ(outer.next(), 100);
    EXPECT_EQ(outer.next(), 1);
    EXPECT_EQ(gi_yieldfrom(outer), inner.id());
  }
  // On the stack of the one that has gone, and at the same place there.
  Generator<int, void, int> delegate([](auto& yield) {
    yield(1);
    return 42;
  });
  Generator<int> innocent([&](auto& yield) { yield(yield.from(delegate)); });
  EXPECT_EQ(innocent.next(), 1);
  inner = {};
  EXPECT_EQ(innocent.next(), 42);
}

// What resumes a generator when the one that was moved from goes.
struct ResumesAtItsEnd {
  ResumesAtItsEnd() = default;
  ResumesAtItsEnd(Generator<std::string, ResumesAtItsEnd>* to_resume) : resumed(to_resume) {}
  ResumesAtItsEnd(ResumesAtItsEnd&& other) noexcept : resumed(other.resumed), moved_from(false) {
    other.moved_from = true;
  }
  ResumesAtItsEnd& operator=(ResumesAtItsEnd&&) = delete;
  ~ResumesAtItsEnd() {
    if (moved_from && resumed != nullptr) resumed->next(std::string());
  }
  Generator<std::string, ResumesAtItsEnd>* resumed = nullptr;
  bool moved_from = false;
};

TEST(RelayedDelegate, may_be_resumed_by_the_destructor_of_what_was_sent) {
  using Sub = Generator<std::string, ResumesAtItsEnd>;
  Sub inner([](auto& yield) {
    for (int i = 0;; ++i) yield("a text that is too long to be kept in place " + std::to_string(i));
  });
  Generator<std::string, Sub*> outer([&](auto& yield) { yield.from(inner); });
  outer.next();
  EXPECT_EQ(outer.send(&inner), "a text that is too long to be kept in place 1");
  EXPECT_EQ(outer.next(), "a text that is too long to be kept in place 2");
}

}  // namespace
}  // namespace segue::legacy
