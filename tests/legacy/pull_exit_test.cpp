#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/legacy/pull.hpp>
#include <segue/legacy/stack.hpp>

#include "attempt.hpp"
#include "feed.hpp"
#include "unraisable_reports.hpp"

namespace segue::legacy {
namespace {

using segue::testing::UnraisableReports;
using testing::attempt;
using testing::emit_value;
using testing::Feed;
using testing::feed_aborted;
using testing::OnValue;
using testing::run_feed;
using testing::values;

// leaving early

TEST(PullClose, stops_the_api_at_every_value) {
  const UnraisableReports reports;
  for (int k = 0; k <= 6; ++k) {
    Feed feed{.size = 5};
    int seen = 0;
    {
      auto generator = values(feed);
      while (seen < k && seen < feed.size) {
        generator.next();
        ++seen;
      }
    }
    EXPECT_EQ(feed.open, 0) << k;
    EXPECT_EQ(feed.calls, seen) << k;
  }
  EXPECT_TRUE(reports.lines.empty());
}

TEST(PullClose, drops_the_error_that_the_stopped_api_reports) {
  const UnraisableReports reports;
  Feed feed{.size = 5};
  auto generator = values(feed);
  generator.next();
  EXPECT_EQ(attempt([&] { generator.close(); }), "None");
  EXPECT_EQ(feed.open, 0);
  for (const int value : values(feed)) {
    if (value == 2) break;
  }
  EXPECT_EQ(reports.lines, std::vector<std::string>());
}

TEST(PullClose, lets_an_api_that_ignores_the_stop_run_to_its_end) {
  Feed feed{.size = 1000, .obedient = false};
  auto generator = values(feed);
  generator.next();
  generator.close();
  EXPECT_EQ(feed.calls, 1000);
  EXPECT_EQ(feed.open, 0);
}

TEST(PullClose, lets_the_call_clean_up_after_the_api_has_returned) {
  Feed feed{.size = 5};
  bool told = false;
  auto generator = pull<int>([&](auto& emit) {
    const int code = run_feed(&feed, emit_value, &emit);
    told = code == feed_aborted && emit.stopped();
  });
  generator.next();
  EXPECT_FALSE(told);
  generator.close();
  EXPECT_TRUE(told);
}

TEST(PullClose, of_one_that_was_not_started_calls_nothing) {
  Feed feed{.size = 5};
  {
    auto generator = values(feed);
  }
  EXPECT_EQ(feed.calls, 0);
}

TEST(PullClose, releases_what_the_call_holds) {
  const auto held = std::make_shared<int>(0);
  {
    auto generator = pull<int>([copy = held](auto& emit) {
      const auto another = copy;
      (void)emit(static_cast<int>(another.use_count()));
    });
    EXPECT_EQ(generator.next(), 3);
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(PullClose, follows_the_generator_when_it_is_moved) {
  Feed feed{.size = 5};
  Generator<int> last;
  {
    auto first = values(feed);
    EXPECT_EQ(first.next(), 0);
    Generator<int> second = std::move(first);
    EXPECT_EQ(second.next(), 1);
    last = std::move(second);
  }
  EXPECT_EQ(feed.open, 1);
  EXPECT_EQ(last.next(), 2);
  last = Generator<int>();
  EXPECT_EQ(feed.open, 0);
  EXPECT_EQ(feed.calls, 3);
}

TEST(PullClose, gives_every_stack_back) {
  const auto round = [] {
    std::vector<Feed> feeds(50, Feed{.size = 3});
    std::vector<Generator<int>> generators;
    for (Feed& feed : feeds) {
      generators.push_back(values(feed));
      generators.back().next();
    }
  };
  round();
  const std::size_t stacks = stack_statistics().stacks;
  for (int i = 0; i < 5; ++i) round();
  EXPECT_EQ(stack_statistics().stacks, stacks);
}

// exceptions that come in

TEST(PullThrow, reaches_the_call_after_the_api_has_returned) {
  Feed feed{.size = 5};
  auto generator = values(feed);
  generator.next();
  EXPECT_EQ(attempt([&] { return generator.throw_(ValueError("enough")); }), "ValueError(enough)");
  EXPECT_EQ(feed.open, 0);
  EXPECT_EQ(feed.calls, 1);
}

TEST(PullThrow, has_the_error_of_the_stopped_api_as_its_context) {
  Feed feed{.size = 5};
  auto generator = values(feed);
  generator.next();
  try {
    generator.throw_(ValueError("enough"));
    FAIL();
  } catch (const ValueError& error) {
    EXPECT_EQ(describe(error.context()).message, "the feed failed");
  }
}

TEST(PullThrow, passes_what_is_no_exception_of_segue) {
  Feed feed{.size = 5};
  auto generator = values(feed);
  generator.next();
  EXPECT_THROW(generator.throw_(std::out_of_range("there")), std::out_of_range);
  EXPECT_EQ(feed.open, 0);
}

// the variant that raises in the callback

void for_each_below(int end, const std::function<void(int)>& call) {
  for (int i = 0; i < end; ++i) call(i);
}

TEST(PullYield, raises_in_the_callback_where_cpp_alone_lies_between) {
  int cleaned = 0;
  struct Cleaning {
    int& count;
    ~Cleaning() { ++count; }
  };
  for (int k = 1; k <= 4; ++k) {
    auto generator = pull<int>([&](auto& emit) {
      const Cleaning cleaning{cleaned};
      for_each_below(4, [&](int i) { emit.yield(i); });
    });
    for (int i = 0; i < k; ++i) EXPECT_EQ(generator.next(), i);
    generator.close();
    EXPECT_EQ(cleaned, k);
  }
}

TEST(PullYield, lets_the_callback_handle_what_is_thrown_in) {
  auto generator = pull<int>([](auto& emit) {
    for_each_below(3, [&](int i) {
      try {
        emit.yield(i);
      } catch (const ValueError&) {
        emit.yield(-i);
      }
    });
  });
  generator.next();
  EXPECT_EQ(generator.next(), 1);
  EXPECT_EQ(generator.throw_(ValueError()), -1);
  EXPECT_EQ(generator.next(), 2);
}

TEST(PullYield, raises_again_what_has_stopped_it) {
  auto generator = pull<int>([](auto& emit) {
    EXPECT_FALSE(emit(1));
    EXPECT_THROW(emit.yield(2), ValueError);
    EXPECT_THROW(emit.yield(3), ValueError);
  });
  generator.next();
  EXPECT_EQ(attempt([&] { return generator.throw_(ValueError("kept")); }), "ValueError(kept)");
}

TEST(PullYield, leaves_behind_what_a_frame_without_clean_up_holds) {
  Feed feed{.size = 5};
  {
    auto generator = pull<int>([&](auto& emit) {
      const OnValue raising = [](void* context, int value) {
        Emitter<int>::from(context).yield(value);
        return 0;
      };
      (void)run_feed(&feed, raising, &emit);
    });
    generator.next();
  }
  EXPECT_EQ(feed.open, 1);
}

}  // namespace
}  // namespace segue::legacy
