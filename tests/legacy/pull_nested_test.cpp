#include <algorithm>
#include <optional>
#include <ranges>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <segue/legacy/pull.hpp>
#include <segue/legacy/stack.hpp>

#include "attempt.hpp"
#include "feed.hpp"

namespace segue::legacy {
namespace {

using testing::attempt;
using testing::emit_value;
using testing::Feed;
using testing::run_feed;
using testing::values;

// pulls within pulls, and callbacks from elsewhere

TEST(PullNested, pulls_inside_a_pull) {
  auto generator = pull<int>([](auto& emit) {
    Feed outer{.size = 3};
    for (const int tens : values(outer)) {
      Feed inner{.size = 2};
      for (const int ones : values(inner)) {
        if (!emit(10 * tens + ones)) return;
      }
      EXPECT_EQ(inner.open, 0);
    }
  });
  std::vector<int> seen;
  for (const int value : generator) seen.push_back(value);
  EXPECT_EQ(seen, (std::vector{0, 1, 10, 11, 20, 21}));
}

TEST(PullNested, closes_from_the_outside_in_at_every_value) {
  for (int k = 1; k <= 6; ++k) {
    Feed outer{.size = 3};
    Feed inner{.size = 2};
    {
      auto generator = pull<int>([&](auto& emit) {
        for (const int tens : values(outer)) {
          for (const int ones : values(inner)) {
            if (!emit(10 * tens + ones)) return;
          }
        }
      });
      for (int i = 0; i < k; ++i) generator.next();
    }
    EXPECT_EQ(outer.open, 0);
    EXPECT_EQ(inner.open, 0);
  }
}

TEST(PullNested, can_be_delegated_to) {
  Feed feed{.size = 3};
  Generator<int> outer([&](auto& yield) { yield.from(values(feed)); });
  EXPECT_EQ(outer.next(), 0);
  EXPECT_EQ(outer.next(), 1);
  outer.close();
  EXPECT_EQ(feed.open, 0);
  EXPECT_EQ(feed.calls, 2);
}

TEST(PullReentrant, may_run_the_same_api_again_from_a_callback) {
  struct Context {
    Emitter<int>& emit;
    Feed& feed;
    int depth;
    static int on_value(void* context, int value) {
      auto& self = *static_cast<Context*>(context);
      if (!self.emit(10 * self.depth + value)) return 1;
      if (self.depth == 2) return 0;
      Context deeper{self.emit, self.feed, self.depth + 1};
      return run_feed(&self.feed, on_value, &deeper);
    }
  };
  for (int k = 1; k <= 14; ++k) {
    Feed feed{.size = 2};
    {
      auto generator = pull<int>([&](auto& emit) {
        Context context{emit, feed, 0};
        (void)run_feed(&feed, Context::on_value, &context);
      });
      std::vector<int> seen;
      for (int i = 0; i < k; ++i) seen.push_back(generator.next());
      const std::vector all{0, 10, 20, 21, 11, 20, 21, 1, 10, 20, 21, 11, 20, 21};
      EXPECT_TRUE(std::ranges::equal(seen, all | std::views::take(k)));
    }
    EXPECT_EQ(feed.open, 0);
    EXPECT_EQ(feed.calls, k);
  }
}

TEST(PullReentrant, refuses_to_be_asked_by_its_own_callback) {
  Generator<int> generator;
  generator = pull<int>([&](auto&) { generator.next(); });
  EXPECT_EQ(attempt([&] { return generator.next(); }), "ValueError(generator already executing)");
}

TEST(PullReentrant, refuses_a_value_from_the_stack_of_another_pull) {
  Feed feed{.size = 5};
  auto outer = pull<int>([&](auto& outer_emit) {
    auto inner = pull<int>([&](auto& emit) {
      (void)run_feed(&feed, emit_value, &outer_emit);
      (void)emit(0);
    });
    EXPECT_EQ(inner.next(), 0);
  });
  EXPECT_EQ(attempt([&] { return outer.next(); }),
            "RuntimeError(emit() was called on another stack or thread than its pull())");
  EXPECT_EQ(feed.calls, 1);
  EXPECT_EQ(feed.open, 0);
}

TEST(PullReentrant, refuses_a_value_from_another_thread) {
  auto generator = pull<int>([](auto& emit) { std::thread([&] { EXPECT_FALSE(emit(1)); }).join(); });
  EXPECT_EQ(attempt([&] { return generator.next(); }),
            "RuntimeError(emit() was called on another stack or thread than its pull())");
}

TEST(PullReentrant, is_closed_as_it_suspends_when_its_owner_goes_while_it_runs) {
  Feed feed{.size = 5};
  std::optional<Generator<int>> generator;
  generator.emplace(pull<int>([&](auto& emit) {
    generator.reset();
    (void)run_feed(&feed, emit_value, &emit);
  }));
  EXPECT_EQ(generator->next(), 0);
  EXPECT_EQ(feed.open, 0);
  EXPECT_EQ(feed.calls, 1);
}

}  // namespace
}  // namespace segue::legacy
