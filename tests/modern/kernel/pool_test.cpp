// What the pool gives back to the system, and when. Sizes are those of the pool's source: chunks of 2 MiB, and 64 MiB
// that have to lie free before somebody looks.
#include <segue/modern/kernel/pool.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "counted_allocations.hpp"
#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using detail::pool_figures;
using detail::pool_give_back;
using detail::pool_has_surplus;
using segue::testing::RefusedAllocation;
using testing::make_loop;

constexpr std::size_t block_bytes = 2048;
constexpr std::size_t chunk_bytes = std::size_t{2} << 20;
constexpr std::size_t blocks_a_chunk = chunk_bytes / block_bytes;
constexpr std::size_t crowd_chunks = 40;  // 80 MiB
constexpr std::size_t crowd_blocks = crowd_chunks * blocks_a_chunk;

using Blocks = std::vector<void*>;

Blocks take(std::size_t count) {
  Blocks blocks(count);
  for (void*& block : blocks) block = detail::pool_allocate(block_bytes);
  return blocks;
}

void free(const Blocks& blocks) {
  for (void* const block : blocks) detail::pool_free(block, block_bytes);
}

/// Frees all but each `nth` of them, and gives those that are left.
Blocks thin_out(const Blocks& blocks, std::size_t nth) {
  Blocks kept;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (i % nth == 0) {
      kept.push_back(blocks[i]);
    } else {
      detail::pool_free(blocks[i], block_bytes);
    }
  }
  return kept;
}

std::size_t chunks() { return pool_figures().chunks; }

class PoolGivesBack : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!detail::pooled()) GTEST_SKIP() << "there is no pool";
    pool_give_back();
    before_ = chunks();
  }

  /// One of them may be new: that which is being cut.
  void expect_all_back() const {
    EXPECT_LE(chunks(), before_ + 1);
    EXPECT_FALSE(pool_has_surplus);
  }
  void expect_nothing_back() const { EXPECT_GE(chunks(), before_ + crowd_chunks * 3 / 4); }

  std::size_t before_ = 0;
};

Coroutine<char> park(Future<> gate, std::array<char, 1500> kept, std::size_t which) {
  co_await gate;
  co_return kept[which];
}

TEST_F(PoolGivesBack, what_a_crowd_of_tasks_has_left_before_a_long_wait) {
  const auto main = [this]() -> Coroutine<> {
    const Future<> gate = get_running_loop().create_future();
    for (std::size_t i = 0; i < crowd_blocks; ++i) create_task(park(gate, {}, i % 1500));
    co_await sleep(1h);
    expect_nothing_back();
    gate.set_result();
    while (all_tasks().size() > 1) co_await sleep(0s);
    co_await sleep(99ms);
    expect_nothing_back();
    co_await sleep(100ms);
    EXPECT_LE(chunks(), before_ + 2);
  };
  const EventLoopPtr loop = make_loop();
  loop->run_until_complete(main());
}

TEST_F(PoolGivesBack, at_a_step_after_which_another_loop_waits) {
  const EventLoopPtr loop = make_loop();
  free(take(crowd_blocks));
  loop->call_soon([] {});
  loop->call_later(99ms, [] {});
  loop->step();
  loop->step();
  expect_nothing_back();
  loop->call_soon([] {});
  loop->step();
  expect_nothing_back();
  const EventLoopPtr other = make_loop();
  EXPECT_EQ(other->step(), EventLoop::time_point::max());
  expect_all_back();
}

TEST_F(PoolGivesBack, when_a_loop_is_closed) {
  const EventLoopPtr loop = make_loop();
  free(take(crowd_blocks));
  expect_nothing_back();
  loop->close();
  expect_all_back();
}

struct Crowd {
  Blocks blocks = take(crowd_blocks);
  Crowd() = default;
  Crowd(Crowd&&) = default;
  ~Crowd() { free(blocks); }
};

Coroutine<> keep(Crowd, Future<> gate) { co_await gate; }

TEST_F(PoolGivesBack, what_a_loop_has_left_that_went_with_its_tasks) {
  EventLoopPtr loop = make_loop();
  const testing::Reports reports(*loop);
  loop->create_task(keep(Crowd(), loop->create_future()));
  testing::iterate(*loop);
  expect_nothing_back();
  loop.reset();
  expect_all_back();
}

TEST_F(PoolGivesBack, no_chunk_that_is_in_use) {
  const Blocks blocks = take(crowd_blocks);
  Blocks kept = thin_out(blocks, 3 * blocks_a_chunk);
  for (void* const block : kept) std::memset(block, 0x5a, block_bytes);
  pool_give_back();
  EXPECT_LE(chunks(), before_ + kept.size() + 1);
  EXPECT_GE(chunks(), kept.size() / 2);

  const Blocks again = take(crowd_blocks);
  for (void* const block : again) std::memset(block, 0xa5, block_bytes);
  std::array<unsigned char, block_bytes> expected{};
  expected.fill(0x5a);
  for (const void* const block : kept) EXPECT_EQ(std::memcmp(block, expected.data(), block_bytes), 0);
  const std::set<void*> distinct(again.begin(), again.end());
  EXPECT_EQ(distinct.size(), crowd_blocks);
  free(again);
  free(kept);
  pool_give_back();
  expect_all_back();
}

TEST_F(PoolGivesBack, blocks_of_all_sizes) {
  std::vector<std::pair<void*, std::size_t>> blocks;
  std::size_t bytes = 0;
  for (std::size_t size = 1; bytes < crowd_blocks * block_bytes;
       size = size * 7 % 2053) {  // all that are below a prime
    if (size > block_bytes) continue;
    blocks.emplace_back(detail::pool_allocate(size), size);
    bytes += size;
  }
  expect_nothing_back();
  for (const auto& [block, size] : blocks) detail::pool_free(block, size);
  pool_give_back();
  expect_all_back();
}

TEST_F(PoolGivesBack, blocks_that_another_thread_has_freed) {
  const Blocks blocks = take(crowd_blocks);
  std::thread([&] { free(blocks); }).join();
  pool_give_back();
  expect_all_back();
}

TEST_F(PoolGivesBack, blocks_of_a_thread_that_has_ended) {
  Blocks blocks;
  std::thread([&] { blocks = take(crowd_blocks); }).join();
  free(blocks);
  pool_give_back();
  expect_all_back();
}

TEST_F(PoolGivesBack, in_several_threads_at_once) {
  std::atomic<int> wrong = 0;
  const auto use = [&](unsigned char stamp) {
    for (int round = 0; round < 20; ++round) {
      const Blocks blocks = take(4 * blocks_a_chunk);
      for (void* const block : blocks) std::memset(block, stamp, block_bytes);
      for (const void* const block : blocks) {
        if (static_cast<const unsigned char*>(block)[block_bytes - 1] != stamp) ++wrong;
      }
      free(blocks);
      if (stamp == 1) pool_give_back();
    }
  };
  std::thread one(use, 1), other(use, 2);
  use(3);
  one.join();
  other.join();
  EXPECT_EQ(wrong, 0);
  pool_give_back();
  EXPECT_LE(chunks(), before_ + 3) << "one for each thread";
}

TEST_F(PoolGivesBack, once) {
  const Blocks kept = thin_out(take(crowd_blocks), blocks_a_chunk / 2);
  ASSERT_TRUE(pool_has_surplus);
  pool_give_back();
  EXPECT_FALSE(pool_has_surplus);
  const auto [chunks, bytes] = pool_figures();
  pool_give_back();
  EXPECT_EQ(pool_figures().chunks, chunks);
  EXPECT_EQ(pool_figures().free, bytes);
  EXPECT_GT(bytes, crowd_blocks * block_bytes / 2);
  free(kept);
}

TEST_F(PoolGivesBack, again_when_as_much_has_come_in) {
  const Blocks blocks = take(2 * crowd_blocks);
  const std::size_t some = crowd_blocks / 4;  // 20 MiB
  const Blocks kept = thin_out({blocks.begin(), blocks.begin() + crowd_blocks}, 2);
  pool_give_back();  // in vain
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_FALSE(pool_has_surplus);
    free({blocks.begin() + static_cast<std::ptrdiff_t>(crowd_blocks + i * some),
          blocks.begin() + static_cast<std::ptrdiff_t>(crowd_blocks + (i + 1) * some)});
  }
  EXPECT_TRUE(pool_has_surplus);
  pool_give_back();
  EXPECT_LE(chunks(), before_ + crowd_chunks + 1);
  free(kept);
}

TEST_F(PoolGivesBack, what_was_used_again_since_the_last_time) {
  const Blocks kept = thin_out(take(2 * crowd_blocks), 2);
  pool_give_back();  // in vain
  const Blocks again = take(crowd_blocks);
  EXPECT_FALSE(pool_has_surplus);
  free(kept);
  free(again);
  EXPECT_TRUE(pool_has_surplus);
  pool_give_back();
  expect_all_back();
}

TEST_F(PoolGivesBack, chunks_that_hold_little_as_the_fullest_are_used_first) {
  const Blocks blocks = take(2 * crowd_blocks);
  const Blocks many = thin_out({blocks.begin(), blocks.begin() + crowd_blocks}, 2);
  const Blocks few = thin_out({blocks.begin() + crowd_blocks, blocks.end()}, blocks_a_chunk);
  pool_give_back();
  const Blocks again = take(crowd_blocks / 2 - blocks_a_chunk);
  free(few);
  pool_give_back();
  EXPECT_LE(chunks(), before_ + crowd_chunks + 2);
  free(many);
  free(again);
}

TEST_F(PoolGivesBack, nothing_where_memory_is_lacking) {
  if (!segue::testing::allocations_counted) GTEST_SKIP() << "no allocation can be refused under ThreadSanitizer";
  free(take(crowd_blocks));
  const Blocks one = take(1);  // the thread's own magazines are handed over all the same
  {
    const RefusedAllocation refusal(1, segue::testing::Refused::from_then_on);
    pool_give_back();
    EXPECT_TRUE(refusal.happened());
  }
  expect_nothing_back();
  EXPECT_TRUE(pool_has_surplus);
  free(take(crowd_blocks));
  free(one);
  EXPECT_LE(chunks(), before_ + crowd_chunks + 1) << "the blocks are still there";
  pool_give_back();
  expect_all_back();
}

TEST_F(PoolGivesBack, and_loses_nothing_where_a_chunk_is_refused) {
  if (!segue::testing::allocations_counted) GTEST_SKIP() << "no allocation can be refused under ThreadSanitizer";
  Blocks blocks = take(crowd_blocks);
  blocks.reserve(2 * crowd_blocks);
  {
    const RefusedAllocation refusal(1, segue::testing::Refused::once);
    EXPECT_THROW(while (blocks.size() < 2 * crowd_blocks) blocks.push_back(detail::pool_allocate(block_bytes)),
                 std::bad_alloc);
  }
  blocks.push_back(detail::pool_allocate(block_bytes));
  EXPECT_LT(blocks.size(), crowd_blocks + 3 * blocks_a_chunk);
  free(blocks);
  pool_give_back();
  expect_all_back();
}

TEST(PoolDeathTest, throws_where_the_system_has_no_memory_left) {
  if (!detail::pooled() || !segue::testing::allocations_counted) GTEST_SKIP() << "sanitizers reserve too much";
  const auto exhaust = [] {
    Blocks blocks = take(crowd_blocks);
    blocks.reserve(2 * crowd_blocks);
    rlimit former{};
    ::getrlimit(RLIMIT_AS, &former);
    const rlimit none{0, former.rlim_max};
    if (::setrlimit(RLIMIT_AS, &none) != 0) std::_Exit(1);
    try {
      while (blocks.size() < 2 * crowd_blocks) blocks.push_back(detail::pool_allocate(block_bytes));
    } catch (const std::bad_alloc&) {
      ::setrlimit(RLIMIT_AS, &former);
      free(blocks);
      pool_give_back();
      std::_Exit(chunks() < crowd_chunks ? 0 : 2);
    }
    std::_Exit(3);
  };
  EXPECT_EXIT(exhaust(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace segue::modern
