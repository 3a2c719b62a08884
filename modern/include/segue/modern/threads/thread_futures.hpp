// Futures of threads and futures of a loop, each in terms of the other (CPython: asyncio/futures.py, tasks.py).
//
//   Future<int> here = wrap_future(pool.submit(work));                              // on a loop, of a thread's
//   int n = run_coroutine_threadsafe(fetch(), loop).result(5s);                     // in a thread, of a loop's
//
// A cancellation goes either way; so do a result and an exception, in the direction of the answer.
#pragma once

#include <concepts>
#include <exception>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/handle_state.hpp>
#include <segue/modern/kernel/loop_keeper.hpp>
#include <segue/modern/kernel/mailbox.hpp>
#include <segue/modern/kernel/schedule.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/threads/concurrent_future.hpp>
#include <segue/modern/threads/convert_exception.hpp>

namespace segue::modern {

namespace detail {

/// Ends a loop's future as the thread's ended.
template <class T>
void copy_state(const concurrent::Future<T>& source, const Future<T>& destination) {
  if (destination.done()) return;
  if (source.cancelled()) {
    destination.cancel();
  } else if (const std::exception_ptr error = source.exception()) {
    destination.set_exception(convert_future_exception(error));
  } else if constexpr (std::is_void_v<T>) {
    destination.set_result();
  } else {
    auto& future = static_cast<FutureValue<T>&>(*destination.state());
    if constexpr (copyable_result<T>) {
      future.set_result_or_error(source.result());
    } else {
      stored_t<T>* value = nullptr;
      try {
        value = &source.state()->take(std::nullopt, std::source_location::current());
      } catch (const concurrent::InvalidStateError&) {  // somebody else has it
        return destination.set_exception(convert_future_exception(std::current_exception()));
      }
      future.set_result_or_error(std::move(*value));
    }
  }
}

/// Ends a thread's future as the loop's ended.
template <class T>
void copy_state(const Future<T>& source, const concurrent::Future<T>& destination) {
  if (source.cancelled()) destination.cancel();
  if (!destination.set_running_or_notify_cancel()) return;
  if (const std::exception_ptr error = source.exception()) {
    destination.set_exception(convert_future_exception(error));
  } else if constexpr (std::is_void_v<T>) {
    destination.set_result();
  } else if constexpr (copyable_result<T>) {
    destination.state()->set_result_or_error(source.result());
  } else {
    destination.state()->set_result_or_error(std::move(result_of<T>(*source.state())));
  }
}

/// Under a schedule of choices, waits a moment until a thread has told the loop what it did; otherwise does nothing.
class Arrival {
 public:
  explicit Arrival(const LoopCore& loop);
  void tell() const;
  void wait() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// In the loop's thread: at once or, under a schedule of choices, when that says.
template <std::invocable F>
void call_when_chosen(EventLoop& loop, const F& f) {
  if (Schedule* const choices = loop.core().schedule_of_choices()) {
    loop.call_later(choices->choose_duration(), f);
  } else {
    f();
  }
}

/// Cancels a thread's future that nobody is left to complete: who waits for it must not wait for ever.
template <class T>
class Promised {
 public:
  explicit Promised(concurrent::Future<T> future) noexcept : future_(std::move(future)) {}
  Promised(Promised&& other) noexcept : future_(std::move(other.future_)) {}
  Promised& operator=(Promised&&) = delete;
  ~Promised() {
    if (future_) future_.state()->abandon();
  }
  const concurrent::Future<T>& future() const noexcept { return future_; }

 private:
  concurrent::Future<T> future_;
};

/// What run_coroutine_threadsafe() has the loop call. (A class of its own, whose name a report can tell.)
template <class A>
class CoroutineThreadsafe {
  using T = await_result_t<A>;
  using Kept = std::pair<Task<T>, Promised<T>>;

 public:
  CoroutineThreadsafe(Promised<T> promised, A awaitable)
      : promised_(std::move(promised)), awaitable_(std::move(awaitable)) {}
  void operator()() {
    const concurrent::Future<T> future = promised_.future();
    try {
      start(get_running_loop(), future);
    } catch (...) {
      if (ends_program(std::current_exception())) throw;
      if (future.set_running_or_notify_cancel()) future.set_exception(std::current_exception());
      throw;
    }
  }

 private:
  void start(EventLoop& loop, const concurrent::Future<T>& future) {
    using Keeper = LoopKeeper<Kept>;
    const Task<T> task = loop.create_task(std::move(awaitable_));
    const std::shared_ptr<Keeper> keeper = Keeper::make(loop.core(), {task, std::move(promised_)});
    future.add_done_callback([keeper, mailbox = loop.core().mailbox()](const concurrent::Future<T>& done) {
      if (!done.cancelled()) return;
      const auto cancel = [keeper] {
        if (auto* const kept = keeper->content()) kept->first.cancel();
      };
      static_cast<void>(mailbox->call_soon(cancel));
    });
    task.add_done_callback([keeper, future](const Task<T>& done) {
      copy_state<T>(done, future);
      keeper->give_up();
    });
  }

  Promised<T> promised_;
  A awaitable_;
};

}  // namespace detail

struct WrapFutureFunction {
  /// A future of `loop`, which is this thread's, that ends as `source` does. Cancelling it cancels `source`.
  template <class T>
  Future<T> operator()(concurrent::Future<T> source, EventLoop& loop) const {
    using Keeper = LoopKeeper<Future<T>>;
    const Future<T> future = loop.create_future<T>();
    future.add_done_callback([source](const Future<T>& done) {
      if (done.cancelled()) source.cancel();
    });
    std::shared_ptr<Keeper> keeper = Keeper::make(loop.core(), future);
    detail::Arrival arrival(loop.core());
    source.add_done_callback([keeper, arrival, mailbox = loop.core().mailbox()](const concurrent::Future<T>& done) {
      const auto finish = [keeper, done] {
        if (Future<T>* const kept = keeper->content()) detail::copy_state(done, Future<T>(*kept));
        keeper->give_up();
      };
      static_cast<void>(mailbox->call_soon([keeper, finish] {  // a loop that is closed has given it up
        if (Future<T>* const kept = keeper->content()) detail::call_when_chosen(kept->get_loop(), finish);
      }));
      arrival.tell();
    });
    arrival.wait();
    return future;
  }
  /// The same of the loop of get_event_loop().
  template <class T>
  Future<T> operator()(concurrent::Future<T> source) const {
    return (*this)(std::move(source), get_event_loop());
  }
  /// A loop's future, as it is.
  template <std::derived_from<AnyFuture> F>
  F operator()(F future) const {
    return future;
  }
};
inline constexpr WrapFutureFunction wrap_future;

struct RunCoroutineThreadsafeFunction {
  /// From another thread: has `loop` make a task of a coroutine, or of whatever else can be awaited and moved, and
  /// gives a future to wait for it by. Cancelling that cancels the task. RuntimeError("Event loop is closed"); where
  /// the loop is closed before the end, the future is cancelled.
  ///
  /// To wait for it in the loop's own thread is refused: RuntimeError.
  template <Awaitable A>
  concurrent::Future<await_result_t<A>> operator()(
      A awaitable, EventLoop& loop, const std::source_location& where = std::source_location::current()) const {
    return (*this)(std::move(awaitable), loop.core().mailbox(), where);
  }
  /// The same of a loop that may go at any time.
  template <Awaitable A>
  concurrent::Future<await_result_t<A>> operator()(
      A awaitable, const std::shared_ptr<Mailbox>& mailbox,
      const std::source_location& where = std::source_location::current()) const {
    using T = await_result_t<A>;
    concurrent::Future<T> future;
    future.state()->set_finished_by(mailbox, where);
    detail::CoroutineThreadsafe<A> begin(detail::Promised<T>(future), std::move(awaitable));
    if (!mailbox->call_soon(std::move(begin))) throw RuntimeError("Event loop is closed");
    return future;
  }
};
inline constexpr RunCoroutineThreadsafeFunction run_coroutine_threadsafe;

}  // namespace segue::modern
