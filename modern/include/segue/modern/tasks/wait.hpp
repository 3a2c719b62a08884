// wait(): waits for several tasks or futures, until all are done, one is, or the time is over (CPython:
// asyncio.tasks.wait).
//
//   auto [done, pending] = co_await wait(tasks, {.timeout = 1s, .return_when = FIRST_COMPLETED});
//
// A timeout is no error here, and cancels nothing; cancelling the waiter leaves the tasks alone, too.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/delay.hpp>
#include <segue/modern/kernel/refused.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/task.hpp>

namespace segue::modern {

enum class ReturnWhen : std::uint8_t {
  FIRST_COMPLETED,  ///< one is done or cancelled
  FIRST_EXCEPTION,  ///< one has failed; a cancelled one has not
  ALL_COMPLETED,
};
inline constexpr ReturnWhen FIRST_COMPLETED = ReturnWhen::FIRST_COMPLETED;
inline constexpr ReturnWhen FIRST_EXCEPTION = ReturnWhen::FIRST_EXCEPTION;
inline constexpr ReturnWhen ALL_COMPLETED = ReturnWhen::ALL_COMPLETED;

struct WaitOptions {
  std::optional<Delay> timeout = std::nullopt;
  ReturnWhen return_when = ALL_COMPLETED;
};

/// What wait() gives: each future once, in the order of the argument. (Python's are sets, which have none: a program
/// that is explored gets them in any, testing/explore.hpp.)
template <std::derived_from<AnyFuture> F>
struct WaitResult {
  std::vector<F> done;
  std::vector<F> pending;
};

namespace detail {

/// Waits for the futures, which its caller keeps alive meanwhile. ValueError for none and for a bad option.
Coroutine<void> wait_until(std::vector<FutureCore*> futures, WaitOptions options);
/// Puts null in the place of each future that has come before.
void strike_repeated(std::vector<FutureCore*>& futures);

namespace body {  // out of reach of argument-dependent lookup

template <class F>
Coroutine<WaitResult<F>> wait(std::vector<F> futures, WaitOptions options) {
  std::vector<FutureCore*> states;
  states.reserve(futures.size());
  for (const F& future : futures) states.push_back(future.state().get());
  strike_repeated(states);
  auto state = states.begin();
  std::erase_if(futures, [&state](const F&) { return *state++ == nullptr; });
  std::erase(states, nullptr);
  co_await wait_until(std::move(states), options);
  if (Schedule* const choices = get_running_loop().core().schedule_of_choices()) choices->shuffle(futures);
  WaitResult<F> result;
  bool all_done = true;
  for (const F& future : futures) all_done = all_done && future.done();
  if (all_done) {
    result.done = std::move(futures);
  } else {
    for (F& future : futures) (future.done() ? result.done : result.pending).push_back(std::move(future));
  }
  co_return result;
}

}  // namespace body

/// The handle of several futures: theirs where it is the same for all.
template <class First, class... Rest>
struct CommonHandle {
  using type = AnyFuture;
};
template <class First, std::same_as<First>... Rest>
struct CommonHandle<First, Rest...> {
  using type = First;
};

template <class... T>
using LastOf = typename decltype((std::type_identity<T>(), ...))::type;

}  // namespace detail

struct WaitFunction {
  /// Waits for the futures or tasks of a range. ValueError("Set of Tasks/Futures is empty."), ("Invalid return_when
  /// value: …").
  template <std::ranges::input_range Range>
    requires std::derived_from<std::ranges::range_value_t<Range>, AnyFuture>
  auto operator()(Range&& futures, WaitOptions options = {}) const {
    using F = std::ranges::range_value_t<Range>;
    std::vector<F> copies;
    if constexpr (std::ranges::sized_range<Range>) copies.reserve(std::ranges::size(futures));
    for (const F& future : futures) copies.push_back(future);
    return detail::body::wait<F>(std::move(copies), options);
  }
  template <std::derived_from<AnyFuture> F>
  Coroutine<WaitResult<F>> operator()(std::initializer_list<F> futures, WaitOptions options = {}) const {
    return detail::body::wait<F>(std::vector<F>(futures), options);
  }
  /// Waits for futures or tasks given one by one: wait(a, b, c).
  template <std::derived_from<AnyFuture>... F>
    requires(sizeof...(F) > 0)
  auto operator()(const F&... futures) const {
    using Common = typename detail::CommonHandle<F...>::type;
    return detail::body::wait<Common>(std::vector<Common>{Common(futures)...}, WaitOptions());
  }
  /// The same with options behind them: wait(a, b, WaitOptions{.timeout = 1s}).
  template <std::derived_from<AnyFuture> First, class... Rest>
    requires(sizeof...(Rest) > 0 && std::same_as<detail::LastOf<Rest...>, WaitOptions>)
  auto operator()(const First& first, const Rest&... rest) const {
    const auto all = std::tie(first, rest...);
    return [&all]<std::size_t... I>(std::index_sequence<I...>) {
      using Common = typename detail::CommonHandle<std::remove_cvref_t<decltype(std::get<I>(all))>...>::type;
      return detail::body::wait<Common>(std::vector<Common>{Common(std::get<I>(all))...}, std::get<sizeof...(I)>(all));
    }(std::make_index_sequence<sizeof...(Rest)>());
  }
  /// Coroutines are refused when it is awaited: TypeError("Passing coroutines is forbidden, use tasks explicitly.").
  /// They are left alone.
  template <std::ranges::input_range Range>
    requires(Awaitable<std::ranges::range_reference_t<Range>> &&
             !std::derived_from<std::ranges::range_value_t<Range>, AnyFuture>)
  Coroutine<WaitResult<AnyFuture>> operator()(const Range&, WaitOptions = {}) const {
    return []() -> Coroutine<WaitResult<AnyFuture>> {
      throw TypeError("Passing coroutines is forbidden, use tasks explicitly.");
      co_return WaitResult<AnyFuture>();
    }();
  }
  template <class... A>
    requires((AwaitableFunction<A> || (Awaitable<A> && !std::derived_from<std::remove_cvref_t<A>, AnyFuture>)) || ...)
  __attribute__((unavailable("wait() takes tasks and futures: make tasks of coroutines, create_task(f())"))) Refused
  operator()(A&&...) const;
};
inline constexpr WaitFunction wait;

}  // namespace segue::modern
