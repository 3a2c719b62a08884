// EventLoop: runs callbacks, tasks and I/O in one thread (PEP 3156; CPython: asyncio/base_events.py).
//
// One iteration is CPython's: poll the reactor (without waiting if anything is ready), queue the timers that are due,
// then run exactly the callbacks that were queued by then. What they schedule runs in the next iteration.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/contextvars.hpp>
#include <segue/modern/kernel/delay.hpp>
#include <segue/modern/kernel/exception_context.hpp>
#include <segue/modern/kernel/handle_state.hpp>
#include <segue/modern/kernel/loop_core.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/kernel/refused.hpp>
#include <segue/modern/loop/callback_watch.hpp>
#include <segue/modern/loop/handle.hpp>
#include <segue/modern/loop/reactor.hpp>
#include <segue/modern/loop/signal_callback.hpp>
#include <segue/modern/loop/threadsafe_handle.hpp>

namespace segue::modern {

template <class T>
class Coroutine;
class FutureCore;

// What the loop's methods give and take, which is declared by the floors above it.
template <class T>
class Future;
template <class T>
class Task;
class AnyFuture;
class Protocol;
template <class P>
class ConnectionWith;
using Connection = ConnectionWith<Protocol>;
class Server;
struct ConnectionOptions;
struct ServerOptions;
using ProtocolFactory = std::function<std::shared_ptr<Protocol>()>;

/// A function that makes protocols of a class of the user's own.
template <class F>
concept FactoryOfOwn = std::convertible_to<std::invoke_result_t<F&>, std::shared_ptr<Protocol>> &&
                       !std::same_as<typename std::invoke_result_t<F&>::element_type, Protocol>;

namespace concurrent {
class ThreadPoolExecutor;
}  // namespace concurrent
namespace detail {
class Executor;
class Job;
class SignalHandlers;
}  // namespace detail

struct TaskOptions {
  /// The task's name, which is copied; "Task-N" where none is given.
  std::string_view name = {};
  /// What it runs in, shared with whoever else has it; a copy of the current one where none is given.
  ContextOption context = {};
  /// Whether create_task() takes the first step itself, before it returns. A coroutine that ends in that never touches
  /// the loop, and its task is done. Where none is given, the loop's task factory says so; without one it does not.
  std::optional<bool> eager_start = std::nullopt;
};

/// The same as a task factory decides on them: with what they refer to, since the task is made when it has returned.
struct TaskFactoryOptions {
  std::optional<std::string> name = std::nullopt;
  std::optional<Context> context = std::nullopt;
  std::optional<bool> eager_start = std::nullopt;
};

class EventLoop;

/// Decides on the options of each task that is made. Empty, for none.
using TaskFactory = std::function<void(EventLoop&, TaskFactoryOptions&)>;

struct CallOptions {
  /// As a task's.
  ContextOption context = {};
};

namespace detail {

/// What a task takes over: an awaitable that is no future, given in a way in which it can be moved or copied.
template <class A>
concept TakenOver = Awaitable<std::remove_cvref_t<A>> && !std::derived_from<std::remove_cvref_t<A>, AnyFuture> &&
                    std::constructible_from<std::remove_cvref_t<A>, A>;
template <class A>
concept NotTakenOver = Awaitable<std::remove_cvref_t<A>> && !TakenOver<A>;

/// What a task may be made of: an awaitable, or a function with its arguments.
template <class F, class... Args>
concept TaskFunction = !Awaitable<std::remove_cvref_t<F>> && AwaitableFunction<F, Args...>;
template <class A>
concept TaskBody = TakenOver<A> || TaskFunction<A>;
template <class F, class... Args>
concept NoTaskBody = !Awaitable<std::remove_cvref_t<F>> && !AwaitableFunction<F, Args...> && !AwaitableFunction<F> &&
                     !std::same_as<std::remove_cvref_t<F>, TaskOptions>;

/// What would make a coroutine that nobody awaits, where it is called as a callback.
template <class F, class... Args>
concept CoroutineFunction = std::invocable<std::decay_t<F>&, std::decay_t<Args>&...> &&
                            TakenOver<std::invoke_result_t<std::decay_t<F>&, std::decay_t<Args>&...>>;

template <class... Body>
struct TaskResult {};
template <class F, class... Args>
  requires TaskFunction<F, Args...>
struct TaskResult<F, Args...> {
  using type = call_result_t<F, Args...>;
};
template <TakenOver A>
struct TaskResult<A> {
  using type = await_result_t<std::remove_cvref_t<A>>;
};
/// The result of that task.
template <class... Body>
using task_result_t = typename TaskResult<Body...>::type;

}  // namespace detail

/// Owns a loop: closes it at the end.
struct CloseLoop {
  void operator()(EventLoop* loop) const noexcept;
};
using EventLoopPtr = std::unique_ptr<EventLoop, CloseLoop>;

/// Makes a loop.
using LoopFactory = EventLoopPtr (*)();

/// Shares a loop: keeps it in memory, also when its owner has closed it.
using EventLoopRef = Ref<EventLoop>;

/// Made by new_event_loop(). Everything here is for the loop's own thread, but for what is called `…_threadsafe`.
class EventLoop final : private LoopCore {
 public:
  using LoopCore::clock;
  using LoopCore::time_point;
  using ExceptionHandler = std::function<void(EventLoop&, const ExceptionContext&)>;

  /// The loop that runs in this thread; null where none does.
  static EventLoop* running() noexcept { return static_cast<EventLoop*>(LoopCore::running()); }
  /// core() is what primitives are built on (docs/kernel.md); of() gives the loop that a core is part of.
  LoopCore& core() noexcept { return *this; }
  static EventLoop& of(LoopCore& core) noexcept { return static_cast<EventLoop&>(core); }

  // --- callbacks ---

  /// Runs `callback(args…)` in the next iteration, after what is queued already, in a copy of the current context.
  /// Options come first: `call_soon({.context = context}, callback)`. RuntimeError("Event loop is closed").
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>&, std::decay_t<Args>&...>
  Handle call_soon(F&& callback, Args&&... args) {
    check_usable();
    auto handle = make_handle(core(), std::forward<F>(callback), std::forward<Args>(args)...);
    schedule(Ref<HandleState>(handle));
    return Handle(std::move(handle));
  }
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>&, std::decay_t<Args>&...>
  Handle call_soon(const CallOptions& options, F&& callback, Args&&... args) {
    return in_context(options, call_soon(std::forward<F>(callback), std::forward<Args>(args)...));
  }
  /// The same at `when`. Callbacks with equal times run in the order in which they were added.
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>&, std::decay_t<Args>&...>
  TimerHandle call_at(Deadline when, F&& callback, Args&&... args) {
    check_usable();
    auto handle = make_handle(core(), std::forward<F>(callback), std::forward<Args>(args)...);
    add_timer(*handle, when);
    handle->retain();  // the heap's
    return TimerHandle(std::move(handle));
  }
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>&, std::decay_t<Args>&...>
  TimerHandle call_at(const CallOptions& options, Deadline when, F&& callback, Args&&... args) {
    return in_context(options, call_at(when, std::forward<F>(callback), std::forward<Args>(args)...));
  }
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>&, std::decay_t<Args>&...>
  TimerHandle call_later(Delay delay, F&& callback, Args&&... args) {
    return call_at(time() + delay.value(), std::forward<F>(callback), std::forward<Args>(args)...);
  }
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>&, std::decay_t<Args>&...>
  TimerHandle call_later(const CallOptions& options, Delay delay, F&& callback, Args&&... args) {
    return in_context(options, call_later(delay, std::forward<F>(callback), std::forward<Args>(args)...));
  }
  /// The only way in from another thread. Wakes the loop. In one order with call_soon(), also before the loop runs.
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>&, std::decay_t<Args>&...>
  ThreadsafeHandle call_soon_threadsafe(F&& callback, Args&&... args) {
    return call_soon_threadsafe(CallOptions(), std::forward<F>(callback), std::forward<Args>(args)...);
  }
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>&, std::decay_t<Args>&...>
  ThreadsafeHandle call_soon_threadsafe(const CallOptions& options, F&& callback, Args&&... args) {
    using Callback = detail::ThreadsafeCallback<std::decay_t<F>, std::decay_t<Args>...>;
    auto call = std::make_shared<detail::ThreadsafeCall>();
    auto callback_handle = make_ref<Callback>(core(), call, std::forward<F>(callback), std::forward<Args>(args)...);
    if (options.context) callback_handle->context() = options.context.slot();
    post(std::move(callback_handle));
    return ThreadsafeHandle(std::move(call));
  }

  /// The loop's clock: monotonic; virtual under a ManualReactor.
  time_point time() const noexcept override { return reactor_->now(); }

  // --- running ---

  /// Runs until stop(). RuntimeError where a loop runs in this thread already, or this one is closed.
  void run_forever();
  /// Runs until `awaitable` is done; returns its result or throws its exception. RuntimeError("Event loop stopped
  /// before Future completed.") where stop() came first.
  template <Awaitable A>
  await_result_t<A> run_until_complete(A&& awaitable);
  template <class A>
    requires(!Awaitable<A>)
  __attribute__((unavailable(
      "run_until_complete() takes a coroutine, or what else can be awaited, and not const: call a coroutine function, "
      "run_until_complete(main())"))) Refused
  run_until_complete(A&&);
  /// One iteration that does not wait, for who runs this loop from within another one. Gives the time until which there
  /// is nothing to do unless the reactor finds something: `time_point::min()` where something is ready by now, `max()`
  /// where no timer is set.
  time_point step();
  /// The same time, as it is now: what runs this loop asks again where others than the loop's callbacks may have
  /// scheduled something, or called stop().
  time_point due() noexcept;
  /// Whether stop() was called in the last step(), or before it: who runs the loop by steps ends there.
  bool was_stopped() const noexcept { return was_stopped_; }
  /// Ends run_forever() when the iteration that is under way is complete.
  void stop() noexcept { stopping_ = true; }
  using LoopCore::is_closed;
  using LoopCore::is_running;
  /// Drops all that is scheduled, and what the default executor has not started. Calls that run in its threads are
  /// waited for when the loop goes, with its last handle. Idempotent. RuntimeError("Cannot close a running event
  /// loop").
  void close();

  // --- futures and tasks ---

  template <class T = void>
  Future<T> create_future();
  /// Schedules a coroutine of any style, or whatever else can be awaited and is not a future; its first step is in the
  /// next iteration. A function without arguments is kept and called, as by call(). RuntimeError("Event loop is
  /// closed").
  template <detail::TaskBody A>
  Task<detail::task_result_t<A>> create_task(A&& awaitable, const TaskOptions& options = {});
  /// The same of `call(f, args…)`: keeps the function and its arguments until the task is done. Options come first:
  /// `create_task({.name = "reader"}, read, std::move(stream))`.
  template <class F, class Arg, class... Args>
    requires detail::TaskFunction<F, Arg, Args...>
  Task<call_result_t<F, Arg, Args...>> create_task(F&& f, Arg&& arg, Args&&... args);
  template <class F, class... Args>
    requires detail::TaskFunction<F, Args...>
  Task<call_result_t<F, Args...>> create_task(const TaskOptions& options, F&& f, Args&&... args);
  template <detail::NotTakenOver A>
  __attribute__((
      unavailable("a task takes its coroutine over: create_task(std::move(coroutine)), of one that is not const; a "
                  "task or a future "
                  "is none"))) Refused
  create_task(A&&, const TaskOptions& = {});
  template <class F, class... Args>
    requires detail::NoTaskBody<F, Args...>
  __attribute__((
      unavailable("create_task() takes a coroutine, or a function and copies of its arguments, of which it makes one: "
                  "std::ref(x) for "
                  "a parameter that is a reference"))) Refused
  create_task(F&&, Args&&...);

  /// What decides on the options of tasks (CPython's makes the task itself). The current one; empty for none.
  void set_task_factory(TaskFactory factory) { task_factory_ = std::move(factory); }
  const TaskFactory& get_task_factory() const noexcept { return task_factory_; }

  // --- threads (threads/to_thread.hpp) ---

  /// Runs `f(args…)`, kept by value, in a thread of the default executor. Cancelling the future does not stop a call
  /// that has started. RuntimeError("Executor shutdown has been called").
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
  auto run_in_executor(F&& f, Args&&... args) -> Future<std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...>>;
  template <class F, class... Args>
    requires(!std::invocable<std::decay_t<F>, std::decay_t<Args>...>)
  __attribute__((unavailable(
      "run_in_executor() calls the function with copies of the arguments, moved: std::ref(x) for a parameter that is a "
      "reference"))) Refused
  run_in_executor(F&&, Args&&...);
  /// The same in a thread of `executor` (threads/thread_pool_executor.hpp).
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
  auto run_in_executor(concurrent::ThreadPoolExecutor& executor, F&& f, Args&&... args)
      -> Future<std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...>>;
  /// Has to_thread() and run_in_executor() use the threads of `executor`. The former one is kept until the end of the
  /// loop. TypeError for null.
  void set_default_executor(std::shared_ptr<concurrent::ThreadPoolExecutor> executor);
  /// Shuts the default executor down, also where it is one of set_default_executor(), and waits for all calls that it
  /// has, without blocking the loop. At `timeout` it stops waiting, with a warning; the end of the loop then waits for
  /// the loop's own calls.
  Coroutine<void> shutdown_default_executor(std::optional<Delay> timeout = std::nullopt);
  /// Whether there is a default executor: it is made when it is first needed.
  bool has_executor() const noexcept { return static_cast<bool>(executor_); }

  // --- async generators (tasks/async_generators.hpp) ---

  /// Closes the async generators that have begun in this loop and not ended, all at once, and waits for that. Errors go
  /// to the exception handler. One that begins afterwards is warned of.
  Coroutine<void> shutdown_asyncgens();

  // --- errors ---

  /// Handles what has no caller to go to: a failing callback, an exception nobody retrieved. An empty handler restores
  /// the default one, which logs them (kernel/log.hpp).
  void set_exception_handler(ExceptionHandler handler) { exception_handler_ = std::move(handler); }
  const ExceptionHandler& get_exception_handler() const noexcept { return exception_handler_; }
  void default_exception_handler(const ExceptionContext& context) noexcept override;
  /// An error in the handler itself is logged, never thrown; but KeyboardInterrupt and SystemExit pass.
  void call_exception_handler(const ExceptionContext& context) override;

  /// In debug mode, calls from another thread that are not `…_threadsafe` raise RuntimeError; a callback or a task's
  /// step that takes longer than slow_callback_duration is warned of; and coroutines, futures, tasks and handles know
  /// where they were made, which messages about them tell. A new loop is in debug mode where SEGUE_DEBUG is set in the
  /// environment, and not empty.
  using LoopCore::get_debug;
  using LoopCore::set_debug;
  using LoopCore::slow_callback_duration;

  // --- I/O ---

  /// Calls `callback(args…)` in each iteration in which `fd` is readable (level-triggered). Adding again replaces it.
  /// ValueError where `fd` is negative, OSError where it is not open, PermissionError where the reactor cannot watch
  /// it: epoll refuses regular files.
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>&, std::decay_t<Args>&...>
  void add_reader(int fd, F&& callback, Args&&... args) {
    add_watch(fd, EVENT_READ, std::forward<F>(callback), std::forward<Args>(args)...);
  }
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>&, std::decay_t<Args>&...>
  void add_writer(int fd, F&& callback, Args&&... args) {
    add_watch(fd, EVENT_WRITE, std::forward<F>(callback), std::forward<Args>(args)...);
  }
  /// True where there was one.
  bool remove_reader(int fd) { return remove_watch(fd, EVENT_READ); }
  bool remove_writer(int fd) { return remove_watch(fd, EVENT_WRITE); }
  Reactor& reactor() noexcept { return *reactor_; }
  /// Puts another reactor into the place of the loop's, and gives the former one. The watches stay with the former one,
  /// which the new one has to wrap and ask for them. Not from within a poll().
  std::unique_ptr<Reactor> exchange_reactor(std::unique_ptr<Reactor> reactor) noexcept;

  // --- signals ---

  /// Calls `callback(args…)` in the loop each time that `signal` comes (`SIGTERM`), as call_soon() does, and always in
  /// one copy of the current context. Adding again replaces it. In the program's main thread only: RuntimeError in
  /// another one, and where the signal cannot be caught. ValueError where there is no such signal.
  ///
  /// Removing it, or closing the loop, restores the signal's default; SIGINT's handler from before. While run() handles
  /// SIGINT, a callback for it takes run()'s place.
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>&, std::decay_t<Args>&...> && (!detail::CoroutineFunction<F, Args...>)
  void add_signal_handler(int signal, F&& callback, Args&&... args) {
    using Added = detail::SignalCallbackOf<std::decay_t<F>, std::decay_t<Args>...>;
    add_signal_callback(signal, make_ref<Added>(std::forward<F>(callback), std::forward<Args>(args)...));
  }
  template <class F, class... Args>
    requires detail::CoroutineFunction<F, Args...>
  __attribute__((
      unavailable("coroutines cannot be used with add_signal_handler(): give it a callback that makes a task"))) Refused
  add_signal_handler(int, F&&, Args&&...);
  /// True where there was one. What is queued by then still runs.
  bool remove_signal_handler(int signal);

  // --- connections (net/connect.hpp) ---

  /// Connects to `host`, a name or an address, and gives the connection to a new protocol. See open_connection().
  Coroutine<Connection> create_connection(ProtocolFactory factory, std::string host, int port);
  Coroutine<Connection> create_connection(ProtocolFactory factory, std::string host, int port,
                                          ConnectionOptions options);
  Coroutine<Connection> create_connection(ProtocolFactory factory, ConnectionOptions options);
  /// The same, whose connection has the protocol as what the factory makes: `to` is what follows the factory above.
  template <FactoryOfOwn Factory, class... To>
  auto create_connection(Factory factory, To&&... to)
      -> Coroutine<ConnectionWith<typename std::invoke_result_t<Factory&>::element_type>>;
  /// Listens, and gives each connection to a new protocol. See start_server().
  Coroutine<Server> create_server(ProtocolFactory factory, std::string host, int port);
  Coroutine<Server> create_server(ProtocolFactory factory, std::string host, int port, ServerOptions options);
  Coroutine<Server> create_server(ProtocolFactory factory, ServerOptions options);

 private:
  friend Ref<EventLoop>;
  friend struct CloseLoop;
  friend struct NewEventLoopFunction;

  explicit EventLoop(std::unique_ptr<Reactor> reactor);
  ~EventLoop() override;

  template <class T>
  Task<T> start_task(Coroutine<T>&& coroutine, const TaskOptions& options);
  /// What the task factory, which there is, makes of the options.
  TaskFactoryOptions decide_on(const TaskOptions& options);
  template <class H>
  static H in_context(const CallOptions& options, H handle) {
    if (options.context) handle.state()->context() = options.context.slot();
    return handle;
  }
  void schedule(Ref<HandleState> handle) noexcept { schedule_new(*handle.detach()); }
  void post(Ref<HandleState> handle);
  template <class F, class... Args>
  void add_watch(int fd, Events event, F&& callback, Args&&... args) {
    using Added = CallbackWatch<std::decay_t<F>, std::decay_t<Args>...>;
    check_usable();
    auto watch = std::make_unique<Added>(event, std::forward<F>(callback), std::forward<Args>(args)...);
    reactor_->watch(*watch, fd);
    static_cast<void>(watch.release());  // its let_go() deletes it
  }
  void add_signal_callback(int signal, Ref<detail::SignalCallback> callback);
  // Nothing runs any more, and what is pending is destroyed.
  void end() noexcept;
  bool remove_watch(int fd, Events event);
  void wake() noexcept override { reactor_->wake(); }
  bool begins_tasks_eagerly() override;
  void check_can_run() const;
  template <class Iterate>
  void run(Iterate iterate);
  [[gnu::always_inline]] inline void run_once(bool waits);
  void poll(time_point deadline);
  void run_until_done(FutureCore& future, bool is_new_task);
  /// The default executor's threads, made when first asked for.
  detail::Executor& executor();
  void close_executor() noexcept;
  void submit(std::unique_ptr<detail::Job> job);

  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<detail::SignalHandlers> signal_handlers_;  // made when first needed
  std::shared_ptr<detail::Executor> executor_;
  TaskFactory task_factory_;
  ExceptionHandler exception_handler_;
  bool stopping_ = false;
  bool was_stopped_ = false;
  bool abandoned_ = false;  // its owner let go of it while it ran
};

// Algorithms are objects, here and in all headers of modern: argument-dependent lookup does not find them, so that a
// function of the same name beside the user's own types is the user's alone, and they can be passed to other
// algorithms, as in `views::transform(create_task)`.

struct NewEventLoopFunction {
  /// A new loop on epoll, or on the reactor given.
  EventLoopPtr operator()() const;
  EventLoopPtr operator()(std::unique_ptr<Reactor> reactor) const;
  /// A loop factory, too: `run(main(), {.loop_factory = new_event_loop})`.
  constexpr operator LoopFactory() const noexcept {  // NOLINT(google-explicit-constructor): as a lambda converts
    return [] { return NewEventLoopFunction()(); };
  }
};
inline constexpr NewEventLoopFunction new_event_loop;

struct GetRunningLoopFunction {
  /// The loop that runs in this thread. RuntimeError("no running event loop").
  EventLoop& operator()() const { return EventLoop::of(LoopCore::require_running()); }
};
inline constexpr GetRunningLoopFunction get_running_loop;

struct GetEventLoopFunction {
  /// The loop that runs in this thread; where none does, the one of set_event_loop(). RuntimeError("There is no current
  /// event loop in thread 'MainThread'.").
  EventLoop& operator()() const;
};
inline constexpr GetEventLoopFunction get_event_loop;

struct SetEventLoopFunction {
  /// What get_event_loop() gives in this thread while no loop runs in it. It stays in memory as long, but is its
  /// owner's to close.
  void operator()(EventLoop& loop) const;
  /// From now on there is none.
  void operator()(std::nullptr_t) const;
};
inline constexpr SetEventLoopFunction set_event_loop;

}  // namespace segue::modern
