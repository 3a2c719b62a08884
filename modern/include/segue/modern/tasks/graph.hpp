// The call graph: where a task stands, and who waits for it, and who waits for those (CPython 3.14: asyncio/graph.py).
//
//   co_await print_call_graph();    // of the task that runs
//   print_call_graph(task);         // of another one, or of a future
//
//   * Task(name='reader', id=0x55d0c8)
//     + Call stack:
//     |   File 'main.cpp', line 12, in async fetch()
//     |   File 'main.cpp', line 20, in async read_all()
//     + Awaited by:
//       * Task(name='Task-1', id=0x55d1f0)
//         + Call stack:
//         |   File 'main.cpp', line 31, in async main_()
//
// Nothing is noted while a program runs: who waits is found where it is to be woken. gather(), shield(), wait() and a
// TaskGroup wait on behalf of tasks, which are shown in their place.
#pragma once

#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <segue/let_go.hpp>
#include <segue/modern/kernel/coroutine_info.hpp>
#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/task.hpp>

namespace segue::modern {

/// A function in a call stack.
struct FrameCallGraphEntry {
  SuspendedFrame frame;
};

/// A future or a task, and who waits for it: a snapshot, but for the futures. It can only be moved.
struct FutureCallGraph {
  FutureCallGraph(AnyFuture of, std::vector<FrameCallGraphEntry> stack)
      : future(std::move(of)), call_stack(std::move(stack)) {}
  FutureCallGraph(FutureCallGraph&&) noexcept = default;
  FutureCallGraph& operator=(FutureCallGraph&&) noexcept = default;
  ~FutureCallGraph() { let_go(std::move(awaited_by)); }

  AnyFuture future;
  /// From the innermost function to the task's own. Empty for a future, and for a task that is done.
  std::vector<FrameCallGraphEntry> call_stack;
  /// In the order in which they came. A ring of tasks that wait for each other ends where it comes round.
  std::vector<FutureCallGraph> awaited_by = {};
};

struct CallGraphOptions {
  /// With which function the call stack of the running task begins: 1 for the one that asks, 2 for the one that awaits
  /// that.
  int depth = 1;
  /// How many functions are shown of each call stack: the outermost ones, or, with a negative number, the innermost.
  std::optional<int> limit = std::nullopt;
};

namespace detail {

/// Takes the call graph of the running task: who awaits this is the innermost function.
class CurrentCallGraph {
 public:
  explicit CurrentCallGraph(CallGraphOptions options) noexcept : options_(options) {}
  bool await_ready() const;
  bool await_suspend(Resumable asking);

 protected:
  std::optional<FutureCallGraph> graph_;

 private:
  CallGraphOptions options_;
};

class [[nodiscard("co_await it")]] CaptureCurrentCallGraph : public CurrentCallGraph {
 public:
  using CurrentCallGraph::CurrentCallGraph;
  std::optional<FutureCallGraph> await_resume() { return std::move(graph_); }
};

class [[nodiscard("co_await it")]] FormatCurrentCallGraph : public CurrentCallGraph {
 public:
  using CurrentCallGraph::CurrentCallGraph;
  std::string await_resume() const;
};

class [[nodiscard("co_await it")]] PrintCurrentCallGraph : public CurrentCallGraph {
 public:
  PrintCurrentCallGraph(CallGraphOptions options, std::FILE* file) noexcept : CurrentCallGraph(options), file_(file) {}
  void await_resume() const;

 private:
  std::FILE* file_;
};

}  // namespace detail

struct CaptureCallGraphFunction {
  /// The running task's, where it is awaited; nothing where no task runs. RuntimeError outside of a running loop.
  auto operator()(CallGraphOptions options = {}) const { return detail::CaptureCurrentCallGraph(options); }
  /// Of the running task it shows one function alone, the task's own: only who awaits knows the others.
  FutureCallGraph operator()(const AnyFuture& future, CallGraphOptions options = {}) const;
};
inline constexpr CaptureCallGraphFunction capture_call_graph;

struct FormatCallGraphFunction {
  /// The running task's, where it is awaited, as capture_call_graph(); an empty text where no task runs.
  auto operator()(CallGraphOptions options = {}) const { return detail::FormatCurrentCallGraph(options); }
  std::string operator()(const AnyFuture& future, CallGraphOptions options = {}) const;
};
inline constexpr FormatCallGraphFunction format_call_graph;

struct PrintCallGraphFunction {
  /// The running task's, where it is awaited, as capture_call_graph(); nothing where no task runs.
  auto operator()(CallGraphOptions options = {}, std::FILE* file = stdout) const {
    return detail::PrintCurrentCallGraph(options, file);
  }
  void operator()(const AnyFuture& future, CallGraphOptions options = {}, std::FILE* file = stdout) const;
};
inline constexpr PrintCallGraphFunction print_call_graph;

struct FutureAddToAwaitedByFunction {
  /// For a call graph alone, says that `future` is awaited by `waiter`, which it keeps alive until
  /// future_discard_from_awaited_by() or its end. For what waits by done callbacks. It is said once, however often it
  /// is said.
  void operator()(const AnyFuture& future, const AnyFuture& waiter) const;
};
inline constexpr FutureAddToAwaitedByFunction future_add_to_awaited_by;

struct FutureDiscardFromAwaitedByFunction {
  /// Takes that back; nothing where it was not said.
  void operator()(const AnyFuture& future, const AnyFuture& waiter) const noexcept;
};
inline constexpr FutureDiscardFromAwaitedByFunction future_discard_from_awaited_by;

}  // namespace segue::modern
