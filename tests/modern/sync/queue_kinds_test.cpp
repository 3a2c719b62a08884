// What is the same for each kind of queue: work that is counted, an end that is announced, and cancelled ones in the
// line.
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/modern/sync/queues.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/outcome.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/taskgroups.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::attempt;
using testing::make_loop;
using testing::text;

/// Runs `main`, a function of a queue of at most `maxsize`, with one of each kind.
template <class T, class Main>
void with_each_kind(int maxsize, Main main) {
  for (const Queue<T>& queue :
       std::vector<Queue<T>>{Queue<T>(maxsize), LifoQueue<T>(maxsize), PriorityQueue<T>(maxsize)}) {
    SCOPED_TRACE(queue.repr());
    auto loop = make_loop();
    loop->run_until_complete(main(queue));
  }
}

/// Whether it refuses to take and to give: coroutines, and those who do not wait.
Coroutine<> expect_shut_down(Queue<std::string> queue) {
  const Outcome<void> put = co_await outcome(queue.put("data"));
  EXPECT_TRUE(holds<QueueShutDown>(put.exception()));
  EXPECT_THROW(queue.put_nowait("data"), QueueShutDown);
  const Outcome<std::string> got = co_await outcome(queue.get());
  EXPECT_TRUE(holds<QueueShutDown>(got.exception()));
  EXPECT_THROW(queue.get_nowait(), QueueShutDown);
}

TEST(QueueKinds, count_the_work_of_several_until_all_is_done) {
  with_each_kind<int>(0, [](Queue<int> queue) -> Coroutine<> {
    int sum = 0;
    bool running = true;
    for (int i = 0; i < 100; ++i) queue.put_nowait(i);
    const auto work = [&]() -> Coroutine<> {
      while (running) {
        sum += co_await queue.get();
        queue.task_done();
      }
    };
    const auto body = [&](TaskGroup& group) -> Coroutine<> {
      for (int i = 0; i < 2; ++i) group.create_task(work());
      co_await queue.join();
      EXPECT_EQ(sum, 4950);
      running = false;
      for (int i = 0; i < 2; ++i) queue.put_nowait(0);
    };
    co_await async_with(TaskGroup(), body);
    EXPECT_TRUE(queue.empty());
  });
}

TEST(QueueKinds, have_no_work_to_wait_for_or_to_be_done_at_first) {
  with_each_kind<int>(0, [](Queue<int> queue) -> Coroutine<> {
    EXPECT_EQ(attempt([&] { queue.task_done(); }), "ValueError(task_done() called too many times)");
    co_await queue.join();
    co_await queue.join();
  });
}

TEST(QueueKinds, that_are_empty_fail_who_waits_where_they_are_shut_down) {
  with_each_kind<std::string>(0, [](Queue<std::string> queue) -> Coroutine<> {
    const auto getting = create_task(queue.get());
    co_await sleep(0s);
    queue.shutdown();
    EXPECT_EQ(queue.qsize(), 0U);
    co_await queue.join();
    co_await sleep(0s);
    EXPECT_TRUE(holds<QueueShutDown>(getting.exception()));
    co_await expect_shut_down(queue);
  });
}

TEST(QueueKinds, give_what_is_left_where_they_are_shut_down) {
  with_each_kind<std::string>(1, [](Queue<std::string> queue) -> Coroutine<> {
    queue.put_nowait("data");
    const auto joining = create_task(queue.join());
    const auto putting = create_task(queue.put("data2"));
    co_await sleep(0s);
    EXPECT_FALSE(putting.done());
    queue.shutdown(false);
    EXPECT_EQ(queue.qsize(), 1U);
    co_await sleep(0s);
    EXPECT_TRUE(holds<QueueShutDown>(putting.exception()));
    const std::string left = co_await queue.get();
    EXPECT_EQ(left, "data");
    co_await sleep(0s);
    EXPECT_FALSE(joining.done());
    co_await expect_shut_down(queue);
    queue.task_done();
    co_await sleep(0s);
    EXPECT_TRUE(joining.done());
    EXPECT_THROW(queue.task_done(), ValueError);
  });
}

TEST(QueueKinds, drop_what_is_left_and_its_work_where_they_are_shut_down_at_once) {
  for (const bool one_in_work : {false, true}) {
    with_each_kind<std::string>(0, [one_in_work](Queue<std::string> queue) -> Coroutine<> {
      queue.put_nowait("data");
      if (one_in_work) queue.put_nowait("data");
      const auto joining = create_task(queue.join());
      if (one_in_work) queue.get_nowait();
      co_await sleep(0s);
      queue.shutdown(true);
      EXPECT_EQ(queue.qsize(), 0U);
      co_await sleep(0s);
      EXPECT_EQ(joining.done(), !one_in_work);
      co_await expect_shut_down(queue);
      if (one_in_work) queue.task_done();
      EXPECT_THROW(queue.task_done(), ValueError);
      co_await sleep(0s);
      EXPECT_TRUE(joining.done());
    });
  }
}

TEST(QueueKinds, pass_over_getters_who_were_cancelled_in_the_line) {
  with_each_kind<int>(0, [](Queue<int> queue) -> Coroutine<> {
    std::vector<Task<int>> getters;
    for (int i = 0; i < 3; ++i) getters.push_back(create_task(queue.get()));
    co_await sleep(0s);
    getters[0].cancel();
    co_await sleep(0s);
    EXPECT_TRUE(getters[0].cancelled());
    getters[1].cancel();  // who is still in the line when the item comes
    co_await queue.put(7);
    const int got = co_await getters[2];
    EXPECT_EQ(got, 7);
    EXPECT_TRUE(getters[1].cancelled());
  });
}

TEST(QueueKinds, pass_over_putters_who_were_cancelled_in_the_line) {
  with_each_kind<int>(1, [](Queue<int> queue) -> Coroutine<> {
    std::vector<Task<void>> putters;
    for (int i = 0; i < 4; ++i) putters.push_back(create_task(queue.put(i)));
    co_await sleep(0s);
    EXPECT_TRUE(putters[0].done());
    putters[1].cancel();
    co_await sleep(0s);
    EXPECT_TRUE(putters[1].cancelled());
    putters[2].cancel();  // who is still in the line when there is room
    EXPECT_EQ(queue.get_nowait(), 0);
    co_await putters[3];
    EXPECT_TRUE(putters[2].cancelled());
    EXPECT_EQ(queue.get_nowait(), 3);
    EXPECT_TRUE(queue.empty());
  });
}

TEST(QueueKinds, lose_no_item_and_make_none_up_where_a_woken_one_is_cancelled) {
  with_each_kind<int>(2, [](Queue<int> queue) -> Coroutine<> {
    const auto getter = create_task(queue.get());
    co_await sleep(0s);
    queue.put_nowait(1);
    queue.put_nowait(1);
    getter.cancel();
    co_await sleep(0s);
    EXPECT_TRUE(getter.cancelled());
    EXPECT_EQ(queue.qsize(), 2U);
    const auto putter = create_task(queue.put(2));
    co_await sleep(0s);
    EXPECT_EQ(queue.get_nowait(), 1);
    putter.cancel();
    co_await sleep(0s);
    EXPECT_TRUE(putter.cancelled());
    EXPECT_EQ(queue.qsize(), 1U);
    const auto again = create_task(queue.put(2));
    co_await sleep(0s);
    EXPECT_TRUE(again.done());
    EXPECT_EQ(queue.qsize(), 2U);
  });
}

TEST(QueueKinds, wake_a_putter_for_each_item_that_is_taken) {
  with_each_kind<int>(2, [](Queue<int> queue) -> Coroutine<> {
    std::vector<Task<void>> putters;
    for (int i = 0; i < 4; ++i) putters.push_back(create_task(queue.put(i)));
    co_await sleep(0s);
    EXPECT_FALSE(putters[2].done());
    queue.get_nowait();
    queue.get_nowait();
    co_await gather(putters);
    EXPECT_TRUE(queue.full());
  });
}

}  // namespace
}  // namespace segue::modern
