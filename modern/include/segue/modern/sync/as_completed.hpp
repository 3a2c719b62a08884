// as_completed(): the results of several tasks in the order in which they come (CPython: asyncio/tasks.py).
//
//   for (Coroutine<Page>& next : as_completed(fetches, {.timeout = 5s})) show(co_await next);
//
//   co_await async_for(as_completed(tasks), [](const Task<Page>& task) { … });   // the very same tasks
//
// A queue of what is done, so it is on the floor of queues, and not on that of tasks.
#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/delay.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/sync/queues.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait.hpp>
#include <segue/os_error.hpp>

namespace segue::modern {

struct AsCompletedOptions {
  std::optional<Delay> timeout = std::nullopt;
};

namespace detail {

/// What has completed, and what is still to come. Kept by whoever asks: it leaves the futures when nobody does any
/// more.
template <class F>
class Completions {
 public:
  static std::shared_ptr<Completions> start(std::vector<F> futures, EventLoop& loop,
                                            const AsCompletedOptions& options) {
    std::vector<FutureCore*> states;
    for (const F& future : futures) states.push_back(future.state().get());
    strike_repeated(states);
    auto state = states.begin();
    std::erase_if(futures, [&](const F&) { return *state++ == nullptr; });
    auto completions = std::make_shared<Completions>();
    completions->futures_ = std::move(futures);
    completions->todo_ = completions->left_ = completions->futures_.size();
    const std::weak_ptr<Completions> weak = completions;
    completions->callback_.emplace([weak](const F& done) {
      if (const auto kept = weak.lock()) kept->complete(done);
    });
    for (const F& future : completions->futures_) future.add_done_callback(*completions->callback_);
    if (options.timeout && completions->todo_ > 0) {
      completions->timer_ = loop.call_later(*options.timeout, [weak] {
        if (const auto kept = weak.lock()) kept->time_out();
      });
    }
    return completions;
  }
  Completions() = default;
  Completions(const Completions&) = delete;
  Completions& operator=(const Completions&) = delete;
  ~Completions() { leave(); }

  /// Takes the place of one that is still to come; false where there is none.
  bool take_next() noexcept {
    if (left_ == 0) return false;
    --left_;
    return true;
  }
  const Queue<std::optional<F>>& done() const noexcept { return done_; }

 private:
  void complete(const F& future) {
    if (todo_ == 0) return;  // the time was over before
    done_.put_nowait(future);
    if (--todo_ == 0) timer_.cancel();
  }
  void time_out() {
    for (const F& future : futures_) future.remove_done_callback(*callback_);
    for (; todo_ > 0; --todo_) done_.put_nowait(std::nullopt);
  }
  void leave() noexcept {
    timer_.cancel();
    if (!callback_) return;
    for (const F& future : futures_) future.remove_done_callback(*callback_);
  }

  Queue<std::optional<F>> done_;  // nothing stands for one that did not come in time
  std::vector<F> futures_;
  std::optional<DoneCallback<F>> callback_;
  TimerHandle timer_;
  std::size_t todo_ = 0;  // are not in `done_` yet
  std::size_t left_ = 0;  // have not been asked for
};

namespace body {

template <class F>
Coroutine<F> next_completed(std::shared_ptr<Completions<F>> completions) {
  if (!completions->take_next()) throw StopAsyncIteration();
  auto getting = completions->done().get();
  std::optional<F> done = co_await getting;
  if (!done) throw TimeoutError();
  co_return *std::move(done);
}

template <class F>
Coroutine<typename ResultOf<F>::type> next_result(std::shared_ptr<Completions<F>> completions) {
  auto getting = completions->done().get();
  std::optional<F> done = co_await getting;
  if (!done) throw TimeoutError();
  co_return co_await *std::move(done);
}

}  // namespace body

}  // namespace detail

/// What as_completed() returns. One pass, by either kind of loop; what is asked for by one is not given to the other.
template <std::derived_from<AnyFuture> F>
class AsCompleted : public HandleOf<AsCompleted<F>, std::shared_ptr<detail::Completions<F>>> {
 public:
  using result_type = typename detail::ResultOf<F>::type;

  /// Of a plain loop: each turn gives a coroutine, which waits for the next result, whosever it is.
  class Iterator {
   public:
    using value_type = Coroutine<result_type>;
    using difference_type = std::ptrdiff_t;

    Coroutine<result_type>& operator*() const {
      if (!*next_) *next_ = detail::body::next_result<F>(completions_);
      return **next_;
    }
    Iterator& operator++() {
      advance();
      return *this;
    }
    void operator++(int) { advance(); }
    friend bool operator==(const Iterator& i, std::default_sentinel_t) noexcept { return i.at_end_; }

   private:
    friend AsCompleted;
    explicit Iterator(std::shared_ptr<detail::Completions<F>> completions) : completions_(std::move(completions)) {
      advance();
    }
    void advance() {
      next_ = std::make_shared<std::optional<Coroutine<result_type>>>();
      at_end_ = !completions_->take_next();
    }

    std::shared_ptr<detail::Completions<F>> completions_;
    std::shared_ptr<std::optional<Coroutine<result_type>>> next_;
    bool at_end_ = false;
  };

  explicit AsCompleted(std::shared_ptr<detail::Completions<F>> completions) noexcept
      : AsCompleted::HandleOf(std::move(completions)) {}

  Iterator begin() const { return Iterator(this->state()); }
  std::default_sentinel_t end() const noexcept { return {}; }
  /// The next one that is done, as it was given to as_completed(). TimeoutError where the time is over,
  /// StopAsyncIteration after the last.
  Coroutine<F> anext() { return detail::body::next_completed<F>(this->state()); }
};

struct AsCompletedFunction {
  /// Of the tasks, futures or coroutines of a range; of coroutines it makes tasks. Each that occurs twice counts once.
  /// When the time is over, each that is left gives TimeoutError, and none is cancelled. All belong to the loop of
  /// get_event_loop(): ValueError for a future of another one.
  template <std::ranges::input_range Range>
    requires Awaitable<std::ranges::range_rvalue_reference_t<Range>>
  auto operator()(Range&& awaitables, const AsCompletedOptions& options = {}) const {
    using F = decltype(ensure_future(std::ranges::iter_move(std::ranges::begin(awaitables))));
    EventLoop& loop = get_event_loop();
    std::vector<F> futures;
    for (auto each = std::ranges::begin(awaitables); each != std::ranges::end(awaitables); ++each)
      futures.push_back(ensure_future(taken(awaitables, each), loop));
    return AsCompleted<F>(detail::Completions<F>::start(std::move(futures), loop, options));
  }

 private:
  // Futures are copied, also out of a temporary range.
  template <class Range, class I>
  static decltype(auto) taken(Range&, const I& each) {
    if constexpr (std::derived_from<std::ranges::range_value_t<Range>, AnyFuture>) {
      return *each;
    } else {
      return std::ranges::iter_move(each);
    }
  }
};
inline constexpr AsCompletedFunction as_completed;

}  // namespace segue::modern
