// Queue family: bounds, order, blocked putters/getters, cancellation, join/task_done.
#include <chrono>
#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include <segue/asyncio.hpp>

#include "trace.hpp"

using namespace segue;
using namespace trace;
using asyncio::Coroutine;
using namespace std::chrono_literals;

namespace {

using Pair = std::tuple<int, std::string>;

template <class Queue>
void show_order(const char* name) {
  Queue x;
  for (const Pair& v : {Pair(2, "b"), Pair(1, "z"), Pair(2, "a"), Pair(1, "y")}) x.put_nowait(v);
  List items;
  for (int i = 0; i < 4; ++i) items.push_back(x.get_nowait());
  ev("B", name, items);
}

Coroutine<> async_main() {
  ev("A sizes and nowait errors");
  asyncio::Queue<int> small(2);
  const std::vector<std::function<Value()>> calls = {
      [&] { return Value(small.get_nowait()); }, [&] { return small.put_nowait(1), Value(); },
      [&] { return small.put_nowait(2), Value(); }, [&] { return small.put_nowait(3), Value(); }};
  for (const auto& fn : calls) {
    try {
      const Value r = fn();
      ev("A ok", r, small.qsize(), small.empty(), small.full());
    } catch (const asyncio::QueueEmpty& e) {
      ev("A", type_name(e), small.qsize());
    } catch (const asyncio::QueueFull& e) {
      ev("A", type_name(e), small.qsize());
    }
  }
  ev("A unbounded full?", asyncio::Queue<int>().full(), asyncio::Queue<int>(-1).full(), small.maxsize());

  ev("B order: FIFO, LIFO, priority (ties by comparison)");
  show_order<asyncio::Queue<Pair>>("Queue");
  show_order<asyncio::LifoQueue<Pair>>("LifoQueue");
  show_order<asyncio::PriorityQueue<Pair>>("PriorityQueue");

  ev("C blocked getters are served in order");
  asyncio::Queue<Value> unbounded;
  asyncio::Queue<Value>* q = &unbounded;
  List log;

  auto getter = [&](Value n) -> Coroutine<> {
    const Value v = co_await q->get();
    log.push_back(tuple(n, v));
  };
  std::vector<asyncio::Task<>> ts;
  for (int i = 0; i < 3; ++i) ts.push_back(asyncio::create_task(getter(i)));
  co_await asyncio::sleep(0s);
  for (const char v : {'a', 'b', 'c'}) q->put_nowait(v);
  co_await asyncio::gather(ts);
  ev("C", log);

  ev("D blocked putters are served in order; size stays bounded");
  asyncio::Queue<Value> bounded(1);
  q = &bounded;
  log.clear();

  auto putter = [&](Value n) -> Coroutine<> {
    co_await q->put(n);
    log.push_back(tuple("put", n, q->qsize()));
  };
  ts.clear();
  for (int i = 0; i < 4; ++i) ts.push_back(asyncio::create_task(putter(i)));
  co_await asyncio::sleep(0s);
  List got;
  for (int i = 0; i < 4; ++i) {
    got.push_back(co_await q->get());
    co_await asyncio::sleep(0s);
  }
  co_await asyncio::gather(ts);
  ev("D", got, log);

  ev("E a newcomer may take an item that a woken getter has not collected yet");
  asyncio::Queue<Value> contested;
  q = &contested;
  log.clear();
  const asyncio::Task<> sleeper = asyncio::create_task(getter("sleeper"));
  co_await asyncio::sleep(0s);
  q->put_nowait("x");
  log.push_back(tuple("thief", q->get_nowait()));
  co_await asyncio::sleep(0s);
  co_await asyncio::sleep(0s);
  ev("E", log, sleeper.done());
  q->put_nowait("y");
  co_await sleeper;
  ev("E", log);

  ev("F cancelled getter: the wakeup passes on");
  log.clear();
  asyncio::Task<> a = asyncio::create_task(getter("a"));
  asyncio::Task<> b = asyncio::create_task(getter("b"));
  co_await asyncio::sleep(0s);
  q->put_nowait("item");
  a.cancel();
  std::vector<asyncio::Task<>> both = {a, b};
  co_await asyncio::wait(both, {.timeout = 50ms});
  ev("F", log, a.cancelled(), b.done(), q->qsize());

  ev("G cancelled putter: nothing inserted, the next putter goes");
  asyncio::Queue<Value> single(1);
  q = &single;
  log.clear();
  q->put_nowait("first");
  a = asyncio::create_task(putter("A"));
  b = asyncio::create_task(putter("B"));
  co_await asyncio::sleep(0s);
  q->get_nowait();
  a.cancel();
  both = {a, b};
  co_await asyncio::wait(both, {.timeout = 50ms});
  const std::size_t size = q->qsize();
  ev("G", log, a.cancelled(), b.done(), size, q->get_nowait());

  ev("H get cancelled by a timeout loses no item");
  asyncio::Queue<Value> patient;
  q = &patient;
  try {
    co_await asyncio::wait_for(q->get(), 5ms);
  } catch (const TimeoutError&) {
    ev("H timeout");
  }
  q->put_nowait("kept");
  ev("H", co_await q->get());

  ev("I join and task_done");
  asyncio::Queue<Value> joined;
  q = &joined;
  for (int i = 0; i < 3; ++i) q->put_nowait(i);
  const asyncio::Task<> j = asyncio::create_task(q->join());

  auto worker = [](asyncio::Queue<Value>& q) -> Coroutine<> {
    while (true) {
      const Value v = co_await q.get();
      co_await asyncio::sleep(0s);
      q.task_done();
    }
  };
  std::vector<asyncio::Task<>> ws;
  for (int i = 0; i < 2; ++i) ws.push_back(asyncio::create_task(worker(joined)));
  co_await j;
  ev("I joined", q->qsize());
  q->put_nowait(9);
  co_await asyncio::wait_for(q->join(), 1s);
  ev("I joined again");
  for (const asyncio::Task<>& w : ws) w.cancel();
  try {
    q->task_done();
  } catch (const ValueError& e) {
    ev("I", e);
  }
  co_await asyncio::wait_for(q->join(), 1s);
  ev("I join with nothing unfinished returns");

  ev("J get does not count as done");
  asyncio::Queue<Value> unfinished;
  q = &unfinished;
  q->put_nowait(1);
  co_await q->get();
  try {
    co_await asyncio::wait_for(q->join(), 5ms);
  } catch (const TimeoutError&) {
    ev("J still unfinished");
  }
  q->task_done();
  co_await q->join();
  ev("J finished");

  ev("K get on a non-empty queue and put on a non-full one do not suspend");
  asyncio::Queue<Value> free_queue;
  q = &free_queue;
  List order;

  auto k1 = [&]() -> Coroutine<> {
    for (int i = 0; i < 3; ++i) {
      co_await q->put(i);
      order.push_back(co_await q->get());
    }
  };
  auto k2 = [&]() -> Coroutine<> {
    order.push_back("k2");
    co_return;
  };
  co_await asyncio::gather(k1(), k2());
  ev("K", order);

  ev("L ping-pong through two bounded queues");
  asyncio::Queue<int> q1(1), q2(1);
  std::string trace_line;

  auto side = [&](std::string name, asyncio::Queue<int>& qi, asyncio::Queue<int>& qo, int n) -> Coroutine<> {
    for (int i = 0; i < n; ++i) {
      const int v = co_await qi.get();
      trace_line += (trace_line.empty() ? "" : " ") + name + std::to_string(v);
      co_await qo.put(v + 1);
    }
  };
  q1.put_nowait(0);
  co_await asyncio::gather(side("a", q1, q2, 3), side("b", q2, q1, 3));
  ev("L", trace_line, q1.qsize(), q2.qsize());
}

}  // namespace

int main() { asyncio::run(async_main()); }
