// ThreadPoolExecutor: threads that make calls, for whoever waits for their results in a thread or on a loop (CPython:
// Lib/concurrent/futures/thread.py).
//
//   concurrent::ThreadPoolExecutor pool({.max_workers = 4, .thread_name_prefix = "resize"});
//   concurrent::Future<Image> image = pool.submit(resize, path);
//   Image other = co_await loop.run_in_executor(pool, resize, other_path);
//
// There is no pool of processes: C++ cannot pickle a call.
#pragma once

#include <chrono>
#include <concepts>
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
#include <utility>
#include <vector>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/delay.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/threads/concurrent_future.hpp>
#include <segue/modern/threads/thread_futures.hpp>
#include <segue/outcome.hpp>

namespace segue::modern::detail {
class Executor;
}

namespace segue::modern::concurrent {

/// A thread of the pool could not be made ready: what was submitted is not done, and nothing more is accepted.
class BrokenThreadPool : public RuntimeError {
 public:
  using RuntimeError::RuntimeError;
};

struct ThreadPoolOptions {
  /// How many threads there may be; started as they are needed. As many as processors and four, but 32 at most, where
  /// none is given. ValueError("max_workers must be greater than 0").
  std::optional<int> max_workers = std::nullopt;
  /// What the threads' names begin with (the system shows 15 characters of them); "ThreadPoolExecutor-N" where it is
  /// empty.
  std::string thread_name_prefix = {};
  /// Is called in each thread before anything else. Where it throws, the pool is broken.
  std::function<void()> initializer = {};
};

namespace detail {

/// A call on its way. What its functions throw is the user's, of callbacks of its future.
class Work {
 public:
  Work() noexcept = default;
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;
  virtual ~Work() = default;
  virtual void run() = 0;
  virtual void cancel() = 0;
  virtual void fail(const std::exception_ptr& error) = 0;
};

template <class F, class... Args>
class CallWork final : public Work {
 public:
  using Result = std::invoke_result_t<F, Args...>;
  template <class G, class... Values>
  explicit CallWork(std::in_place_t, G&& function, Values&&... values)
      : call_(std::in_place, std::forward<G>(function), std::forward<Values>(values)...) {}

  const Future<Result>& future() const noexcept { return future_; }
  void run() override {
    const Future<Result> future = std::move(future_);
    if (!future.set_running_or_notify_cancel()) return;
    Outcome<Result> outcome;
    try {
      const auto invoke = [](F& function, Args&... args) -> Result {
        return std::invoke(std::move(function), std::move(args)...);
      };
      if constexpr (std::is_void_v<Result>) {
        std::apply(invoke, *call_);
        outcome.set_value();
      } else {
        outcome.set_value(std::apply(invoke, *call_));
      }
    } catch (...) {
      outcome.set_exception(std::current_exception());
    }
    call_.reset();  // before anybody hears of it
    if (outcome.has_exception()) {
      future.set_exception(outcome.exception());
    } else {
      future.state()->set_result_or_error(std::move(outcome.stored()));
    }
  }
  void cancel() override { future_.cancel(); }
  void fail(const std::exception_ptr& error) override {
    if (future_.set_running_or_notify_cancel()) future_.set_exception(error);
  }

 private:
  Future<Result> future_;
  std::optional<std::tuple<F, Args...>> call_;
};

class ThreadPool;

}  // namespace detail

/// What ThreadPoolExecutor::map() returns: the results, in the order of the arguments, each waited for when it is asked
/// for. One pass. What has not started is cancelled when this goes.
template <class R>
class MapResults {
 public:
  using clock = std::chrono::steady_clock;
  class Iterator {
   public:
    using value_type = std::remove_cvref_t<R>;
    using difference_type = std::ptrdiff_t;
    explicit Iterator(const MapResults& results) noexcept : results_(&results) {}
    decltype(auto) operator*() const { return results_->futures_[index_].result(results_->time_left()); }
    Iterator& operator++() noexcept {
      ++index_;
      return *this;
    }
    void operator++(int) noexcept { ++index_; }
    friend bool operator==(const Iterator& i, std::default_sentinel_t) noexcept { return i.is_at_end(); }

   private:
    bool is_at_end() const noexcept { return index_ == results_->futures_.size(); }

    const MapResults* results_;
    std::size_t index_ = 0;
  };

  MapResults(std::vector<Future<R>> futures, std::optional<clock::time_point> deadline) noexcept
      : futures_(std::move(futures)), deadline_(deadline) {}
  MapResults(MapResults&&) noexcept = default;
  MapResults& operator=(MapResults&&) = delete;
  ~MapResults() {
    for (const Future<R>& future : futures_) future.state()->abandon();
  }
  Iterator begin() const noexcept { return Iterator(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  std::optional<Delay> time_left() const {
    return deadline_ ? std::optional<Delay>(*deadline_ - clock::now()) : std::nullopt;
  }

  std::vector<Future<R>> futures_;
  std::optional<clock::time_point> deadline_;
};

/// Its destructor waits, as shutdown() does, also after shutdown(false). Where a call of its own destroys it, that
/// one's thread goes on alone.
class ThreadPoolExecutor {
 public:
  ThreadPoolExecutor() : ThreadPoolExecutor(ThreadPoolOptions()) {}
  explicit ThreadPoolExecutor(ThreadPoolOptions options);
  explicit ThreadPoolExecutor(int max_workers, std::string thread_name_prefix = {},
                              std::function<void()> initializer = {})
      : ThreadPoolExecutor(ThreadPoolOptions{max_workers, std::move(thread_name_prefix), std::move(initializer)}) {}
  ThreadPoolExecutor(const ThreadPoolExecutor&) = delete;
  ThreadPoolExecutor& operator=(const ThreadPoolExecutor&) = delete;
  ~ThreadPoolExecutor();

  /// Calls `f(args…)`, kept by value and moved into the call, in one of the threads. RuntimeError("cannot schedule new
  /// futures after shutdown"), ("can't start new thread"); BrokenThreadPool.
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
  auto submit(F&& f, Args&&... args) const {
    using Call = detail::CallWork<std::decay_t<F>, std::decay_t<Args>...>;
    auto work = std::make_unique<Call>(std::in_place, std::forward<F>(f), std::forward<Args>(args)...);
    Future<typename Call::Result> future = work->future();
    submit_work(std::move(work));
    return future;
  }
  /// Submits `f(each)` for each element, all at once, and gives the results in their order: TimeoutError from the one
  /// that is not there `timeout` after this call.
  template <class F, std::ranges::input_range Range>
    requires std::invocable<std::decay_t<F>, std::ranges::range_value_t<Range>>
  auto map(const F& f, Range&& range, std::optional<Delay> timeout = std::nullopt) const {
    using R = std::invoke_result_t<std::decay_t<F>, std::ranges::range_value_t<Range>>;
    using clock = typename MapResults<R>::clock;
    const auto deadline = timeout ? std::optional(clock::now() + timeout->value()) : std::nullopt;
    std::vector<Future<R>> futures;
    for (auto&& each : range) futures.push_back(submit(f, std::forward<decltype(each)>(each)));
    return MapResults<R>(std::move(futures), deadline);
  }
  /// Takes nothing more. Waits, unless told not to, until all that was submitted is done, but for the call that is
  /// being made in this thread; `cancel_futures` cancels what has not started.
  void shutdown(bool wait = true, bool cancel_futures = false);

 private:
  friend class modern::detail::Executor;

  void submit_work(std::unique_ptr<detail::Work> work) const;
  /// After shutdown(): calls `callback` when all is done, in the thread that was the last to end, or here.
  void call_at_end(std::function<void()> callback) const;

  std::shared_ptr<detail::ThreadPool> pool_;
};

}  // namespace segue::modern::concurrent

namespace segue::modern {

template <class F, class... Args>
  requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
auto EventLoop::run_in_executor(concurrent::ThreadPoolExecutor& executor, F&& f, Args&&... args)
    -> Future<std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...>> {
  check_usable();
  return wrap_future(executor.submit(std::forward<F>(f), std::forward<Args>(args)...), *this);
}

}  // namespace segue::modern
