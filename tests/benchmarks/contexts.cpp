// Context variables, async generators, tasks that begin eagerly, and a whole run() of nothing.
#include <benchmark/benchmark.h>

#include <segue/modern/kernel/contextvars.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/async_generators.hpp>
#include <segue/modern/tasks/runners.hpp>
#include <segue/modern/tasks/task.hpp>

namespace {

using benchmark::RegisterBenchmark;
using segue::modern::AsyncGenerator;
using segue::modern::Context;
using segue::modern::ContextSlot;
using segue::modern::ContextVar;
using segue::modern::Coroutine;
using segue::modern::Task;
namespace modern = segue::modern;

const ContextVar<int> variable("variable", 0);
const ContextVar<int> other_variable("other_variable", 0);

void in_a_context(benchmark::State& state, void (*measured)(benchmark::State&)) {
  Context().run([&] {
    variable.set(1);
    other_variable.set(2);
    measured(state);
  });
  state.SetItemsProcessed(state.iterations());
}

// What a task or a callback gets.
void copies(benchmark::State& state) {
  while (state.KeepRunning()) {
    const ContextSlot copy = ContextSlot::copy_of_current();
    benchmark::DoNotOptimize(&copy);
  }
}

void lookups(benchmark::State& state) {
  while (state.KeepRunning()) {
    const int value = variable.get();
    benchmark::DoNotOptimize(value);
  }
}

void sets(benchmark::State& state) {
  int value = 0;
  while (state.KeepRunning()) variable.set(++value);
}

void measure(benchmark::State& state, Coroutine<> (*measured)(benchmark::State&)) {
  modern::new_event_loop()->run_until_complete(measured(state));
  state.SetItemsProcessed(state.iterations());
}

AsyncGenerator<int> count() {
  for (int i = 0;; ++i) co_yield i;
}

Coroutine<> nexts_measured(benchmark::State& state) {
  AsyncGenerator<int> numbers = count();
  while (state.KeepRunning()) {
    const int value = co_await numbers.anext();
    benchmark::DoNotOptimize(value);
  }
}

Coroutine<int> nothing() { co_return 1; }

template <bool eager>
Coroutine<> tasks_measured(benchmark::State& state) {
  while (state.KeepRunning()) {
    const Task<int> task = modern::create_task(nothing(), {.eager_start = eager});
    const int value = co_await task;
    benchmark::DoNotOptimize(value);
  }
}

Coroutine<> empty() { co_return; }

void run_nothing(benchmark::State& state) {
  while (state.KeepRunning()) modern::run(empty());
  state.SetItemsProcessed(state.iterations());
}

[[maybe_unused]] const auto registered = {
    RegisterBenchmark("context.copy/segue", in_a_context, copies),
    RegisterBenchmark("context.get/segue", in_a_context, lookups),
    RegisterBenchmark("context.set/segue", in_a_context, sets),
    RegisterBenchmark("async_generator.next/segue", measure, nexts_measured),
    RegisterBenchmark("task.one/segue", measure, tasks_measured<false>),
    RegisterBenchmark("task.one_in_context/segue", in_a_context,
                      [](auto& state) { measure(state, tasks_measured<false>); }),
    RegisterBenchmark("task.one_eager/segue", measure, tasks_measured<true>),
    RegisterBenchmark("run.nothing/segue", run_nothing),
};

}  // namespace
