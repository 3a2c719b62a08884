// Crossings: chains of generator-based and `co_await` coroutines, delegates that return at once, and an await of each
// other thing that the bridge knows.
#include <sched.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <future>
#include <memory>
#include <utility>

#include <benchmark/benchmark.h>
#include <boost/asio/awaitable.hpp>
#include <boost/coroutine2/coroutine.hpp>

#include <segue/bridge/asio/co_spawn.hpp>
#include <segue/bridge/asio/from_asio.hpp>
#include <segue/bridge/asio/use_segue.hpp>
#include <segue/bridge/async_generator.hpp>
#include <segue/bridge/blocking_portal.hpp>
#include <segue/bridge/callback.hpp>
#include <segue/bridge/coroutine.hpp>
#include <segue/bridge/coroutine2.hpp>
#include <segue/bridge/emitter.hpp>
#include <segue/bridge/from_thread.hpp>
#include <segue/bridge/listener.hpp>
#include <segue/bridge/portal.hpp>
#include <segue/bridge/std_future.hpp>
#include <segue/bridge/to_callback.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/sync/queues.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/threads/thread_futures.hpp>
#include <segue/modern/threads/to_thread.hpp>

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
  co_await values.aclose();
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

// --- an await of each of the other things ---

using Ints = boost::coroutines2::coroutine<int>;

boost::asio::awaitable<int, segue::bridge::LoopExecutor> asio_child(int value) { co_return value; }

struct IntListener {
  virtual ~IntListener() = default;
  virtual void on_int(int value) = 0;
};
struct IntArrived final : segue::bridge::Listener<IntListener, int> {
  void on_int(int value) override { succeed(value); }
};

std::future<int> ready_future() {
  std::promise<int> promise;
  promise.set_value(1);
  return promise.get_future();
}
/// What a thread has to wait for.
std::future<int> future_of_later() {
  std::promise<int> promise;
  auto future = promise.get_future();
  modern::get_running_loop().call_soon([promise = std::move(promise)]() mutable { promise.set_value(1); });
  return future;
}

constexpr auto await_asio = [] {
  return segue::bridge::from_asio(segue::bridge::LoopExecutor(modern::get_running_loop()), asio_child(1));
};
constexpr auto await_spawned = [] {
  return segue::bridge::co_spawn(modern::get_running_loop(), native_child(1), segue::bridge::use_segue);
};
constexpr auto await_ready_std_future = [] { return segue::bridge::from_std_future(ready_future()); };
constexpr auto await_std_future = [] { return segue::bridge::from_std_future(future_of_later()); };
constexpr auto await_listener = [] {
  return segue::bridge::from_listener<IntArrived>([](IntArrived& listener) { listener.on_int(1); });
};
constexpr auto await_ensured = [] {
  return modern::ensure_future(segue::bridge::from_callback<int>([](auto done) { done(1); }));
};

template <const auto& make>
Coroutine<> awaits_measured(benchmark::State& state) {
  while (state.KeepRunning()) {
    const int value = co_await make();
    benchmark::DoNotOptimize(value);
  }
}

Coroutine<> std_futures_measured(benchmark::State& state) {
  while (state.KeepRunning()) {
    std::future<int> future = segue::bridge::to_std_future(native_child(1));
    while (future.wait_for(0s) != std::future_status::ready) co_await modern::sleep(0s);
    benchmark::DoNotOptimize(future.get());
  }
}

constexpr int queued = 100;
Coroutine<> queue_measured(benchmark::State& state) {
  modern::Queue<int> queue;
  const auto start = [](const segue::bridge::Emitter<int>& emit) {
    for (int i = 0; i < queued; ++i) emit(i);
    emit.close();
  };
  while (state.KeepRunningBatch(queued)) {
    co_await segue::bridge::into_queue(queue, start);
    while (!queue.empty()) benchmark::DoNotOptimize(queue.get_nowait());
  }
}

Coroutine<> generator_below_portal_measured(benchmark::State& state) {
  co_await segue::bridge::portal([&state] {
    segue::legacy::Generator<int> values([](auto& yield) {
      while (true) yield(segue::bridge::await_(native_child(1)));
    });
    while (state.KeepRunning()) benchmark::DoNotOptimize(values.next());
  });
}

// --- a thread that has the loop run a coroutine, and waits for it ---

Coroutine<> from_thread_measured(benchmark::State& state) {
  co_await modern::to_thread([&state] {
    while (state.KeepRunning()) benchmark::DoNotOptimize(segue::bridge::from_thread::run(native_child, 1));
  });
}
Coroutine<> threadsafe_measured(benchmark::State& state) {
  modern::EventLoop& loop = modern::get_running_loop();
  co_await modern::to_thread([&state, &loop] {
    while (state.KeepRunning())
      benchmark::DoNotOptimize(modern::run_coroutine_threadsafe(native_child(1), loop).result());
  });
}
void blocking_portal(benchmark::State& state) {
  segue::bridge::BlockingPortal portal = segue::bridge::start_blocking_portal();
  while (state.KeepRunning()) benchmark::DoNotOptimize(portal.call(native_child, 1));
  state.SetItemsProcessed(state.iterations());
}

// --- a value of Coroutine2, as a generator's, and the other way round ---

void from_pull(benchmark::State& state) {
  auto values = segue::bridge::from_pull(Ints::pull_type([](Ints::push_type& push) {
    for (int i = 0;; ++i) push(i);
  }));
  while (state.KeepRunning()) benchmark::DoNotOptimize(values.next());
  state.SetItemsProcessed(state.iterations());
}
void to_pull(benchmark::State& state) {
  Ints::pull_type values = segue::bridge::to_pull(segue::legacy::Generator<int>([](auto& yield) {
    for (int i = 0;; ++i) yield(i);
  }));
  while (state.KeepRunning()) benchmark::DoNotOptimize(values().get());
  state.SetItemsProcessed(state.iterations());
}

template <Coroutine<> (*measured)(benchmark::State&)>
void in_a_loop(benchmark::State& state) {
  modern::new_event_loop()->run_until_complete(measured(state));
  state.SetItemsProcessed(state.iterations());
}

/// Both threads on one core, which the other one inherits.
template <void (*measured)(benchmark::State&)>
void on_one_core(benchmark::State& state) {
  cpu_set_t all, one;
  sched_getaffinity(0, sizeof all, &all);
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  sched_setaffinity(0, sizeof one, &one);
  measured(state);
  sched_setaffinity(0, sizeof all, &all);
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
    RegisterBenchmark("crossing.listener/segue", in_a_loop<awaits_measured<await_listener>>),
    RegisterBenchmark("crossing.ensure_future/segue", in_a_loop<awaits_measured<await_ensured>>),
    RegisterBenchmark("crossing.into_queue/segue", in_a_loop<queue_measured>),
    RegisterBenchmark("crossing.portal_generator/segue", in_a_loop<generator_below_portal_measured>),
    RegisterBenchmark("crossing.from_pull/segue", from_pull),
    RegisterBenchmark("crossing.to_pull/segue", to_pull),
    RegisterBenchmark("crossing.from_asio/segue", in_a_loop<awaits_measured<await_asio>>),
    RegisterBenchmark("crossing.co_spawn/segue", in_a_loop<awaits_measured<await_spawned>>),
    RegisterBenchmark("crossing.from_std_future.ready/segue", in_a_loop<awaits_measured<await_ready_std_future>>),
    RegisterBenchmark("crossing.from_std_future/segue", on_one_core<in_a_loop<awaits_measured<await_std_future>>>)
        ->MeasureProcessCPUTime(),
    RegisterBenchmark("crossing.to_std_future/segue", in_a_loop<std_futures_measured>),
    RegisterBenchmark("crossing.from_thread/segue", on_one_core<in_a_loop<from_thread_measured>>)
        ->MeasureProcessCPUTime(),
    RegisterBenchmark("crossing.threadsafe/segue", on_one_core<in_a_loop<threadsafe_measured>>)
        ->MeasureProcessCPUTime(),
    RegisterBenchmark("crossing.blocking_portal/segue", on_one_core<blocking_portal>)->MeasureProcessCPUTime(),
};

}  // namespace
