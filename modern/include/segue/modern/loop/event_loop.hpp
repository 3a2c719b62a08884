// EventLoop: runs callbacks, tasks and I/O in one thread (PEP 3156; CPython: asyncio/base_events.py).
//
// One iteration is CPython's: poll the reactor (without waiting if anything is ready), queue the timers that are due,
// then run exactly the callbacks that were queued by then. What they schedule runs in the next iteration.
#pragma once

#include <atomic>
#include <chrono>
#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/delay.hpp>
#include <segue/modern/kernel/knot.hpp>
#include <segue/modern/kernel/ready_queue.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/loop/handle.hpp>
#include <segue/modern/loop/reactor.hpp>
#include <segue/modern/net/network_options.hpp>
#include <segue/modern/net/protocols.hpp>

namespace segue::modern {

template <class T>
class Future;
template <class T>
class Task;
template <class T>
class Coroutine;
class FutureBase;
class TaskBase;
class Server;

namespace detail {
class FutureState;
class TaskCore;
class Executor;
}  // namespace detail

struct TaskOptions {
  /// The task's name; "Task-N" where it is empty. Copied.
  const char* name = nullptr;
};

/// What an exception handler is told. Empty fields are absent, as absent keys are in Python.
struct ExceptionContext {
  std::string message;
  std::exception_ptr exception;
  std::string future;
  std::string task;
  std::string handle;
  /// Where the object was made, as file:line.
  std::string source;

  /// The names of the fields that are present, sorted.
  std::vector<std::string> keys() const;
};

/// The context as the default handler logs it: the message, then a line per field.
std::string to_string(const ExceptionContext& context);

class EventLoop final : public detail::RefCounted {
 public:
  using clock = std::chrono::steady_clock;
  using time_point = clock::time_point;
  using ExceptionHandler = std::function<void(EventLoop&, const ExceptionContext&)>;

  explicit EventLoop(std::unique_ptr<Reactor> reactor = make_reactor());
  ~EventLoop() override;

  /// The loop that runs in this thread; null where none does.
  static EventLoop* running() noexcept { return running_; }

  // --- callbacks ---

  /// Runs `callback(args…)` in the next iteration, after what is queued already. RuntimeError("Event loop is closed").
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>&, std::decay_t<Args>&...>
  Handle call_soon(F&& callback, Args&&... args) {
    check_usable();
    auto handle = make_handle(std::forward<F>(callback), std::forward<Args>(args)...);
    schedule(*handle);
    return Handle(std::move(handle));
  }
  /// The same at `when`, on the loop's clock. Callbacks with equal times run in the order in which they were added.
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>&, std::decay_t<Args>&...>
  TimerHandle call_at(time_point when, F&& callback, Args&&... args) {
    check_usable();
    auto handle = make_handle(std::forward<F>(callback), std::forward<Args>(args)...);
    add_timer(*handle, when);
    return TimerHandle(std::move(handle));
  }
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>&, std::decay_t<Args>&...>
  TimerHandle call_later(Delay delay, F&& callback, Args&&... args) {
    return call_at(time() + delay.value(), std::forward<F>(callback), std::forward<Args>(args)...);
  }
  /// The only way in from another thread. Wakes the loop. In one order with call_soon(), also before the loop runs.
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>&, std::decay_t<Args>&...>
  void call_soon_threadsafe(F&& callback, Args&&... args) {
    post([call = std::tuple<std::decay_t<F>, std::decay_t<Args>...>(std::forward<F>(callback),
                                                                    std::forward<Args>(args)...)]() mutable {
      std::apply([](auto& f, auto&... values) { std::invoke(f, values...); }, call);
    });
  }

  /// The loop's clock: monotonic; virtual under a ManualReactor.
  time_point time() const noexcept { return reactor_->now(); }

  // --- running ---

  /// Runs until stop(). RuntimeError where a loop runs in this thread already, or this one is closed.
  void run_forever();
  /// Runs until `awaitable` is done; returns its result or throws its exception. RuntimeError("Event loop stopped
  /// before Future completed.") where stop() came first.
  template <Awaitable A>
  await_result_t<A> run_until_complete(A&& awaitable);
  /// Ends run_forever() when the iteration that is under way is complete.
  void stop() noexcept { stopping_ = true; }
  bool is_running() const noexcept { return thread_.load(std::memory_order_relaxed) != std::thread::id(); }
  bool is_closed() const noexcept { return closed_; }
  /// Drops all that is scheduled, and waits for the calls that run in the default executor's threads. Idempotent.
  /// RuntimeError("Cannot close a running event loop").
  void close();

  // --- futures and tasks ---

  template <class T = void>
  Future<T> create_future();
  /// Schedules a coroutine of any style, or whatever else can be awaited and is not a future; its first step is in the
  /// next iteration. RuntimeError("Event loop is closed").
  template <Awaitable A>
    requires(!std::derived_from<A, FutureBase>)
  Task<await_result_t<A>> create_task(A awaitable, TaskOptions options = {});

  // --- threads (threads.hpp) ---

  /// Runs `f(args…)`, kept by value, in a thread of the default executor. Cancelling the future does not stop a call
  /// that has started. RuntimeError("Executor shutdown has been called").
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
  auto run_in_executor(F&& f, Args&&... args) -> Future<std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...>>;
  /// Lets the default executor take no more calls, and waits for those that it has, without blocking the loop. At
  /// `timeout` it stops waiting, with a warning; close() then waits for what is left.
  Coroutine<void> shutdown_default_executor(std::optional<Delay> timeout = std::nullopt);

  // --- errors ---

  /// Handles what has no caller to go to: a failing callback, an exception nobody retrieved. An empty handler restores
  /// the default one, which logs to "asyncio".
  void set_exception_handler(ExceptionHandler handler) { exception_handler_ = std::move(handler); }
  const ExceptionHandler& get_exception_handler() const noexcept { return exception_handler_; }
  void default_exception_handler(const ExceptionContext& context) noexcept;
  /// An error in the handler itself is logged, never thrown; but KeyboardInterrupt and SystemExit pass.
  void call_exception_handler(const ExceptionContext& context);

  /// In debug mode, calls from another thread that are not `…_threadsafe` raise RuntimeError.
  void set_debug(bool enabled) noexcept { debug_ = enabled; }
  bool get_debug() const noexcept { return debug_; }

  // --- I/O ---

  /// Calls `callback` in each iteration in which `fd` is readable (level-triggered). Adding again replaces it.
  void add_reader(int fd, std::function<void()> callback);
  void add_writer(int fd, std::function<void()> callback);
  /// Whether there was one.
  bool remove_reader(int fd) { return reactor_->remove_reader(fd); }
  bool remove_writer(int fd) { return reactor_->remove_writer(fd); }
  Reactor& reactor() noexcept { return *reactor_; }

  /// Connects to `host`, a name or an address, and gives the connection to a new protocol. See open_connection().
  Coroutine<Connection> create_connection(ProtocolFactory factory, std::string host, int port,
                                          ConnectionOptions options = {});
  Coroutine<Connection> create_connection(ProtocolFactory factory, ConnectionOptions options);
  /// Listens, and gives each connection to a new protocol. See start_server().
  Coroutine<Server> create_server(ProtocolFactory factory, std::string host, int port, ServerOptions options = {});
  Coroutine<Server> create_server(ProtocolFactory factory, ServerOptions options);

  // --- for tasks ---

  void schedule(detail::Ready& node) noexcept { ready_.push(node); }
  /// The same for what is new: behind what was posted before it.
  void schedule_new(detail::Ready& node) noexcept {
    if (has_posted_.load(std::memory_order_acquire)) [[unlikely]]
      collect_posted();
    ready_.push(node);
  }
  /// RuntimeError where the loop is closed or, in debug mode, where this is another loop's thread.
  void check_usable() const {
    if (closed_ || debug_) [[unlikely]]
      check_usable_slow();
  }
  void add_task(detail::TaskCore& task) noexcept;
  void remove_task(detail::TaskCore& task) noexcept;
  /// The tasks that are not done, oldest first.
  std::vector<TaskBase> all_tasks() const;
  /// Unties `knot` when the loop goes away.
  void add_knot(detail::Knot& knot) noexcept { knots_.push(knot); }
  /// Closes the coroutines of the tasks that are still pending and reports each. For a loop that goes away.
  void destroy_pending_tasks() noexcept;
  /// The default executor's threads, made when first asked for.
  detail::Executor& executor();
  bool has_executor() const noexcept { return static_cast<bool>(executor_); }

 private:
  template <class F, class... Args>
  auto make_handle(F&& callback, Args&&... args) {
    using State = detail::CallbackHandle<std::decay_t<F>, std::decay_t<Args>...>;
    return detail::make_ref<State>(*this, std::forward<F>(callback), std::forward<Args>(args)...);
  }
  void schedule(detail::HandleState& handle) noexcept {
    handle.retain();
    schedule_new(handle);
  }
  void add_timer(detail::HandleState& handle, time_point when);
  template <class F>
  void post(F callback);
  void post_node(detail::Ref<detail::HandleState> node);
  void check_usable_slow() const;
  void check_can_run() const;
  [[gnu::always_inline]] inline void run_once();
  void poll(time_point deadline);
  [[gnu::always_inline]] inline void run_ready();
  void collect_posted() noexcept;
  void collect_timers();
  time_point poll_deadline();
  void run_until_done(detail::FutureState& future, bool is_new_task);

  friend class detail::HandleState;
  void timer_cancelled() noexcept { ++cancelled_timers_; }

  static constinit inline thread_local EventLoop* running_ = nullptr;

  std::unique_ptr<Reactor> reactor_;
  detail::ReadyQueue ready_;
  std::vector<detail::Ref<detail::HandleState>> timers_;  // a heap, the earliest first
  std::size_t cancelled_timers_ = 0;                      // still in the heap
  std::uint64_t timer_sequence_ = 0;
  detail::TaskCore* oldest_task_ = nullptr;  // of the pending ones, each of which the loop keeps alive
  detail::TaskCore* newest_task_ = nullptr;
  detail::KnotList knots_;
  std::shared_ptr<detail::Executor> executor_;
  ExceptionHandler exception_handler_;
  std::atomic<std::thread::id> thread_{};  // the one that runs the loop
  bool stopping_ = false;
  bool closed_ = false;
  bool debug_ = false;

  std::mutex posted_mutex_;
  std::vector<detail::Ref<detail::HandleState>> posted_;  // guarded by posted_mutex_
  std::atomic<bool> has_posted_ = false;
  bool refuse_posted_ = false;  // guarded by posted_mutex_: the loop is closed
};

/// Owns a loop: closes it at the end.
struct CloseLoop {
  void operator()(EventLoop* loop) const noexcept;
};
using EventLoopPtr = std::unique_ptr<EventLoop, CloseLoop>;

/// A new loop on Asio's reactor, or on the one given.
EventLoopPtr new_event_loop();
EventLoopPtr new_event_loop(std::unique_ptr<Reactor> reactor);

/// The loop that runs in this thread. RuntimeError("no running event loop").
EventLoop& get_running_loop();

template <class F>
void EventLoop::post(F callback) {
  post_node(detail::Ref<detail::HandleState>(new detail::CallbackHandle<F>(*this, std::move(callback))));
}

}  // namespace segue::modern
