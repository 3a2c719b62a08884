// run() and Runner: from a plain main() into the event loop and out again (CPython: asyncio/runners.py).
//
//   int main() { asyncio::run(serve()); }
//
// The loop is new, and closed at the end: what is left of the other tasks is cancelled and waited for, errors of theirs
// go to the loop's exception handler, and the default executor's threads are joined.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/refused.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/task.hpp>

namespace segue::modern {

struct RunOptions {
  /// The loop's debug mode.
  std::optional<bool> debug = std::nullopt;
  /// Makes the loop. Where it is null that is new_event_loop(), whose loop is get_event_loop()'s, too, until it is
  /// closed.
  LoopFactory loop_factory = nullptr;
};

namespace detail {
class Interrupts;
}  // namespace detail

/// One loop for several run() calls. Destroying it closes it.
///
/// In the program's main thread, where nobody else handles SIGINT, one that comes while main runs cancels it, and run()
/// throws KeyboardInterrupt when main has let that out; main may clean up, or uncancel itself and go on. A second one
/// throws KeyboardInterrupt out of the loop at once.
class Runner {
 public:
  Runner() noexcept : Runner(RunOptions{}) {}
  explicit Runner(RunOptions options) noexcept;
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  ~Runner();

  /// Runs `main` as a task and returns its result or throws its exception. It runs in the runner's context, a copy of
  /// the one in which the runner's loop was made, unless it is given another one. RuntimeError("Runner is closed"), or
  /// in a thread that runs a loop.
  template <Awaitable A>
  await_result_t<A> run(A&& main, const CallOptions& options = {}) {
    check_no_running_loop("Runner.run() cannot be called from a running event loop");
    EventLoop& loop = get_loop();
    const TaskOptions in_context{.context = options.context ? options.context : ContextOption(*context_)};
    auto future = ensure_future(std::forward<A>(main), loop, in_context);
    const Interruptible interruptible(*this, future);
    try {
      return loop.run_until_complete(std::move(future));
    } catch (const CancelledError&) {
      check_interrupted();
      throw;
    }
  }
  template <class A>
    requires(!Awaitable<A>)
  __attribute__((unavailable(
      "run() takes a coroutine, or what else can be awaited, and not const: call a coroutine function, run(main())")))
  Refused
  run(A&&);
  /// The loop; made when first asked for.
  EventLoop& get_loop();
  /// Cancels the tasks that are left, waits for them and closes the loop. Idempotent. RuntimeError("Cannot close a
  /// running event loop").
  void close();

  static void check_no_running_loop(const char* message);

 private:
  /// While it lives, SIGINT is for this task.
  class Interruptible {
   public:
    Interruptible(Runner& runner, const AnyFuture& main);
    Interruptible(const Interruptible&) = delete;
    Interruptible& operator=(const Interruptible&) = delete;
    ~Interruptible();

   private:
    Runner& runner_;
  };
  /// Throws KeyboardInterrupt where that is what has cancelled it.
  void check_interrupted() const;

  RunOptions options_;
  std::unique_ptr<detail::Interrupts> interrupts_;  // with the loop, and after it
  EventLoopPtr loop_;
  std::optional<Context> context_;
  bool closed_ = false;
};

struct RunFunction {
  /// Runs `main` on a new loop and returns its result or throws its exception, when the loop is closed. RuntimeError in
  /// a thread that runs a loop already.
  template <Awaitable A>
  await_result_t<A> operator()(A&& main, RunOptions options) const {
    Runner::check_no_running_loop("asyncio.run() cannot be called from a running event loop");
    Runner runner(options);
    try {
      if constexpr (std::is_void_v<await_result_t<A>>) {
        runner.run(std::forward<A>(main));
        runner.close();
      } else {
        decltype(auto) result = runner.run(std::forward<A>(main));
        runner.close();
        return static_cast<await_result_t<A>>(std::forward<decltype(result)>(result));
      }
    } catch (...) {
      runner.close();
      throw;
    }
  }
  template <Awaitable A>
  await_result_t<A> operator()(A&& main) const {
    return (*this)(std::forward<A>(main), RunOptions{});
  }
  template <class A>
    requires(!Awaitable<A>)
  __attribute__((unavailable(
      "run() takes a coroutine, or what else can be awaited, and not const: call a coroutine function, run(main())")))
  Refused
  operator()(A&&, RunOptions = {}) const;
};
inline constexpr RunFunction run;

}  // namespace segue::modern
