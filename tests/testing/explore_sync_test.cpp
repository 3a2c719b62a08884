// What holds of the primitives whatever the schedule: those who come, who let others go on, and who are cancelled, do
// so at the same time.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/scope_exit.hpp>
#include <segue/modern/sync/barrier.hpp>
#include <segue/modern/sync/condition.hpp>
#include <segue/modern/sync/event.hpp>
#include <segue/modern/sync/lock.hpp>
#include <segue/modern/sync/queues.hpp>
#include <segue/modern/sync/semaphore.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait.hpp>
#include <segue/testing/explore.hpp>

namespace segue::testing {
namespace {

using namespace std::chrono_literals;
using modern::Coroutine;
using modern::Task;

const ExploreOptions thousand{.seeds = 1000};

void must(bool holds, const std::string& what) {
  if (!holds) throw RuntimeError(what);
}

/// Waits for tasks some of which may have been cancelled.
Coroutine<> settle(std::vector<Task<>> tasks) {
  co_await modern::wait(tasks);
  for (const Task<>& task : tasks)
    if (!task.cancelled()) task.result();
}

template <class Action>
Coroutine<> act_at(std::chrono::milliseconds time, Action action) {
  co_await modern::sleep(time);
  action();
}

/// Among the steps of those who wake at that time, where call_later() would come before them all.
template <class Action>
void act_later(std::chrono::milliseconds time, Action action) {
  modern::create_task(act_at(time, action));
}

void cancel_later(std::chrono::milliseconds time, const Task<>& task) {
  act_later(time, [task] { task.cancel(); });
}

// --- locks and semaphores ---

struct Visits {
  std::vector<int> came = {};
  std::vector<int> entered = {};
  int inside = 0;
  int most = 0;
};

template <class Gate>
Coroutine<> visit(Gate& gate, Visits& visits, int who) {
  co_await modern::sleep((1 + who % 2) * 1ms);
  const auto inside = [&]() -> Coroutine<> {
    visits.entered.push_back(who);
    visits.most = std::max(visits.most, ++visits.inside);
    const modern::ScopeExit out([&] { --visits.inside; });
    co_await modern::sleep(1ms);
  };
  visits.came.push_back(who);
  co_await modern::async_with(gate, inside);
}

/// Lets visitors through a gate, some of whom give up when others come and go.
template <class Gate>
Coroutine<> let_in(Gate gate, int permits) {
  Visits visits;
  std::vector<Task<>> tasks;
  for (int who = 0; who < 8; ++who) tasks.push_back(modern::create_task(visit(gate, visits, who)));
  for (const std::size_t who : {2U, 5U}) cancel_later(2ms, tasks[who]);
  co_await settle(tasks);
  std::erase_if(visits.came, [&](int who) {
    return tasks[static_cast<std::size_t>(who)].cancelled() && std::ranges::count(visits.entered, who) == 0;
  });
  must(visits.entered == visits.came, "somebody was overtaken");
  must(visits.most == permits, "inside: " + std::to_string(visits.most));
  for (; permits > 0; --permits) {
    must(!gate.locked(), "a permit is lost");
    co_await gate.acquire();
  }
  must(gate.locked(), "a permit too many");
}

TEST(ExploreOf, locks_let_one_in_at_a_time_first_come_first_served) {
  explore([] { return let_in(modern::Lock(), 1); }, thousand);
}

TEST(ExploreOf, semaphores_let_in_as_many_as_they_have_permits_first_come_first_served) {
  explore([] { return let_in(modern::Semaphore(2), 2); }, thousand);
  explore([] { return let_in(modern::BoundedSemaphore(2), 2); }, thousand);
}

// --- events ---

TEST(ExploreOf, events_wake_all_who_wait_and_nobody_else) {
  const auto program = []() -> Coroutine<> {
    modern::Event event;
    int sets = 0;
    int woken = 0;
    const auto wait = [&]() -> Coroutine<> {
      co_await modern::sleep(1ms);
      const int before = sets;
      co_await event.wait();
      must(sets == before + 1, "woken too early, or too late");
      ++woken;
    };
    const auto set = [&] {
      ++sets;
      event.set();
      event.clear();
    };
    std::vector<Task<>> tasks;
    for (int i = 0; i < 4; ++i) tasks.push_back(modern::create_task(wait()));
    for (const auto time : {1ms, 2ms}) act_later(time, set);
    cancel_later(1ms, tasks.front());
    co_await settle(tasks);
    must(woken == (tasks.front().cancelled() ? 3 : 4), "woken: " + std::to_string(woken));
  };
  explore(program, thousand);
}

// --- conditions ---

TEST(ExploreOf, conditions_lose_no_notification) {
  const auto program = []() -> Coroutine<> {
    modern::Condition condition;
    int items = 0;
    const auto take = [&]() -> Coroutine<> {
      co_await modern::sleep(1ms);
      const auto inside = [&]() -> Coroutine<> {
        co_await condition.wait_for([&] { return items > 0; });
        --items;
      };
      co_await modern::async_with(condition, inside);
    };
    const auto put = [&]() -> Coroutine<> {
      const auto inside = [&] {
        ++items;
        condition.notify();
      };
      co_await modern::async_with(condition, inside);
    };
    const auto put_later = [&]() -> Coroutine<> {
      co_await modern::sleep(1ms);
      co_await put();
    };
    const Task<> taker = modern::create_task(take());
    const auto cancel = [&]() -> Coroutine<> {
      co_await modern::sleep(1ms);
      if (!taker.cancel()) co_await put();  // for what it has taken
    };
    // Items for all but the one that is cancelled: where its notification is lost, another one waits for ever.
    co_await modern::gather(take(), put_later(), take(), put_later(), cancel());
    must(items == 0 && !condition.locked(), "left: " + std::to_string(items));
  };
  explore(program, thousand);
}

TEST(ExploreOf, conditions_wake_so_many_first_come_first_served_and_then_all) {
  const auto program = []() -> Coroutine<> {
    modern::Condition condition;
    std::vector<int> came;
    std::vector<int> woken;
    const auto wait = [&](int who) -> Coroutine<> {
      co_await modern::sleep(1ms);
      const auto inside = [&]() -> Coroutine<> {
        came.push_back(who);
        co_await condition.wait();
        must(condition.locked(), "woken without the lock");
        woken.push_back(who);
      };
      co_await modern::async_with(condition, inside);
    };
    std::vector<Task<>> tasks;
    for (int who = 0; who < 5; ++who) tasks.push_back(modern::create_task(wait(who)));
    cancel_later(2ms, tasks[1]);
    co_await modern::sleep(2ms);
    co_await modern::async_with(condition, [&] { condition.notify(2); });
    co_await modern::sleep(1ms);
    // One that is cancelled wakes another, since it may have been the one that was notified.
    std::size_t count = woken.size();
    must(count == 2 || (count == 3 && tasks[1].cancelled()), "woken: " + std::to_string(count));
    co_await modern::async_with(condition, [&] { condition.notify_all(); });
    co_await settle(tasks);
    if (tasks[1].cancelled()) std::erase(came, 1);
    must(woken == came, "somebody was overtaken, or forgotten");
  };
  explore(program, thousand);
}

// --- barriers ---

/// What came of those who waited at a barrier.
struct Meeting {
  int arrived = 0;
  std::vector<int> passed = {};  // their numbers
  int broken = 0;
};

Coroutine<> meet(modern::Barrier barrier, Meeting& meeting, std::chrono::milliseconds time) {
  co_await modern::sleep(time);
  ++meeting.arrived;
  try {
    const int number = co_await barrier.wait();
    meeting.passed.push_back(number);
  } catch (const modern::BrokenBarrierError&) {
    ++meeting.broken;
  }
}

/// Three pass it, with a number each.
Coroutine<> pass(modern::Barrier barrier) {
  Meeting meeting;
  co_await modern::gather(meet(barrier, meeting, 0ms), meet(barrier, meeting, 0ms), meet(barrier, meeting, 0ms));
  std::ranges::sort(meeting.passed);
  must(meeting.passed == std::vector{0, 1, 2} && barrier.n_waiting() == 0, "not usable");
}

TEST(ExploreOf, barriers_let_all_go_together) {
  const auto program = []() -> Coroutine<> {
    const modern::Barrier barrier(3);
    int arrived = 0;
    const auto meet = [&]() -> Coroutine<> {
      co_await modern::sleep(1ms);
      ++arrived;
      co_await barrier.wait();
      must(arrived % 3 == 0, "early");
    };
    co_await modern::gather(meet(), meet(), meet());
    co_await modern::gather(meet(), meet(), meet());
    co_await pass(barrier);
  };
  explore(program, thousand);
}

TEST(ExploreOf, barriers_do_not_count_who_is_cancelled_before_the_last_one_comes) {
  const auto program = []() -> Coroutine<> {
    const modern::Barrier barrier(3);
    Meeting meeting;
    const Task<> cancelled = modern::create_task(meet(barrier, meeting, 1ms));
    cancel_later(1ms, cancelled);
    const Task<> one = modern::create_task(meet(barrier, meeting, 1ms));
    const Task<> two = modern::create_task(meet(barrier, meeting, 2ms));
    co_await modern::sleep(3ms);
    must(meeting.passed.empty() && barrier.n_waiting() == 2, "passed by two");
    co_await meet(barrier, meeting, 0ms);
    const std::vector<Task<>> tasks{cancelled, one, two};
    co_await settle(tasks);
    must(meeting.passed.size() == 3, "passed: " + std::to_string(meeting.passed.size()));
    co_await pass(barrier);
  };
  explore(program, thousand);
}

TEST(ExploreOf, barriers_let_the_others_go_where_one_is_cancelled_as_the_last_one_comes) {
  const auto program = []() -> Coroutine<> {
    const modern::Barrier barrier(3);
    Meeting meeting;
    std::vector<Task<>> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(modern::create_task(meet(barrier, meeting, 1ms)));
    cancel_later(1ms, tasks.front());
    co_await modern::sleep(2ms);
    const bool together = tasks[1].done();
    must(together == tasks[2].done() && tasks.front().done(), "only some have gone");
    if (!together) co_await meet(barrier, meeting, 0ms);
    co_await settle(tasks);
    must(meeting.broken == 0, "broken");
    co_await pass(barrier);
  };
  explore(program, thousand);
}

TEST(ExploreOf, barriers_that_are_reset_turn_away_those_who_wait_and_nobody_else) {
  const auto program = []() -> Coroutine<> {
    const modern::Barrier barrier(3);
    Meeting meeting;
    int before = 0;
    const auto reset = [&]() -> Coroutine<> {
      co_await modern::sleep(1ms);
      before = std::min(meeting.arrived, 2);  // the third one does not wait
      co_await barrier.reset();
    };
    std::vector<Task<>> tasks{modern::create_task(reset())};
    for (int i = 0; i < 3; ++i) tasks.push_back(modern::create_task(meet(barrier, meeting, 1ms)));
    cancel_later(2ms, tasks.back());
    co_await modern::sleep(3ms);
    must(meeting.broken == before, "turned away: " + std::to_string(meeting.broken));
    const int waiting = barrier.n_waiting();
    for (int i = waiting; waiting > 0 && i < 3; ++i) tasks.push_back(modern::create_task(meet(barrier, meeting, 0ms)));
    co_await settle(tasks);
    must(meeting.broken == before, "turned away afterwards");
    co_await pass(barrier);
  };
  explore(program, thousand);
}

TEST(ExploreOf, barriers_that_are_aborted_turn_away_all_until_they_are_reset) {
  const auto program = []() -> Coroutine<> {
    const modern::Barrier barrier(3);
    Meeting meeting;
    const auto abort = [&]() -> Coroutine<> {
      co_await modern::sleep(1ms);
      co_await barrier.abort();
    };
    std::vector<Task<>> tasks{modern::create_task(abort())};
    for (const auto time : {1ms, 1ms, 2ms}) tasks.push_back(modern::create_task(meet(barrier, meeting, time)));
    cancel_later(1ms, tasks[1]);
    co_await settle(tasks);
    must(barrier.broken() && meeting.passed.empty(), "passed it though it is broken");
    must(meeting.broken == (tasks[1].cancelled() ? 2 : 3), "turned away: " + std::to_string(meeting.broken));
    co_await barrier.reset();
    co_await pass(barrier);
  };
  explore(program, thousand);
}

// --- queues ---

/// Takes from what a queue holds what it has to give next.
using Next = int (*)(std::vector<int>& held);

int take(std::vector<int>& held, std::vector<int>::iterator next) {
  must(next != held.end(), "an item that was never put in");
  const int item = *next;
  held.erase(next);
  return item;
}
int first_in(std::vector<int>& held) { return take(held, held.begin()); }
int last_in(std::vector<int>& held) { return take(held, held.empty() ? held.end() : std::prev(held.end())); }
int smallest(std::vector<int>& held) { return take(held, std::ranges::min_element(held)); }

/// A queue, and those who put in and take out, until it is shut down.
template <class Queue>
struct Exchange {
  explicit Exchange(Next in_turn) : next(in_turn) {}

  Coroutine<> produce(int first) {
    try {
      for (const int item : {first + 1, first + 3, first, first + 2}) {
        co_await modern::sleep(1ms);
        co_await queue.put(item);
        must(!is_shut_down, "put in after the end");
        held.push_back(item);
      }
    } catch (const modern::QueueShutDown&) {
      must(is_shut_down, "shut down by itself");
    }
  }
  Coroutine<> consume() {
    try {
      for (;;) {
        const int item = co_await queue.get();
        const modern::ScopeExit done([&] { queue.task_done(); });
        must(item == next(held), "out of order");
        co_await modern::sleep(1ms);
      }
    } catch (const modern::QueueShutDown&) {
      must(is_shut_down, "shut down by itself");
    }
  }
  Coroutine<> join() { co_await queue.join(); }

  void shut_down(bool immediate) {
    is_shut_down = true;
    queue.shutdown(immediate);
    if (immediate) held.clear();
  }

  Next next;
  Queue queue{2};
  std::vector<int> held = {};
  bool is_shut_down = false;
};

template <class Queue>
Coroutine<> exchange(Next next) {
  Exchange<Queue> exchange(next);
  std::vector<Task<>> producers;
  for (const int first : {10, 0, 20}) producers.push_back(modern::create_task(exchange.produce(first)));
  std::vector<Task<>> consumers;
  for (int i = 0; i < 3; ++i) consumers.push_back(modern::create_task(exchange.consume()));
  cancel_later(1ms, consumers[0]);
  cancel_later(2ms, consumers[1]);
  cancel_later(3ms, producers[1]);
  co_await settle(producers);
  co_await exchange.join();
  must(exchange.held.empty() && exchange.queue.empty(), "an item is lost");
  exchange.shut_down(false);
  co_await settle(consumers);
}

TEST(ExploreOf, queues_lose_nothing_and_keep_the_order) {
  explore([] { return exchange<modern::Queue<int>>(first_in); }, thousand);
  explore([] { return exchange<modern::LifoQueue<int>>(last_in); }, thousand);
  explore([] { return exchange<modern::PriorityQueue<int>>(smallest); }, thousand);
}

TEST(ExploreOf, queues_pass_on_an_item_or_a_slot_where_who_was_woken_for_it_is_cancelled) {
  const auto program = []() -> Coroutine<> {
    modern::Queue<int> queue(1);
    const auto get = [&]() -> Coroutine<> { co_await queue.get(); };
    std::vector<Task<>> getters{modern::create_task(get()), modern::create_task(get())};
    act_later(1ms, [&] { queue.put_nowait(1); });
    cancel_later(1ms, getters.front());
    co_await modern::sleep(2ms);
    must(getters.front().cancelled() == getters.back().done(), "the item is nobody's");
    queue.put_nowait(2);
    if (getters.front().cancelled()) queue.get_nowait();
    co_await settle(getters);

    queue.put_nowait(3);
    const auto put = [&]() -> Coroutine<> { co_await queue.put(4); };
    std::vector<Task<>> putters{modern::create_task(put()), modern::create_task(put())};
    act_later(1ms, [&] { queue.get_nowait(); });
    cancel_later(1ms, putters.front());
    co_await modern::sleep(2ms);
    must(putters.front().cancelled() == putters.back().done(), "the slot is nobody's");
    queue.get_nowait();
    co_await settle(putters);
  };
  explore(program, thousand);
}

Coroutine<> shut_down_in_the_midst(bool immediate) {
  Exchange<modern::Queue<int>> exchange(first_in);
  std::vector<Task<>> tasks;
  for (const int first : {10, 0, 20}) tasks.push_back(modern::create_task(exchange.produce(first)));
  for (int i = 0; i < 2; ++i) tasks.push_back(modern::create_task(exchange.consume()));
  act_later(4ms, [&] { exchange.shut_down(immediate); });
  cancel_later(4ms, tasks[0]);
  cancel_later(4ms, tasks[3]);
  co_await modern::sleep(1ms);
  const Task<> join = modern::create_task(exchange.join());
  co_await settle(tasks);
  must(exchange.held.empty() && exchange.queue.empty(), "an item is lost");
  co_await join;
}

TEST(ExploreOf, queues_that_are_shut_down_give_what_they_hold_and_take_nothing) {
  explore([] { return shut_down_in_the_midst(false); }, thousand);
}

TEST(ExploreOf, queues_that_are_shut_down_at_once_drop_what_they_hold) {
  explore([] { return shut_down_in_the_midst(true); }, thousand);
}

}  // namespace
}  // namespace segue::testing
