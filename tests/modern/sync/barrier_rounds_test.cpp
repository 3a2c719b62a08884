// The rounds of a barrier: filling, draining, and what a reset, an abort or a cancellation in the middle of one does.
#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/modern/sync/barrier.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/outcome.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::make_loop;

constexpr int party_count = 5;

/// Whether it gets through; false where the barrier breaks.
Coroutine<bool> passes(Barrier barrier) {
  const Outcome<int> number = co_await outcome(barrier.wait());
  if (number.has_exception()) {
    EXPECT_TRUE(holds<BrokenBarrierError>(number.exception()));
  }
  co_return number.has_value();
}

/// Runs `parties` of `party` at once, to their ends, in a loop of their own; then nobody is left in `barrier`.
template <class Party>
void run_parties(const Barrier& barrier, Party& party, int parties = party_count) {
  auto loop = make_loop();
  const auto main = [&]() -> Coroutine<> {
    std::vector<Task<>> tasks;
    for (int i = 0; i < parties; ++i) tasks.push_back(create_task(party()));
    co_await gather(tasks);
  };
  loop->run_until_complete(main());
  EXPECT_EQ(barrier.n_waiting(), 0);
  EXPECT_THAT(barrier.repr(), ::testing::Not(HasSubstr("resetting")));
}

TEST(BarrierRound, gives_each_of_its_bodies_another_number) {
  const Barrier barrier(party_count);
  int outer = 0;
  std::vector<int> numbers;
  const auto inner_body = [&](int number) -> Coroutine<> {
    EXPECT_EQ(outer, party_count);
    numbers.push_back(number);
    co_return;
  };
  const auto outer_body = [&](int) -> Coroutine<> {
    ++outer;
    co_await async_with(barrier, inner_body);
  };
  auto party = [&]() -> Coroutine<> { co_await async_with(barrier, outer_body); };
  run_parties(barrier, party);
  std::sort(numbers.begin(), numbers.end());
  EXPECT_THAT(numbers, ElementsAre(0, 1, 2, 3, 4));
  EXPECT_FALSE(barrier.broken());
}

TEST(BarrierRound, of_one_never_waits) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const Barrier barrier(1);
    for (int round = 0; round < 2; ++round) {
      const auto alone = create_task(barrier.wait());
      co_await sleep(0s);
      EXPECT_TRUE(alone.done());
      EXPECT_EQ(alone.result(), 0);
      EXPECT_EQ(barrier.n_waiting(), 0);
    }
    co_await barrier.reset();
    EXPECT_FALSE(barrier.broken());
    co_await barrier.abort();
    EXPECT_EQ(barrier.n_waiting(), 0);
    EXPECT_TRUE(barrier.broken());
  };
  loop->run_until_complete(main());
}

TEST(BarrierRound, is_filled_one_by_one_and_loses_who_is_cancelled) {
  auto loop = make_loop();
  int passed = 0;
  const auto party = [&passed](Barrier barrier) -> Coroutine<> {
    co_await barrier.wait();
    ++passed;
  };
  const auto main = [&]() -> Coroutine<> {
    const Barrier barrier(3);
    std::vector<Task<>> tasks;
    const auto come = [&] { tasks.push_back(create_task(party(barrier))); };
    for (int waiting = 1; waiting <= 2; ++waiting) {
      come();
      co_await sleep(0s);
      EXPECT_EQ(barrier.n_waiting(), waiting);
      EXPECT_THAT(barrier.repr(), HasSubstr("filling"));
    }
    tasks.front().cancel();
    co_await sleep(0s);
    EXPECT_EQ(barrier.n_waiting(), 1);
    EXPECT_TRUE(tasks.front().cancelled());
    come();
    co_await sleep(0s);
    EXPECT_EQ(barrier.n_waiting(), 2);
    EXPECT_EQ(passed, 0);
    come();
    co_await gather(tasks, return_exceptions);
    EXPECT_EQ(passed, 3);
    EXPECT_EQ(barrier.n_waiting(), 0);
    EXPECT_FALSE(barrier.broken());
  };
  loop->run_until_complete(main());
}

TEST(BarrierRound, drains_until_its_last_one_has_left) {
  const Barrier barrier(party_count);
  std::vector<bool> draining;
  const auto body = [&](int) -> Coroutine<> {
    draining.push_back(barrier.repr().find("draining") != std::string::npos);
    co_return;
  };
  auto party = [&]() -> Coroutine<> { co_await async_with(barrier, body); };
  run_parties(barrier, party);
  EXPECT_THAT(draining, ElementsAre(true, true, true, true, false));
}

TEST(BarrierRound, keeps_out_who_comes_while_it_drains) {
  const Barrier barrier(party_count);
  const Barrier others(party_count - 2);
  int again = 2;
  int through = 0;
  auto party = [&]() -> Coroutine<> {
    co_await barrier.wait();
    if (again-- <= 0) co_await others.wait();  // filled by three alone, else this waits for ever
    co_await barrier.wait();
    ++through;
  };
  run_parties(barrier, party);
  EXPECT_EQ(through, party_count);
}

TEST(BarrierReset, breaks_for_those_who_wait_and_for_nobody_later) {
  const Barrier barrier(party_count);
  int broken = 0;
  int through = 0;
  bool last = true;
  auto party = [&]() -> Coroutine<> {
    if (std::exchange(last, false)) {  // who runs first, and comes last
      co_await sleep(0s);
      EXPECT_EQ(barrier.n_waiting(), party_count - 1);
      co_await barrier.reset();
    } else {
      const bool passed = co_await passes(barrier);
      broken += !passed;
    }
    co_await barrier.wait();
    ++through;
  };
  run_parties(barrier, party);
  EXPECT_EQ(broken, party_count - 1);
  EXPECT_EQ(through, party_count);
  EXPECT_FALSE(barrier.broken());
}

TEST(BarrierReset, in_the_middle_of_draining_breaks_for_those_who_have_not_left) {
  const Barrier barrier(party_count);
  int broken = 0;
  int left = 0;
  auto party = [&]() -> Coroutine<> {
    const bool passed = co_await passes(barrier);
    if (!passed) {
      ++broken;
    } else if (++left == 3) {
      co_await barrier.reset();
    }
  };
  run_parties(barrier, party);
  EXPECT_EQ(broken, 2);
  EXPECT_EQ(left, 3);
  EXPECT_FALSE(barrier.broken());
}

TEST(BarrierReset, in_the_middle_of_draining_lets_those_who_came_meanwhile_wait_on) {
  const Barrier barrier(party_count);
  int broken = 0;
  int left = 0;
  int through = 0;
  auto party = [&]() -> Coroutine<> {
    const bool passed = co_await passes(barrier);
    if (!passed) {
      ++broken;
    } else if (++left > 2) {
      co_await barrier.reset();
    }
    const bool again = co_await passes(barrier);  // two of them already while the first round drains
    through += again;
  };
  run_parties(barrier, party);
  EXPECT_EQ(broken, 2);
  EXPECT_EQ(through, party_count);
  EXPECT_FALSE(barrier.broken());
}

TEST(BarrierReset, of_who_leaves_last_breaks_for_nobody) {
  const Barrier barrier(party_count);
  int left = 0;
  int through = 0;
  auto party = [&]() -> Coroutine<> {
    co_await barrier.wait();
    if (++left == party_count) co_await barrier.reset();
    for (int round = 0; round < 2; ++round) {
      const bool passed = co_await passes(barrier);
      through += passed;
    }
  };
  run_parties(barrier, party);
  EXPECT_EQ(through, 2 * party_count);
  EXPECT_FALSE(barrier.broken());
}

TEST(BarrierAbort, in_the_middle_of_draining_breaks_for_those_inside_and_those_who_came_meanwhile) {
  const Barrier barrier(party_count);
  int inside = 0;
  int meanwhile = 0;
  int left = 0;
  auto party = [&]() -> Coroutine<> {
    const bool passed = co_await passes(barrier);
    if (!passed) {
      ++inside;
    } else if (++left > 2) {
      co_await barrier.abort();
    } else {
      const bool again = co_await passes(barrier);
      meanwhile += !again;
    }
  };
  run_parties(barrier, party);
  EXPECT_EQ(inside, 2);
  EXPECT_EQ(meanwhile, 2);
  EXPECT_TRUE(barrier.broken());
}

TEST(BarrierAbort, of_one_whose_body_fails_lasts_until_the_reset) {
  const Barrier barrier(party_count);
  const Barrier together(party_count);
  int second = 0;
  int broken = 0;
  int through = 0;
  const auto body = [](int number) -> Coroutine<> {
    if (number == party_count / 2) throw RuntimeError("failed");
    co_return;
  };
  auto party = [&]() -> Coroutine<> {
    const Outcome<void> first = co_await outcome(async_with(barrier, body));
    if (holds<RuntimeError>(first.exception()) && !holds<BrokenBarrierError>(first.exception())) {
      co_await barrier.abort();
    } else {
      bool passed = first.has_value();
      if (passed) passed = co_await passes(barrier);
      ++(passed ? second : broken);
    }
    const int number = co_await together.wait();
    EXPECT_TRUE(barrier.broken());
    co_await together.wait();
    if (number == 0) co_await barrier.reset();
    co_await together.wait();
    const bool passed = co_await passes(barrier);
    through += passed;
  };
  run_parties(barrier, party);
  EXPECT_EQ(second, 0);
  EXPECT_EQ(broken, party_count - 1);
  EXPECT_EQ(through, party_count);
  EXPECT_FALSE(barrier.broken());
}

}  // namespace
}  // namespace segue::modern
