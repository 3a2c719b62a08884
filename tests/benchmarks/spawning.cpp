// Tasks that are made and waited for, at several numbers of them alive; what a parked one takes; and the switch of
// tasks whose coroutines are generator-based.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <segue/bridge/coroutine.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/taskgroups.hpp>

namespace {

using benchmark::RegisterBenchmark;
using namespace std::chrono_literals;
using segue::modern::Coroutine;
using segue::modern::Future;
using segue::modern::Task;
using segue::modern::TaskGroup;
namespace bridge = segue::bridge;
namespace modern = segue::modern;

Coroutine<int> child(int value) { co_return value; }

// --- so many alive ---

Coroutine<> spawning_measured(benchmark::State& state, int many) {
  for (auto _ : state) {
    std::vector<Task<int>> tasks;
    tasks.reserve(static_cast<std::size_t>(many));
    for (int i = 0; i < many; ++i) tasks.push_back(modern::create_task(child(i)));
    std::int64_t total = 0;
    for (const Task<int>& task : tasks) total += co_await task;
    benchmark::DoNotOptimize(total);
  }
}

void spawn(benchmark::State& state, int many) {
  modern::new_event_loop()->run_until_complete(spawning_measured(state, many));
  state.SetItemsProcessed(state.iterations() * many);
}

// --- in a group ---

constexpr int group_size = 1000;

Coroutine<> group_measured(benchmark::State& state) {
  const auto fill = [](TaskGroup group) -> Coroutine<> {
    for (int i = 0; i < group_size; ++i) group.create_task(child(i));
    co_return;
  };
  for (auto _ : state) co_await modern::async_with(TaskGroup(), fill);
}

void group(benchmark::State& state) {
  modern::new_event_loop()->run_until_complete(group_measured(state));
  state.SetItemsProcessed(state.iterations() * group_size);
}

// --- parked: the memory of a task, its coroutine and its place among those who wait for one future ---

constexpr int parked = 1'000'000;

std::size_t resident_bytes() {
  std::size_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

Coroutine<> park(Future<void> gate) { co_await gate; }

Coroutine<> parking_measured(benchmark::State& state) {
  for (auto _ : state) {
    const Future<void> gate = modern::get_running_loop().create_future();
    const std::size_t before = resident_bytes();
    for (int i = 0; i < parked; ++i) modern::create_task(park(gate));
    co_await modern::sleep(0s);
    state.counters["bytes"] = static_cast<double>(resident_bytes() - before) / parked;
    gate.set_result();
    while (modern::all_tasks().size() > 1) co_await modern::sleep(0s);
  }
}

void park_many(benchmark::State& state) { modern::new_event_loop()->run_until_complete(parking_measured(state)); }

// --- the switch of generator-based coroutines ---

Coroutine<> fibers_measured(benchmark::State& state, int tasks) {
  bool stop = false;
  const auto switching = bridge::coroutine<void>([&stop] {
    while (!stop) bridge::yield_from(modern::sleep(0s));
  });
  std::vector<Task<>> others;
  for (int i = 0; i < tasks; ++i) others.push_back(modern::create_task(switching()));
  while (state.KeepRunning()) co_await modern::sleep(0s);
  stop = true;
  for (const Task<>& task : others) co_await task;
}

void switch_fibers(benchmark::State& state, int tasks) {
  modern::new_event_loop()->run_until_complete(fibers_measured(state, tasks));
  state.SetItemsProcessed(state.iterations() * tasks);
}

[[maybe_unused]] const auto registered = {
    RegisterBenchmark("task.spawn_join.1000/segue", spawn, 1000),
    RegisterBenchmark("task.spawn_join.100000/segue", spawn, 100'000),
    RegisterBenchmark("task_group.1000/segue", group),
    RegisterBenchmark("task.parked/segue", park_many)->Iterations(1),
    RegisterBenchmark("fiber.switch.2/segue", switch_fibers, 2),
    RegisterBenchmark("fiber.switch.10000/segue", switch_fibers, 10'000),
};

}  // namespace
