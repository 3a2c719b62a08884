// Chains of the user's making, of any length: tasks that await each other, futures that keep each other. Neither
// cancelling nor destroying one nests.
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/shield.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "modern/attempt.hpp"
#include "modern/parked.hpp"
#include "small_stack.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using segue::testing::long_chain;
using segue::testing::on_small_stack;
using ::testing::HasSubstr;
using testing::iterate;
using testing::make_loop;
using testing::Reports;
using testing::said_by;
using testing::Tracked;

Coroutine<> wait_for_other(AnyFuture other) { co_await other; }

/// `length` tasks that wait, each for the next; the last one waits for `end`.
std::vector<Task<>> chain_of_tasks(EventLoop& loop, const AnyFuture& end, int length) {
  std::vector<Task<>> tasks;
  for (int i = 0; i < length; ++i)
    tasks.push_back(loop.create_task(wait_for_other(tasks.empty() ? end : AnyFuture(tasks.back()))));
  iterate(loop);
  return tasks;
}

TEST(LongChain, of_tasks_is_cancelled_at_its_end) {
  on_small_stack([] {
    auto loop = make_loop();
    const Future<> end = loop->create_future();
    const std::vector<Task<>> tasks = chain_of_tasks(*loop, end, long_chain);
    EXPECT_TRUE(tasks.back().cancel("enough"));
    EXPECT_TRUE(end.cancelled());
    EXPECT_EQ(tasks.front().cancelling(), 1);
    EXPECT_THAT(tasks.back().repr(), HasSubstr("wait_for=<Task cancelling"));
    while (!tasks.back().done()) iterate(*loop);
    EXPECT_TRUE(tasks.back().cancelled());
  });
}

TEST(LongChain, of_tasks_is_cancelled_at_its_next_step_where_its_end_is_done) {
  auto loop = make_loop();
  const Future<> end = loop->create_future();
  const std::vector<Task<>> tasks = chain_of_tasks(*loop, end, 3);
  end.set_result();
  EXPECT_TRUE(tasks.back().cancel());
  loop->run_until_complete(gather(tasks, return_exceptions));
  EXPECT_TRUE(tasks.front().cancelled());
  EXPECT_TRUE(tasks.back().cancelled());
}

TEST(LongChain, of_tasks_is_destroyed_with_its_loop) {
  on_small_stack([] {
    auto loop = make_loop();
    const Reports reports(*loop);
    chain_of_tasks(*loop, loop->create_future(), long_chain);
    loop.reset();
    EXPECT_EQ(reports.contexts().size(), static_cast<std::size_t>(long_chain));
  });
}

/// Two tasks that wait for each other, the first one by way of `wrap(second)`.
template <class Wrap>
std::pair<Task<>, Task<>> ring_of_tasks(EventLoop& loop, Wrap wrap) {
  const auto second_of = std::make_shared<std::optional<Task<>>>();
  const auto wait = [](std::shared_ptr<std::optional<Task<>>> other, Wrap wrapped) -> Coroutine<> {
    const auto awaited = wrapped(**other);
    co_await awaited;
  };
  const Task<> first = loop.create_task(wait(second_of, wrap));
  const Task<> second = loop.create_task(wait_for_other(first));
  *second_of = second;
  iterate(loop);
  second_of->reset();
  return {first, second};
}

void expect_ring_ends(EventLoop& loop, const Task<>& cancelled, const Task<>& other) {
  EXPECT_TRUE(cancelled.cancel("stop"));
  EXPECT_EQ(cancelled.cancelling(), 1);
  EXPECT_EQ(other.cancelling(), 1);
  loop.run_until_complete(gather(cancelled, other, return_exceptions));
  EXPECT_TRUE(cancelled.cancelled());
  EXPECT_TRUE(other.cancelled());
}

TEST(Ring, of_tasks_that_wait_for_each_other_can_be_cancelled) {
  auto loop = make_loop();
  const auto [first, second] = ring_of_tasks(*loop, [](const Task<>& other) { return other; });
  expect_ring_ends(*loop, first, second);
}

TEST(Ring, of_tasks_that_wait_for_each_other_by_way_of_a_gather_can_be_cancelled) {
  auto loop = make_loop();
  const auto wrap = [](const Task<>& other) { return gather(other); };
  const auto [first, second] = ring_of_tasks(*loop, wrap);
  expect_ring_ends(*loop, first, second);
  const auto [third, fourth] = ring_of_tasks(*loop, wrap);
  expect_ring_ends(*loop, fourth, third);
}

TEST(Ring, is_left_by_whoever_has_something_else_to_wait_for) {
  auto loop = make_loop();
  const Future<> way_out = loop->create_future();
  const auto [first, second] =
      ring_of_tasks(*loop, [&way_out](const Task<>& other) { return gather(AnyFuture(other), AnyFuture(way_out)); });
  EXPECT_TRUE(second.cancel());
  EXPECT_TRUE(way_out.cancelled());
  loop->run_until_complete(gather(first, second, return_exceptions));
  EXPECT_TRUE(first.cancelled());
  EXPECT_TRUE(second.cancelled());
}

TEST(Ring, ends_also_where_others_are_waited_for_and_exceptions_returned) {
  auto loop = make_loop();
  const Future<> other_end = loop->create_future();
  const auto wrap = [&other_end](const Task<>& other) {
    return gather(AnyFuture(other), AnyFuture(other_end), return_exceptions);
  };
  const auto [first, second] = ring_of_tasks(*loop, wrap);
  expect_ring_ends(*loop, second, first);
  EXPECT_TRUE(other_end.cancelled());
}

TEST(Ring, ends_also_where_others_are_waited_for_that_refuse_to_be_cancelled) {
  auto loop = make_loop();
  const Future<> never = loop->create_future();
  const auto stay = [&never]() -> Coroutine<> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
    }
    co_await never;
  };
  const Task<> staying = loop->create_task(stay());
  iterate(*loop);
  const auto [first, second] =
      ring_of_tasks(*loop, [&](const Task<>& other) { return gather(AnyFuture(other), AnyFuture(staying)); });
  expect_ring_ends(*loop, second, first);
  EXPECT_FALSE(staying.done());
  staying.cancel();
  EXPECT_THROW(loop->run_until_complete(staying), CancelledError);
}

TEST(Ring, is_closed_by_a_task_that_was_cancelled_before_it_waits) {
  auto loop = make_loop();
  std::optional<Task<>> second;
  const auto wait_for_second = [&second]() -> Coroutine<> { co_await *second; };
  const Task<> first = loop->create_task(wait_for_second());
  const auto wait_cancelled = [&first]() -> Coroutine<> {
    current_task()->cancel();  // strikes when it waits
    co_await first;
  };
  second = loop->create_task(wait_cancelled());
  loop->run_until_complete(gather(first, *second, return_exceptions));
  EXPECT_TRUE(first.cancelled());
  EXPECT_TRUE(second->cancelled());
}

/// gather(gather(… gather(end))).
AnyFuture nested_gathers(AnyFuture end, int depth) {
  for (int i = 0; i < depth; ++i) end = gather(std::vector<AnyFuture>{end});
  return end;
}

TEST(LongChain, of_gathers_is_cancelled_at_its_end) {
  on_small_stack([] {
    auto loop = make_loop();
    const Future<> end = loop->create_future();
    const AnyFuture top = nested_gathers(end, long_chain);
    EXPECT_TRUE(top.cancel());
    EXPECT_TRUE(end.cancelled());
    EXPECT_FALSE(top.cancel()) << "its only child is cancelled by now";
    while (!top.done()) iterate(*loop);
    EXPECT_THROW(top.state()->check_result(), CancelledError);
  });
}

TEST(LongChain, of_gathers_is_destroyed_while_pending) {
  on_small_stack([] {
    auto loop = make_loop();
    const AnyFuture top = nested_gathers(loop->create_future(), long_chain);
    EXPECT_EQ(top.repr(), "<_GatheringFuture pending>");
    loop.reset();
  });
}

TEST(LongChain, of_tasks_and_gathers_is_cancelled_at_its_end) {
  on_small_stack([] {
    auto loop = make_loop();
    const Future<> end = loop->create_future();
    AnyFuture top = end;
    for (int i = 0; i < long_chain / 2; ++i) top = gather(loop->create_task(wait_for_other(top)));
    iterate(*loop);
    EXPECT_TRUE(top.cancel());
    while (!top.done()) iterate(*loop);
    EXPECT_THROW(top.state()->check_result(), CancelledError);
  });
}

/// A future that stands for the next one.
class Relay final : public FutureValue<void> {
 public:
  Relay(LoopCore& loop, const AnyFuture& next) : FutureValue(loop), next_{next.state()} {}

  int cancelled_children = 0;

 private:
  const std::vector<Ref<FutureCore>>* children() const noexcept override { return &next_; }
  void children_cancelled() noexcept override { ++cancelled_children; }

  const std::vector<Ref<FutureCore>> next_;
};

TEST(LongChain, of_futures_of_ones_own_is_cancelled_at_its_end) {
  on_small_stack([] {
    auto loop = make_loop();
    const Future<> end = loop->create_future();
    AnyFuture top = end;
    for (int i = 0; i < long_chain; ++i) top = AnyFuture(make_ref<Relay>(loop->core(), top));
    EXPECT_TRUE(top.cancel());
    EXPECT_TRUE(end.cancelled());
    EXPECT_FALSE(top.done());
    EXPECT_FALSE(top.cancel());
    EXPECT_EQ(static_cast<Relay&>(*top.state()).cancelled_children, 1);
  });
}

TEST(LongChain, of_shields_ends_one_by_one) {
  on_small_stack([] {
    auto loop = make_loop();
    const Future<> end = loop->create_future();
    Future<> top = end;
    for (int i = 0; i < long_chain; ++i) top = shield(top);
    end.set_result();
    while (!top.done()) iterate(*loop);
  });
}

TEST(LongChain, of_shields_is_destroyed_while_pending) {
  on_small_stack([] {
    auto loop = make_loop();
    Future<> end = loop->create_future();
    Future<> top = end;
    for (int i = 0; i < long_chain; ++i) top = shield(top);
    EXPECT_EQ(top.repr(), "<Future pending>");
    end = loop->create_future();  // nothing else kept the chain
    EXPECT_TRUE(top.cancel());
  });
}

TEST(LongChain, of_futures_that_callbacks_keep_is_destroyed) {
  on_small_stack([] {
    auto loop = make_loop();
    int alive = 0;
    Future<> top = loop->create_future();
    for (int i = 0; i < long_chain; ++i) {
      const Future<> next = loop->create_future();
      next.add_done_callback([kept = top, tracked = Tracked(alive)](const AnyFuture&) {});
      top = next;
    }
    EXPECT_EQ(alive, long_chain);
    top = loop->create_future();
    EXPECT_EQ(alive, 0);
  });
}

struct Node {
  std::optional<Task<Node>> next;
};

TEST(LongChain, of_tasks_whose_results_keep_the_next_is_destroyed) {
  on_small_stack([] {
    auto loop = make_loop();
    const auto link = [](std::optional<Task<Node>> next) -> Coroutine<Node> { co_return Node{std::move(next)}; };
    std::optional<Task<Node>> top;
    for (int i = 0; i < long_chain; ++i) top = loop->create_task(link(std::move(top)));
    iterate(*loop);
    EXPECT_TRUE(top->done());
    EXPECT_THAT(top->repr(), HasSubstr("Task finished"));
    top.reset();
  });
}

TEST(LongChain, of_coroutines_that_have_their_argument_to_await_is_destroyed) {
  on_small_stack([] {
    const auto chain = [] {
      const auto link = [](std::optional<Coroutine<>> inner) -> Coroutine<> {
        if (inner) co_await std::move(*inner);
      };
      std::optional<Coroutine<>> top;
      for (int i = 0; i < 2000; ++i) top = link(std::move(top));
      return std::move(*top);
    };
    said_by([&] {
      {
        const auto dropped = chain();
      }
      auto closed = chain();
      closed.close();
    });
  });
}

}  // namespace
}  // namespace segue::modern
