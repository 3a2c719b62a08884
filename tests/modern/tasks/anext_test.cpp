// anext() and async_for() over iterators of any kind.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/async_generators.hpp>
#include <segue/modern/tasks/outcome.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/yield.hpp>

#include "modern/attempt.hpp"
#include "modern/stepped.hpp"

namespace segue::modern {
namespace {

using testing::attempt;
using ::testing::ElementsAre;
using testing::make_loop;
using testing::sent;
using testing::thrown;

using Ints = AsyncGenerator<int>;

struct OneTwo {
  int yielded = 0;
  Coroutine<int> anext() {
    if (yielded >= 2) throw StopAsyncIteration();
    co_return ++yielded;
  }
};
struct FailsAtOnce {
  Coroutine<int> anext() { throw ValueError("at once"); }
};
struct FailsWhenAwaited {
  Coroutine<int> anext() {
    throw ValueError("awaited");
    co_return 1;
  }
};

template <class Iterator>
Coroutine<> expect_one_two(Iterator iterator, Iterator with_default) {
  EXPECT_EQ(co_await anext(iterator), 1);
  EXPECT_EQ(co_await anext(iterator), 2);
  for (int i = 0; i < 2; ++i) {
    const Outcome<int> end = co_await outcome(anext(iterator));
    EXPECT_TRUE(holds<StopAsyncIteration>(end.exception()));
  }
  EXPECT_EQ(co_await anext(with_default, 7), 1);
  EXPECT_EQ(co_await anext(with_default, 7), 2);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(co_await anext(with_default, 7), 7);
}

TEST(Anext, gives_the_next_one_or_the_default_of_any_iterator) {
  auto loop = make_loop();
  const auto one_two = []() -> Ints {
    co_yield 1;
    co_yield 2;
  };
  loop->run_until_complete(expect_one_two(one_two(), one_two()));
  loop->run_until_complete(expect_one_two(OneTwo(), OneTwo()));
  struct Iterable {
    Ints aiter() const {
      co_yield 1;
      co_yield 2;
    }
  };
  std::vector<int> seen;
  const auto main = [&]() -> Coroutine<> {
    const auto note = [&seen](int i) { seen.push_back(i); };
    co_await async_for(Iterable(), note);
    auto g = one_two();
    co_await async_for(std::ref(g), note);
  };
  loop->run_until_complete(main());
  EXPECT_THAT(seen, ElementsAre(1, 2, 1, 2));
}

TEST(Anext, takes_what_gives_awaitables_and_nothing_else) {
  struct GivesAnInt {
    int anext() { return 1; }
  };
  struct GivesARange {
    std::vector<int> anext() { return {1}; }
  };
  EXPECT_FALSE(AsyncIterator<int>);
  EXPECT_FALSE(AsyncIterator<GivesAnInt>);
  EXPECT_FALSE(AsyncIterator<GivesARange>);
  EXPECT_TRUE(AsyncIterator<OneTwo>);
  EXPECT_TRUE(AsyncIterator<Ints>);
}

TEST(AsyncFor, goes_through_what_is_an_exception_too) {
  struct Once : StopIteration<int> {
    using StopIteration<int>::StopIteration;
    bool given = false;
    Coroutine<int> anext() {
      if (std::exchange(given, true)) throw StopAsyncIteration();
      co_return value;
    }
  };
  std::vector<int> seen;
  const auto main = [&]() -> Coroutine<std::string> {
    co_await async_for(Once(42), [&](int value) { seen.push_back(value); });
    throw ValueError("done");
  };
  auto coroutine = main();
  EXPECT_EQ(sent(coroutine), "ValueError(done)");
  EXPECT_THAT(seen, ElementsAre(42));
}

TEST(Anext, passes_on_errors_of_the_iterator_with_and_without_a_default) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    FailsWhenAwaited when_awaited;
    const Outcome<int> plain = co_await outcome(anext(when_awaited));
    EXPECT_EQ(testing::text(plain.exception()), "ValueError(awaited)");
    const Outcome<int> with_default = co_await outcome(anext(when_awaited, 7));
    EXPECT_EQ(testing::text(with_default.exception()), "ValueError(awaited)");
    FailsAtOnce at_once;
    EXPECT_EQ(attempt([&] { static_cast<void>(anext(at_once)); }), "ValueError(at once)");
    const Outcome<int> later = co_await outcome(anext(at_once, 7));
    EXPECT_EQ(testing::text(later.exception()), "ValueError(at once)");
  };
  loop->run_until_complete(main());
}

TEST(AsyncFor, goes_through_an_iterator_that_waits_and_raises_what_making_it_raises) {
  struct Counter {
    int& made;
    int i = 0;
    Coroutine<int> anext() {
      if (++i % 10 == 0) co_await yield_(i * 10);
      if (i > 100) throw StopAsyncIteration();
      co_return i;
    }
  };
  struct Iterable {
    int& made;
    Counter aiter() const {
      if (made < 0) throw ValueError("no iterator");
      ++made;
      return Counter{made};
    }
  };
  int made = 0;
  for (const int last : {20, 1'000}) {
    std::vector<int> seen;
    const auto main = [&]() -> Coroutine<std::string> {
      const auto note = [&](int i) {
        seen.push_back(i);
        return i == last ? LoopControl::break_ : LoopControl::continue_;
      };
      co_await async_for(Iterable{made}, note);
      co_return "end";
    };
    auto coroutine = main();
    std::vector<std::string> yielded;
    for (std::string step = sent(coroutine); step != "StopIteration(end)"; step = sent(coroutine))
      yielded.push_back(step);
    EXPECT_EQ(yielded.size(), last == 20 ? 2U : 10U);
    EXPECT_EQ(yielded[1], "yields 200");
    EXPECT_EQ(seen.size(), last == 20 ? 20U : 100U);
  }
  EXPECT_EQ(made, 2) << "once a loop";
  int broken = -1;
  const auto fails = [&]() -> Coroutine<std::string> {
    co_await async_for(Iterable{broken}, [](int) { ADD_FAILURE(); });
    co_return "end";
  };
  auto failing = fails();
  EXPECT_EQ(sent(failing), "ValueError(no iterator)");
}

// Waits for 10, then for 11; what is thrown in there sends it to 20 and 21.
Ints waits_twice(bool ends) {
  bool failed = false;
  try {
    co_await yield_(10);
    co_await yield_(11);
  } catch (const ValueError&) {
    failed = true;
  }
  if (failed && !ends) {
    co_await yield_(20);
    co_await yield_(21);
  }
  if (!failed) co_yield 1;
}

Coroutine<std::string> next_or_default(Ints& g) { co_return std::to_string(co_await anext(g, 7)); }

TEST(Anext, with_a_default_is_stepped_and_thrown_into_by_hand) {
  auto handled = waits_twice(false);
  auto steps = next_or_default(handled);
  EXPECT_EQ(sent(steps), "yields 10");
  EXPECT_EQ(thrown(steps), "yields 20");
  EXPECT_EQ(sent(steps), "yields 21");
  EXPECT_EQ(sent(steps), "StopIteration(7)");

  auto fails = waits_twice(false);
  auto failing = next_or_default(fails);
  EXPECT_EQ(sent(failing), "yields 10");
  EXPECT_EQ(thrown(failing), "yields 20");
  EXPECT_EQ(thrown(failing), "ValueError(thrown)");

  auto ends = waits_twice(true);
  auto ending = next_or_default(ends);
  EXPECT_EQ(sent(ending), "yields 10");
  EXPECT_EQ(thrown(ending), "StopIteration(7)");

  auto closes = waits_twice(false);
  auto closing = next_or_default(closes);
  EXPECT_EQ(sent(closing), "yields 10");
  closing.close();
  EXPECT_EQ(sent(closing), "RuntimeError(cannot reuse already awaited coroutine)");

  auto gives = waits_twice(false);
  auto giving = next_or_default(gives);
  EXPECT_EQ(sent(giving), "yields 10");
  EXPECT_EQ(sent(giving), "yields 11");
  EXPECT_EQ(sent(giving), "StopIteration(1)");

  auto unbegun = waits_twice(false);
  auto refused = next_or_default(unbegun);
  EXPECT_EQ(thrown(refused), "ValueError(thrown)");
}

}  // namespace
}  // namespace segue::modern
