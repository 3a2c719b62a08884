// Crossings between generator-based and `co_await` coroutines: chains of both, and delegates that return at once.
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>

#include <benchmark/benchmark.h>

#include <segue/bridge/async_generator.hpp>
#include <segue/bridge/callback.hpp>
#include <segue/bridge/coroutine.hpp>
#include <segue/bridge/portal.hpp>
#include <segue/bridge/to_callback.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

namespace {

using benchmark::RegisterBenchmark;
using namespace std::chrono_literals;
using segue::bridge::coroutine;
using segue::bridge::yield_from;
using segue::modern::Coroutine;
namespace modern = segue::modern;

// --- a wake-up of the innermost of so many frames, each of the other style than the one that waits for it ---

Coroutine<> native_chain(benchmark::State& state, int frames);

const auto generator_chain = coroutine<void>([](benchmark::State* state, int frames) {
  if (frames > 1) return yield_from(native_chain(*state, frames - 1));
  while (state->KeepRunning()) yield_from(modern::sleep(0s));
});

Coroutine<> native_chain(benchmark::State& state, int frames) {
  if (frames > 1) {
    co_await generator_chain(&state, frames - 1);
  } else {
    while (state.KeepRunning()) co_await modern::sleep(0s);
  }
}

/// A chain whose innermost frame is of the style named; for the other end either style does.
void chain_to_native(benchmark::State& state, int frames) {
  const auto loop = modern::new_event_loop();
  if (frames % 2 == 1) {
    loop->run_until_complete(native_chain(state, frames));
  } else {
    loop->run_until_complete(generator_chain(&state, frames));
  }
  state.SetItemsProcessed(state.iterations());
}

void chain_to_generator(benchmark::State& state, int frames) {
  const auto loop = modern::new_event_loop();
  if (frames % 2 == 1) {
    loop->run_until_complete(generator_chain(&state, frames));
  } else {
    loop->run_until_complete(native_chain(state, frames));
  }
  state.SetItemsProcessed(state.iterations());
}

// --- delegates that return at once ---

const auto generator_child = coroutine<int>([](int value) { return value; });

Coroutine<int> native_child(int value) { co_return value; }

Coroutine<> generator_children_measured(benchmark::State& state) {
  while (state.KeepRunning()) {
    const int value = co_await generator_child(1);
    benchmark::DoNotOptimize(value);
  }
}

void await_generator_child(benchmark::State& state) {
  modern::new_event_loop()->run_until_complete(generator_children_measured(state));
  state.SetItemsProcessed(state.iterations());
}

const auto native_children_measured = coroutine<void>([](benchmark::State* state) {
  while (state->KeepRunning()) benchmark::DoNotOptimize(yield_from(native_child(1)));
});

void yield_from_native_child(benchmark::State& state) {
  modern::new_event_loop()->run_until_complete(native_children_measured(&state));
  state.SetItemsProcessed(state.iterations());
}

// --- the same where the delegate waits: a coroutine that returns at once, below it ---

const auto generator_waits = coroutine<int>([](int value) { return yield_from(native_child(value)); });
int plain_waits(int value) { return segue::bridge::await_(native_child(value)); }

Coroutine<> generators_measured(benchmark::State& state) {
  while (state.KeepRunning()) {
    const int value = co_await generator_waits(1);
    benchmark::DoNotOptimize(value);
  }
}
Coroutine<> portals_measured(benchmark::State& state) {
  while (state.KeepRunning()) {
    const int value = co_await segue::bridge::portal(plain_waits, 1);
    benchmark::DoNotOptimize(value);
  }
}
Coroutine<> async_generator_measured(benchmark::State& state) {
  const auto count = segue::bridge::async_generator<int>([](auto& yield) {
    for (int i = 0;; ++i) yield(i);
  });
  auto values = count();
  while (state.KeepRunning()) {
    const int value = co_await values.anext();
    benchmark::DoNotOptimize(value);
  }
}
Coroutine<> callback_api_measured(benchmark::State& state) {
  const auto child_then = segue::bridge::to_callback(native_child);
  while (state.KeepRunning()) {
    const auto start = [&child_then](auto done) {
      child_then(1, [done](const std::exception_ptr&, int value) { done(value); });
    };
    const int value = co_await segue::bridge::from_callback<int>(start);
    benchmark::DoNotOptimize(value);
  }
}

template <Coroutine<> (*measured)(benchmark::State&)>
void in_a_loop(benchmark::State& state) {
  modern::new_event_loop()->run_until_complete(measured(state));
  state.SetItemsProcessed(state.iterations());
}

[[maybe_unused]] const auto registered = {
    RegisterBenchmark("chain.co_await.1/segue", chain_to_native, 1),
    RegisterBenchmark("chain.co_await.1000/segue", chain_to_native, 1000),
    RegisterBenchmark("chain.yield_from.1/segue", chain_to_generator, 1),
    RegisterBenchmark("chain.yield_from.1000/segue", chain_to_generator, 1000),
    RegisterBenchmark("crossing.await_generator_based/segue", await_generator_child),
    RegisterBenchmark("crossing.yield_from_co_await/segue", yield_from_native_child),
    RegisterBenchmark("crossing.generator_based_waits/segue", in_a_loop<generators_measured>),
    RegisterBenchmark("crossing.portal/segue", in_a_loop<portals_measured>),
    RegisterBenchmark("crossing.async_generator/segue", in_a_loop<async_generator_measured>),
    RegisterBenchmark("crossing.to_callback/segue", in_a_loop<callback_api_measured>),
};

}  // namespace
