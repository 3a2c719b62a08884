// Tasks and coroutines on the loop, beside Asio's awaitable.
//
// The loop that is measured runs inside of a coroutine, so that neither the making of tasks nor the start of an event
// loop is in its figures.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <vector>

#include <benchmark/benchmark.h>

#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "asio_peer.hpp"

namespace {

using benchmark::RegisterBenchmark;
using namespace std::chrono_literals;
using bench::Tuned;
using bench::Usual;
using segue::modern::Coroutine;
using segue::modern::Future;
using segue::modern::Task;
namespace asio = boost::asio;
namespace modern = segue::modern;

// --- a task switch, among so many tasks ---

Coroutine<> switching(const bool& stop) {
  while (!stop) co_await modern::sleep(0s);
}

Coroutine<> switches_measured(benchmark::State& state, int tasks) {
  bool stop = false;
  std::vector<Task<>> others;
  for (int i = 1; i < tasks; ++i) others.push_back(modern::create_task(switching(stop)));
  while (state.KeepRunning()) co_await modern::sleep(0s);
  stop = true;
  for (const Task<>& task : others) co_await task;
}

void switch_segue(benchmark::State& state, int tasks) {
  const auto loop = modern::new_event_loop();
  loop->run_until_complete(switches_measured(state, tasks));
  state.SetItemsProcessed(state.iterations() * tasks);
}

template <class How>
bench::awaitable<How> switching_in_asio(const bool& stop) {
  while (!stop) co_await asio::post(bench::use_awaitable<How>);
}

template <class How>
bench::awaitable<How> switches_measured_in_asio(benchmark::State& state, bool& stop) {
  while (state.KeepRunning()) co_await asio::post(bench::use_awaitable<How>);
  stop = true;
}

template <class How>
void switch_asio(benchmark::State& state, int tasks) {
  asio::io_context context(How::concurrency_hint);
  const typename How::Executor executor(context.get_executor());
  bool stop = false;
  for (int i = 1; i < tasks; ++i) asio::co_spawn(executor, switching_in_asio<How>(stop), asio::detached);
  bench::run<How>(switches_measured_in_asio<How>(state, stop), context);
  state.SetItemsProcessed(state.iterations() * tasks);
}

// --- a child coroutine that returns at once ---

Coroutine<int> child(int value) { co_return value; }

Coroutine<> children_measured(benchmark::State& state) {
  while (state.KeepRunning()) {
    const int value = co_await child(1);
    benchmark::DoNotOptimize(value);
  }
}

void child_segue(benchmark::State& state) {
  modern::new_event_loop()->run_until_complete(children_measured(state));
  state.SetItemsProcessed(state.iterations());
}

template <class How>
bench::awaitable<How, int> child_in_asio(int value) {
  co_return value;
}

template <class How>
bench::awaitable<How> children_measured_in_asio(benchmark::State& state) {
  while (state.KeepRunning()) {
    const int value = co_await child_in_asio<How>(1);
    benchmark::DoNotOptimize(value);
  }
}

template <class How>
void child_asio(benchmark::State& state) {
  asio::io_context context(How::concurrency_hint);
  bench::run<How>(children_measured_in_asio<How>(state), context);
  state.SetItemsProcessed(state.iterations());
}

// --- a million tasks, made and then waited for ---

constexpr int many = 1'000'000;

Coroutine<> spawning_measured(benchmark::State& state) {
  for (auto _ : state) {
    std::vector<Task<int>> tasks;
    tasks.reserve(many);
    for (int i = 0; i < many; ++i) tasks.push_back(modern::create_task(child(i)));
    std::int64_t total = 0;
    for (const Task<int>& task : tasks) total += co_await task;
    benchmark::DoNotOptimize(total);
  }
}

void spawn_segue(benchmark::State& state) {
  modern::new_event_loop()->run_until_complete(spawning_measured(state));
  state.SetItemsProcessed(state.iterations() * many);
}

// Asio's co_spawn returns nothing to wait for: the completions are counted.
template <class How>
void spawn_asio(benchmark::State& state) {
  for (auto _ : state) {
    asio::io_context context(How::concurrency_hint);
    const typename How::Executor executor(context.get_executor());
    std::int64_t total = 0;
    for (int i = 0; i < many; ++i)
      asio::co_spawn(executor, child_in_asio<How>(i),
                     [&total](const std::exception_ptr&, int value) { total += value; });
    context.run();
    benchmark::DoNotOptimize(total);
  }
  state.SetItemsProcessed(state.iterations() * many);
}

// --- a task that waits for a future, and one that completes it: a future and two switches ---

Coroutine<> completing(std::optional<Future<int>>& future, const bool& stop) {
  while (!stop) {
    if (future && !future->done()) future->set_result(1);
    co_await modern::sleep(0s);
  }
}

Coroutine<> wakes_measured(benchmark::State& state) {
  modern::EventLoop& loop = modern::get_running_loop();
  std::optional<Future<int>> future;
  bool stop = false;
  const Task<> other = modern::create_task(completing(future, stop));
  while (state.KeepRunning()) {
    future = loop.create_future<int>();
    const int value = co_await *future;
    benchmark::DoNotOptimize(value);
  }
  stop = true;
  co_await other;
}

void wake_segue(benchmark::State& state) {
  modern::new_event_loop()->run_until_complete(wakes_measured(state));
  state.SetItemsProcessed(state.iterations());
}

[[maybe_unused]] const auto registered = {
    RegisterBenchmark("task.switch.2/segue", switch_segue, 2),
    RegisterBenchmark("task.switch.10000/segue", switch_segue, 10000),
    RegisterBenchmark("task.switch.2/Asio", switch_asio<Usual>, 2),
    RegisterBenchmark("task.switch.2/Asio tuned", switch_asio<Tuned>, 2),
    RegisterBenchmark("task.switch.10000/Asio", switch_asio<Usual>, 10000),
    RegisterBenchmark("task.switch.10000/Asio tuned", switch_asio<Tuned>, 10000),
    RegisterBenchmark("coroutine.child/segue", child_segue),
    RegisterBenchmark("coroutine.child/Asio", child_asio<Usual>),
    RegisterBenchmark("task.spawn_join/segue", spawn_segue),
    RegisterBenchmark("task.spawn_join/Asio", spawn_asio<Usual>),
    RegisterBenchmark("task.spawn_join/Asio tuned", spawn_asio<Tuned>),
    RegisterBenchmark("future.wake/segue", wake_segue),
};

}  // namespace
