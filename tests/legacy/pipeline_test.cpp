#include <segue/legacy/pipeline.hpp>

#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/legacy/inspect.hpp>

#include "attempt.hpp"

namespace segue::legacy {
namespace {

using testing::attempt;
using Trace = std::vector<std::string>;

/// A `finally` block.
struct Finally {
  Trace& trace;
  std::string what;
  ~Finally() { trace.push_back(what); }
};

Generator<int> numbers(Trace& trace, int end = 100) {
  return Generator<int>([&trace, end](auto& yield) {
    const Finally leaving{trace, "numbers left"};
    for (int i = 0; i < end; ++i) {
      trace.push_back("number " + std::to_string(i));
      yield(i);
    }
  });
}

const auto even = stage<int>([](auto& yield, auto source) {
  for (const int value : source) {
    if (value % 2 == 0) yield(value);
  }
});
const auto times = stage<int>([](auto& yield, auto source, int factor) {
  for (const int value : source) yield(value * factor);
});
const auto spelt = stage<std::string>([](auto& yield, auto source) {
  for (const int value : source) yield(std::to_string(value));
});
const auto traced = stage<int>([](auto& yield, auto source, Trace* trace, std::string name) {
  const Finally leaving{*trace, name + " left"};
  for (const int value : source) {
    trace->push_back(name + " " + std::to_string(value));
    yield(value);
  }
});

template <class Source>
auto listed(Source&& source) {
  std::vector<std::ranges::range_value_t<Source>> list;
  for (auto&& value : source) list.push_back(std::forward<decltype(value)>(value));
  return list;
}

// pulled

TEST(Pipeline, passes_values_through_its_stages) {
  Trace trace;
  EXPECT_EQ(listed(numbers(trace, 6) | even | times(10) | spelt), (Trace{"0", "20", "40"}));
}

TEST(Pipeline, begins_with_any_range) {
  std::vector<int> values{1, 2, 3, 4};
  const std::vector<int> constant{6, 7};
  EXPECT_EQ(listed(values | even), (std::vector{2, 4}));
  EXPECT_EQ(listed(constant | even), (std::vector{6}));
  EXPECT_EQ(listed(std::vector{8, 9} | even | spelt), (Trace{"8"}));
  EXPECT_EQ(listed(std::views::iota(0, 5) | even), (std::vector{0, 2, 4}));
}

TEST(Pipeline, keeps_a_range_that_is_given_by_value) {
  const auto make = [] { return std::vector{1, 2, 3, 4} | even | times(2); };
  Generator<int> pipeline = make();
  EXPECT_EQ(pipeline.next(), 4);
  EXPECT_EQ(pipeline.next(), 8);
}

TEST(Pipeline, shares_a_generator_that_is_an_lvalue) {
  Trace trace;
  Generator<int> source = numbers(trace);
  {
    Generator<int> pipeline = source | even;
    EXPECT_EQ(pipeline.next(), 0);
    EXPECT_EQ(pipeline.next(), 2);
  }
  EXPECT_EQ(source.next(), 3);
}

TEST(Pipeline, takes_a_function_of_a_generator_as_a_stage_and_as_its_end) {
  Trace trace;
  const auto doubled = [](Generator<int> source) {
    return Generator<int>(
        [](auto& yield, Generator<int> source) {
          for (const int value : source) yield(2 * value);
        },
        std::move(source));
  };
  const auto sum = [](auto&& source) {
    int sum = 0;
    for (const int value : source) sum += value;
    return sum;
  };
  EXPECT_EQ(numbers(trace, 4) | doubled | sum, 12);
  Generator<int> source = numbers(trace, 3);
  EXPECT_EQ(source | sum, 3);
}

TEST(Pipeline, joins_stages_before_there_is_a_source) {
  const auto tens = even | times(10);
  const auto spelt_tens = tens | spelt;
  EXPECT_EQ(listed(std::vector{1, 2, 3, 4} | spelt_tens), (Trace{"20", "40"}));
  EXPECT_EQ(listed(std::vector{6} | spelt_tens), (Trace{"60"}));
}

TEST(Pipeline, gives_way_to_the_views_of_ranges) {
  Trace trace;
  EXPECT_EQ(listed(numbers(trace) | std::views::take(3)), (std::vector{0, 1, 2}));
  Generator<int> source = numbers(trace);
  EXPECT_EQ(listed(source | std::views::take(2)), (std::vector{0, 1}));
  EXPECT_EQ(source.next(), 2);
  const auto square = [](int value) { return value * value; };
  EXPECT_EQ(listed(numbers(trace) | even | std::views::transform(square) | std::views::take(3)),
            (std::vector{0, 4, 16}));
  EXPECT_EQ(listed(numbers(trace) | std::views::take(4) | even | spelt), (Trace{"0", "2"}));
}

TEST(Pipeline, runs_nothing_before_it_is_asked) {
  Trace trace;
  Generator<int> pipeline = numbers(trace) | traced(&trace, "first") | traced(&trace, "second");
  EXPECT_TRUE(trace.empty());
}

TEST(Pipeline, reads_no_further_than_what_is_asked_for) {
  Trace trace;
  Generator<int> pipeline = numbers(trace) | traced(&trace, "first") | traced(&trace, "second");
  pipeline.next();
  EXPECT_EQ(trace, (Trace{"number 0", "first 0", "second 0"}));
  trace.clear();
  pipeline.next();
  EXPECT_EQ(trace, (Trace{"number 1", "first 1", "second 1"}));
}

TEST(Pipeline, is_closed_from_the_outside_in_when_its_consumer_leaves) {
  Trace trace;
  for (const int value : numbers(trace) | traced(&trace, "first") | traced(&trace, "second")) {
    EXPECT_EQ(value, 0);
    break;
  }
  EXPECT_EQ(trace, (Trace{"number 0", "first 0", "second 0", "second left", "first left", "numbers left"}));
}

TEST(Pipeline, is_closed_from_the_outside_in_by_close) {
  Trace trace;
  const auto exiting = stage<int>([](auto& yield, auto source, Trace* trace, std::string name) {
    try {
      for (const int value : source) yield(value);
    } catch (const GeneratorExit&) {
      trace->push_back(name + " GeneratorExit");
      throw;
    }
  });
  Generator<int> pipeline = numbers(trace) | exiting(&trace, "first") | exiting(&trace, "second");
  pipeline.next();
  trace.clear();
  pipeline.close();
  EXPECT_EQ(trace, (Trace{"second GeneratorExit", "first GeneratorExit", "numbers left"}));
  EXPECT_EQ(getgeneratorstate(pipeline), GEN_CLOSED);
}

TEST(Pipeline, raises_the_error_of_a_middle_stage_at_its_end) {
  Trace trace;
  const auto failing = stage<int>([](auto& yield, auto source) {
    for (const int value : source) {
      if (value == 1) throw ValueError("bad 1");
      yield(value);
    }
  });
  Generator<int> pipeline = numbers(trace) | traced(&trace, "first") | failing | traced(&trace, "last");
  pipeline.next();
  trace.clear();
  EXPECT_EQ(attempt([&] { return pipeline.next(); }), "ValueError(bad 1)");
  EXPECT_EQ(trace, (Trace{"number 1", "first 1", "first left", "numbers left", "last left"}));
  EXPECT_EQ(attempt<void>([&] { return pipeline.next(); }), "StopIteration(None)");
}

TEST(Pipeline, lets_a_stage_handle_the_errors_of_those_before_it) {
  const auto failing = stage<int>([](auto& yield, auto source) {
    for (const int value : source) yield(value);
    throw ValueError("torn");
  });
  const auto mended = stage<int>([](auto& yield, auto source) {
    try {
      yield.from(source);
    } catch (const ValueError&) {
      yield(-1);
    }
  });
  EXPECT_EQ(listed(std::vector{1, 2} | failing | mended), (std::vector{1, 2, -1}));
}

TEST(Pipeline, moves_what_can_only_be_moved) {
  const auto boxed = stage<std::unique_ptr<int>>([](auto& yield, auto source) {
    for (const int value : source) yield(std::make_unique<int>(value));
  });
  const auto passed = stage<std::unique_ptr<int>>([](auto& yield, auto source) {
    for (auto&& box : source) yield(std::move(box));
  });
  Generator<std::unique_ptr<int>> pipeline = std::vector{1, 2} | boxed | passed;
  EXPECT_EQ(*pipeline.next(), 1);
  EXPECT_EQ(*pipeline.next(), 2);
}

TEST(Pipeline, of_a_stage_that_is_used_again_is_another_one) {
  const auto twice = times(2);
  Generator<int> first = std::vector{1, 2} | twice;
  Generator<int> second = std::vector{10} | twice;
  EXPECT_EQ(first.next(), 2);
  EXPECT_EQ(second.next(), 20);
  EXPECT_EQ(first.next(), 4);
}

// pushed

Sink<int> collector(std::vector<int>& list, Trace& trace) {
  return sink<int>([&](auto& yield) {
    const Finally leaving{trace, "collector left"};
    while (true) list.push_back(yield());
  });
}

Sink<int> dividing(int divisor, Sink<int> target, Trace& trace) {
  return sink<int>(
      [&trace](auto& yield, int divisor, Sink<int> target) {
        const Finally leaving{trace, "divisor left"};
        while (true) {
          const int value = yield();
          if (divisor == 0) throw ValueError("division by zero");
          if (value % divisor == 0) target.send(value / divisor);
        }
      },
      divisor, std::move(target));
}

Sink<int, int> counter() {
  return sink<int>([](auto& yield) {
    int count = 0;
    try {
      for (;; ++count) yield();
    } catch (const GeneratorExit&) {
      return count;
    }
  });
}

TEST(Primed, stands_at_its_first_yield) {
  std::vector<int> got;
  Generator<int, int> generator = primed(Generator<int, int>([&](auto& yield) {
    while (true) got.push_back(yield(7));
  }));
  EXPECT_EQ(getgeneratorstate(generator), GEN_SUSPENDED);
  EXPECT_EQ(generator.send(1), 7);
  EXPECT_EQ(got, (std::vector{1}));
}

TEST(Primed, stops_where_there_is_no_yield) {
  EXPECT_EQ(attempt([] { static_cast<void>(primed(Generator<int>([](auto&) {}))); }), "StopIteration(None)");
}

TEST(Sink, takes_what_it_is_sent_at_once) {
  Trace trace;
  std::vector<int> list;
  Sink<int> sink = collector(list, trace);
  sink.send(1);
  sink.send(2);
  EXPECT_EQ(list, (std::vector{1, 2}));
}

TEST(Sink, sends_on_and_is_closed_from_the_outside_in) {
  Trace trace;
  std::vector<int> list;
  {
    Sink<int> front = dividing(2, dividing(3, collector(list, trace), trace), trace);
    for (const int value : {6, 7, 12, 14}) front.send(value);
    EXPECT_TRUE(trace.empty());
  }
  EXPECT_EQ(list, (std::vector{1, 2}));
  EXPECT_EQ(trace, (Trace{"divisor left", "divisor left", "collector left"}));
}

TEST(Sink, raises_the_error_of_a_middle_one_at_the_front) {
  Trace trace;
  std::vector<int> list;
  Sink<int> front = dividing(1, dividing(0, collector(list, trace), trace), trace);
  EXPECT_EQ(attempt([&] { front.send(1); }), "ValueError(division by zero)");
  EXPECT_EQ(trace, (Trace{"divisor left", "collector left", "divisor left"}));
  EXPECT_EQ(attempt([&] { front.send(1); }), "StopIteration(None)");
}

TEST(Sink, sends_to_several) {
  Trace trace;
  std::vector<int> halves, thirds;
  std::vector<Sink<int>> targets;
  targets.push_back(dividing(2, collector(halves, trace), trace));
  targets.push_back(dividing(3, collector(thirds, trace), trace));
  std::vector{2, 3, 6} | into(sink<int>(
                             [](auto& yield, std::vector<Sink<int>> targets) {
                               while (true) {
                                 const int value = yield();
                                 for (Sink<int>& target : targets) target.send(value);
                               }
                             },
                             std::move(targets)));
  EXPECT_EQ(halves, (std::vector{1, 3}));
  EXPECT_EQ(thirds, (std::vector{1, 2}));
}

TEST(Into, sends_all_and_closes_a_target_that_it_owns) {
  Trace trace;
  std::vector<int> list;
  numbers(trace, 3) | even | into(collector(list, trace));
  EXPECT_EQ(list, (std::vector{0, 2}));
  EXPECT_EQ(trace, (Trace{"number 0", "number 1", "number 2", "numbers left", "collector left"}));
}

TEST(Into, leaves_a_target_that_it_refers_to_open) {
  Trace trace;
  std::vector<int> list;
  Sink<int> target = collector(list, trace);
  std::vector{1, 2} | into(target);
  std::vector{3} | into(target);
  EXPECT_EQ(list, (std::vector{1, 2, 3}));
  EXPECT_TRUE(trace.empty());
}

TEST(Into, gives_what_the_target_returns_when_it_is_closed) {
  EXPECT_EQ(std::vector({5, 6, 7}) | into(counter()), std::optional(3));
  EXPECT_EQ(std::vector<int>() | into(counter()), std::optional(0));
}

TEST(Into, sends_no_more_to_a_target_that_has_stopped) {
  Trace trace;
  const auto sum_of_two = [] {
    return sink<int>([](auto& yield) {
      const int first = yield();
      return first + yield();
    });
  };
  EXPECT_EQ(numbers(trace) | into(sum_of_two()), std::optional(1));
  EXPECT_EQ(trace, (Trace{"number 0", "number 1", "numbers left"}));
  auto stopped = sum_of_two();
  std::vector{1, 2, 3} | into(stopped);
  EXPECT_EQ(std::vector{1} | into(std::move(stopped)), std::nullopt);
}

TEST(Into, raises_the_errors_of_both_sides) {
  Trace trace;
  std::vector<int> list;
  EXPECT_EQ(attempt([&] { numbers(trace) | into(dividing(0, collector(list, trace), trace)); }),
            "ValueError(division by zero)");
  trace.clear();
  const auto failing = stage<int>([](auto& yield, auto source) {
    for (const int value : source) yield(value);
    throw ValueError("torn");
  });
  EXPECT_EQ(attempt([&] { std::vector{1} | failing | into(collector(list, trace)); }), "ValueError(torn)");
  EXPECT_EQ(list, (std::vector{1}));
  EXPECT_EQ(trace, (Trace{"collector left"}));
}

TEST(Into, can_be_the_end_of_joined_stages) {
  const auto count_even = even | into(counter());
  static_assert(PipelineStage<decltype(count_even)>);
  EXPECT_EQ(std::vector({1, 2, 4}) | (even | into(counter())), std::optional(2));
}

}  // namespace
}  // namespace segue::legacy
