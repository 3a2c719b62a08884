// What tasks wait for each other with: a queue, a lock, an event.
//
// As in tasks.cpp, what is measured runs inside of a coroutine.
#include <chrono>

#include <benchmark/benchmark.h>

#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/sync/event.hpp>
#include <segue/modern/sync/lock.hpp>
#include <segue/modern/sync/queues.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

namespace {

using benchmark::RegisterBenchmark;
using namespace std::chrono_literals;
using segue::modern::Coroutine;
using segue::modern::Event;
using segue::modern::Lock;
using segue::modern::LockGuard;
using segue::modern::Queue;
using segue::modern::Task;
namespace modern = segue::modern;

void measure(benchmark::State& state, Coroutine<> (*measured)(benchmark::State&), int items) {
  modern::new_event_loop()->run_until_complete(measured(state));
  state.SetItemsProcessed(state.iterations() * items);
}

// --- an item through a queue of a hundred: one task puts, another takes ---

Coroutine<> producing(Queue<int> queue, const bool& stop) {
  while (!stop) co_await queue.put(1);
}

Coroutine<> items_measured(benchmark::State& state) {
  Queue<int> queue(100);
  bool stop = false;
  const Task<> producer = modern::create_task(producing(queue, stop));
  while (state.KeepRunning()) {
    const int item = co_await queue.get();
    benchmark::DoNotOptimize(item);
  }
  stop = true;
  while (!queue.empty()) queue.get_nowait();
  co_await producer;
}

// --- a lock that two tasks hand over to each other; it is held for one iteration of the loop ---

Coroutine<> locking(Lock lock, const bool& stop) {
  while (!stop) {
    const LockGuard held = co_await lock.guard();
    co_await modern::sleep(0s);
  }
}

Coroutine<> handovers_measured(benchmark::State& state) {
  const Lock lock;
  bool stop = false;
  const Task<> other = modern::create_task(locking(lock, stop));
  while (state.KeepRunning()) {  // a turn of this task and one of the other
    const LockGuard held = co_await lock.guard();
    co_await modern::sleep(0s);
  }
  stop = true;
  co_await other;
}

// --- an event that wakes the one who waits ---

Coroutine<> setting(Event event, const bool& stop) {
  while (!stop) {
    event.set();
    co_await modern::sleep(0s);
  }
}

Coroutine<> wakes_measured(benchmark::State& state) {
  const Event event;
  bool stop = false;
  const Task<> other = modern::create_task(setting(event, stop));
  while (state.KeepRunning()) {
    co_await event.wait();
    event.clear();
  }
  stop = true;
  co_await other;
}

[[maybe_unused]] const auto registered = {
    RegisterBenchmark("queue.item/segue", measure, items_measured, 1),
    RegisterBenchmark("lock.handover/segue", measure, handovers_measured, 2),
    RegisterBenchmark("event.wake/segue", measure, wakes_measured, 1),
};

}  // namespace
