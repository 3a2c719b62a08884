// Coroutines of segue's as operations of Asio's, with any completion token:
//
//   bridge::co_spawn(loop, fetch(url), [](std::exception_ptr error, Page page) { … });
//   Page page = co_await bridge::co_spawn(loop, fetch(url), boost::asio::use_awaitable);
//   std::future<Page> page = bridge::co_spawn(loop, fetch(url), boost::asio::use_future);
//
// An operation of one's own, with the signature that callers expect, is a function of two lines:
//
//   template <class Token>
//   auto async_fetch(Connection& connection, std::string url, Token&& token) {
//     return bridge::co_spawn_as<void(error_code, std::size_t)>(loop, fetch(connection, url),
//     std::forward<Token>(token));
//   }
//
// A yield_context is as_tuple(yield) for the first form: Asio 1.81 has no handler for an exception_ptr there.
//
// The contract is that of Asio's operations:
//   - the coroutine becomes a task of `loop`, whose first step is in an iteration of it; any thread may start it;
//   - the handler is posted to its associated executor, never called before the initiation returns; without one it is a
//     callback of the loop. As long as the operation is under way, its executor has outstanding work;
//   - what is emitted to the handler's slot, terminal or partial, cancels the task (a coroutine cannot promise a total
//     cancellation). Who emits runs where the handler will;
//   - a task that was cancelled, by whomever, ends in operation_aborted: the CancelledError is one for who cancels;
//   - where the loop is closed before, the handler is destroyed, as an io_context does with its own.
#pragma once

#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/system/error_code.hpp>

#include <segue/bridge/detail/answer.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/handle_state.hpp>
#include <segue/modern/kernel/mailbox.hpp>
#include <segue/modern/kernel/task_core.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/outcome.hpp>

namespace boost::asio {
template <typename Executor>
class basic_yield_context;
template <typename T, typename Executor>
class executor_binder;
template <typename T, typename CancellationSlot>
class cancellation_slot_binder;
template <typename T, typename Allocator>
class allocator_binder;
}  // namespace boost::asio

namespace segue::bridge {

/// An executor of Asio's that runs functions as callbacks of a loop, from any thread, in the order in which they came:
/// `bind_executor(bridge::LoopExecutor(loop), handler)`, `asio::post(bridge::LoopExecutor(loop), f)`. What comes when
/// the loop is closed is destroyed.
class LoopExecutor {
 public:
  explicit LoopExecutor(modern::EventLoop& loop) noexcept : mailbox_(loop.core().mailbox()) {}

  template <class F>
  void execute(F&& f) const {
    static_cast<void>(try_execute(std::forward<F>(f)));
  }
  /// False where the loop is closed.
  template <class F>
  [[nodiscard]] bool try_execute(F&& f) const {
    return mailbox_->call_soon(std::forward<F>(f));
  }
  static constexpr boost::asio::execution::blocking_t query(boost::asio::execution::blocking_t) noexcept {
    return boost::asio::execution::blocking.never;
  }
  friend bool operator==(const LoopExecutor& a, const LoopExecutor& b) noexcept { return a.mailbox_ == b.mailbox_; }
  friend bool operator!=(const LoopExecutor& a, const LoopExecutor& b) noexcept { return !(a == b); }

 private:
  std::shared_ptr<modern::Mailbox> mailbox_;
};

namespace bridge_detail {

/// A CancelledError as Asio has it; any other exception as it is.
std::exception_ptr to_asio_exception(std::exception_ptr error);

/// The error code that stands for an exception (see co_spawn_as).
boost::system::error_code to_error_code(const std::exception_ptr& error);

/// The signature of an operation: the one that is asked for, or by default an exception and the coroutine's result.
template <class Asked, class Result>
struct SignatureOf {
  using type = Asked;
};
template <class Result>
struct SignatureOf<void, Result> {
  using type = void(std::exception_ptr, stored_t<Result>);
};
template <>
struct SignatureOf<void, void> {
  using type = void(std::exception_ptr);
};

/// How a handler of that signature is called with an outcome.
template <class Signature>
struct Completion;
template <class Error, class... Values>
struct Completion<void(Error, Values...)> {
  static_assert(std::same_as<Error, std::exception_ptr> || std::same_as<Error, boost::system::error_code>,
                "the signature of a coroutine's operation begins with std::exception_ptr or error_code");
  static constexpr bool ends_in_exception = std::same_as<Error, std::exception_ptr>;
  static_assert((std::default_initializable<Values> && ...),
                "a handler is called with values also where there is an error: they have to be default-constructible");

  template <class T, class Call>
  static void apply(Outcome<T>& outcome, Call call) {
    if (outcome.has_exception()) return call(error_of(outcome.exception()), Values()...);
    if constexpr (sizeof...(Values) == 0) {
      call(Error());
    } else if constexpr (sizeof...(Values) == 1) {
      call(Error(), Values(std::move(outcome.stored()))...);
    } else {
      std::apply([&](auto&... values) { call(Error(), Values(std::move(values))...); }, outcome.stored());
    }
  }

 private:
  static Error error_of(const std::exception_ptr& error) {
    if constexpr (std::same_as<Error, std::exception_ptr>) {
      return to_asio_exception(error);
    } else {
      return to_error_code(error);
    }
  }
};

template <class Token>
inline constexpr bool is_yield_context = false;
template <class Executor>
inline constexpr bool is_yield_context<boost::asio::basic_yield_context<Executor>> = true;
template <class Token, class Executor>
inline constexpr bool is_yield_context<boost::asio::executor_binder<Token, Executor>> = is_yield_context<Token>;
template <class Token, class Slot>
inline constexpr bool is_yield_context<boost::asio::cancellation_slot_binder<Token, Slot>> = is_yield_context<Token>;
template <class Token, class Allocator>
inline constexpr bool is_yield_context<boost::asio::allocator_binder<Token, Allocator>> = is_yield_context<Token>;

/// A handler with its values, on its way to its executor.
template <class Handler, class... Values>
struct HandlerCall {
  using allocator_type = boost::asio::associated_allocator_t<Handler>;

  allocator_type get_allocator() const noexcept { return boost::asio::get_associated_allocator(handler); }
  void operator()() { std::apply(std::move(handler), std::move(values)); }

  Handler handler;
  std::tuple<Values...> values;
};

/// What the loop and who cancels know of the task of an operation.
struct Spawned {
  modern::FutureCore* task = nullptr;  // the loop's: null unless it is under way
};

/// The executor, with outstanding work as long as this is kept. (An executor_work_guard does not know a strand of an
/// any_io_executor for one.)
template <class Executor>
auto with_work(const Executor& executor) {
  return boost::asio::prefer(executor, boost::asio::execution::outstanding_work.tracked);
}

/// The task's done callback.
template <class T, class Signature, class Handler>
class SpawnedEnd {
  using Executor = decltype(with_work(std::declval<boost::asio::associated_executor_t<Handler, LoopExecutor>>()));

 public:
  SpawnedEnd(std::shared_ptr<Spawned> spawned, Handler handler, const LoopExecutor& loop)
      : spawned_(std::move(spawned)),
        executor_(with_work(boost::asio::get_associated_executor(handler, loop))),
        handler_(std::move(handler)) {}

  void operator()(const modern::Task<T>& task) {
    spawned_->task = nullptr;
    Outcome<T> outcome;
    answer_with_outcome(outcome, task);
    complete(outcome);
  }
  /// A value that cannot be moved ends the operation with what that threw.
  void complete(Outcome<T>& outcome) {
    try {
      post(outcome);
    } catch (...) {
      outcome.set_exception(std::current_exception());
      post(outcome);
    }
    executor_.reset();
  }

 private:
  void post(Outcome<T>& outcome) {
    Completion<Signature>::apply(outcome, [this]<class... Values>(Values... values) {
      std::tuple<Values...> all(std::move(values)...);
      boost::asio::post(*executor_, HandlerCall<Handler, Values...>{std::move(handler_), std::move(all)});
    });
  }

  std::shared_ptr<Spawned> spawned_;
  std::optional<Executor> executor_;  // until the handler is on its way
  Handler handler_;
};

template <class T, class Signature>
struct InitiateCoSpawn {
  template <class Handler, class Body>
  void operator()(Handler&& handler, Body&& body) const {
    const auto spawned = std::make_shared<Spawned>();
    obey(boost::asio::get_associated_cancellation_slot(handler), spawned);
    SpawnedEnd<T, Signature, std::decay_t<Handler>> end(spawned, std::forward<Handler>(handler), loop);
    auto start = [spawned, end = std::move(end), body = std::decay_t<Body>(std::forward<Body>(body))]() mutable {
      try {
        const modern::Task<T> task = modern::get_running_loop().create_task(std::move(body));
        spawned->task = task.state().get();
        task.add_done_callback(std::move(end));
      } catch (...) {
        Outcome<T> failed;
        failed.set_exception(std::current_exception());
        end.complete(failed);
      }
    };
    if (!loop.try_execute(std::move(start))) throw RuntimeError("Event loop is closed");
  }

  template <class Slot>
  void obey(Slot slot, const std::shared_ptr<Spawned>& spawned) const {
    using boost::asio::cancellation_type;
    if (!slot.is_connected()) return;
    slot.assign([loop = loop, spawned](cancellation_type type) {
      if ((type & (cancellation_type::terminal | cancellation_type::partial)) == cancellation_type::none) return;
      loop.execute([spawned] {
        if (spawned->task != nullptr) spawned->task->cancel();
      });
    });
  }

  LoopExecutor loop;
};

}  // namespace bridge_detail

template <class Signature>
struct CoSpawnFunction {
  /// Runs `body`, a coroutine of any style or a function without arguments that gives one, as an operation. From any
  /// thread, as long as the loop lives. RuntimeError("Event loop is closed"), thrown by the initiation.
  template <class Body, class Token>
    requires requires(modern::EventLoop& loop, Body&& body) { loop.create_task(std::forward<Body>(body)); }
  auto operator()(modern::EventLoop& loop, Body&& body, Token&& token) const {
    using Result = typename decltype(loop.create_task(std::forward<Body>(body)))::result_type;
    using Called = typename bridge_detail::SignatureOf<Signature, Result>::type;
    // Asio's handler for that rethrows the exception also where it is null (1.81, asio 1372).
    static_assert(
        !(bridge_detail::is_yield_context<std::decay_t<Token>> && bridge_detail::Completion<Called>::ends_in_exception),
        "a yield_context takes no operation that ends in an exception_ptr: as_tuple(yield), or "
        "co_spawn_as<void(error_code, ...)>(loop, body, yield)");
    return boost::asio::async_initiate<Token, Called>(
        bridge_detail::InitiateCoSpawn<Result, Called>{LoopExecutor(loop)}, token, std::forward<Body>(body));
  }
};
/// An operation of the signature `void(std::exception_ptr, T)`; without T where the coroutine returns nothing.
inline constexpr CoSpawnFunction<void> co_spawn;
/// One of a signature of one's own, `void(error_code, Values…)`: exceptions become error codes, operation_aborted, eof,
/// an OSError's. One that has no code is reported to the loop's exception handler, and ends the operation with
/// state_not_recoverable. Of several values the coroutine returns a tuple.
template <class Signature>
inline constexpr CoSpawnFunction<Signature> co_spawn_as;

}  // namespace segue::bridge
