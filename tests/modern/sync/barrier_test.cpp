#include <segue/modern/sync/barrier.hpp>

#include <algorithm>
#include <chrono>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;

using testing::make_loop;

TEST(Barrier, rule_133_lets_all_go_together_with_a_number_each) {
  auto loop = make_loop();
  std::vector<int> numbers;
  const auto pass = [&numbers](Barrier barrier) -> Coroutine<> { numbers.push_back(co_await barrier.wait()); };
  const auto main = [&]() -> Coroutine<> {
    Barrier barrier(2);
    std::vector<Task<>> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(create_task(pass(barrier)));
    co_await sleep(5ms);
    std::sort(numbers.begin(), numbers.end());
    EXPECT_EQ(numbers, (std::vector<int>{0, 1}));
    EXPECT_EQ(barrier.n_waiting(), 1);
    co_await pass(barrier);
    co_await gather(tasks);
    EXPECT_EQ(numbers.size(), 4U);
    EXPECT_EQ(barrier.n_waiting(), 0);
  };
  loop->run_until_complete(main());
}

TEST(Barrier, rule_134_fails_those_who_wait_where_it_is_reset_or_aborted) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    Barrier barrier(2);
    auto waiting = create_task(barrier.wait());
    co_await sleep(0s);
    co_await barrier.reset();
    const auto [after_reset] = co_await gather(waiting, return_exceptions);
    EXPECT_TRUE(holds<BrokenBarrierError>(after_reset.exception()));
    EXPECT_FALSE(barrier.broken());

    waiting = create_task(barrier.wait());
    co_await sleep(0s);
    co_await barrier.abort();
    const auto [after_abort] = co_await gather(waiting, return_exceptions);
    EXPECT_TRUE(holds<BrokenBarrierError>(after_abort.exception()));
    EXPECT_TRUE(barrier.broken());
    const auto [later] = co_await gather(barrier.wait(), return_exceptions);
    EXPECT_TRUE(holds<BrokenBarrierError>(later.exception()));

    co_await barrier.reset();
    EXPECT_FALSE(barrier.broken());
  };
  loop->run_until_complete(main());
}

TEST(Barrier, rule_134_lets_a_cancelled_waiter_leave) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    Barrier barrier(2);
    auto waiting = create_task(barrier.wait());
    co_await sleep(0s);
    EXPECT_EQ(barrier.n_waiting(), 1);
    waiting.cancel();
    co_await gather(waiting, return_exceptions);
    EXPECT_EQ(barrier.n_waiting(), 0);
    EXPECT_FALSE(barrier.broken());
  };
  loop->run_until_complete(main());
}

TEST(Barrier, GivesABodyItsNumber) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    Barrier barrier(1);
    const auto body = [](int number) -> Coroutine<int> { co_return number + 10; };
    const int result = co_await async_with(barrier, body);
    EXPECT_EQ(result, 10);
  };
  loop->run_until_complete(main());
}

TEST(Barrier, NeedsAtLeastOneParty) {
  EXPECT_THROW(Barrier(0), ValueError);
  EXPECT_THROW(Barrier(-4), ValueError);
  EXPECT_EQ(Barrier(5).parties(), 5);
}

}  // namespace
}  // namespace segue::modern
