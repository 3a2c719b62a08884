// `yield.from` what is not a generator: ranges and functions.
#include <deque>
#include <exception>
#include <functional>
#include <iterator>
#include <list>
#include <memory>
#include <optional>
#include <ranges>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/legacy/generator.hpp>
#include <segue/legacy/inspect.hpp>
#include <segue/legacy/iter.hpp>
#include <segue/legacy/yielder.hpp>
#include <segue/os_error.hpp>

#include "texts.hpp"

namespace segue::legacy {
namespace {

using testing::attempt;
using testing::close;
using testing::Leaving;
using testing::next;
using testing::run;
using testing::send;
using testing::Texts;
using testing::throw_;
using testing::Trace;
using testing::Value;

// plain iterators

TEST(DelegationToRanges, MapsNoneToNextAndHasNowhereToGoWithOtherValues) {
  const auto over = [](auto& yield, std::vector<std::string> values) -> Value {
    auto it = iter(values);
    yield.from(it);
    return {};
  };
  Texts generator(over, std::vector<std::string>{"10", "20", "30"});
  EXPECT_EQ(next(generator), "10");
  EXPECT_EQ(run([&] { return generator.send(std::nullopt); }), "20");
  EXPECT_EQ(send(generator, 7), "AttributeError('list_iterator' object has no attribute 'send')");
  EXPECT_EQ(next(generator), "StopIteration(None)");
}

TEST(DelegationToRanges, RaisesTheAttributeErrorInsideTheDelegator) {
  Texts generator([](auto& yield) -> Value {
    try {
      yield.from(std::list<std::string>{"a", "b"});
    } catch (const AttributeError&) {
      yield("attr");
    }
    return {};
  });
  EXPECT_EQ(next(generator), "a");
  EXPECT_EQ(send(generator, 1), "attr");
  EXPECT_EQ(next(generator), "StopIteration(None)");
}

TEST(DelegationToRanges, RaisesWhatIsThrownAtTheDelegationAndLeavesTheIteratorAlone) {
  auto it = iter(std::vector<std::string>{"1", "2", "3"});
  Trace trace;
  Texts generator([&](auto& yield) -> Value {
    for (;;) {
      try {
        yield.from(it);
        return {};
      } catch (const ValueError&) {
        trace.emplace_back("caught");
      }
    }
  });
  EXPECT_EQ(next(generator), "1");
  EXPECT_EQ(throw_(generator, ValueError()), "2");
  EXPECT_EQ(next(generator), "3");
  EXPECT_EQ(trace, (Trace{"caught"}));
}

TEST(DelegationToRanges, TakesAnyInputRange) {
  Generator<std::string> generator([](auto& yield) {
    std::istringstream words("from a stream");
    yield.from(std::ranges::istream_view<std::string>(words));
    std::string array[] = {"from", "an array"};
    yield.from(array);
    yield.from(std::deque<std::string>{"deque"} | std::views::transform([](const auto& s) { return s + "!"; }));
    const std::vector<std::string> constant{"const"};
    yield.from(constant);
  });
  std::string all;
  for (const std::string& word : generator) all += word + " ";
  EXPECT_EQ(all, "from a stream from an array deque! const ");
}

// std::ranges::subrange has a member next(), which is not that of an iterator.
TEST(DelegationToRanges, takes_a_part_of_a_range) {
  Generator<int> generator([](auto& yield) {
    std::vector numbers{1, 2, 3};
    yield.from(std::ranges::subrange(numbers.begin() + 1, numbers.end()));
    std::list list{4, 5, 6};
    const auto part = std::views::counted(list.begin(), 2);
    yield.from(part);
    std::istringstream words("7 8");
    yield.from(std::ranges::subrange(std::istream_iterator<int>(words), std::istream_iterator<int>()));
  });
  std::vector<int> all;
  for (const int number : generator) all.push_back(number);
  EXPECT_EQ(all, (std::vector{2, 3, 4, 5, 7, 8}));
}

TEST(DelegationToRanges, NamesTheIteratorThatPythonWouldHave) {
  const auto error_of = [](auto range) {
    Generator<std::ranges::range_value_t<decltype(range)>, int> generator([&](auto& yield) { yield.from(range); });
    generator.next();
    return attempt([&] { return generator.send(1); });
  };
  EXPECT_EQ(error_of(std::string("ab")), "AttributeError('str_ascii_iterator' object has no attribute 'send')");
  EXPECT_EQ(error_of(std::vector{1}), "AttributeError('list_iterator' object has no attribute 'send')");
  EXPECT_EQ(error_of(std::views::iota(1)), "AttributeError('iota_view' object has no attribute 'send')");
}

// A range of somebody else's, which looks like a list, a string and a dict.
struct Table : std::vector<int> {
  using traits_type = void;
  using mapped_type = int;
};

TEST(DelegationToRanges, calls_what_python_does_not_have_by_its_type) {
  Generator<int, int> generator([](auto& yield) { yield.from(Table{{1, 2}}); });
  generator.next();
  EXPECT_EQ(attempt([&] { return generator.send(1); }), "AttributeError('Table' object has no attribute 'send')");
}

TEST(DelegationToRanges, ends_at_once_where_there_is_nothing) {
  Texts generator([](auto& yield) -> Value {
    yield.from(std::vector<std::string>());
    return {};
  });
  EXPECT_EQ(next(generator), "StopIteration(None)");
}

TEST(DelegationToRanges, lets_what_is_thrown_and_closed_go_through_the_delegator) {
  for (const bool closes : {true, false}) {
    Trace trace;
    Texts generator([&](auto& yield) -> Value {
      const Leaving leaving(trace, "outer");
      yield.from(std::vector<std::string>{"0", "1", "2"});
      trace.emplace_back("never");
      return {};
    });
    EXPECT_EQ(next(generator), "0");
    EXPECT_EQ(next(generator), "1");
    EXPECT_EQ(closes ? close(generator) : throw_(generator, ValueError("v")), closes ? "None" : "ValueError(v)");
    EXPECT_EQ(trace, (Trace{"outer ends"}));
    EXPECT_EQ(next(generator), "StopIteration(None)");
  }
}

struct Unopened {
  const std::string* begin() const { throw OSError("cannot be opened"); }
  const std::string* end() const { return nullptr; }
};

// Python's map(lambda _: next(it) * 10, …), which ends with `it`.
TEST(DelegationToRanges, ends_where_the_making_of_an_element_raises_stop_iteration) {
  std::vector<int> left = {2, 1};
  int last = 0;
  const auto take = [&](int) -> int {
    if (left.empty()) throw StopIteration<void>();
    last = left.back() * 10;
    left.pop_back();
    return last;
  };
  const auto values_of = [](auto range) {
    Generator<int> generator([&](auto& yield) {
      yield.from(range);
      yield(99);
    });
    std::vector<int> values;
    for (const int value : generator) values.push_back(value);
    return values;
  };
  EXPECT_EQ(values_of(std::views::iota(0) | std::views::transform(take)), (std::vector{10, 20, 99}));
  left = {2, 1};
  const auto take_by_reference = [&](int n) -> int& { return take(n), last; };
  EXPECT_EQ(values_of(std::views::iota(0) | std::views::transform(take_by_reference)), (std::vector{10, 20, 99}));
}

TEST(DelegationToRanges, raises_in_the_delegator_what_its_begin_raises) {
  Texts generator([](auto& yield) -> Value {
    try {
      yield.from(Unopened());
    } catch (const OSError& e) {
      yield(e.what());
    }
    yield.from(Unopened());
    return {};
  });
  EXPECT_EQ(next(generator), "cannot be opened");
  EXPECT_EQ(gi_yieldfrom(generator), nullptr);
  EXPECT_EQ(next(generator), "OSError(cannot be opened)");
  EXPECT_EQ(next(generator), "StopIteration(None)");
}

// functions

using Source = std::function<std::optional<int>()>;

// Gives 1 to `end`, then nothing, and counts how often it is asked.
Source counting(int& asked, int end) {
  return [&asked, end]() -> std::optional<int> {
    ++asked;
    return asked <= end ? std::optional(asked) : std::nullopt;
  };
}

TEST(DelegationToFunctions, calls_them_until_they_give_nothing) {
  int asked = 0;
  const Source source = counting(asked, 2);
  Generator<int> generator([&](auto& yield) {
    yield.from(source);
    yield(-asked);
    yield.from([left = 2]() mutable { return left > 0 ? std::optional(10 * left--) : std::nullopt; });
  });
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(generator.next(), 1);
  EXPECT_EQ(asked, 1);
  for (const int value : {2, -3, 20, 10}) EXPECT_EQ(generator.next(), value);
  EXPECT_EQ(attempt([&] { return generator.next(); }), "StopIteration(None)");
}

std::optional<int> ten_once() {
  static bool asked = false;
  return std::exchange(asked, !asked) ? std::nullopt : std::optional(10);
}

TEST(DelegationToFunctions, takes_a_plain_function_and_one_that_gives_what_can_only_be_moved) {
  Generator<std::unique_ptr<int>> generator([](auto& yield) {
    yield.from([left = 1]() mutable { return left-- > 0 ? std::optional(std::make_unique<int>(7)) : std::nullopt; });
    Generator<int> numbers([](auto& inner) { inner.from(ten_once); });
    yield(std::make_unique<int>(numbers.next()));
    EXPECT_EQ(numbers.next(-1), -1);
  });
  EXPECT_EQ(*generator.next(), 7);
  EXPECT_EQ(*generator.next(), 10);
  EXPECT_EQ(generator.next(nullptr), nullptr);
}

TEST(DelegationToFunctions, raises_at_the_delegation_what_is_sent_and_thrown_and_goes_on_where_they_are) {
  int asked = 0;
  const Source source = counting(asked, 10);
  Trace trace;
  Generator<int, std::optional<int>> generator([&](auto& yield) {
    for (;;) {
      try {
        yield.from(source);
      } catch (const AttributeError& e) {
        trace.emplace_back(e.what());
      } catch (const ValueError& e) {
        trace.emplace_back(e.what());
      }
    }
  });
  EXPECT_EQ(generator.next(), 1);
  EXPECT_EQ(gi_yieldfrom(generator), &source);
  EXPECT_EQ(generator.send(std::nullopt), 2);
  EXPECT_EQ(generator.send(5), 3);
  EXPECT_EQ(generator.throw_(ValueError("v")), 4);
  EXPECT_EQ(trace, (Trace{"'callable_iterator' object has no attribute 'send'", "v"}));
  generator.close();
  EXPECT_EQ(asked, 4);
}

TEST(DelegationToFunctions, ends_with_a_stop_iteration_and_raises_every_other_error_of_theirs) {
  Generator<std::string> generator([](auto& yield) {
    yield.from([]() -> std::optional<std::string> { throw StopIteration<int>(7); });
    try {
      yield.from([]() -> std::optional<std::string> { throw OSError("no more"); });
    } catch (const OSError& e) {
      yield(e.what());
    }
  });
  EXPECT_EQ(generator.next(), "no more");
  EXPECT_EQ(generator.next("end"), "end");
}

}  // namespace
}  // namespace segue::legacy
