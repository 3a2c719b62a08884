#include <segue/modern/sync/queues.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait_for.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

using testing::attempt;
using testing::make_loop;

template <class T>
Coroutine<> get_into(Queue<T> queue, std::vector<T>& items) {
  items.push_back(co_await queue.get());
}

template <class T>
Coroutine<> put_in(Queue<T> queue, T item, std::vector<T>& log) {
  co_await queue.put(item);
  log.push_back(item);
}

TEST(Queue, KnowsItsSizeAndItsBound) {
  Queue<int> queue(2);
  EXPECT_TRUE(queue.empty());
  EXPECT_THROW(queue.get_nowait(), QueueEmpty);
  queue.put_nowait(1);
  queue.put_nowait(2);
  EXPECT_TRUE(queue.full());
  EXPECT_THROW(queue.put_nowait(3), QueueFull);
  EXPECT_EQ(queue.qsize(), 2U);
  EXPECT_EQ(queue.maxsize(), 2);
  EXPECT_EQ(queue.get_nowait(), 1);
  EXPECT_FALSE(Queue<int>().full());
  EXPECT_FALSE(Queue<int>(-1).full());
}

template <class Q>
Strings order_of(const Q& queue) {
  for (const auto& [number, letter] : std::vector<std::pair<int, std::string>>{{2, "b"}, {1, "z"}, {2, "a"}, {1, "y"}})
    queue.put_nowait({number, letter});
  Strings order;
  while (!queue.empty()) order.push_back(queue.get_nowait().second);
  return order;
}

TEST(Queue, rule_140_gives_items_in_its_order) {
  using Item = std::pair<int, std::string>;
  EXPECT_EQ(order_of(Queue<Item>()), (Strings{"b", "z", "a", "y"}));
  EXPECT_EQ(order_of(LifoQueue<Item>()), (Strings{"y", "a", "z", "b"}));
  EXPECT_EQ(order_of(PriorityQueue<Item>()), (Strings{"y", "z", "a", "b"}));
  EXPECT_EQ((order_of(PriorityQueue<Item, std::greater<>>())), (Strings{"b", "a", "z", "y"}));
}

TEST(Queue, ServesGettersInTheirOrder) {
  auto loop = make_loop();
  std::vector<int> items;
  const auto main = [&items]() -> Coroutine<> {
    Queue<int> queue;
    auto all = gather(get_into(queue, items), get_into(queue, items), get_into(queue, items));
    co_await sleep(0s);
    for (int i = 0; i < 3; ++i) queue.put_nowait(i);
    co_await all;
  };
  loop->run_until_complete(main());
  EXPECT_EQ(items, (std::vector<int>{0, 1, 2}));
}

TEST(Queue, ServesPuttersInTheirOrderAndStaysBounded) {
  auto loop = make_loop();
  std::vector<int> log;
  const auto main = [&log]() -> Coroutine<> {
    Queue<int> queue(1);
    std::vector<Task<>> tasks;
    for (int i = 0; i < 4; ++i) tasks.push_back(create_task(put_in(queue, i, log)));
    co_await sleep(0s);
    for (int i = 0; i < 4; ++i) {
      EXPECT_EQ(queue.qsize(), 1U);
      const int item = co_await queue.get();
      EXPECT_EQ(item, i);
      co_await sleep(0s);
    }
    co_await gather(tasks);
  };
  loop->run_until_complete(main());
  EXPECT_EQ(log, (std::vector<int>{0, 1, 2, 3}));
}

TEST(Queue, rule_136_makes_a_woken_getter_wait_again_where_somebody_was_quicker) {
  auto loop = make_loop();
  std::vector<std::string> items;
  const auto main = [&items]() -> Coroutine<> {
    Queue<std::string> queue;
    auto getter = create_task(get_into(queue, items));
    co_await sleep(0s);
    queue.put_nowait("x");
    EXPECT_EQ(queue.get_nowait(), "x");
    co_await sleep(1ms);
    EXPECT_FALSE(getter.done());
    queue.put_nowait("y");
    co_await getter;
  };
  loop->run_until_complete(main());
  EXPECT_EQ(items, Strings{"y"});
}

TEST(Queue, rule_137_loses_nothing_where_a_woken_one_is_cancelled) {
  auto loop = make_loop();
  Strings items;
  Strings log;
  const auto main = [&]() -> Coroutine<> {
    Queue<std::string> queue;
    auto a = create_task(get_into(queue, items));
    auto b = create_task(get_into(queue, items));
    co_await sleep(0s);
    queue.put_nowait("item");
    a.cancel();
    co_await wait_for(b, 1s);
    EXPECT_TRUE(a.cancelled());

    Queue<std::string> bounded(1);
    bounded.put_nowait("first");
    auto c = create_task(put_in<std::string>(bounded, "C", log));
    auto d = create_task(put_in<std::string>(bounded, "D", log));
    co_await sleep(0s);
    EXPECT_EQ(bounded.get_nowait(), "first");
    c.cancel();
    co_await wait_for(d, 1s);
    EXPECT_TRUE(c.cancelled());
    EXPECT_EQ(bounded.get_nowait(), "D");
    EXPECT_TRUE(bounded.empty());
  };
  loop->run_until_complete(main());
  EXPECT_EQ(items, Strings{"item"});
  EXPECT_EQ(log, Strings{"D"});
}

TEST(Queue, KeepsTheItemThatATimeoutDidNotWaitFor) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    Queue<int> queue;
    try {
      co_await wait_for(queue.get(), 5ms);
      ADD_FAILURE();
    } catch (const TimeoutError&) {
    }
    queue.put_nowait(7);
    const int kept = co_await queue.get();
    EXPECT_EQ(kept, 7);
  };
  loop->run_until_complete(main());
}

TEST(Queue, rule_138_join_waits_until_the_work_on_each_item_is_done) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    Queue<int> queue;
    co_await queue.join();
    queue.put_nowait(1);
    queue.get_nowait();
    auto joining = create_task(queue.join());
    co_await sleep(1ms);
    EXPECT_FALSE(joining.done());
    queue.task_done();
    co_await joining;
    try {
      queue.task_done();
      ADD_FAILURE();
    } catch (const ValueError& e) {
      EXPECT_STREQ(e.what(), "task_done() called too many times");
    }
  };
  loop->run_until_complete(main());
}

TEST(Queue, rule_135_suspends_only_where_there_is_something_to_wait_for) {
  auto loop = make_loop();
  bool called = false;
  const auto main = [&called]() -> Coroutine<> {
    get_running_loop().call_soon([&called] { called = true; });
    Queue<int> queue(1);
    for (int i = 0; i < 3; ++i) {
      co_await queue.put(i);
      const int item = co_await queue.get();
      EXPECT_EQ(item, i);
    }
    EXPECT_FALSE(called);
  };
  loop->run_until_complete(main());
}

TEST(Queue, PlaysPingPongThroughTwoBoundedQueues) {
  auto loop = make_loop();
  std::string trace;
  const auto side = [&trace](std::string name, Queue<int> in, Queue<int> out) -> Coroutine<> {
    for (int i = 0; i < 3; ++i) {
      const int value = co_await in.get();
      trace += name + std::to_string(value) + " ";
      co_await out.put(value + 1);
    }
  };
  const auto main = [&]() -> Coroutine<> {
    Queue<int> first(1);
    Queue<int> second(1);
    first.put_nowait(0);
    auto both = gather(side("a", first, second), side("b", second, first));
    co_await both;
  };
  loop->run_until_complete(main());
  EXPECT_EQ(trace, "a0 b1 a2 b3 a4 b5 ");
}

TEST(Queue, rule_139_fails_those_who_wait_and_those_who_come_where_it_is_shut_down) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    Queue<int> queue(1);
    queue.put_nowait(1);
    auto putter = create_task(queue.put(2));
    co_await sleep(0s);
    queue.shutdown();
    const auto [put] = co_await gather(putter, return_exceptions);
    EXPECT_TRUE(holds<QueueShutDown>(put.exception()));
    EXPECT_THROW(queue.put_nowait(3), QueueShutDown);
    const int left = co_await queue.get();
    EXPECT_EQ(left, 1);
    const auto [get] = co_await gather(queue.get(), return_exceptions);
    EXPECT_TRUE(holds<QueueShutDown>(get.exception()));
    EXPECT_THROW(queue.get_nowait(), QueueShutDown);
  };
  loop->run_until_complete(main());
}

TEST(Queue, rule_139_drops_what_is_left_where_it_is_shut_down_immediately) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    Queue<int> queue;
    queue.put_nowait(1);
    auto joining = create_task(queue.join());
    Queue<int> empty;
    auto getter = create_task(empty.get());
    co_await sleep(0s);
    queue.shutdown(true);
    empty.shutdown();
    co_await joining;
    EXPECT_TRUE(queue.empty());
    const auto [get] = co_await gather(getter, return_exceptions);
    EXPECT_TRUE(holds<QueueShutDown>(get.exception()));
  };
  loop->run_until_complete(main());
}

TEST(Queue, TakesItemsThatCanOnlyBeMoved) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    PriorityQueue<std::unique_ptr<int>> queue;
    co_await queue.put(std::make_unique<int>(4));
    const std::unique_ptr<int> item = co_await queue.get();
    EXPECT_EQ(*item, 4);
  };
  loop->run_until_complete(main());
}

TEST(Queue, KeepsItsOrderWhileItGrows) {
  Queue<std::string> queue;
  int put = 0;
  int got = 0;
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 7; ++i) queue.put_nowait(std::to_string(put++));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(queue.get_nowait(), std::to_string(got++));
  }
  EXPECT_EQ(queue.qsize(), 24U);  // which the queue destroys
}

TEST(Queue, PutsAWokenGetterThatHasToWaitAgainBehindTheOthers) {
  auto loop = make_loop();
  Strings log;
  const auto get = [&log](std::string name, Queue<int> queue) -> Coroutine<> {
    const int item = co_await queue.get();
    log.push_back(name + std::to_string(item));
  };
  const auto main = [&]() -> Coroutine<> {
    Queue<int> queue;
    auto both = gather(get("a", queue), get("b", queue));
    co_await sleep(0s);
    queue.put_nowait(0);
    queue.get_nowait();
    co_await sleep(0s);
    queue.put_nowait(1);
    queue.put_nowait(2);
    co_await both;
  };
  loop->run_until_complete(main());
  EXPECT_EQ(log, (Strings{"b1", "a2"}));
}

TEST(Queue, LetsAWokenGetterGoWhereItIsCancelledAndSomebodyWasQuicker) {
  auto loop = make_loop();
  std::vector<int> items;
  const auto main = [&items]() -> Coroutine<> {
    Queue<int> queue;
    auto getter = create_task(get_into(queue, items));
    co_await sleep(0s);
    queue.put_nowait(1);
    queue.get_nowait();
    getter.cancel();
    co_await sleep(0s);
    EXPECT_TRUE(getter.cancelled());
  };
  loop->run_until_complete(main());
}

TEST(Queue, BelongsToOneLoopForThoseWhoPutAndThoseWhoGet) {
  const Queue<int> queue(1);
  const auto get_in_vain = [](Queue<int> from) -> Coroutine<> { co_await wait_for(from.get(), 1ms); };
  auto first = make_loop();
  EXPECT_THROW(first->run_until_complete(get_in_vain(queue)), TimeoutError);
  queue.put_nowait(1);
  const auto put = [](Queue<int> to) -> Coroutine<> { co_await to.put(2); };
  auto second = make_loop();
  try {
    second->run_until_complete(put(queue));
    FAIL();
  } catch (const RuntimeError& e) {
    EXPECT_EQ(e.what(), queue.repr() + " is bound to a different event loop");
  }
}

TEST(Queue, KnowsAnotherLoopThatHasTheAddressOfTheFirst) {
  const Queue<int> queue;
  const auto get_in_vain = [](Queue<int> from) -> Coroutine<> { co_await wait_for(from.get(), 1ms); };
  auto loop = make_loop();
  EXPECT_THROW(loop->run_until_complete(get_in_vain(queue)), TimeoutError);
  const EventLoop* const address = loop.get();
  for (int tries = 0; tries < 100; ++tries) {
    loop = nullptr;
    loop = make_loop();
    EXPECT_THROW(loop->run_until_complete(get_in_vain(queue)), RuntimeError);
    if (loop.get() == address) return;
  }
  GTEST_SKIP() << "no other loop had the address";
}

TEST(Queue, MakesAGetterThatIsSteppedByHandWaitAgain) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    Queue<int> queue;
    const auto get = [](Queue<int> from) -> Coroutine<int> { co_return co_await from.get(); };
    auto getter = get(queue);
    const AnyFuture first{Ref<FutureCore>(getter.send().future)};
    queue.put_nowait(1);
    EXPECT_TRUE(first.done());
    queue.get_nowait();
    const AnyFuture second{Ref<FutureCore>(getter.send().future)};
    EXPECT_FALSE(second.done());
    queue.put_nowait(2);
    try {
      getter.send();
      ADD_FAILURE();
    } catch (const StopIteration<int>& end) {
      EXPECT_EQ(end.value, 2);
    }
    co_return;
  };
  loop->run_until_complete(main());
}

TEST(Queue, CancelsTheFutureOfAGetterThatIsClosedByHand) {
  auto loop = make_loop();
  Strings log;
  const auto main = [&log]() -> Coroutine<> {
    Queue<int> queue;
    const auto get = [&log](Queue<int> from) -> Coroutine<> {
      try {
        co_await from.get();
      } catch (const GeneratorExit&) {
        log.push_back("left");
        throw;
      }
    };
    const auto get_below = [&get](Queue<int> from) -> Coroutine<> { co_await get(from); };
    auto getter = get_below(queue);
    const AnyFuture future{Ref<FutureCore>(getter.send().future)};
    getter.close();
    EXPECT_TRUE(future.cancelled());
    queue.put_nowait(1);
    EXPECT_EQ(queue.get_nowait(), 1);
    co_return;
  };
  loop->run_until_complete(main());
  EXPECT_EQ(log, Strings{"left"});
}

TEST(Queue, FailsInAGetterThatIsSteppedByHandWithWhatItsFutureFailsWith) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    Queue<int> queue;
    const auto get = [](Queue<int> from) -> Coroutine<int> { co_return co_await from.get(); };
    auto getter = get(queue);
    const AnyFuture future{Ref<FutureCore>(getter.send().future)};
    future.set_exception(ValueError("failed"));
    EXPECT_THROW(getter.send(), ValueError);
    co_return;
  };
  loop->run_until_complete(main());
}

TEST(Queue, OutlivesTheScopeThatMadeItWhileSomebodyWaits) {
  auto loop = make_loop();
  std::vector<int> items;
  Strings log;
  loop->set_exception_handler([&log](EventLoop&, const ExceptionContext& c) { log.push_back(c.message); });
  const auto main = [&items]() -> Coroutine<> {
    Queue<int> queue;
    create_task(get_into(queue, items));
    create_task(get_into(queue, items));
    co_await sleep(0s);
  };
  loop->run_until_complete(main());
  loop.reset();
  EXPECT_EQ(log, (Strings{"Task was destroyed but it is pending!", "Task was destroyed but it is pending!"}));
}

/// Calls a function where it ends, and where one of its copies does: it has no move of its own.
struct EndsWith {
  std::function<void()> call;
  ~EndsWith() {
    if (call) call();
  }
};

TEST(Queue, HasLetGoOfAnItemThatIsDestroyed) {
  Strings log;
  bool armed = false;
  const Queue<EndsWith> queue;
  const auto call = [&] {
    if (!std::exchange(armed, false)) return;
    log.push_back(std::to_string(queue.qsize()) + " " + attempt([&] { queue.get_nowait(); }));
  };
  queue.put_nowait({call});
  armed = true;
  queue.get_nowait();
  queue.put_nowait({call});
  armed = true;
  queue.shutdown(true);
  EXPECT_EQ(log, (Strings{"0 QueueEmpty()", "0 QueueShutDown()"}));
  EXPECT_EQ(queue.qsize(), 0U);
}

template <class Q>
void expect_taken_while_destroyed() {
  int puts = 0;
  bool armed = false;
  const Q queue;
  const std::string text(100, 'x');
  const auto call = [&, text] {
    if (!std::exchange(armed, false)) return;
    for (; puts < 20; ++puts) queue.put_nowait({});
    EXPECT_EQ(text, std::string(100, 'x'));
  };
  for (int i = 0; i < 8; ++i) queue.put_nowait({call});
  armed = true;
  queue.get_nowait();
  EXPECT_EQ(puts, 20);
  EXPECT_EQ(queue.qsize(), 27U);
}

TEST(Queue, TakesItemsFromTheDestructorOfOne) {
  expect_taken_while_destroyed<Queue<EndsWith>>();
  expect_taken_while_destroyed<LifoQueue<EndsWith>>();
}

/// Copied a few times, and then no more.
struct CopiedSeldom {
  explicit CopiedSeldom(int value) : number(value) {}
  CopiedSeldom(const CopiedSeldom& other) : number(other.number) {
    if (copies-- == 0) throw MemoryError("no copy");
  }
  CopiedSeldom& operator=(const CopiedSeldom&) = default;
  int number;
  static inline int copies = -1;
};

TEST(Queue, KeepsItsItemsWhereOneCannotBeCopiedWhileItGrows) {
  const Queue<CopiedSeldom> queue;
  for (int i = 0; i < 8; ++i) queue.put_nowait(CopiedSeldom(i));
  CopiedSeldom::copies = 5;
  EXPECT_EQ(attempt([&] { queue.put_nowait(CopiedSeldom(8)); }), "MemoryError(no copy)");
  ASSERT_EQ(queue.qsize(), 8U);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(queue.get_nowait().number, i);
}

TEST(Queue, WakesThoseWhoWaitWhereItIsShutDownAndAnItemCannotBeMoved) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const Queue<CopiedSeldom> queue(1);
    queue.put_nowait(CopiedSeldom(1));
    auto putter = create_task(queue.put(CopiedSeldom(2)));
    co_await sleep(0s);
    CopiedSeldom::copies = 0;
    queue.shutdown(true);
    CopiedSeldom::copies = -1;
    const auto [put] = co_await gather(putter, return_exceptions);
    EXPECT_TRUE(holds<QueueShutDown>(put.exception()));
    EXPECT_TRUE(queue.empty());
  };
  loop->run_until_complete(main());
}

struct ComparesAllBut13 {
  bool operator()(const std::unique_ptr<int>& a, const std::unique_ptr<int>& b) const {
    if (*a == 13 || *b == 13) throw TypeError("not comparable");
    return *a < *b;
  }
};

TEST(PriorityQueue, KeepsAnItemThatCannotBeCompared) {
  const PriorityQueue<std::unique_ptr<int>, ComparesAllBut13> queue;
  for (const int i : {5, 4, 3}) queue.put_nowait(std::make_unique<int>(i));
  EXPECT_EQ(attempt([&] { queue.put_nowait(std::make_unique<int>(13)); }), "TypeError(not comparable)");
  EXPECT_EQ(queue.qsize(), 4U);
  EXPECT_EQ(attempt([&] { queue.get_nowait(); }), "TypeError(not comparable)");
  EXPECT_EQ(queue.qsize(), 3U);
}

TEST(PriorityQueue, ComparesAsHeapqDoes) {
  std::string asked;
  const auto less = [&asked](int a, int b) {
    asked += std::to_string(a) + "<" + std::to_string(b) + " ";
    return a < b;
  };
  const PriorityQueue<int, decltype(less)> queue(0, less);
  for (const int i : {5, 2, 8, 1, 9}) queue.put_nowait(i);
  EXPECT_EQ(asked, "2<5 8<2 1<5 1<2 9<2 ");
  asked.clear();
  EXPECT_EQ(queue.get_nowait(), 1);
  EXPECT_EQ(asked, "2<8 9<5 ");
}

template <class A>
Coroutine<std::string> error_when_awaited(A& awaitable) {
  try {
    co_await awaitable;
  } catch (...) {
    co_return testing::text(std::current_exception());
  }
  co_return "no error";
}

TEST(Queue, LetsAPutAndAGetBeAwaitedOnce) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const Queue<std::string> queue;
    auto put = queue.put("x");
    co_await put;
    EXPECT_EQ(co_await error_when_awaited(put), "RuntimeError(cannot reuse already awaited coroutine)");
    EXPECT_EQ(queue.qsize(), 1U);
    auto get = queue.get();
    co_await get;
    EXPECT_EQ(co_await error_when_awaited(get), "RuntimeError(cannot reuse already awaited coroutine)");
    auto waiting = queue.get();
    const auto wait = [](QueueGet<std::string>& awaited) -> Coroutine<> { co_await awaited; };
    auto task = create_task(wait(waiting));
    co_await sleep(0s);
    EXPECT_EQ(co_await error_when_awaited(waiting), "RuntimeError(coroutine is being awaited already)");
    queue.put_nowait("y");
    co_await task;
  };
  loop->run_until_complete(main());
}

/// Compares, and once in between does what it is told.
struct LessWithAHook {
  bool operator()(const std::string& a, const std::string& b) const {
    if (const auto hook = std::exchange(*then, nullptr)) hook();
    return a < b;
  }
  std::function<void()>* then;
};

TEST(PriorityQueue, IsNotChangedByAComparison) {
  std::function<void()> hook;
  const PriorityQueue<std::string, LessWithAHook> queue(0, LessWithAHook{&hook});
  const auto long_text = [](int i) { return std::to_string(i) + std::string(40, 'x'); };
  const std::string refused = "RuntimeError(list changed size during iteration)";
  const std::vector<std::function<void()>> changes{
      [&] { queue.put_nowait(long_text(9)); },
      [&] { queue.get_nowait(); },
      [&] { queue.shutdown(true); },
  };
  for (const auto& change : changes) {
    for (int i = 0; i < 8; ++i) queue.put_nowait(long_text(i));
    hook = change;
    EXPECT_EQ(attempt([&] { queue.put_nowait(long_text(0)); }), refused);
    EXPECT_EQ(queue.qsize(), 9U);
    hook = change;
    EXPECT_EQ(attempt([&] { queue.get_nowait(); }), refused);
    EXPECT_EQ(queue.qsize(), 8U);
    hook = [&] { EXPECT_EQ(attempt(change), refused); };
    EXPECT_EQ(queue.get_nowait().substr(1), std::string(40, 'x'));
    while (!queue.empty()) queue.get_nowait();
  }
}

}  // namespace
}  // namespace segue::modern
