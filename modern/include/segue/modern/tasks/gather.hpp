// gather(): runs several awaitables concurrently and collects their results in order (CPython: asyncio.tasks.gather).
//
//   auto [page, size] = co_await gather(fetch("a"), measure("b"));          // a tuple, in the order of the arguments
//   std::vector<int> all = co_await gather(std::move(coroutines));          // of any range of awaitables
//   auto outcomes = co_await gather(fetch("a"), f, return_exceptions);      // Outcome<T> in place of T
//
// It schedules everything and returns at once. What it returns is a future:
//   - it ends with the first exception of a child, and the other children go on; with `return_exceptions` it waits for
//   all;
//   - a child that is cancelled counts as a failed one, with CancelledError;
//   - cancel() cancels the children that are not done, and then it ends with CancelledError, even if they refuse.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeindex>
#include <typeinfo>
#include <unordered_map>
#include <utility>
#include <vector>

#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/loop_observer.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/kernel/refused.hpp>
#include <segue/modern/kernel/waiters.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/outcome.hpp>

namespace segue::modern {

/// Makes gather() give each child's Outcome, a value or an exception, instead of ending with the first exception.
struct return_exceptions_t {
  explicit constexpr return_exceptions_t() noexcept = default;
};
inline constexpr return_exceptions_t return_exceptions{};

namespace detail {

/// The children of a gather(), in order, and the loop that they share.
class GatherChildren {
 public:
  /// Futures are taken as they are; of anything else a task is made. A coroutine that is given twice runs once.
  template <Awaitable A>
  void add(A&& awaitable) {
    if constexpr (std::derived_from<std::remove_cvref_t<A>, AnyFuture>) {
      add_future(awaitable.state());
    } else if constexpr (std::is_lvalue_reference_v<A>) {
      const Awaited key(std::addressof(awaitable), typeid(A));
      if (add_again(key)) return;
      auto task = ensure_future(awaitable, loop());
      add_task(*task.state());
      seen_.emplace(key, task.state().get());
    } else {
      add_task(*ensure_future(std::forward<A>(awaitable), loop()).state());
    }
  }
  /// The loop of the children; that of get_event_loop() where there is none.
  EventLoop& loop();
  void reserve(std::size_t count) { futures.reserve(count); }
  /// For one more: adding it will not need memory for its place.
  void make_room() {
    if (futures.size() == futures.capacity()) futures.reserve(2 * futures.size() + 1);
  }

  std::vector<Ref<FutureCore>> futures;

 private:
  using Awaited = std::pair<const void*, std::type_index>;
  struct HashAwaited {
    std::size_t operator()(const Awaited& key) const noexcept { return std::hash<const void*>()(key.first); }
  };
  void add_future(const Ref<FutureCore>& future);
  void add_task(FutureCore& task);
  bool add_again(const Awaited& key);

  EventLoop* loop_ = nullptr;
  std::unordered_map<Awaited, FutureCore*, HashAwaited> seen_;
};

/// Keeps the view that a gather()'s children come from: they may refer to the function that is in it.
class KeptView : public DoneCallbackState, private LoopObserver {
 public:
  /// gather() has failed: the view stays until these are done, which have been started, or their loop goes away.
  void stay_for(std::vector<Ref<FutureCore>>&& started) noexcept;

 private:
  void call(FutureCore& /*done*/) final { wait_for_next(); }
  void loop_ended() noexcept final;
  void wait_for_next() noexcept;

  std::vector<Ref<FutureCore>> started_;
};

/// The part of a gathering future that does not depend on its result.
class GatherCore : public LoopObserver {
 public:
  /// Called by a child's done callback.
  void child_done(FutureCore& child);
  void loop_ended() noexcept final;

 protected:
  GatherCore(FutureCore& outer, bool return_exceptions) noexcept
      : outer_(outer), return_exceptions_(return_exceptions) {}
  ~GatherCore() = default;

  /// Takes the children over and watches them; those that are done count at once. The view stays until all are done.
  /// std::bad_alloc: nothing has happened.
  void start(std::vector<Ref<FutureCore>>& children, Ref<KeptView> view);
  /// Completes the future with the children's results.
  virtual void collect() = 0;

  /// The child's result: moved out where nobody else can ask for it any more.
  template <class T>
  stored_t<T> take_result(std::size_t index) const {
    if constexpr (std::is_void_v<T>) {
      return None();
    } else {
      FutureCore& child = *children_[index];
      auto& value = result_of<T>(child);
      if constexpr (copyable_result<stored_t<T>>) {
        if (!is_last_reference(child)) return value;
      }
      return std::move(value);
    }
  }
  template <class T>
  Outcome<T> take_outcome(std::size_t index) const {
    Outcome<T> outcome;
    if (auto error = exception_in_result(*children_[index])) {
      outcome.set_exception(std::move(error));
    } else {
      outcome.set_value(take_result<T>(index));
    }
    return outcome;
  }
  std::size_t size() const noexcept { return children_.size(); }

  std::vector<Ref<FutureCore>> children_;  // until it is done
  bool cancel_requested_ = false;

 private:
  bool is_last_reference(const FutureCore& child) const noexcept;
  static std::exception_ptr exception_in_result(FutureCore& child);
  static std::exception_ptr error_of(FutureCore& child);
  void complete();
  void fail(std::exception_ptr error);
  void release_children() noexcept;

  FutureCore& outer_;
  const FutureCore* completing_ = nullptr;  // the child whose callback runs: its callback holds one more reference
  Ref<KeptView> view_;
  std::size_t total_ = 0;
  std::size_t finished_ = 0;
  bool return_exceptions_;
};

template <class Result>
class GatherState : public FutureValue<Result>, public GatherCore {
 public:
  GatherState(EventLoop& loop, bool return_exceptions)
      : FutureValue<Result>(loop.core()), GatherCore(static_cast<FutureCore&>(*this), return_exceptions) {}
  ~GatherState() override { this->report_if_never_retrieved(); }
  using GatherCore::start;

 private:
  const std::vector<Ref<FutureCore>>* children() const noexcept final { return &this->children_; }
  void children_cancelled() noexcept final { this->cancel_requested_ = true; }
};

/// What a child with a result of type T leaves in the result of a gather().
template <class T, bool with_exceptions>
using gathered_t = std::conditional_t<with_exceptions, Outcome<T>, stored_t<T>>;

template <bool with_exceptions, class... T>
class GatherTuple final : public GatherState<std::tuple<gathered_t<T, with_exceptions>...>> {
  using Result = std::tuple<gathered_t<T, with_exceptions>...>;
  using GatherState<Result>::GatherState;

 public:
  static Future<Result> make(GatherChildren& children) {
    Ref<GatherTuple> state(new GatherTuple(children.loop(), with_exceptions));
    state->start(children.futures, nullptr);
    return Future<Result>(Ref<FutureCore>(std::move(state)));
  }

 private:
  void collect() override { this->set_result(collect(std::index_sequence_for<T...>())); }
  template <std::size_t... index>
  Result collect(std::index_sequence<index...>) {
    if constexpr (with_exceptions) {
      return Result{this->template take_outcome<T>(index)...};
    } else {
      return Result{this->template take_result<T>(index)...};
    }
  }
};

template <bool with_exceptions, class T>
class GatherVector final : public GatherState<std::vector<gathered_t<T, with_exceptions>>> {
  using Result = std::vector<gathered_t<T, with_exceptions>>;
  using GatherState<Result>::GatherState;

 public:
  static Future<Result> make(GatherChildren& children, Ref<KeptView> view = nullptr) {
    Ref<GatherVector> state(new GatherVector(children.loop(), with_exceptions));
    state->start(children.futures, std::move(view));
    return Future<Result>(Ref<FutureCore>(std::move(state)));
  }

 private:
  void collect() override {
    Result result;
    result.reserve(this->size());
    for (std::size_t i = 0; i < this->size(); ++i) {
      if constexpr (with_exceptions) {
        result.push_back(this->template take_outcome<T>(i));
      } else {
        result.push_back(this->template take_result<T>(i));
      }
    }
    this->set_result(std::move(result));
  }
};

/// Done when all of them are, whatever their outcomes. CancelledError where it is cancelled.
Future<void> gather_settled(const std::vector<AnyTask>& tasks);

template <class F>
struct ResultOf {
  using type = void;  // a handle that does not know its result
};
template <class F>
  requires requires { typename F::result_type; }
struct ResultOf<F> {
  using type = typename F::result_type;
};
template <class A>
using child_result_t = typename ResultOf<decltype(ensure_future(std::declval<A>(), std::declval<EventLoop&>()))>::type;

template <bool with_exceptions, class... A>
auto gather_arguments(A&&... awaitables) {
  GatherChildren children;
  children.reserve(sizeof...(A));
  (children.add(std::forward<A>(awaitables)), ...);
  return GatherTuple<with_exceptions, child_result_t<A>...>::make(children);
}

/// A range of awaitables.
template <class Range>
concept AwaitableRange = std::ranges::input_range<Range> && Awaitable<std::ranges::range_reference_t<Range>>;

template <class Range>
void add_all(GatherChildren& children, Range& range) {
  if constexpr (std::ranges::sized_range<Range>) children.reserve(static_cast<std::size_t>(std::ranges::size(range)));
  for (auto&& awaitable : range) children.add(std::forward<decltype(awaitable)>(awaitable));
}

template <class View>
class KeptViewOf final : public KeptView {
 public:
  explicit KeptViewOf(View&& view) noexcept(std::is_nothrow_move_constructible_v<View>) : view_(std::move(view)) {}

  void add_all_to(GatherChildren& children) {
    using Reference = std::ranges::range_reference_t<View>;
    if constexpr (std::derived_from<Reference, AnyFuture>) {
      // The view's function has started it: there has to be room for it before.
      const auto end = std::ranges::end(view_);
      for (auto each = std::ranges::begin(view_); each != end; ++each) {
        children.make_room();
        children.add(*each);
      }
    } else {
      // All are made before the first task is: where the view's function throws, none has been started.
      std::vector<Reference> awaitables;
      for (auto&& awaitable : view_) awaitables.push_back(std::forward<decltype(awaitable)>(awaitable));
      children.reserve(awaitables.size());
      for (Reference& awaitable : awaitables) children.add(std::move(awaitable));
    }
  }

 private:
  View view_;
};

template <bool with_exceptions, class Range>
auto gather_range(Range&& range) {
  using Reference = std::ranges::range_reference_t<Range>;
  using Result = child_result_t<Reference>;
  GatherChildren children;
  if constexpr (std::ranges::view<Range> && !std::is_reference_v<Reference>) {
    const auto view = make_ref<KeptViewOf<Range>>(std::forward<Range>(range));
    try {
      view->add_all_to(children);
      return GatherVector<with_exceptions, Result>::make(children, view);
    } catch (...) {
      view->stay_for(std::move(children.futures));
      throw;
    }
  } else {
    add_all(children, range);
    return GatherVector<with_exceptions, Result>::make(children);
  }
}

template <class... A>
inline constexpr bool ends_with_return_exceptions = false;
template <class A>
inline constexpr bool ends_with_return_exceptions<A> = std::same_as<std::remove_cvref_t<A>, return_exceptions_t>;
template <class A, class... Rest>
  requires(sizeof...(Rest) > 0)
inline constexpr bool ends_with_return_exceptions<A, Rest...> = Awaitable<A> && ends_with_return_exceptions<Rest...>;

template <class Tuple, std::size_t... index>
auto gather_all_but_last(Tuple&& arguments, std::index_sequence<index...>) {
  return gather_arguments<true>(std::get<index>(std::move(arguments))...);
}

}  // namespace detail

struct GatherFunction {
  /// A future of the tuple of all results, in the order of the arguments: futures, tasks, coroutines of which it makes
  /// tasks, or whatever else can be awaited. A coroutine is taken over, even where it is not given as a temporary;
  /// given twice, it runs once. Done at once where there are no arguments. ValueError where their loops differ.
  ///
  /// A result is moved out of a child that nobody else has a handle of, and copied otherwise, where it can be.
  template <Awaitable... A>
  auto operator()(A&&... awaitables) const {
    return detail::gather_arguments<false>(std::forward<A>(awaitables)...);
  }
  /// The same with each child's Outcome: gather(a, b, return_exceptions).
  template <class... A>
    requires detail::ends_with_return_exceptions<A...>
  auto operator()(A&&... awaitables_and_tag) const {
    return detail::gather_all_but_last(std::forward_as_tuple(std::forward<A>(awaitables_and_tag)...),
                                       std::make_index_sequence<sizeof...(A) - 1>());
  }
  /// A future of the vector of the results of all in the range. A temporary view is kept until all of them are done, so
  /// that `gather(urls | std::views::transform(f))` may have an `f` with captures.
  template <detail::AwaitableRange Range>
  auto operator()(Range&& range) const {
    return detail::gather_range<false>(std::forward<Range>(range));
  }
  template <detail::AwaitableRange Range>
  auto operator()(Range&& range, return_exceptions_t) const {
    return detail::gather_range<true>(std::forward<Range>(range));
  }
  template <class First, class... Rest>
    requires(!detail::AwaitableRange<First> && !(Awaitable<First> && (Awaitable<Rest> && ...)) &&
             !detail::ends_with_return_exceptions<First, Rest...>)
  __attribute__((unavailable(
      "gather() takes coroutines and what else can be awaited, or a range of them, and not const: call a coroutine "
      "function, gather(f())"))) RefusedAwaitable<std::tuple<Refused, RefusedFor<Rest>...>>
  operator()(First&&, Rest&&...) const;
};
inline constexpr GatherFunction gather;

}  // namespace segue::modern
