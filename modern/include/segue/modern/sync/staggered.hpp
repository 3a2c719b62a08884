// staggered_race(): one after the other, until one succeeds (CPython: asyncio/staggered.py, which has Happy Eyeballs in
// mind, RFC 8305).
#pragma once

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <segue/exception_ptr.hpp>
#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/delay.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/scope_exit.hpp>
#include <segue/modern/sync/event.hpp>
#include <segue/modern/tasks/exception_groups.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait_for.hpp>
#include <segue/os_error.hpp>
#include <segue/outcome.hpp>

namespace segue::modern {

template <class T>
struct StaggeredResult {
  /// Of the one that succeeded first; nothing where none did.
  std::optional<stored_t<T>> winner_result = std::nullopt;
  std::optional<std::size_t> winner_index = std::nullopt;
  /// What each of those that were started has thrown; null for the winner.
  std::vector<std::exception_ptr> exceptions = {};
};

namespace detail {

/// What all who take part in a race share. They keep it alive, and it them while they run.
template <class T>
struct Race {
  std::vector<std::function<Coroutine<T>()>> entrants;
  std::optional<Delay> delay;
  std::vector<Task<>> running = {};
  std::optional<Future<>> all_done = std::nullopt;  // while somebody waits for that
  std::vector<std::exception_ptr> unhandled = {};
  bool over = false;
  StaggeredResult<T> result = {};
};

template <class T>
using RaceOf = std::shared_ptr<Race<T>>;

template <class T>
Coroutine<> run_next(RaceOf<T> race, Event may_start, std::optional<Event> previous_failed);

template <class T>
void start_next(const RaceOf<T>& race, std::optional<Event> previous_failed) {
  if (race->over) return;
  const Event may_start;
  Task<> task = create_task(run_next<T>(race, may_start, std::move(previous_failed)));
  task.add_done_callback([race](const Task<>& done) {
    std::erase(race->running, done);
    if (race->all_done && !race->all_done->done() && race->running.empty()) race->all_done->set_result();
    if (!done.cancelled() && done.exception()) race->unhandled.push_back(done.exception());
  });
  race->running.push_back(task);
  may_start.set();  // an eager one would else be done before it is known
}

/// Nobody waits for the race any more: it refers to its tasks, and they to it.
template <class T>
void end_race(Race<T>& race) noexcept {
  race.over = true;
  try {
    for (const Task<>& task : std::exchange(race.running, {})) task.cancel();
  } catch (...) {  // there is no memory for that: they run to their end
  }
}

/// The next one's turn comes when the one before has failed, or the delay is over.
template <class T>
Coroutine<> run_next(RaceOf<T> race, Event may_start, std::optional<Event> previous_failed) {
  co_await may_start.wait();
  if (previous_failed) {
    try {
      co_await wait_for(previous_failed->wait(), race->delay);
    } catch (const TimeoutError&) {  // the one before takes long
    }
  }
  const std::size_t index = race->result.exceptions.size();
  if (index == race->entrants.size()) co_return;
  const Event failed;
  start_next(race, failed);
  race->result.exceptions.emplace_back();
  std::optional<stored_t<T>> result;
  try {
    Coroutine<T> entrant = race->entrants[index]();
    if constexpr (std::is_void_v<T>) {
      co_await std::move(entrant);
      result.emplace();
    } else {
      result.emplace(co_await std::move(entrant));
    }
  } catch (...) {
    if (ends_program(std::current_exception())) throw;
    race->result.exceptions[index] = std::current_exception();
    failed.set();
    co_return;
  }
  if (race->result.winner_index) {
    throw RuntimeError("staggered_race(): " + std::to_string(index) + " succeeds after " +
                       std::to_string(*race->result.winner_index) + " has won, although it was cancelled");
  }
  const std::vector<Task<>> running = race->running;  // without memory for that, it has not won
  race->result.winner_result = std::move(result);
  race->result.winner_index = index;
  const std::optional<AnyTask> self = current_task();
  for (const Task<>& task : running)
    if (AnyTask(task) != self) task.cancel();
}

template <class T>
Coroutine<StaggeredResult<T>> staggered_race(std::vector<std::function<Coroutine<T>()>> entrants,
                                             std::optional<Delay> delay) {
  const RaceOf<T> race = std::make_shared<Race<T>>(std::move(entrants), delay);
  const ScopeExit end([&race]() noexcept { end_race(*race); });
  start_next<T>(race, std::nullopt);
  std::exception_ptr cancelled;
  while (!race->running.empty()) {
    race->all_done = get_running_loop().create_future();
    std::optional<std::string> message;
    try {
      co_await *race->all_done;
    } catch (const CancelledError& error) {
      cancelled = std::current_exception();
      message = error.message();
    }
    if (cancelled) {
      for (const Task<>& task : std::vector(race->running)) task.cancel(message);
    }
    race->all_done.reset();
  }
  if (!race->unhandled.empty()) throw ExceptionGroup("staggered race failed", race->unhandled);
  if (cancelled) std::rethrow_exception(cancelled);
  co_return std::move(race->result);
}

template <class F>
using entrant_result_t = typename std::invoke_result_t<F&>::result_type;
/// A coroutine function without arguments.
template <class F>
concept Entrant = std::same_as<std::invoke_result_t<F&>, Coroutine<entrant_result_t<F>>>;

}  // namespace detail

struct StaggeredRaceFunction {
  /// Calls the coroutine functions of a range one after the other, each when the one before has failed, or `delay`
  /// after it (without one: only when it has failed), until one of them succeeds; cancels the others, and waits for
  /// all. When it is cancelled, so are they. It throws what none of the functions has thrown: an ExceptionGroup of
  /// unexpected errors, as where two of them succeed. KeyboardInterrupt and SystemExit leave the loop.
  ///
  ///   const auto [socket, index, errors] = co_await staggered_race(attempts, 250ms);
  template <std::ranges::input_range Range>
    requires detail::Entrant<std::ranges::range_value_t<Range>>
  auto operator()(Range&& coro_fns, std::optional<Delay> delay) const {
    using T = detail::entrant_result_t<std::ranges::range_value_t<Range>>;
    std::vector<std::function<Coroutine<T>()>> entrants;
    for (auto&& entrant : coro_fns) entrants.emplace_back(entrant);
    return detail::staggered_race<T>(std::move(entrants), delay);
  }
};
inline constexpr StaggeredRaceFunction staggered_race;

}  // namespace segue::modern
