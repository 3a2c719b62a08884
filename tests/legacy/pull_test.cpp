#include <segue/legacy/pull.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/legacy/inspect.hpp>
#include <segue/legacy/stack.hpp>

#include "attempt.hpp"
#include "feed.hpp"

namespace segue::legacy {
namespace {

using testing::attempt;
using testing::emit_value;
using testing::Feed;
using testing::OnValue;
using testing::run_feed;
using testing::values;

TEST(Pull, gives_what_the_callbacks_emit_in_order) {
  Feed feed{.size = 100};
  std::vector<int> seen;
  for (const int value : values(feed)) seen.push_back(value);
  ASSERT_EQ(seen.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], i);
  EXPECT_EQ(feed.open, 0);
}

TEST(Pull, calls_the_api_no_further_than_it_is_asked_for) {
  Feed feed{.size = 1'000'000'000};
  auto generator = values(feed);
  EXPECT_EQ(feed.calls, 0);
  EXPECT_EQ(generator.next(), 0);
  EXPECT_EQ(generator.next(), 1);
  EXPECT_EQ(feed.calls, 2);
  EXPECT_EQ(feed.open, 1);
}

TEST(Pull, of_an_api_that_emits_nothing_is_empty) {
  Feed feed;
  auto generator = values(feed);
  EXPECT_EQ(attempt([&] { return generator.next(); }), "StopIteration(None)");
}

TEST(Pull, raises_what_the_call_raises_where_it_is_asked_for) {
  auto generator = pull<int>([](auto& emit) {
    Feed feed{.size = 2};
    (void)run_feed(&feed, emit_value, &emit);
    throw ValueError("after the values");
  });
  EXPECT_EQ(generator.next(), 0);
  EXPECT_EQ(generator.next(), 1);
  EXPECT_EQ(attempt([&] { return generator.next(); }), "ValueError(after the values)");
  EXPECT_EQ(getgeneratorstate(generator), GEN_CLOSED);
}

TEST(Pull, turns_a_stop_iteration_that_leaves_the_call_into_a_runtime_error) {
  auto generator = pull<int>([](auto&) { throw StopIteration<void>(); });
  EXPECT_EQ(attempt([&] { return generator.next(); }), "RuntimeError(generator raised StopIteration)");
}

TEST(Pull, passes_values_by_reference_without_a_copy) {
  const std::vector<std::string> source{"a", "b"};
  std::vector<const std::string*> seen;
  for (const std::string& value : pull<const std::string&>([&](auto& emit) {
         for (const std::string& text : source) {
           if (!emit(text)) return;
         }
       })) {
    seen.push_back(&value);
  }
  EXPECT_EQ(seen, (std::vector{source.data(), source.data() + 1}));
}

struct Row {
  int number;
  std::string text;
};

TEST(Pull, makes_the_value_of_what_emit_is_given) {
  auto generator = pull<Row>([](auto& emit) {
    const Row lvalue{4, "d"};
    (void)(emit(1, "a") && emit({2, "b"}) && emit(Row{3, "c"}) && emit(lvalue));
  });
  std::string seen;
  for (const Row& row : generator) seen += std::to_string(row.number) + row.text;
  EXPECT_EQ(seen, "1a2b3c4d");
}

TEST(Pull, takes_values_that_can_only_be_moved) {
  auto generator = pull<std::unique_ptr<int>>([](auto& emit) {
    auto named = std::make_unique<int>(2);
    (void)(emit(std::make_unique<int>(1)) && emit(std::move(named)));
  });
  EXPECT_EQ(*generator.next(), 1);
  EXPECT_EQ(*generator.next(), 2);
}

TEST(Pull, keeps_what_the_value_raises_as_it_is_made) {
  struct Picky {
    explicit Picky(int value) {
      if (value == 2) throw ValueError("no 2");
    }
  };
  Feed feed{.size = 10};
  auto generator = pull<Picky>([&](auto& emit) {
    (void)run_feed(&feed, [](void* context, int value) { return Emitter<Picky>::from(context)(value) ? 0 : 1; }, &emit);
  });
  generator.next();
  generator.next();
  EXPECT_EQ(attempt([&] {
              generator.next();
              return 0;
            }),
            "ValueError(no 2)");
  EXPECT_EQ(feed.open, 0);
  EXPECT_EQ(feed.calls, 3);
}

TEST(Pull, keeps_what_a_guarded_callback_raises) {
  Feed feed{.size = 10};
  auto generator = pull<int>([&](auto& emit) {
    const OnValue odd_ones = [](void* context, int value) {
      auto& emit = Emitter<int>::from(context);
      const bool go_on = emit.guard([&] {
        const std::string text = std::to_string(value);
        if (value == 5) throw ValueError("bad value: " + text);
        if (value % 2 == 1) emit.yield(value);
      });
      return go_on ? 0 : 1;
    };
    (void)run_feed(&feed, odd_ones, &emit);
  });
  EXPECT_EQ(generator.next(), 1);
  EXPECT_EQ(generator.next(), 3);
  EXPECT_EQ(attempt([&] { return generator.next(); }), "ValueError(bad value: 5)");
  EXPECT_EQ(feed.open, 0);
  EXPECT_EQ(feed.calls, 6);
}

TEST(Pull, calls_nothing_guarded_once_it_has_stopped) {
  int calls = 0;
  {
    auto generator = pull<int>([&](auto& emit) {
      EXPECT_FALSE(emit.guard([&] { (void)emit(1); }));  // what the guarded call ignores counts all the same
      EXPECT_FALSE(emit.guard([&] { ++calls; }));
      EXPECT_TRUE(emit.stopped());
    });
    generator.next();
  }
  EXPECT_EQ(calls, 0);
}

TEST(Pull, says_where_it_was_made_and_what_it_is_called) {
  Feed feed{.size = 5};
  auto generator = values(feed);
  EXPECT_EQ(generator.name(), "pull");
  auto named = pull<int>([](auto&) {}, {.name = "rows"});
  EXPECT_EQ(named.name(), "rows");
}

TEST(Pull, gives_the_api_the_stack_that_was_asked_for) {
  std::size_t size = 0;
  auto generator = pull<int>([&](auto&) { size = Fiber::current()->stack().size(); }, {.stack_size = {1024 * 1024}});
  EXPECT_EQ(attempt([&] { return generator.next(); }), "StopIteration(None)");
  EXPECT_EQ(size, std::size_t{1024 * 1024});
}

}  // namespace
}  // namespace segue::legacy
