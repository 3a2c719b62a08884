#include <segue/bridge/coroutine2.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace segue::bridge {
namespace {

using legacy::GEN_CLOSED;
using legacy::Generator;
using legacy::getgeneratorstate;
using Ints = boost::coroutines2::coroutine<int>;
using Trace = std::vector<std::string>;

// Boost.Context's switches tell a sanitizer nothing, so that one sees stacks overflow that do not.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif
#else
constexpr bool sanitized = false;
#endif

class Coroutine2 : public ::testing::Test {
  void SetUp() override {
    if (sanitized) GTEST_SKIP() << "Boost.Coroutine2 does not run under a sanitizer";
  }
};
class FromPull : public Coroutine2 {};
class YieldFromPull : public Coroutine2 {};
class ToPull : public Coroutine2 {};
class ToPush : public Coroutine2 {};
class FromPush : public Coroutine2 {};
class ForcedUnwind : public Coroutine2 {};

/// Notes when the scope that it is in is left.
struct Leaving {
  Trace& trace;
  std::string what;
  ~Leaving() { trace.push_back(what); }
};

auto counting(Trace& trace, int end) {
  return [&trace, end](Ints::push_type& push) {
    const Leaving leaving{trace, "left"};
    for (int i = 0; i < end; ++i) {
      trace.push_back("push " + std::to_string(i));
      push(i);
    }
  };
}

Generator<int> count(Trace& trace, int end) {
  return Generator<int>([&trace, end](auto& yield) {
    const Leaving leaving{trace, "left"};
    for (int i = 0; i < end; ++i) {
      trace.push_back("yield " + std::to_string(i));
      yield(i);
    }
  });
}

// a pull_type as a generator

TEST_F(FromPull, gives_the_values_and_ends) {
  Trace trace;
  std::vector<int> seen;
  for (const int value : from_pull(Ints::pull_type(counting(trace, 3)))) seen.push_back(value);
  EXPECT_EQ(seen, (std::vector{0, 1, 2}));
  EXPECT_EQ(trace.back(), "left");
}

TEST_F(FromPull, starts_at_the_value_where_the_pull_type_stands) {
  Trace trace;
  Ints::pull_type pull(counting(trace, 3));
  pull();
  Generator<int> generator = from_pull(std::move(pull));
  EXPECT_EQ(generator.next(), 1);
  EXPECT_EQ(generator.next(), 2);
  EXPECT_THROW(generator.next(), StopIteration<void>);
}

TEST_F(FromPull, of_a_pull_type_that_has_ended_is_an_empty_generator) {
  Generator<int> generator = from_pull(Ints::pull_type([](Ints::push_type&) {}));
  EXPECT_THROW(generator.next(), StopIteration<void>);
}

TEST_F(FromPull, runs_no_further_than_what_is_asked_for) {
  Trace trace;
  Generator<int> generator = from_pull(Ints::pull_type(counting(trace, 3)));
  EXPECT_EQ(trace, (Trace{"push 0"}));  // Coroutine2's constructor
  generator.next();
  EXPECT_EQ(trace, (Trace{"push 0"}));
  generator.next();
  EXPECT_EQ(trace, (Trace{"push 0", "push 1"}));
}

TEST_F(FromPull, of_a_body_runs_nothing_before_the_first_next) {
  Trace trace;
  Generator<int> generator = from_pull<int>(counting(trace, 2));
  EXPECT_TRUE(trace.empty());
  EXPECT_EQ(generator.next(), 0);
  EXPECT_EQ(trace, (Trace{"push 0"}));
  EXPECT_EQ(generator.next(), 1);
  EXPECT_EQ(generator.next(7), 7);
}

TEST_F(FromPull, raises_the_bodys_errors_at_next) {
  const auto body = [](Ints::push_type& push) {
    push(1);
    throw std::invalid_argument("torn");
  };
  Generator<int> generator = from_pull(Ints::pull_type(body));
  EXPECT_EQ(generator.next(), 1);
  EXPECT_THROW(generator.next(), std::invalid_argument);
  EXPECT_EQ(getgeneratorstate(generator), GEN_CLOSED);
}

TEST_F(FromPull, of_a_body_raises_even_its_first_error_at_next) {
  Generator<int> generator = from_pull<int>([](Ints::push_type&) { throw std::invalid_argument("torn"); });
  EXPECT_THROW(generator.next(), std::invalid_argument);
}

TEST_F(FromPull, turns_a_stop_iteration_of_the_body_into_a_runtime_error) {
  Generator<int> generator = from_pull<int>([](Ints::push_type&) { throw StopIteration<void>(); });
  EXPECT_THROW(generator.next(), RuntimeError);
}

TEST_F(FromPull, unwinds_the_body_when_the_suspended_generator_goes) {
  Trace trace;
  {
    Generator<int> generator = from_pull(Ints::pull_type(counting(trace, 3)));
    generator.next();
  }
  EXPECT_EQ(trace, (Trace{"push 0", "left"}));
}

TEST_F(FromPull, unwinds_the_body_when_the_generator_was_never_started) {
  Trace trace;
  {
    const Generator<int> generator = from_pull(Ints::pull_type(counting(trace, 3)));
  }
  EXPECT_EQ(trace, (Trace{"push 0", "left"}));
}

TEST_F(FromPull, lets_a_body_see_its_unwinding_and_nothing_else) {
  Trace trace;
  Generator<int> generator = from_pull<int>([&](Ints::push_type& push) {
    try {
      push(1);
    } catch (const GeneratorExit&) {
      trace.emplace_back("GeneratorExit");
    } catch (const boost::context::detail::forced_unwind&) {
      trace.emplace_back("forced_unwind");
      throw;
    }
    trace.emplace_back("goes on");
  });
  generator.next();
  generator.close();
  EXPECT_EQ(trace, (Trace{"forced_unwind"}));
}

TEST_F(FromPull, ends_when_something_is_thrown_in) {
  Trace trace;
  Generator<int> generator = from_pull(Ints::pull_type(counting(trace, 3)));
  generator.next();
  EXPECT_THROW(generator.throw_(ValueError("no more")), ValueError);
  EXPECT_EQ(trace.back(), "left");
  EXPECT_EQ(getgeneratorstate(generator), GEN_CLOSED);
}

TEST_F(FromPull, leaves_a_pull_type_that_it_refers_to_where_it_stands) {
  Trace trace;
  Ints::pull_type pull(counting(trace, 4));
  {
    Generator<int> generator = from_pull(pull);
    EXPECT_EQ(generator.next(), 0);
    EXPECT_EQ(generator.next(), 1);
  }
  EXPECT_TRUE(pull);
  pull();
  EXPECT_EQ(pull.get(), 2);
  EXPECT_EQ(trace, (Trace{"push 0", "push 1", "push 2"}));
}

TEST_F(FromPull, moves_what_can_only_be_moved) {
  using Boxes = boost::coroutines2::coroutine<std::unique_ptr<int>>;
  Generator<std::unique_ptr<int>> generator = from_pull(Boxes::pull_type([](Boxes::push_type& push) {
    push(std::make_unique<int>(1));
    push(std::make_unique<int>(2));
  }));
  EXPECT_EQ(*generator.next(), 1);
  EXPECT_EQ(*generator.next(), 2);
  EXPECT_EQ(generator.next(nullptr), nullptr);
}

TEST_F(FromPull, passes_references) {
  using References = boost::coroutines2::coroutine<int&>;
  int value = 1;
  Generator<int&> generator = from_pull(References::pull_type([&](References::push_type& push) { push(value); }));
  generator.next() = 7;
  EXPECT_EQ(value, 7);
}

TEST_F(FromPull, passes_the_turn_when_there_is_no_value) {
  using Turns = boost::coroutines2::coroutine<void>;
  int turns = 0;
  Generator<void> generator = from_pull(Turns::pull_type([&](Turns::push_type& push) {
    for (; turns < 2; ++turns) push();
  }));
  generator.next();
  generator.next();
  EXPECT_THROW(generator.next(), StopIteration<void>);
  EXPECT_EQ(turns, 2);
}

TEST_F(FromPull, refuses_to_be_resumed_by_its_own_body) {
  Generator<int> generator;
  generator = from_pull<int>([&](Ints::push_type& push) { push(generator.next()); });
  EXPECT_THROW(generator.next(), ValueError);
}

TEST_F(FromPull, survives_that_its_own_body_drops_it) {
  Trace trace;
  std::optional<Generator<int>> generator;
  generator = from_pull<int>([&](Ints::push_type& push) {
    const Leaving leaving{trace, "left"};
    generator.reset();
    push(7);
    trace.emplace_back("goes on");
  });
  EXPECT_EQ(generator->next(), 7);
  EXPECT_EQ(trace, (Trace{"left"}));
}

TEST_F(FromPull, gives_each_body_exceptions_in_flight_of_its_own) {
  const auto body = [](std::string name) {
    return [name](Ints::push_type& push) {
      try {
        throw std::runtime_error(name);
      } catch (const std::runtime_error&) {
        push(1);
        throw;
      }
    };
  };
  Generator<int> first = from_pull<int>(body("first"));
  Generator<int> second = from_pull<int>(body("second"));
  first.next();
  second.next();
  const auto error_of = [](Generator<int>& generator) -> std::string {
    try {
      generator.next();
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_EQ(error_of(first), "first");
  EXPECT_EQ(error_of(second), "second");
}

// `yield.from` a pull_type

TEST_F(YieldFromPull, yields_what_is_left_of_it) {
  Trace trace;
  Ints::pull_type pull(counting(trace, 3));
  pull();
  Generator<int> generator([&](auto& yield) {
    yield.from(pull);
    yield(9);
  });
  std::vector<int> seen;
  for (const int value : generator) seen.push_back(value);
  EXPECT_EQ(seen, (std::vector{1, 2, 9}));
  EXPECT_FALSE(pull);
}

TEST_F(YieldFromPull, keeps_one_that_is_moved_in_and_unwinds_it_with_itself) {
  Trace trace;
  {
    Generator<int> generator([&trace, pull = Ints::pull_type(counting(trace, 3))](auto& yield) mutable {
      const Leaving leaving{trace, "generator left"};
      yield.from(std::move(pull));
    });
    EXPECT_EQ(generator.next(), 0);
  }
  EXPECT_EQ(trace, (Trace{"push 0", "left", "generator left"}));
}

TEST_F(YieldFromPull, leaves_one_that_it_refers_to_alone) {
  Trace trace;
  std::optional<Ints::pull_type> pull(std::in_place, counting(trace, 3));
  {
    Generator<int> generator([&](auto& yield) { yield.from(*pull); });
    EXPECT_EQ(generator.next(), 0);
  }
  EXPECT_EQ(trace, (Trace{"push 0"}));
  pull.reset();
  EXPECT_EQ(trace, (Trace{"push 0", "left"}));
}

TEST_F(YieldFromPull, raises_its_errors_in_the_delegator) {
  Ints::pull_type pull([](Ints::push_type& push) {
    push(1);
    throw std::invalid_argument("torn");
  });
  Generator<int> generator([&](auto& yield) {
    try {
      yield.from(pull);
    } catch (const std::invalid_argument&) {
      yield(-1);
    }
  });
  EXPECT_EQ(generator.next(), 1);
  EXPECT_EQ(generator.next(), -1);
}

TEST_F(YieldFromPull, refuses_what_is_sent) {
  Trace trace;
  Ints::pull_type pull(counting(trace, 3));
  Generator<int, std::optional<int>> generator([&](auto& yield) { yield.from(pull); });
  generator.next();
  EXPECT_THROW(generator.send(1), AttributeError);
}

TEST_F(YieldFromPull, takes_one_of_what_can_only_be_moved_as_a_generator) {
  using Boxes = boost::coroutines2::coroutine<std::unique_ptr<int>>;
  Boxes::pull_type pull([](Boxes::push_type& push) { push(std::make_unique<int>(1)); });
  Generator<std::unique_ptr<int>> generator([&](auto& yield) { yield.from(from_pull(pull)); });
  EXPECT_EQ(*generator.next(), 1);
  EXPECT_EQ(generator.next(nullptr), nullptr);
}

// a generator as a pull_type

TEST_F(ToPull, gives_the_values_and_ends) {
  Trace trace;
  std::vector<int> seen;
  Ints::pull_type pull = to_pull(count(trace, 3));
  for (const int value : pull) seen.push_back(value);
  EXPECT_EQ(seen, (std::vector{0, 1, 2}));
  EXPECT_FALSE(pull);
  EXPECT_EQ(trace.back(), "left");
}

TEST_F(ToPull, of_an_empty_generator_is_false) {
  Trace trace;
  EXPECT_FALSE(to_pull(count(trace, 0)));
}

TEST_F(ToPull, runs_one_value_ahead_as_coroutine2_does) {
  Trace trace;
  Ints::pull_type pull = to_pull(count(trace, 3));
  EXPECT_EQ(trace, (Trace{"yield 0"}));
  EXPECT_EQ(pull.get(), 0);
  pull();
  EXPECT_EQ(trace, (Trace{"yield 0", "yield 1"}));
}

TEST_F(ToPull, raises_the_generators_errors_where_it_is_resumed) {
  Ints::pull_type pull = to_pull(Generator<int>([](auto& yield) {
    yield(1);
    throw ValueError("torn");
  }));
  EXPECT_EQ(pull.get(), 1);
  EXPECT_THROW(pull(), ValueError);
  EXPECT_FALSE(pull);
}

TEST_F(ToPull, raises_a_first_error_at_once) {
  EXPECT_THROW(static_cast<void>(to_pull(Generator<int>([](auto&) { throw ValueError("torn"); }))), ValueError);
}

TEST_F(ToPull, closes_the_generator_when_it_goes_while_suspended) {
  Trace trace;
  {
    const Ints::pull_type pull = to_pull(Generator<int>([&](auto& yield) {
      try {
        yield(1);
      } catch (const GeneratorExit&) {
        trace.emplace_back("GeneratorExit");
        throw;
      }
    }));
  }
  EXPECT_EQ(trace, (Trace{"GeneratorExit"}));
}

TEST_F(ToPull, closes_the_generator_when_it_goes_during_an_exception) {
  Trace trace;
  try {
    const Ints::pull_type pull = to_pull(count(trace, 3));
    throw std::runtime_error("elsewhere");
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "elsewhere");
  }
  EXPECT_EQ(trace, (Trace{"yield 0", "left"}));
  EXPECT_EQ(std::uncaught_exceptions(), 0);
}

TEST_F(ToPull, moves_what_can_only_be_moved) {
  auto pull = to_pull(Generator<std::unique_ptr<int>>([](auto& yield) { yield(std::make_unique<int>(1)); }));
  EXPECT_EQ(*pull.get(), 1);
  pull();
  EXPECT_FALSE(pull);
}

TEST_F(ToPull, passes_references) {
  int value = 1;
  auto pull = to_pull(Generator<int&>([&](auto& yield) { yield(value); }));
  pull.get() = 7;
  EXPECT_EQ(value, 7);
  auto constant = to_pull(Generator<const int&>([&](auto& yield) { yield(value); }));
  EXPECT_EQ(&constant.get(), &value);
}

TEST_F(ToPull, passes_the_turn_when_there_is_no_value) {
  int turns = 0;
  auto pull = to_pull(Generator<void>([&](auto& yield) {
    for (; turns < 2; ++turns) yield();
  }));
  EXPECT_TRUE(pull);
  pull();
  pull();
  EXPECT_FALSE(pull);
  EXPECT_EQ(turns, 2);
}

TEST_F(ToPull, and_back_is_the_same_generator) {
  Trace trace;
  Generator<int> generator = from_pull(to_pull(from_pull(to_pull(count(trace, 3)))));
  EXPECT_EQ(generator.next(), 0);
  EXPECT_EQ(generator.next(), 1);
  EXPECT_EQ(trace, (Trace{"yield 0", "yield 1"}));
  generator.close();
  EXPECT_EQ(trace.back(), "left");
}

// a generator as a push_type

TEST_F(ToPush, sends_what_is_pushed) {
  std::vector<int> got;
  {
    Ints::push_type push = to_push(Generator<void, int>([&](auto& yield) {
      while (true) got.push_back(yield());
    }));
    push(1)(2)(3);
    EXPECT_TRUE(push);
  }
  EXPECT_EQ(got, (std::vector{1, 2, 3}));
}

TEST_F(ToPush, starts_the_generator_at_the_first_push) {
  Trace trace;
  Ints::push_type push = to_push(Generator<void, int>([&](auto& yield) {
    trace.emplace_back("started");
    while (true) trace.push_back(std::to_string(yield()));
  }));
  EXPECT_TRUE(trace.empty());
  push(1);
  EXPECT_EQ(trace, (Trace{"started", "1"}));
}

TEST_F(ToPush, goes_on_with_a_generator_that_has_been_started) {
  std::vector<int> got;
  Generator<int, int> generator([&](auto& yield) {
    while (true) got.push_back(yield(0));
  });
  generator.next();
  generator.send(1);
  Ints::push_type push = to_push(std::move(generator));
  push(2);
  EXPECT_EQ(got, (std::vector{1, 2}));
}

TEST_F(ToPush, ends_with_the_generator) {
  Ints::push_type push = to_push(Generator<void, int>([](auto& yield) { yield(); }));
  EXPECT_TRUE(push);
  push(1);
  EXPECT_FALSE(push);
}

TEST_F(ToPush, raises_the_generators_errors_at_the_push) {
  Ints::push_type push = to_push(Generator<void, int>([](auto& yield) {
    const int value = yield();
    throw ValueError("got " + std::to_string(value));
  }));
  EXPECT_THROW(push(3), ValueError);
  EXPECT_FALSE(push);
}

TEST_F(ToPush, closes_the_generator_when_it_goes) {
  Trace trace;
  {
    Ints::push_type push = to_push(Generator<void, int>([&](auto& yield) {
      try {
        while (true) yield();
      } catch (const GeneratorExit&) {
        trace.emplace_back("GeneratorExit");
        throw;
      }
    }));
    push(1);
  }
  EXPECT_EQ(trace, (Trace{"GeneratorExit"}));
}

TEST_F(ToPush, may_go_without_having_been_pushed_to) {
  bool ran = false;
  {
    const Ints::push_type push = to_push(Generator<void, int>([&](auto&) { ran = true; }));
  }
  EXPECT_FALSE(ran);
}

TEST_F(ToPush, moves_what_can_only_be_moved_and_passes_references) {
  int sum = 0;
  auto boxes = to_push(Generator<void, std::unique_ptr<int>>([&](auto& yield) { sum += *yield(); }));
  boxes(std::make_unique<int>(3));
  EXPECT_EQ(sum, 3);
  auto references = to_push(Generator<void, int&>([](auto& yield) { yield() = 7; }));
  references(sum);
  EXPECT_EQ(sum, 7);
}

// a push_type as a generator

TEST_F(FromPush, pushes_what_is_sent) {
  std::vector<int> got;
  Generator<void, int> generator = from_push(Ints::push_type([&](Ints::pull_type& pull) {
    for (const int value : pull) got.push_back(value);
  }));
  EXPECT_TRUE(got.empty());
  generator.send(1);
  generator.send(2);
  EXPECT_EQ(got, (std::vector{1, 2}));
}

TEST_F(FromPush, stops_when_the_body_ends) {
  Generator<void, int> generator = from_push(Ints::push_type([](Ints::pull_type& pull) { pull(); }));
  generator.send(1);
  EXPECT_THROW(generator.send(2), StopIteration<void>);
  EXPECT_THROW(generator.send(3), StopIteration<void>);
}

TEST_F(FromPush, of_a_push_type_that_has_ended_has_stopped) {
  Ints::push_type push([](Ints::pull_type&) {});
  push(1);
  Generator<void, int> generator = from_push(std::move(push));
  EXPECT_THROW(generator.send(2), StopIteration<void>);
}

TEST_F(FromPush, raises_the_bodys_errors_at_send) {
  Generator<void, int> generator = from_push(
      Ints::push_type([](Ints::pull_type& pull) { throw std::invalid_argument("got " + std::to_string(pull.get())); }));
  EXPECT_THROW(generator.send(1), std::invalid_argument);
}

TEST_F(FromPush, unwinds_the_body_when_it_is_closed) {
  Trace trace;
  Generator<void, int> generator = from_push(Ints::push_type([&](Ints::pull_type& pull) {
    const Leaving leaving{trace, "left"};
    while (pull) pull();
  }));
  generator.send(1);
  EXPECT_TRUE(trace.empty());
  generator.close();
  EXPECT_EQ(trace, (Trace{"left"}));
}

TEST_F(FromPush, can_be_delegated_to) {
  std::vector<int> got;
  Generator<void, int> generator([&](auto& yield) {
    yield();
    yield.from(from_push(Ints::push_type([&](Ints::pull_type& pull) {
      for (const int value : pull) got.push_back(value);
    })));
  });
  generator.next();
  generator.send(1);
  generator.send(2);
  generator.send(3);
  EXPECT_EQ(got, (std::vector{0, 2, 3}));  // `yield from` begins with next(), as always
}

TEST_F(FromPush, and_back_is_the_same_sink) {
  std::vector<int> got;
  Ints::push_type push = to_push(from_push(to_push(Generator<void, int>([&](auto& yield) {
    while (true) got.push_back(yield());
  }))));
  push(1);
  push(2);
  EXPECT_EQ(got, (std::vector{1, 2}));
}

// Coroutine2's switches below a generator that runs

TEST_F(ForcedUnwind, passes_through_a_generator_whose_body_pushes) {
  Trace trace;
  {
    const Ints::pull_type pull([&](Ints::push_type& push) {
      const Leaving leaving{trace, "coroutine left"};
      Generator<int> generator([&](auto&) {
        const Leaving inner{trace, "generator left"};
        push(1);
        trace.emplace_back("goes on");
      });
      generator.next();
      trace.emplace_back("goes on");
    });
    EXPECT_TRUE(pull);
  }
  EXPECT_EQ(trace, (Trace{"generator left", "coroutine left"}));
}

}  // namespace
}  // namespace segue::bridge
