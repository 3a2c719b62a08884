// Queue family: bounds, order, blocked putters/getters, cancellation, join/task_done.
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <segue/asyncio.hpp>

#include "trace.hpp"
#include "virtual_time.hpp"

using namespace segue;
using namespace trace;
using namespace std::chrono_literals;
using asyncio::Coroutine;
using asyncio::Queue;
using asyncio::Task;

namespace {

// The tasks have all that they need: they may go on where main_() has failed.
using Log = std::shared_ptr<List>;

Coroutine<> getter(Queue<std::string> q, Log log, Value n) {
  const std::string v = co_await q.get();
  log->emplace_back(tuple(n, v));
}

Coroutine<> putter(Queue<Value> bounded, Log log, Value n) {
  co_await bounded.put(n);
  log->emplace_back(tuple("put", n, bounded.qsize()));
}

Coroutine<> main_() {
  ev("A sizes and nowait errors");
  {
    const Queue<int> q(2);
    const std::function<Value()> calls[] = {
        [&] { return q.get_nowait(); }, [&] { return value_of([&] { q.put_nowait(1); }); },
        [&] { return value_of([&] { q.put_nowait(2); }); }, [&] { return value_of([&] { q.put_nowait(3); }); }};
    for (const auto& fn : calls) {
      try {
        const Value r = fn();
        ev("A ok", r, q.qsize(), q.empty(), q.full());
      } catch (const asyncio::QueueEmpty& e) {
        ev("A", type_name(e), q.qsize());
      } catch (const asyncio::QueueFull& e) {
        ev("A", type_name(e), q.qsize());
      }
    }
    ev("A unbounded full?", Queue<int>().full(), Queue<int>(-1).full(), q.maxsize());
  }

  ev("B order: FIFO, LIFO, priority (ties by comparison)");
  {
    using Item = std::pair<int, std::string>;
    const auto order = [](const auto& x) {
      for (const auto& v : {Item(2, "b"), Item(1, "z"), Item(2, "a"), Item(1, "y")}) x.put_nowait(v);
      std::vector<Item> items;
      for (int i = 0; i < 4; ++i) items.push_back(x.get_nowait());
      ev("B", segue::type_name(typeid(x)), items);
    };
    order(Queue<Item>());
    order(asyncio::LifoQueue<Item>());
    order(asyncio::PriorityQueue<Item>());
  }

  const Log log = std::make_shared<List>();
  ev("C blocked getters are served in order");
  Queue<std::string> q;
  {
    std::vector<Task<>> ts;
    for (int i = 0; i < 3; ++i) ts.push_back(asyncio::create_task(getter(q, log, i)));
    co_await asyncio::sleep(0s);
    for (const char* v : {"a", "b", "c"}) q.put_nowait(v);
    co_await asyncio::gather(ts);
    ev("C", *log);
  }

  ev("D blocked putters are served in order; size stays bounded");
  Queue<Value> bounded(1);
  log->clear();
  {
    std::vector<Task<>> ts;
    for (int i = 0; i < 4; ++i) ts.push_back(asyncio::create_task(putter(bounded, log, i)));
    co_await asyncio::sleep(0s);
    List got;
    for (int i = 0; i < 4; ++i) {
      got.push_back(co_await bounded.get());
      co_await asyncio::sleep(0s);
    }
    co_await asyncio::gather(ts);
    ev("D", got, *log);
  }

  ev("E a newcomer may take an item that a woken getter has not collected yet");
  q = Queue<std::string>();
  log->clear();
  {
    const auto t = asyncio::create_task(getter(q, log, "sleeper"));
    co_await asyncio::sleep(0s);
    q.put_nowait("x");
    log->emplace_back(tuple("thief", q.get_nowait()));
    co_await asyncio::sleep(0s);
    co_await asyncio::sleep(0s);
    ev("E", *log, t.done());
    q.put_nowait("y");
    co_await t;
    ev("E", *log);
  }

  ev("F cancelled getter: the wakeup passes on");
  log->clear();
  {
    const auto a = asyncio::create_task(getter(q, log, "a"));
    const auto b = asyncio::create_task(getter(q, log, "b"));
    co_await asyncio::sleep(0s);
    q.put_nowait("item");
    a.cancel();
    const std::vector both{a, b};
    co_await asyncio::wait(both, {.timeout = 50ms});
    ev("F", *log, a.cancelled(), b.done(), q.qsize());
  }

  ev("G cancelled putter: nothing inserted, the next putter goes");
  bounded = Queue<Value>(1);
  log->clear();
  bounded.put_nowait("first");
  {
    const auto a = asyncio::create_task(putter(bounded, log, "A"));
    const auto b = asyncio::create_task(putter(bounded, log, "B"));
    co_await asyncio::sleep(0s);
    bounded.get_nowait();
    a.cancel();
    const std::vector both{a, b};
    co_await asyncio::wait(both, {.timeout = 50ms});
    const auto qsize = bounded.qsize();
    ev("G", *log, a.cancelled(), b.done(), qsize, bounded.get_nowait());
  }

  ev("H get cancelled by a timeout loses no item");
  q = Queue<std::string>();
  try {
    co_await asyncio::wait_for(q.get(), 5ms);
  } catch (const TimeoutError&) {
    ev("H timeout");
  }
  q.put_nowait("kept");
  ev("H", co_await q.get());

  ev("I join and task_done");
  {
    const Queue<int> q;
    for (int i = 0; i < 3; ++i) q.put_nowait(i);
    const auto j = asyncio::create_task(q.join());

    // The workers outlive this block: they get the queue as an argument, and take it with them.
    const auto worker = [](Queue<int> q) -> Coroutine<> {
      while (true) {
        co_await q.get();
        co_await asyncio::sleep(0s);
        q.task_done();
      }
    };
    const std::vector ws{asyncio::create_task(worker(q)), asyncio::create_task(worker(q))};
    co_await j;
    ev("I joined", q.qsize());
    q.put_nowait(9);
    co_await asyncio::wait_for(q.join(), 1s);
    ev("I joined again");
    for (const auto& w : ws) w.cancel();
    try {
      q.task_done();
    } catch (const ValueError& e) {
      ev("I", e);
    }
    co_await asyncio::wait_for(q.join(), 1s);
    ev("I join with nothing unfinished returns");
  }

  ev("J get does not count as done");
  {
    const Queue<int> q;
    q.put_nowait(1);
    co_await q.get();
    try {
      co_await asyncio::wait_for(q.join(), 5ms);
    } catch (const TimeoutError&) {
      ev("J still unfinished");
    }
    q.task_done();
    co_await q.join();
    ev("J finished");
  }

  ev("K get on a non-empty queue and put on a non-full one do not suspend");
  {
    const Queue<int> q;
    const Log order = std::make_shared<List>();

    const auto k1 = [](Queue<int> q, Log order) -> Coroutine<> {
      for (int i = 0; i < 3; ++i) {
        co_await q.put(i);
        order->emplace_back(co_await q.get());
      }
    };

    const auto k2 = [](Log order) -> Coroutine<> {
      order->emplace_back("k2");
      co_return;
    };
    co_await asyncio::gather(k1(q, order), k2(order));
    ev("K", *order);
  }

  ev("L ping-pong through two bounded queues");
  {
    const Queue<int> q1(1);
    const Queue<int> q2(1);
    using Text = std::shared_ptr<std::string>;
    const Text trace = std::make_shared<std::string>();

    const auto side = [](Text trace, std::string name, Queue<int> qi, Queue<int> qo, int n) -> Coroutine<> {
      for (int i = 0; i < n; ++i) {
        const int v = co_await qi.get();
        *trace += (trace->empty() ? "" : " ") + name + str(v);
        co_await qo.put(v + 1);
      }
    };
    q1.put_nowait(0);
    co_await asyncio::gather(side(trace, "a", q1, q2, 3), side(trace, "b", q2, q1, 3));
    ev("L", *trace, q1.qsize(), q2.qsize());
  }
}

}  // namespace

int main() { asyncio::run(main_(), trace::in_virtual_time); }
