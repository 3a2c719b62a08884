// Values of awkward types: whose copy raises, that can only be moved, references, none at all.
#include <any>
#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/legacy/inspect.hpp>
#include <segue/legacy/yielder.hpp>

#include "attempt.hpp"

namespace segue::legacy {
namespace {

using testing::attempt;

// Raises where one is made from nothing or from another one, the `refusing`th time.
struct Fragile {
  static inline int alive = 0;
  static inline int refusing = 0;

  int value = -1;

  Fragile() { made(); }
  explicit Fragile(int value) : value(value) { ++alive; }
  Fragile(const Fragile& other) : value(other.value) { made(); }
  Fragile& operator=(const Fragile& other) {
    value = other.value;
    return *this;
  }
  ~Fragile() { --alive; }
  static void made() {
    if (refusing != 0 && --refusing == 0) throw ValueError("refused");
    ++alive;
  }
};

// Calls `scenario` with the first one refused, with the second one, … until none is; how many there were.
template <class Scenario>
int refuse_each(Scenario scenario) {
  for (int nth = 1;; ++nth) {
    scenario(nth);
    EXPECT_EQ(Fragile::alive, 0) << "after refusing number " << nth;
    if (std::exchange(Fragile::refusing, 0) != 0) return nth - 1;
  }
}

template <class Generator>
using Yielded = typename Generator::yield_type;

// Calls `body` with what makes a generator another one: itself, one that delegates to it, one that relays it.
template <class Body>
void for_each_way(Body body) {
  body([](auto inner) { return inner; });
  using Outer = Generator<int, Fragile, Fragile>;
  body([](auto inner) {
    return Outer([](auto& yield, auto kept) { return yield.from(std::move(kept)); }, std::move(inner));
  });
  using Relaying = Generator<long, Fragile, Fragile>;
  body([](auto inner) {
    return Relaying([](auto& yield, auto kept) { return yield.from(std::move(kept)); }, std::move(inner));
  });
}

Generator<int, Fragile, Fragile> fragile_echo() {
  return Generator<int, Fragile, Fragile>([](auto& yield) {
    for (int got = 0; got != 99;) {
      try {
        got = yield(got).value;
      } catch (const ValueError&) {
        got = -2;
      }
    }
    return Fragile(99);
  });
}

TEST(FragileValues, raise_at_the_yield_where_they_are_sent_and_the_generator_goes_on) {
  for_each_way([](auto wrap) {
    EXPECT_GT(refuse_each([&](int nth) {
                auto generator = wrap(fragile_echo());
                EXPECT_EQ(generator.next(), 0);
                Fragile::refusing = nth;
                const std::string got = attempt([&] { return generator.send(Fragile(1)); });
                const int left = std::exchange(Fragile::refusing, 0);
                if (std::same_as<Yielded<decltype(generator)>, long> && got == "ValueError(refused)") {
                  // Raised by the delegator's copy, at its delegation.
                  EXPECT_EQ(getgeneratorstate(generator), GEN_CLOSED);
                  return;
                }
                EXPECT_EQ(got, left == 0 ? "-2" : "1");
                EXPECT_EQ(generator.send(Fragile(5)), 5);
                Fragile::refusing = left;
              }),
              0);
  });
}

TEST(FragileValues, raise_at_the_yield_where_they_stand_for_none_and_the_generator_goes_on) {
  for_each_way([](auto wrap) {
    EXPECT_GT(refuse_each([&](int nth) {
                auto generator = wrap(fragile_echo());
                EXPECT_EQ(generator.next(), 0);
                Fragile::refusing = nth;
                const std::string got = attempt([&] { return generator.next(); });
                const int left = std::exchange(Fragile::refusing, 0);
                EXPECT_EQ(got, left == 0 ? "-2" : "-1");
                EXPECT_EQ(generator.send(Fragile(5)), 5);
                Fragile::refusing = left;
              }),
              0);
  });
}

TEST(FragileValues, raise_to_whoever_asks_where_they_are_returned_and_the_generator_ends) {
  for_each_way([](auto wrap) {
    EXPECT_GT(refuse_each([&](int nth) {
                auto generator = wrap(Generator<int, Fragile, Fragile>([](auto& yield) {
                  yield.from(std::vector{1});
                  return Fragile(3);
                }));
                EXPECT_EQ(generator.next(), 1);
                Fragile::refusing = nth;
                std::string got;
                try {
                  generator.next();
                } catch (const StopIteration<Fragile>& stop) {
                  got = std::to_string(stop.value.value);
                } catch (const ValueError& e) {
                  got = e.what();
                }
                EXPECT_EQ(got, Fragile::refusing == 0 ? "refused" : "3");
                EXPECT_EQ(getgeneratorstate(generator), GEN_CLOSED);
              }),
              0);
  });
}

TEST(FragileValues, raise_to_whoever_closes_where_they_are_returned_and_the_generator_is_closed) {
  EXPECT_GT(refuse_each([&](int nth) {
              Generator<int, void, Fragile> generator([](auto& yield) {
                try {
                  yield(1);
                } catch (const GeneratorExit&) {
                }
                return Fragile(3);
              });
              generator.next();
              Fragile::refusing = nth;
              std::string got;
              try {
                got = std::to_string(generator.close()->value);
              } catch (const ValueError& e) {
                got = e.what();
              }
              EXPECT_EQ(got, Fragile::refusing == 0 ? "refused" : "3");
              EXPECT_EQ(getgeneratorstate(generator), GEN_CLOSED);
            }),
            0);
}

TEST(ClosedGenerators, give_what_can_only_be_moved_and_references) {
  Generator<int, void, std::unique_ptr<int>> moves([](auto& yield) {
    try {
      yield(1);
    } catch (const GeneratorExit&) {
    }
    return std::make_unique<int>(3);
  });
  moves.next();
  const std::optional<std::unique_ptr<int>> moved = moves.close();
  ASSERT_TRUE(moved);
  EXPECT_EQ(**moved, 3);

  int value = 0;
  Generator<int, void, int&> refers([&](auto& yield) -> int& {
    try {
      yield(1);
    } catch (const GeneratorExit&) {
    }
    return value;
  });
  refers.next();
  const std::optional<std::reference_wrapper<int>> referred = refers.close();
  ASSERT_TRUE(referred);
  EXPECT_EQ(&referred->get(), &value);
}

TEST(ThrownInto, generators_give_what_they_yield_next_whatever_its_type) {
  bool caught = false;
  Generator<void> nothing([&](auto& yield) {
    try {
      yield();
    } catch (const ValueError&) {
      caught = true;
    }
    yield();
  });
  nothing.next();
  nothing.throw_(ValueError());
  EXPECT_TRUE(caught);
  EXPECT_EQ(getgeneratorstate(nothing), GEN_SUSPENDED);

  int value = 0;
  Generator<int&> refers([&](auto& yield) {
    int other = 1;
    try {
      yield(other);
    } catch (const ValueError&) {
    }
    yield(value);
  });
  refers.next();
  EXPECT_EQ(&refers.throw_(ValueError()), &value);

  Generator<std::unique_ptr<int>> moves([](auto& yield) {
    try {
      yield(nullptr);
    } catch (const ValueError&) {
    }
    yield(std::make_unique<int>(4));
  });
  moves.next();
  EXPECT_EQ(*moves.throw_(ValueError()), 4);
}

struct Base {
  int value = 0;
};
struct Derived : Base {};

// Yields `given`, and counts up what it is sent.
template <class Yielded, class Sent>
Generator<Yielded&, Sent&> counting(Yielded& given) {
  return Generator<Yielded&, Sent&>([&given](auto& yield) {
    for (;;) ++yield(given).value;
  });
}

TEST(References, go_both_ways_through_a_delegation) {
  Derived given;
  Derived sent;
  Generator<Base&, Derived&> linked([&](auto& yield) { yield.from(counting<Base, Derived>(given)); });
  Generator<Base&, Derived&> relayed([&](auto& yield) { yield.from(counting<Derived, Base>(given)); });
  for (auto* const generator : {&linked, &relayed}) {
    sent.value = 0;
    EXPECT_EQ(&generator->next(), &given);
    EXPECT_EQ(&generator->send(sent), &given);
    EXPECT_EQ(&generator->send(sent), &given);
    EXPECT_EQ(sent.value, 2);
  }
}

TEST(NothingInParticular, is_relayed) {
  int got = 0;
  Generator<void, int> outer([&](auto& yield) {
    yield.from(Generator<void, long>([&](auto& inner) {
      got += static_cast<int>(inner());
      try {
        inner();
      } catch (const ValueError&) {
        got += 100;
      }
    }));
    yield.from(Generator<int>([](auto& inner) { inner(1); }));
    got += 1000;
  });
  outer.next();
  outer.send(5);
  EXPECT_EQ(got, 5);
  outer.throw_(ValueError());
  EXPECT_EQ(got, 105);
  EXPECT_EQ(attempt([&] { outer.next(); }), "StopIteration(None)");
  EXPECT_EQ(got, 1105);
}

TEST(GeneratorTypes, AStringLiteralIsSentAndYieldedAsAString) {
  Generator<std::any, std::any, std::string> asking(
      [](auto& yield) { return std::any_cast<std::string>(yield("question")); });
  EXPECT_EQ(std::any_cast<std::string>(asking.next()), "question");
  EXPECT_THROW(asking.send("answer"), StopIteration<std::string>);
}

void count(auto& yield) {
  yield(1);
  yield(2);
}

TEST(GeneratorTypes, TheBodyMayBeAFunctionTemplate) {
  Generator<int> counting(count);
  EXPECT_EQ(counting.next() + counting.next(), 3);
}

// Like std::expected: no optional, though it has has_value().
struct ResultOrError {
  bool has_value() const noexcept { return error == 0; }
  int value = 0;
  int error = 0;
};

TEST(GeneratorTypes, AResultThatHoldsAnErrorIsNoNone) {
  std::vector<int> errors;
  Generator<long, ResultOrError> inner([&](auto& yield) {
    for (;;) errors.push_back(yield(0).error);
  });
  Generator<int, ResultOrError> outer([&](auto& yield) { yield.from(inner); });
  EXPECT_THROW(outer.send({.value = 0, .error = 1}), TypeError);
  outer.next();
  outer.send({.value = 0, .error = 2});
  EXPECT_EQ(errors, std::vector{2});
}

}  // namespace
}  // namespace segue::legacy
