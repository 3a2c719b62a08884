#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/bridge/coroutine2.hpp>
#include <segue/bridge/portal.hpp>
#include <segue/modern/tasks/sleep.hpp>

#include "coroutine2_bodies.hpp"
#include "loop.hpp"

namespace segue::bridge {
namespace {

using legacy::GEN_CLOSED;
using legacy::Generator;
using legacy::getgeneratorstate;
using testing::counting;
using testing::Ints;
using testing::Leaving;
using testing::Trace;

class FromPull : public testing::Coroutine2 {};
class YieldFromPull : public testing::Coroutine2 {};

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

// greenback's issue 22, in Coroutine2's terms

TEST_F(FromPull, a_body_below_a_portal_may_wait) {
  const auto loop = testing::make_loop();
  Trace trace;
  auto consume = [&] {
    Ints::pull_type waiting([](Ints::push_type& push) {
      for (int i = 0; i < 3; ++i) {
        await_(modern::sleep(std::chrono::seconds(1)));
        push(i);
      }
    });
    for (const int value : from_pull(std::move(waiting))) trace.push_back(std::to_string(value));
  };
  loop->call_later(std::chrono::milliseconds(2500), [&] { trace.push_back("the loop goes on"); });
  loop->run_until_complete(portal(consume));
  EXPECT_EQ(trace, (Trace{"0", "1", "the loop goes on", "2"}));
}

}  // namespace
}  // namespace segue::bridge
