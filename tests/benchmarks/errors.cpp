// The way of an error: out of a coroutine, out of a task and out of a task group, to whoever handles it.
//
// Beside it stands what C++ itself takes: an exception that leaves a coroutine's frame, which keeps it, and is thrown
// again where the coroutine is awaited. Nothing that keeps an error in between can do with fewer than these two throws.
#include <coroutine>
#include <exception>
#include <utility>

#include <benchmark/benchmark.h>

#include <segue/exceptions.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/exception_groups.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/taskgroups.hpp>

namespace {

using benchmark::RegisterBenchmark;
using segue::ValueError;
using segue::modern::Coroutine;
using segue::modern::ExceptionGroup;
using segue::modern::Task;
using segue::modern::TaskGroup;
namespace modern = segue::modern;

/// As little of a coroutine as can be awaited.
class Bare {
 public:
  struct promise_type {
    struct Finish {
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> frame) const noexcept {
        return frame.promise().awaiting;
      }
      void await_resume() const noexcept {}
    };
    Bare get_return_object() noexcept { return Bare(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    Finish final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() noexcept { error = std::current_exception(); }

    std::coroutine_handle<> awaiting = std::noop_coroutine();
    std::exception_ptr error;
  };

  explicit Bare(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
  Bare(const Bare&) = delete;
  Bare& operator=(const Bare&) = delete;
  ~Bare() { frame_.destroy(); }

  void run() const { frame_.resume(); }
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) const noexcept {
    frame_.promise().awaiting = awaiting;
    return frame_;
  }
  void await_resume() const {
    if (frame_.promise().error) std::rethrow_exception(frame_.promise().error);
  }

 private:
  std::coroutine_handle<promise_type> frame_;
};

Bare failing_bare() {
  throw ValueError("bad");
  co_return;
}

Bare bare_measured(benchmark::State& state) {
  while (state.KeepRunning()) {
    try {
      co_await failing_bare();
    } catch (const ValueError& error) {
      benchmark::DoNotOptimize(&error);
    }
  }
}

void fail_bare(benchmark::State& state) {
  bare_measured(state).run();
  state.SetItemsProcessed(state.iterations());
}

Coroutine<> failing() {
  throw ValueError("bad");
  co_return;
}

Coroutine<> awaits_measured(benchmark::State& state) {
  while (state.KeepRunning()) {
    try {
      co_await failing();
    } catch (const ValueError& error) {
      benchmark::DoNotOptimize(&error);
    }
  }
}

Coroutine<> tasks_measured(benchmark::State& state) {
  while (state.KeepRunning()) {
    const Task<> task = modern::create_task(failing());
    try {
      co_await task;
    } catch (const ValueError& error) {
      benchmark::DoNotOptimize(&error);
    }
  }
}

Coroutine<> start_failing(TaskGroup& group) {
  group.create_task(failing());
  co_return;
}

Coroutine<> groups_measured(benchmark::State& state) {
  while (state.KeepRunning()) {
    try {
      co_await modern::async_with(TaskGroup(), start_failing);
    } catch (const ExceptionGroup& error) {
      benchmark::DoNotOptimize(&error);
    }
  }
}

void fail_segue(benchmark::State& state, Coroutine<> (*measured)(benchmark::State&)) {
  modern::new_event_loop()->run_until_complete(measured(state));
  state.SetItemsProcessed(state.iterations());
}

[[maybe_unused]] const auto registered = {
    RegisterBenchmark("error.await/segue", fail_segue, awaits_measured),
    RegisterBenchmark("error.await/bare C++", fail_bare),
    RegisterBenchmark("error.task/segue", fail_segue, tasks_measured),
    RegisterBenchmark("error.task/bare C++", fail_bare),
    RegisterBenchmark("error.task_group/segue", fail_segue, groups_measured),
    RegisterBenchmark("error.task_group/bare C++", fail_bare),
};

}  // namespace
