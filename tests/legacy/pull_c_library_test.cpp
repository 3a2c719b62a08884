#include <ftw.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/legacy/pull.hpp>

namespace segue::legacy {
namespace {

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

}  // namespace
}  // namespace segue::legacy
