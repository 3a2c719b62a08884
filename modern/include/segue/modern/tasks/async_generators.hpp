// AsyncGenerator<Yield, Send>: a function that yields values and awaits between them (PEP 525), and what is done with
// whatever gives values one after the other: anext(), async_for().
//
//   AsyncGenerator<int> ticker(int until) {
//     for (int i = 0; i < until; ++i) {
//       co_yield i;
//       co_await sleep(1s);
//     }
//   }
//   co_await async_for(ticker(10), [](int i) { std::cout << i << '\n'; });
//
// Awaiting the next value runs the body at once, in the awaiting task. One that is dropped while it is suspended at a
// yield is closed by its loop, in a task.
#pragma once

#include <concepts>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/modern/kernel/async_generator_core.hpp>
#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/kernel/refused.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/outcome.hpp>

namespace segue::modern {

template <class Yield, class Send>
class AsyncGenerator;

/// The part of a body that its types decide: where a value waits to be fetched, in either direction.
template <class Yield, class Send>
class AsyncGeneratorBody : public AsyncGeneratorCore {
 public:
  using AsyncGeneratorCore::AsyncGeneratorCore;

  /// What it yields; and, in the end, the value moved out.
  template <class U>
  void put(U&& value) {
    yielded_.emplace(std::forward<U>(value));
  }
  Yield take() noexcept(std::is_nothrow_move_constructible_v<stored_t<Yield>>) {
    if constexpr (std::is_reference_v<Yield>) {
      return static_cast<Yield>(yielded_->get());
    } else {
      return std::move(*yielded_);
    }
  }
  /// What its yield evaluates to: what was sent, or else `Send{}`.
  void send(stored_t<Send> value) { sent_.emplace(std::move(value)); }
  Send take_sent() {
    throw_injected();
    if constexpr (!std::is_void_v<Send>) {
      if (!sent_) return Send{};
      Send value = *std::move(sent_);
      sent_.reset();
      return value;
    }
  }

 private:
  std::optional<stored_t<Yield>> yielded_;
  std::optional<stored_t<Send>> sent_;
};

namespace detail {

// A frame is found from its promise, so that PromiseBase has to be what the promise begins with: the rest, which has
// virtual functions, is a member.
template <class Yield, class Send>
class AsyncGeneratorPromise final : public PromiseBase {
  static_assert(alignof(stored_t<Yield>) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__ &&
                    alignof(stored_t<Send>) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__,
                "compilers do not align coroutine frames for a value of this type: yield a pointer to it");

 public:
  explicit AsyncGeneratorPromise(std::source_location made = std::source_location::current()) noexcept
      : PromiseBase(made) {}

  struct YieldAwaiter {
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<>) const noexcept { return body.give_back(); }
    Send await_resume() const { return body.take_sent(); }
    AsyncGeneratorBody<Yield, Send>& body;
  };

  AsyncGenerator<Yield, Send> get_return_object() noexcept;
  template <class U>
    requires std::constructible_from<stored_t<Yield>, U>
  YieldAwaiter yield_value(U&& value) {
    body_.put(std::forward<U>(value));
    return {body_};
  }
  void unhandled_exception() noexcept { body_.fail(std::current_exception()); }
  void return_void() noexcept { body_.succeed(); }

 private:
  class Body final : public AsyncGeneratorBody<Yield, Send> {
   public:
    explicit Body(AsyncGeneratorPromise& promise) noexcept
        : AsyncGeneratorBody<Yield, Send>(promise, promise.resumable()), promise_(promise) {}
    const std::source_location& made() const noexcept override { return promise_.made(); }
    const std::source_location& awaiting_at() const noexcept override { return promise_.awaiting_at(); }

   private:
    void destroy() noexcept override { std::coroutine_handle<AsyncGeneratorPromise>::from_promise(promise_).destroy(); }

    AsyncGeneratorPromise& promise_;
  };

  Body body_{*this};
};

}  // namespace detail

/// The awaiter of a step that gives the next value. StopAsyncIteration where there is none.
template <class Yield, class Send>
class AsyncGeneratorValueWait : public AsyncGeneratorWait {
 public:
  explicit AsyncGeneratorValueWait(AsyncGeneratorStep&& step) noexcept : AsyncGeneratorWait(std::move(step)) {}
  Yield await_resume() {
    if (!finish()) throw StopAsyncIteration();
    return body().take();
  }

 protected:
  AsyncGeneratorBody<Yield, Send>& body() const noexcept {
    return static_cast<AsyncGeneratorBody<Yield, Send>&>(*core());
  }
};

/// What anext() returns.
template <class Yield, class Send>
class AsyncGeneratorNext final : public AsyncGeneratorStep {
 public:
  explicit AsyncGeneratorNext(Ref<AsyncGeneratorCore> body) : AsyncGeneratorStep(std::move(body), Kind::next) {}
  auto operator co_await() noexcept { return AsyncGeneratorValueWait<Yield, Send>(std::move(*this)); }
};

/// What asend() returns.
template <class Yield, class Send>
class AsyncGeneratorSend final : public AsyncGeneratorStep {
 public:
  template <class U>
  AsyncGeneratorSend(Ref<AsyncGeneratorCore> body, U&& value)
      : AsyncGeneratorStep(std::move(body), Kind::send), value_(std::forward<U>(value)) {}

  class Wait final : public AsyncGeneratorValueWait<Yield, Send> {
   public:
    explicit Wait(AsyncGeneratorSend&& step)
        : AsyncGeneratorValueWait<Yield, Send>(std::move(step)), value_(std::move(step.value_)) {
      if constexpr (requires { value_.has_value(); }) {
        if (!value_.has_value()) this->take_none();
      }
    }
    std::coroutine_handle<> await_suspend(Resumable asking) {
      this->body().send(std::move(value_));
      return AsyncGeneratorWait::await_suspend(asking);
    }

   private:
    stored_t<Send> value_;
  };
  Wait operator co_await() { return Wait(std::move(*this)); }

 private:
  stored_t<Send> value_;
};

/// What athrow() returns: gives the next value, or nothing where the generator had ended before.
template <class Yield, class Send>
class AsyncGeneratorThrow final : public AsyncGeneratorStep {
 public:
  AsyncGeneratorThrow(Ref<AsyncGeneratorCore> body, std::exception_ptr error)
      : AsyncGeneratorStep(std::move(body), Kind::throw_, std::move(error)) {}

  class Wait final : public AsyncGeneratorValueWait<Yield, Send> {
   public:
    using AsyncGeneratorValueWait<Yield, Send>::AsyncGeneratorValueWait;
    std::optional<stored_t<Yield>> await_resume() {
      const bool begun = this->taken();
      if (this->finish()) return this->body().take();
      if (begun) throw StopAsyncIteration();
      return std::nullopt;
    }
  };
  Wait operator co_await() noexcept { return Wait(std::move(*this)); }
};

/// What next_or_none() returns.
template <class Yield, class Send>
class AsyncGeneratorNextOrNone final : public AsyncGeneratorStep {
 public:
  explicit AsyncGeneratorNextOrNone(Ref<AsyncGeneratorCore> body) : AsyncGeneratorStep(std::move(body), Kind::next) {}

  class Wait final : public AsyncGeneratorValueWait<Yield, Send> {
   public:
    using AsyncGeneratorValueWait<Yield, Send>::AsyncGeneratorValueWait;
    std::optional<stored_t<Yield>> await_resume() {
      if (!this->finish()) return std::nullopt;
      return this->body().take();
    }
  };
  Wait operator co_await() noexcept { return Wait(std::move(*this)); }
};

/// An asynchronous generator: what a function with both `co_yield` and `co_await` returns (or either). Move-only. The
/// steps that it gives keep the body alive, and each can be awaited once. Its yield evaluates to what asend() sends,
/// else to `Send{}`.
///
/// Errors, as in CPython: RuntimeError("anext(): asynchronous generator is already running") for a step while another
/// one is under way; a StopIteration or StopAsyncIteration that leaves the body is a RuntimeError. A cancellation of
/// the awaiting task is thrown where the body waits.
template <class Yield, class Send = void>
class [[nodiscard]] AsyncGenerator {
  static_assert(!std::is_void_v<Yield>, "an async generator yields values: None, for nothing");
  static_assert(std::is_void_v<Send> || std::default_initializable<Send>,
                "what is sent to an async generator has a default, for anext(): std::optional of it");

 public:
  using promise_type = detail::AsyncGeneratorPromise<Yield, Send>;
  using Body = AsyncGeneratorBody<Yield, Send>;
  using yield_type = Yield;
  using send_type = Send;

  explicit AsyncGenerator(Ref<Body> body) noexcept : body_(std::move(body)) {}
  AsyncGenerator(AsyncGenerator&&) noexcept = default;
  AsyncGenerator& operator=(AsyncGenerator&&) noexcept = default;

  /// The next value: `int i = co_await ticks.anext();`. CPython: __anext__().
  AsyncGeneratorNext<Yield, Send> anext() { return AsyncGeneratorNext<Yield, Send>(core()); }
  /// The same; nothing at the end, in place of StopAsyncIteration.
  AsyncGeneratorNextOrNone<Yield, Send> next_or_none() { return AsyncGeneratorNextOrNone<Yield, Send>(core()); }
  /// The same as anext(), and the yield at which it is suspended evaluates to `value`. TypeError for one that has not
  /// begun, unless the value is none (an empty optional).
  template <class U>
    requires(!std::is_void_v<Send> && std::constructible_from<stored_t<Send>, U>)
  AsyncGeneratorSend<Yield, Send> asend(U&& value) {
    return {core(), std::forward<U>(value)};
  }
  /// The same as anext(), and `error` is thrown at the yield at which it is suspended. One that has not begun ends with
  /// it; one that has ended gives nothing (Python: None).
  AsyncGeneratorThrow<Yield, Send> athrow(std::exception_ptr error) {
    check_exception(error);
    return {core(), std::move(error)};
  }
  template <class Error>
    requires(!std::convertible_to<Error, std::exception_ptr>)
  AsyncGeneratorThrow<Yield, Send> athrow(Error&& error) {
    return athrow(segue_detail::whole_exception("athrow", std::forward<Error>(error)));
  }
  /// Throws GeneratorExit at the yield at which it is suspended, and waits until it has ended. RuntimeError("async
  /// generator ignored GeneratorExit") where it yields once more.
  AsyncGeneratorClose aclose() { return AsyncGeneratorClose(core()); }

  /// Whether a step is under way.
  bool ag_running() const { return body()->running(); }
  bool ag_suspended() const { return state() == AsyncGeneratorState::AGEN_SUSPENDED; }
  /// Where it waits; nothing where no step is under way. (Python's is the object that it awaits.)
  std::optional<std::source_location> ag_await() const {
    return ag_running() ? std::optional(body()->awaiting_at()) : std::nullopt;
  }
  AsyncGeneratorState state() const { return body()->state(); }
  std::string repr() const { return body()->repr(); }
  /// Whether it is one: false when it was moved from, and any other use of it is a RuntimeError then.
  explicit operator bool() const noexcept { return static_cast<bool>(body_); }

 private:
  const Ref<Body>& body() const {
    if (!body_) [[unlikely]]
      detail::refuse_empty_handle(typeid(AsyncGenerator));
    return body_;
  }

  Ref<AsyncGeneratorCore> core() const { return Ref<AsyncGeneratorCore>(body().get()); }

  Ref<Body> body_;
};

template <class Yield, class Send>
AsyncGenerator<Yield, Send> detail::AsyncGeneratorPromise<Yield, Send>::get_return_object() noexcept {
  return AsyncGenerator<Yield, Send>(Ref<AsyncGeneratorBody<Yield, Send>>(&body_));
}

struct GetAsyncGenStateFunction {
  /// CPython: inspect.getasyncgenstate().
  template <class Yield, class Send>
  AsyncGeneratorState operator()(const AsyncGenerator<Yield, Send>& generator) const {
    return generator.state();
  }
};
inline constexpr GetAsyncGenStateFunction getasyncgenstate;

/// What gives values one after the other by an anext() that can be awaited, and StopAsyncIteration at the end.
template <class I>
concept AsyncIterator = requires(I& iterator) {
  { iterator.anext() } -> Awaitable;
};
/// What has an aiter() that gives one; or is one itself.
template <class I>
concept AsyncIterable = AsyncIterator<I> || requires(I& iterable) {
  { iterable.aiter() } -> AsyncIterator;
};

/// What the body of an async_for() may return, to leave the loop or not.
enum class LoopControl : bool { continue_, break_ };

namespace detail {

template <class I>
using anext_result_t = await_result_t<decltype(std::declval<I&>().anext())>;

namespace body {

template <class I>
Coroutine<std::optional<stored_t<anext_result_t<I>>>> next_or_none(I& iterator) {
  std::optional<stored_t<anext_result_t<I>>> value;
  try {
    auto step = iterator.anext();
    value.emplace(co_await step);
  } catch (const StopAsyncIteration&) {
  }
  co_return value;
}

}  // namespace body

template <class I>
auto next_or_none(I& iterator) {
  if constexpr (requires { iterator.next_or_none(); }) {
    return iterator.next_or_none();
  } else {
    return body::next_or_none(iterator);
  }
}

namespace body {

template <class I, class T>
Coroutine<T> anext(std::reference_wrapper<I> iterator, T otherwise) {
  auto step = next_or_none(iterator.get());
  std::optional<stored_t<T>> value = co_await step;
  if (!value) co_return std::forward<T>(otherwise);
  if constexpr (std::is_reference_v<T>) {
    co_return static_cast<T>(value->get());
  } else {
    co_return *std::move(value);
  }
}

}  // namespace body

template <class I>
decltype(auto) aiter(I& iterable) {
  if constexpr (AsyncIterator<I>) {
    return (iterable);
  } else {
    return iterable.aiter();
  }
}

/// What a loop gives: nothing, or, where its body gives an optional, that.
template <class Iterator, class Body>
using loop_body_result_t = awaited_or_plain_t<std::invoke_result_t<Body&, anext_result_t<Iterator>>>;
template <class R>
inline constexpr bool is_optional = false;
template <class R>
inline constexpr bool is_optional<std::optional<R>> = true;

template <class Iterator, class Body>
concept LoopBody =
    std::invocable<Body&, anext_result_t<Iterator>> &&
    (std::is_void_v<loop_body_result_t<Iterator, Body>> ||
     std::same_as<loop_body_result_t<Iterator, Body>, LoopControl> || is_optional<loop_body_result_t<Iterator, Body>>);
template <class Iterator, class Body>
using loop_result_t =
    std::conditional_t<is_optional<loop_body_result_t<Iterator, Body>>, loop_body_result_t<Iterator, Body>, void>;

template <class I>
using iterator_of_t = std::remove_reference_t<decltype(aiter(std::declval<unwrapped_t<I>&>()))>;

namespace body {

template <class Kept, class Body>
Coroutine<loop_result_t<iterator_of_t<Kept>, Body>> async_for(Kept kept, Body body) {
  using Iterator = iterator_of_t<Kept>;
  using Value = anext_result_t<Iterator>;
  using Result = loop_body_result_t<Iterator, Body>;
  auto&& iterator = aiter(unwrapped(kept));
  for (;;) {
    auto step = next_or_none(iterator);
    std::optional<stored_t<Value>> value = co_await step;
    if (!value) break;
    const auto call = [&]() -> decltype(auto) {
      if constexpr (std::is_reference_v<Value>) {
        return body(static_cast<Value>(value->get()));
      } else {
        return body(*std::move(value));
      }
    };
    if constexpr (std::is_void_v<Result>) {
      if constexpr (Awaitable<decltype(call())>) {
        auto turn = call();
        co_await std::move(turn);
      } else {
        call();
      }
    } else {
      std::optional<Result> outcome;
      if constexpr (Awaitable<decltype(call())>) {
        auto turn = call();
        outcome.emplace(co_await std::move(turn));
      } else {
        outcome.emplace(call());
      }
      if constexpr (std::same_as<Result, LoopControl>) {
        if (*outcome == LoopControl::break_) break;
      } else {
        if (*outcome) co_return *std::move(outcome);
      }
    }
  }
  if constexpr (is_optional<Result>) co_return std::nullopt;
}

}  // namespace body

}  // namespace detail

struct AiterFunction {
  /// Python's `aiter(iterable)`: what its aiter() gives; an iterator itself.
  template <AsyncIterable I>
  decltype(auto) operator()(I& iterable) const {
    return detail::aiter(iterable);
  }
};
inline constexpr AiterFunction aiter;

struct AnextFunction {
  /// Python's `anext(iterator)`.
  template <AsyncIterator I>
  auto operator()(I& iterator) const {
    return iterator.anext();
  }
  /// Python's `anext(iterator, default)`: `otherwise` at the end, in place of StopAsyncIteration.
  template <AsyncIterator I, class U>
    requires std::constructible_from<detail::anext_result_t<I>, U>
  Coroutine<detail::anext_result_t<I>> operator()(I& iterator, U&& otherwise) const {
    return detail::body::anext<I, detail::anext_result_t<I>>(
        std::ref(iterator), static_cast<detail::anext_result_t<I>>(std::forward<U>(otherwise)));
  }
};
inline constexpr AnextFunction anext;

struct AsyncForFunction {
  /// Python's `async for`: calls `body(value)` for each value. The body is a function, or a coroutine function that is
  /// awaited. One that returns LoopControl may leave the loop; where it returns an optional that is not empty, the loop
  /// ends and gives that, as `return` in the loop would.
  ///
  ///   std::optional<Page> page = co_await async_for(pages, [&](Page page) -> std::optional<Page> { … });
  ///
  /// A temporary is kept until the end, another iterable is referred to, and left open. The body is kept; one that
  /// captures by value is named before (async_with.hpp).
  template <class I, class Body>
    requires(AsyncIterable<detail::unwrapped_t<detail::kept_t<I>>> &&
             detail::LoopBody<detail::iterator_of_t<detail::kept_t<I>>, std::decay_t<Body>>)
  auto operator()(I&& iterable, Body&& body) const {
    return detail::body::async_for<detail::kept_t<I>, std::decay_t<Body>>(std::forward<I>(iterable),
                                                                          std::forward<Body>(body));
  }
  template <class I, class Body>
    requires(!AsyncIterable<detail::unwrapped_t<detail::kept_t<I>>>)
  __attribute__((
      unavailable("async_for() takes what has an anext() that can be awaited, or an aiter(), and is not "
                  "const"))) Refused
  operator()(I&&, Body&&) const;
};
inline constexpr AsyncForFunction async_for;

}  // namespace segue::modern
