// Task<T>: a handle of a coroutine that runs on the loop (CPython: asyncio/tasks.py). What it does is TaskCore's
// (kernel/task_core.hpp).
#pragma once

#include <concepts>
#include <coroutine>
#include <cstdio>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/kernel/refused.hpp>
#include <segue/modern/kernel/task_core.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/call.hpp>
#include <segue/modern/tasks/future.hpp>

namespace segue::modern {

namespace detail {

std::vector<SuspendedFrame> stack_of(const TaskCore& task);
void print_stack_of(const TaskCore& task, std::FILE* file);

}  // namespace detail

/// What a task's handles have besides a future's.
template <class Self>
class TaskMethods {
 public:
  /// How many cancel() calls have not been taken back by uncancel().
  int cancelling() const { return core().cancelling(); }
  /// Takes one cancel() back; returns how many are left. Where none is, a cancellation that was not handed on to what
  /// the task waits on is dropped.
  int uncancel() const { return core().uncancel(); }
  std::string get_name() const { return core().name(); }
  void set_name(std::string name) const { core().set_name(std::move(name)); }
  /// What it runs in; an empty one when it is done.
  Context get_context() const { return Context(core().context().context()); }
  /// What is to be seen of its coroutine: a snapshot. (Python's is the coroutine object.)
  CoroutineInfo get_coro() const { return core().coroutine_info(); }
  /// The frame of its coroutine, of one that is not done; as in CPython not of what that awaits, which
  /// `get_coro().cr_await` tells. Empty for one that is done: an exception does not know where it was thrown.
  std::vector<SuspendedFrame> get_stack() const { return detail::stack_of(core()); }
  /// Writes the stack, or the exception that it ended with, to standard error or to `file`.
  void print_stack(std::FILE* file = stderr) const { detail::print_stack_of(core(), file); }

 private:
  TaskCore& core() const { return *static_cast<const Self&>(*this).state()->task(); }
};

/// A handle of a task whatever its result, as current_task() and all_tasks() give.
class AnyTask : public AnyFuture, public TaskMethods<AnyTask> {
 public:
  using AnyFuture::AnyFuture;
  DoneCallback<AnyTask> add_done_callback(DoneCallback<AnyTask> callback, const CallOptions& options = {}) const {
    add_callback(callback.state(), options);
    return callback;
  }
  template <class T>
  AnyTask(const Task<T>& task) noexcept;  // NOLINT(google-explicit-constructor): as a derived handle converts
};

/// A coroutine that runs on the loop. The loop keeps it alive until it is done: its handles may be dropped.
///
/// cancel() asks: it cancels what the task waits on, so that CancelledError is thrown at its innermost await; the task
/// is cancelled when it lets that out. It returns false where the task is done.
///
/// Handles are equal, ordered and hashed by the task that they refer to, so that a set of them is what CPython's
/// documentation has for tasks in the background:
///
///   background_tasks.insert(task);
///   task.add_done_callback([&](const Task<>& done) { background_tasks.erase(done); });
template <class T = void>
class Task : public Future<T>, public TaskMethods<Task<T>> {
 public:
  using Future<T>::Future;
  DoneCallback<Task<T>> add_done_callback(DoneCallback<Task<T>> callback, const CallOptions& options = {}) const {
    this->add_callback(callback.state(), options);
    return callback;
  }
};

template <class T>
AnyTask::AnyTask(const Task<T>& task) noexcept : AnyFuture(static_cast<const AnyFuture&>(task)) {}

struct CreateTaskFunction {
  /// EventLoop::create_task() of the running loop. RuntimeError("no running event loop").
  ///
  ///   create_task(fetch("a"));
  ///   create_task(fetch("a"), {.name = "fetcher"});
  ///   create_task([name]() -> Coroutine<> { co_await greet(name); });   // kept until the task is done, as by call()
  ///   create_task({.name = "reader"}, read, std::move(stream));
  template <detail::TaskBody A>
  Task<detail::task_result_t<A>> operator()(A&& awaitable, const TaskOptions& options = {}) const {
    return get_running_loop().create_task(std::forward<A>(awaitable), options);
  }
  template <class F, class Arg, class... Args>
    requires detail::TaskFunction<F, Arg, Args...>
  Task<call_result_t<F, Arg, Args...>> operator()(F&& f, Arg&& arg, Args&&... args) const {
    return get_running_loop().create_task(std::forward<F>(f), std::forward<Arg>(arg), std::forward<Args>(args)...);
  }
  template <class F, class... Args>
    requires detail::TaskFunction<F, Args...>
  Task<call_result_t<F, Args...>> operator()(const TaskOptions& options, F&& f, Args&&... args) const {
    return get_running_loop().create_task(options, std::forward<F>(f), std::forward<Args>(args)...);
  }
  template <detail::NotTakenOver A>
  __attribute__((
      unavailable("a task takes its coroutine over: create_task(std::move(coroutine)), of one that is not const; a "
                  "task or a future "
                  "is none"))) Refused
  operator()(A&&, const TaskOptions& = {}) const;
  template <class F, class... Args>
    requires detail::NoTaskBody<F, Args...>
  __attribute__((
      unavailable("create_task() takes a coroutine, or a function and copies of its arguments, of which it makes one: "
                  "std::ref(x) for "
                  "a parameter that is a reference"))) Refused
  operator()(F&&, Args&&...) const;
};
inline constexpr CreateTaskFunction create_task;

struct EagerTaskFactory {
  /// A task factory (EventLoop::set_task_factory()) by which tasks begin eagerly, unless their options say otherwise.
  void operator()(EventLoop&, TaskFactoryOptions& options) const {
    if (!options.eager_start) options.eager_start = true;
  }
};
inline constexpr EagerTaskFactory eager_task_factory;

struct CreateEagerTaskFactoryFunction {
  /// The same, of a task factory that decides first. TypeError for an empty one.
  TaskFactory operator()(TaskFactory first) const {
    if (!first) throw TypeError("create_eager_task_factory() takes a task factory, not an empty one");
    return [first = std::move(first)](EventLoop& loop, TaskFactoryOptions& options) {
      first(loop, options);
      eager_task_factory(loop, options);
    };
  }
};
inline constexpr CreateEagerTaskFactoryFunction create_eager_task_factory;

struct CurrentTaskFunction {
  /// The task that runs now; nothing in a plain callback. RuntimeError("no running event loop").
  std::optional<AnyTask> operator()() const;
  /// The same of `loop`, as far as it runs in this thread; nothing where it does not.
  std::optional<AnyTask> operator()(EventLoop& loop) const;
};
inline constexpr CurrentTaskFunction current_task;

struct AllTasksFunction {
  /// The tasks of the loop that are not done, oldest first; of the running one where none is given.
  std::vector<AnyTask> operator()(EventLoop& loop) const;
  std::vector<AnyTask> operator()() const { return (*this)(get_running_loop()); }
};
inline constexpr AllTasksFunction all_tasks;

namespace detail {

/// A coroutine object, of any style.
template <class A>
concept CoroutineObject = requires { requires std::derived_from<A, CoroutineMethods<A, typename A::result_type>>; };

/// A coroutine that a task will await, of another style than Coroutine. Where the task is cancelled before its first
/// step it is closed, as throwing into it would: nobody forgot to await it.
template <class A>
class ToAwait {
 public:
  explicit ToAwait(A&& awaitable) : awaitable_(std::move(awaitable)) {}
  ToAwait(ToAwait&&) = default;
  ToAwait& operator=(ToAwait&&) = delete;
  ~ToAwait() {
    if constexpr (CoroutineObject<A>) awaitable_.close();
    if constexpr (requires { awaitable_.cancel_unawaited(); }) awaitable_.cancel_unawaited();
  }
  A&& take() noexcept { return std::move(awaitable_); }

 private:
  A awaitable_;
};

template <class A>
Coroutine<await_result_t<A>> await_held(ToAwait<A> awaitable) {
  co_return co_await awaitable.take();
}
/// A coroutine that awaits `awaitable`, for what is not a coroutine itself.
template <class A>
Coroutine<await_result_t<A>> wrap_awaitable(A awaitable) {
  std::optional<std::source_location> made;
  if constexpr (CoroutineObject<A>) {
    if (awaitable.made() != nullptr) made = *awaitable.made();
  }
  Coroutine<await_result_t<A>> coroutine = await_held(ToAwait<A>(std::move(awaitable)));
  if (made) coroutine.frame().promise().stand_in_for(*made);
  return coroutine;
}

}  // namespace detail

struct EnsureFutureFunction {
  /// A future or task as it is; a coroutine, or whatever else can be awaited, as a new task on `loop`. The task takes
  /// the coroutine over, even where it is not given as a temporary. ValueError for a future of another loop.
  template <Awaitable A>
  auto operator()(A&& awaitable, EventLoop& loop, const TaskOptions& options = {}) const {
    using Plain = std::remove_cvref_t<A>;
    if constexpr (std::derived_from<Plain, AnyFuture>) {
      if (&awaitable.get_loop() != &loop) {
        throw ValueError("The future belongs to a different loop than the one specified as the loop argument");
      }
      return Plain(std::forward<A>(awaitable));
    } else if constexpr (std::constructible_from<Plain, A>) {
      Plain taken(std::forward<A>(awaitable));
      try {
        return loop.create_task(std::move(taken), options);
      } catch (...) {
        if constexpr (requires { taken.close(); }) taken.close();  // it is known already that nobody will await it
        throw;
      }
    } else {  // an lvalue that can only be moved
      return loop.create_task(std::move(awaitable), options);
    }
  }
  /// The same on the loop of get_event_loop(); a future may belong to any.
  template <Awaitable A>
  auto operator()(A&& awaitable) const {
    if constexpr (std::derived_from<std::remove_cvref_t<A>, AnyFuture>) {
      return std::remove_cvref_t<A>(std::forward<A>(awaitable));
    } else {
      return (*this)(std::forward<A>(awaitable), get_event_loop());
    }
  }
  template <class A, std::same_as<EventLoop>... Loop>
    requires(!Awaitable<A>)
  __attribute__((unavailable(
      "ensure_future() takes a coroutine, or what else can be awaited, and not const: call a coroutine function, "
      "ensure_future(f())"))) Refused
  operator()(A&&, Loop&...) const;
};
inline constexpr EnsureFutureFunction ensure_future;

// --- definitions ---

template <detail::TaskBody A>
Task<detail::task_result_t<A>> EventLoop::create_task(A&& awaitable, const TaskOptions& options) {
  using Result = detail::task_result_t<A>;
  if constexpr (detail::TaskFunction<A>) {
    return create_task(call(std::forward<A>(awaitable)), options);
  } else if constexpr (std::same_as<std::remove_cvref_t<A>, Coroutine<Result>>) {
    check_usable();
    if (!task_factory_) [[likely]]
      return start_task<Result>(std::forward<A>(awaitable), options);
    const TaskFactoryOptions decided = decide_on(options);
    TaskOptions to_start{.eager_start = decided.eager_start};
    if (decided.name) to_start.name = *decided.name;
    if (decided.context) to_start.context = *decided.context;
    return start_task<Result>(std::forward<A>(awaitable), to_start);
  } else {
    check_usable();
    Coroutine<Result> wrapped = detail::wrap_awaitable<std::remove_cvref_t<A>>(std::forward<A>(awaitable));
    try {
      return create_task(std::move(wrapped), options);
    } catch (...) {
      wrapped.close();  // nobody forgot to await it
      throw;
    }
  }
}

template <class T>
Task<T> EventLoop::start_task(Coroutine<T>&& coroutine, const TaskOptions& options) {
  auto state = make_ref<TaskValue<T>>(core(), std::move(coroutine), options.name);
  if (options.context) state->context() = options.context.slot();
  if (options.eager_start.value_or(false)) [[unlikely]] {
    state->start_eagerly();
  } else {
    state->start();
  }
  return Task<T>(Ref<FutureCore>(std::move(state)));
}

template <class F, class Arg, class... Args>
  requires detail::TaskFunction<F, Arg, Args...>
Task<call_result_t<F, Arg, Args...>> EventLoop::create_task(F&& f, Arg&& arg, Args&&... args) {
  return create_task(call(std::forward<F>(f), std::forward<Arg>(arg), std::forward<Args>(args)...));
}

template <class F, class... Args>
  requires detail::TaskFunction<F, Args...>
Task<call_result_t<F, Args...>> EventLoop::create_task(const TaskOptions& options, F&& f, Args&&... args) {
  return create_task(call(std::forward<F>(f), std::forward<Args>(args)...), options);
}

template <Awaitable A>
await_result_t<A> EventLoop::run_until_complete(A&& awaitable) {
  check_can_run();
  auto future = ensure_future(std::forward<A>(awaitable), *this);
  constexpr bool is_new_task = !std::derived_from<std::remove_cvref_t<A>, AnyFuture>;
  run_until_done(*future.state(), is_new_task);
  return std::move(future).operator co_await().await_resume();
}

}  // namespace segue::modern
