// Awaiting a callback API: one that calls back at once, and one that does so in the loop's next iteration.
#include <exception>
#include <memory>
#include <utility>

#include <benchmark/benchmark.h>

#include <segue/bridge/c_callback.hpp>
#include <segue/bridge/callback.hpp>
#include <segue/bridge/emitter.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/async_generators.hpp>
#include <segue/modern/tasks/task.hpp>

#include "asio_peer.hpp"

namespace {

using bench::Usual;
using benchmark::RegisterBenchmark;
using segue::bridge::from_callback;
using segue::modern::Coroutine;
namespace asio = boost::asio;
namespace modern = segue::modern;

constexpr auto call_at_once = [](auto done) { std::move(done)(1); };
constexpr auto call_later = [](auto done) { modern::get_running_loop().call_soon(std::move(done), 1); };

template <auto initiation>
Coroutine<> callbacks_measured(benchmark::State& state) {
  while (state.KeepRunning()) {
    const int value = co_await from_callback<int>(initiation);
    benchmark::DoNotOptimize(value);
  }
}

template <auto initiation>
void callback_segue(benchmark::State& state) {
  modern::new_event_loop()->run_until_complete(callbacks_measured<initiation>(state));
  state.SetItemsProcessed(state.iterations());
}

// --- the same of a C API ---

using CCall = void(int, void*);
constexpr auto call_c_at_once = [](CCall* call, void* data) { call(1, data); };
constexpr auto call_c_later = [](CCall* call, void* data) { modern::get_running_loop().call_soon(call, 1, data); };

template <auto initiation>
Coroutine<> c_callbacks_measured(benchmark::State& state) {
  while (state.KeepRunning()) {
    const int value = co_await from_callback<CCall>(initiation);
    benchmark::DoNotOptimize(value);
  }
}

template <auto initiation>
void c_callback_segue(benchmark::State& state) {
  modern::new_event_loop()->run_until_complete(c_callbacks_measured<initiation>(state));
  state.SetItemsProcessed(state.iterations());
}

// --- many calls ---

constexpr int batch = 100;

Coroutine<> many_callbacks_measured(benchmark::State& state) {
  const auto emit_batch = [](const segue::bridge::Emitter<int>& emit) {
    for (int i = 0; i < batch; ++i) emit(i);
  };
  while (state.KeepRunningBatch(batch)) {
    auto values = segue::bridge::from_callbacks<int>(emit_batch);
    co_await modern::async_for(std::move(values), [](int value) { benchmark::DoNotOptimize(value); });
  }
}

void many_callbacks_segue(benchmark::State& state) {
  modern::new_event_loop()->run_until_complete(many_callbacks_measured(state));
  state.SetItemsProcessed(state.iterations());
}

// Asio forbids a handler to be called before the initiation has returned: there is no call at once.
constexpr auto post_later = [](auto handler) {
  auto executor = asio::get_associated_executor(handler);
  asio::post(executor, [handler = std::move(handler)]() mutable { std::move(handler)(1); });
};

template <class How, auto initiation>
bench::awaitable<How> callbacks_measured_in_asio(benchmark::State& state) {
  const auto& token = bench::use_awaitable<How>;
  while (state.KeepRunning()) {
    const int value = co_await asio::async_initiate<decltype(token), void(int)>(initiation, token);
    benchmark::DoNotOptimize(value);
  }
}

template <class How, auto initiation>
void callback_asio(benchmark::State& state) {
  asio::io_context context(How::concurrency_hint);
  bench::run<How>(callbacks_measured_in_asio<How, initiation>(state), context);
  state.SetItemsProcessed(state.iterations());
}

[[maybe_unused]] const auto registered = {
    RegisterBenchmark("callback.at_once/segue", callback_segue<call_at_once>),
    RegisterBenchmark("callback.later/segue", callback_segue<call_later>),
    RegisterBenchmark("callback.c.at_once/segue", c_callback_segue<call_c_at_once>),
    RegisterBenchmark("callback.c.later/segue", c_callback_segue<call_c_later>),
    RegisterBenchmark("callback.many/segue", many_callbacks_segue),
    RegisterBenchmark("callback.later/Asio", callback_asio<Usual, post_later>),
};

}  // namespace
