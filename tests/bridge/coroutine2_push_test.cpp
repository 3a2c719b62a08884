#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/bridge/coroutine2.hpp>

#include "coroutine2_bodies.hpp"

namespace segue::bridge {
namespace {

using legacy::Generator;
using testing::Ints;
using testing::Leaving;
using testing::Trace;

class ToPush : public testing::Coroutine2 {};
class FromPush : public testing::Coroutine2 {};
class ForcedUnwind : public testing::Coroutine2 {};

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
