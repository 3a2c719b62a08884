// wait(): until some, or all, of several futures are done, or a time is up (CPython: asyncio.tasks.wait).
//
//   auto [done, pending] = co_await wait(tasks, {.timeout = 1s, .return_when = FIRST_COMPLETED});
#pragma once

#include <concepts>
#include <optional>
#include <ranges>
#include <utility>
#include <vector>

#include <segue/modern/coroutine.hpp>
#include <segue/modern/delay.hpp>
#include <segue/modern/future.hpp>

namespace segue::modern {

enum class ReturnWhen {
  FIRST_COMPLETED,  ///< any is done, by cancellation too
  FIRST_EXCEPTION,  ///< any has failed (not: was cancelled), or all are done
  ALL_COMPLETED
};
using enum ReturnWhen;

struct WaitOptions {
  /// No limit where it is empty.
  std::optional<Delay> timeout = std::nullopt;
  ReturnWhen return_when = ALL_COMPLETED;
};

/// Both in the order in which they were given, each future once.
template <class F>
struct WaitResult {
  std::vector<F> done;
  std::vector<F> pending;
};

namespace detail {

/// Waits for `futures`, which it makes unique.
Coroutine<void> wait_until(std::vector<FutureBase>& futures, WaitOptions options);

template <class F>
Coroutine<WaitResult<F>> wait_for_any(std::vector<F> futures, WaitOptions options) {
  std::vector<FutureBase> unique(futures.begin(), futures.end());
  co_await wait_until(unique, options);
  WaitResult<F> result;
  for (const FutureBase& future : unique) (future.done() ? result.done : result.pending).emplace_back(future.state());
  co_return result;
}

}  // namespace detail

/// Waits for a range of tasks or futures; coroutines are not taken: make tasks of them. A time that is up is no error,
/// and cancels nothing; nor does cancelling the wait. ValueError for none at all.
template <std::ranges::input_range R>
  requires std::derived_from<std::ranges::range_value_t<R>, FutureBase>
Coroutine<WaitResult<std::ranges::range_value_t<R>>> wait(R&& futures, WaitOptions options = {}) {
  std::vector<std::ranges::range_value_t<R>> all;
  for (auto&& future : futures) all.push_back(future);
  return detail::wait_for_any(std::move(all), options);
}

}  // namespace segue::modern
