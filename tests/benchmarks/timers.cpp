// Time on the loop: a great many sleeps, timers that are cancelled before they are due, and a thread's round trip.
#include <sched.h>
#include <sys/resource.h>

#include <chrono>
#include <vector>

#include <benchmark/benchmark.h>

#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/threads/to_thread.hpp>

namespace {

using benchmark::RegisterBenchmark;
using namespace std::chrono_literals;
using segue::modern::Coroutine;
using segue::modern::Task;
namespace modern = segue::modern;

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// --- 100,000 sleeps of 1 to 100 ms, in seconds of CPU ---

constexpr int sleepers = 100'000;

Coroutine<> sleeping(std::chrono::milliseconds time) { co_await modern::sleep(time); }

Coroutine<> sleeps_measured(benchmark::State& state) {
  for (auto _ : state) {
    const double before = cpu_seconds();
    std::vector<Task<>> tasks;
    tasks.reserve(sleepers);
    for (int i = 0; i < sleepers; ++i)
      tasks.push_back(modern::create_task(sleeping(std::chrono::milliseconds(1 + i % 100))));
    for (const Task<>& task : tasks) co_await task;
    state.counters["s"] = cpu_seconds() - before;
  }
}

void sleep_many(benchmark::State& state) { modern::new_event_loop()->run_until_complete(sleeps_measured(state)); }

// --- a timer is started and cancelled while 10,000 others wait ---

constexpr int waiting = 10'000;

void cancel_timers(benchmark::State& state) {
  const auto loop = modern::new_event_loop();
  std::vector<modern::TimerHandle> others;
  for (int i = 0; i < waiting; ++i) others.push_back(loop->call_later(std::chrono::seconds(1000 + i), [] {}));
  std::size_t next = 0;
  while (state.KeepRunning()) {  // the oldest goes, and a new one comes
    others[next].cancel();
    others[next] = loop->call_later(2000s, [] {});
    next = next + 1 == others.size() ? 0 : next + 1;
    if (next % 1000 == 0) loop->run_until_complete(modern::sleep(0s));  // where cancelled ones are cleared away
  }
  state.SetItemsProcessed(state.iterations());
}

// --- to_thread() and back, both threads on one core ---

Coroutine<> trips_measured(benchmark::State& state) {
  while (state.KeepRunning()) co_await modern::to_thread([] {});
}

void thread_trips(benchmark::State& state) {
  cpu_set_t all, one;
  sched_getaffinity(0, sizeof all, &all);
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  sched_setaffinity(0, sizeof one, &one);  // the executor's threads inherit it
  modern::new_event_loop()->run_until_complete(trips_measured(state));
  sched_setaffinity(0, sizeof all, &all);
  state.SetItemsProcessed(state.iterations());
}

[[maybe_unused]] const auto registered = {
    RegisterBenchmark("sleep.100000/segue", sleep_many)->Iterations(1),
    RegisterBenchmark("timer.cancel/segue", cancel_timers),
    RegisterBenchmark("thread.round_trip/segue", thread_trips),
};

}  // namespace
