#include <segue/legacy/pull.hpp>

#include <ftw.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/legacy/inspect.hpp>
#include <segue/legacy/stack.hpp>
#include <segue/legacy/unraisable.hpp>

#include "attempt.hpp"

namespace segue::legacy {
namespace {

using testing::attempt;

// A library as C has them: it calls back once a value, stops when it is told to, and cleans up by hand, so that an
// exception through it leaves `open` behind.
struct Feed {
  int size = 0;
  int open = 0;
  int calls = 0;
  bool obedient = true;
};
using OnValue = int (*)(void* context, int value);
constexpr int feed_aborted = 4;

int run_feed(Feed* feed, OnValue on_value, void* context) {
  ++feed->open;
  int result = 0;
  for (int i = 0; i < feed->size && result == 0; ++i) {
    ++feed->calls;
    if (on_value(context, i) != 0 && feed->obedient) result = feed_aborted;
  }
  --feed->open;
  return result;
}

int emit_value(void* context, int value) { return Emitter<int>::from(context)(value) ? 0 : 1; }

Generator<int> values(Feed& feed) {
  return pull<int>([&feed](auto& emit) {
    if (run_feed(&feed, emit_value, &emit) != 0) throw std::runtime_error("the feed failed");
  });
}

class Reports {
 public:
  Reports() {
    previous_ = set_unraisable_hook(
        [this](const Unraisable& unraisable) { lines.push_back(describe(unraisable.exception).repr()); });
  }
  Reports(const Reports&) = delete;
  ~Reports() { set_unraisable_hook(std::move(previous_)); }

  std::vector<std::string> lines;

 private:
  UnraisableHook previous_;
};

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

// leaving early

TEST(PullClose, stops_the_api_at_every_value) {
  const Reports reports;
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
  const Reports reports;
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

// glibc's qsort_r: C, without a way to be stopped, its context last

using Comparison = std::pair<int, int>;
int order(int a, int b) { return a < b ? -1 : a > b ? 1 : 0; }

Generator<Comparison> comparisons(std::vector<int>& numbers) {
  return pull<Comparison>([&](auto& emit) {
    qsort_r(
        numbers.data(), numbers.size(), sizeof(int),
        [](const void* left, const void* right, void* context) {
          const int a = *static_cast<const int*>(left);
          const int b = *static_cast<const int*>(right);
          (void)Emitter<Comparison>::from(context)(a, b);  // qsort goes on, whatever one would like it to do
          return order(a, b);
        },
        &emit);
  });
}

std::vector<int> scrambled(int size) {
  std::vector<int> numbers;
  for (int i = 0; i < size; ++i) numbers.push_back(i * 7919 % size);
  return numbers;
}

TEST(PullQsort, shows_each_comparison_as_it_is_made) {
  std::vector<int> numbers = scrambled(101);
  std::size_t count = 0;
  for (const auto& [a, b] : comparisons(numbers)) {
    EXPECT_NE(a, b);
    ++count;
  }
  EXPECT_GT(count, numbers.size());
  EXPECT_TRUE(std::ranges::is_sorted(numbers));
}

TEST(PullQsort, is_finished_and_frees_its_memory_when_the_consumer_leaves_at_any_comparison) {
  for (const int size : {20, 5000}) {  // on the stack, and in memory from malloc
    for (int k = 1; k < 30; k += 4) {
      std::vector<int> numbers = scrambled(size);
      {
        auto generator = comparisons(numbers);
        for (int i = 0; i < k; ++i) generator.next();
      }
      EXPECT_TRUE(std::ranges::is_sorted(numbers));
    }
  }
}

TEST(PullQsort, can_be_unwound_while_it_holds_nothing) {
  std::vector<int> numbers = scrambled(20);
  {
    auto generator = pull<int>([&](auto& emit) {
      qsort_r(
          numbers.data(), numbers.size(), sizeof(int),
          [](const void* left, const void* right, void* context) {
            Emitter<int>::from(context).yield(0);
            return order(*static_cast<const int*>(left), *static_cast<const int*>(right));
          },
          &emit);
      ADD_FAILURE() << "qsort returned";
    });
    generator.next();
    generator.next();
  }
  EXPECT_FALSE(std::ranges::is_sorted(numbers));
}

// nftw: no context at all, so that the emitter comes by a pointer, set again after each emit()

class Tree {
 public:
  Tree() {
    std::string pattern = std::filesystem::temp_directory_path() / "segue-pull-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp: " + pattern);
    root_ = pattern;
    for (const char* const folder : {"a", "b"}) {
      std::filesystem::create_directory(root_ / folder);
      for (const char* const file : {"1", "2", "3"}) std::ofstream(root_ / folder / file) << file;
    }
  }
  Tree(const Tree&) = delete;
  ~Tree() { std::filesystem::remove_all(root_); }
  std::string path() const { return root_; }

 private:
  std::filesystem::path root_;
};

thread_local Emitter<std::string>* walking = nullptr;

int on_entry(const char* path, const struct stat*, int, struct FTW*) {
  auto& emit = *walking;
  const bool go_on = emit(path);
  walking = &emit;
  return go_on ? 0 : 1;
}

Generator<std::string> walk(const std::string& root) {
  return pull<std::string>(
      [root](auto& emit) {
        walking = &emit;
        (void)nftw(root.c_str(), on_entry, 8, FTW_PHYS);
      },
      {.name = "walk", .stack_size = {256 * 1024}});
}

TEST(PullNftw, walks_two_trees_in_turns) {
  const Tree left;
  const Tree right;
  std::vector<std::string> from_left;
  std::vector<std::string> from_right;
  auto other = walk(right.path());
  for (const std::string& path : walk(left.path())) {
    from_left.push_back(path);
    from_right.push_back(other.next());
  }
  EXPECT_EQ(from_left.size(), 9U);
  for (const std::string& path : from_left) EXPECT_TRUE(path.starts_with(left.path())) << path;
  for (const std::string& path : from_right) EXPECT_TRUE(path.starts_with(right.path())) << path;
}

TEST(PullNftw, closes_its_directories_when_the_consumer_leaves_at_any_entry) {
  const Tree tree;
  const auto open_files = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
  };
  const auto before = open_files();
  for (int k = 1; k <= 9; ++k) {
    auto generator = walk(tree.path());
    for (int i = 0; i < k; ++i) generator.next();
  }
  EXPECT_EQ(open_files(), before);
}

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
