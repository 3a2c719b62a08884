// Generators beside Coroutine2's, which are as stackful, and beside the bare switch of stacks, which is the floor.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>

#include <benchmark/benchmark.h>
#include <boost/context/detail/fcontext.hpp>
#include <boost/coroutine2/all.hpp>
#include <boost/coroutine2/fixedsize_stack.hpp>
#include <boost/coroutine2/pooled_fixedsize_stack.hpp>

#include <segue/legacy/generator.hpp>

namespace {

using benchmark::RegisterBenchmark;
namespace context = boost::context::detail;
using boost::coroutines2::default_stack;
using boost::coroutines2::pooled_fixedsize_stack;
using segue::legacy::Generator;
using Pull = boost::coroutines2::coroutine<int>::pull_type;
using Push = boost::coroutines2::coroutine<int>::push_type;

constexpr std::size_t stack_bytes = 64 * 1024;

// The bodies are functions of their own, so that no compiler sees through a resumption.

void count(auto& yield) {
  for (int i = 0;; ++i) yield(i);
}

void sum(auto& yield) {
  for (int total = 0;;) total += yield(total);
}

void yield_one(auto& yield) { yield(1); }

// Something to destroy, in a frame that waits.
struct Object {
  ~Object() { benchmark::DoNotOptimize(this); }
};

void count_with_object(auto& yield) {
  const Object object;
  count(yield);
}

// --- next, iterate, send ---

void next_segue(benchmark::State& state) {
  Generator<int> numbers([](auto& yield) { count(yield); });
  for (auto _ : state) benchmark::DoNotOptimize(numbers.next());
  state.SetItemsProcessed(state.iterations());
}

void next_coroutine2(benchmark::State& state) {
  Pull numbers([](Push& yield) { count(yield); });
  for (auto _ : state) {
    benchmark::DoNotOptimize(numbers.get());
    numbers();
  }
  state.SetItemsProcessed(state.iterations());
}

void count_bare(context::transfer_t back) {
  for (int i = 0;; ++i) back = context::jump_fcontext(back.fctx, &i);
}

void next_fcontext(benchmark::State& state) {
  const auto stack = std::make_unique<std::byte[]>(stack_bytes);
  context::transfer_t numbers{context::make_fcontext(stack.get() + stack_bytes, stack_bytes, &count_bare), nullptr};
  for (auto _ : state) {
    numbers = context::jump_fcontext(numbers.fctx, nullptr);
    benchmark::DoNotOptimize(*static_cast<int*>(numbers.data));
  }
  state.SetItemsProcessed(state.iterations());
}

constexpr int loop_length = 1000;

void count_to_end(auto& yield) {
  for (int i = 0; i < loop_length; ++i) yield(i);
}

void iterate_segue(benchmark::State& state) {
  for (auto _ : state) {
    Generator<int> numbers([](auto& yield) { count_to_end(yield); });
    for (const int number : numbers) benchmark::DoNotOptimize(number);
  }
  state.SetItemsProcessed(state.iterations() * loop_length);
}

void iterate_coroutine2(benchmark::State& state) {
  for (auto _ : state) {
    Pull numbers([](Push& yield) { count_to_end(yield); });
    for (const int number : numbers) benchmark::DoNotOptimize(number);
  }
  state.SetItemsProcessed(state.iterations() * loop_length);
}

void send_segue(benchmark::State& state) {
  Generator<int, int> sums([](auto& yield) { sum(yield); });
  sums.next();
  for (auto _ : state) benchmark::DoNotOptimize(sums.send(1));
  state.SetItemsProcessed(state.iterations());
}

// Coroutine2 sends in one direction only: nothing comes back.
void send_coroutine2(benchmark::State& state) {
  int total = 0;
  Push sink([&total](Pull& sent) {
    for (; sent; sent()) total += sent.get();
  });
  for (auto _ : state) {
    sink(1);
    benchmark::DoNotOptimize(total);
  }
  state.SetItemsProcessed(state.iterations());
}

// --- the beginning and the end ---

void run_segue(benchmark::State& state) {
  for (auto _ : state) {
    Generator<int> one([](auto& yield) { yield_one(yield); });
    auto value = one.begin();
    benchmark::DoNotOptimize(*value);
    ++value;
    benchmark::DoNotOptimize(value == one.end());
  }
  state.SetItemsProcessed(state.iterations());
}

template <class Stacks>
void run_coroutine2(benchmark::State& state) {
  Stacks stacks;
  for (auto _ : state) {
    Pull one(stacks, [](Push& yield) { yield_one(yield); });
    benchmark::DoNotOptimize(one.get());
    one();
    benchmark::DoNotOptimize(static_cast<bool>(one));
  }
  state.SetItemsProcessed(state.iterations());
}

const auto counting = [](auto& yield) { count(yield); };
const auto counting_with_object = [](auto& yield) { count_with_object(yield); };

void abandon_segue(benchmark::State& state, auto body) {
  for (auto _ : state) {
    Generator<int> numbers(body);
    benchmark::DoNotOptimize(numbers.next());
  }
  state.SetItemsProcessed(state.iterations());
}

template <class Stacks>
void abandon_coroutine2(benchmark::State& state, auto body) {
  Stacks stacks;
  for (auto _ : state) {
    Pull numbers(stacks, body);
    benchmark::DoNotOptimize(numbers.get());
  }
  state.SetItemsProcessed(state.iterations());
}

// --- yield from: the argument is the number of generators that do nothing but delegate ---

void delegating(auto& yield, int depth) {
  if (depth == 0) return count(yield);
  yield.from(Generator<int>([depth](auto& inner) { delegating(inner, depth - 1); }));
}

void delegate_segue(benchmark::State& state, int depth) {
  Generator<int> numbers([depth](auto& yield) { delegating(yield, depth); });
  numbers.next();
  for (auto _ : state) benchmark::DoNotOptimize(numbers.next());
  state.SetItemsProcessed(state.iterations());
}

// What a Coroutine2 coroutine does instead: yields again what it pulls.
void yielding_again(Push& yield, int depth) {
  if (depth == 0) return count(yield);
  Pull inner([depth](Push& sink) { yielding_again(sink, depth - 1); });
  for (const int value : inner) yield(value);
}

void delegate_coroutine2(benchmark::State& state, int depth) {
  Pull numbers([depth](Push& yield) { yielding_again(yield, depth); });
  for (auto _ : state) {
    benchmark::DoNotOptimize(numbers.get());
    numbers();
  }
  state.SetItemsProcessed(state.iterations());
}

[[maybe_unused]] const auto registered = {
    RegisterBenchmark("generator.next/segue", next_segue),
    RegisterBenchmark("generator.next/Coroutine2", next_coroutine2),
    RegisterBenchmark("generator.next/raw fcontext", next_fcontext),
    RegisterBenchmark("generator.iterate/segue", iterate_segue),
    RegisterBenchmark("generator.iterate/Coroutine2", iterate_coroutine2),
    RegisterBenchmark("generator.send/segue", send_segue),
    RegisterBenchmark("generator.send/Coroutine2", send_coroutine2),
    RegisterBenchmark("generator.run/segue", run_segue),
    RegisterBenchmark("generator.run/Coroutine2", run_coroutine2<default_stack>),
    RegisterBenchmark("generator.run/Coroutine2 pooled", run_coroutine2<pooled_fixedsize_stack>),
    RegisterBenchmark("generator.abandon/segue", [](auto& state) { abandon_segue(state, counting); }),
    RegisterBenchmark("generator.abandon/Coroutine2",
                      [](auto& state) { abandon_coroutine2<default_stack>(state, counting); }),
    RegisterBenchmark("generator.abandon/Coroutine2 pooled",
                      [](auto& state) { abandon_coroutine2<pooled_fixedsize_stack>(state, counting); }),
    RegisterBenchmark("generator.abandon_object/segue",
                      [](auto& state) { abandon_segue(state, counting_with_object); }),
    RegisterBenchmark("generator.abandon_object/Coroutine2",
                      [](auto& state) { abandon_coroutine2<default_stack>(state, counting_with_object); }),
    RegisterBenchmark("generator.abandon_object/Coroutine2 pooled",
                      [](auto& state) { abandon_coroutine2<pooled_fixedsize_stack>(state, counting_with_object); }),
    RegisterBenchmark("yield_from.1/segue", delegate_segue, 1),
    RegisterBenchmark("yield_from.10/segue", delegate_segue, 10),
    RegisterBenchmark("yield_from.100/segue", delegate_segue, 100),
    RegisterBenchmark("yield_from.1000/segue", delegate_segue, 1000),
    RegisterBenchmark("yield_from.1/Coroutine2", delegate_coroutine2, 1),
    RegisterBenchmark("yield_from.10/Coroutine2", delegate_coroutine2, 10),
    RegisterBenchmark("yield_from.100/Coroutine2", delegate_coroutine2, 100),
    RegisterBenchmark("yield_from.1000/Coroutine2", delegate_coroutine2, 1000),
};

}  // namespace
