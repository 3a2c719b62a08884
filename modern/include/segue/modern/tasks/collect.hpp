// collect(): what Python writes as an async comprehension (PEP 530).
//
//   std::vector<int> all = co_await collect(ticker(10));                        // [i async for i in ticker(10)]
//   auto pages = co_await collect(urls, fetch);                                 // [await fetch(u) async for u in urls]
//   auto some = co_await collect(ticker(10), square, is_even);                  // [square(i) async for i in … if
//   is_even(i)]
#pragma once

#include <concepts>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/refused.hpp>
#include <segue/modern/tasks/async_generators.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/outcome.hpp>

namespace segue::modern {

namespace detail {

/// Takes all values.
struct All {
  constexpr bool operator()(const auto&) const noexcept { return true; }
};

template <class F, class Value>
using called_t = awaited_or_plain_t<std::invoke_result_t<F&, Value>>;

template <class Iterator, class Transform, class Filter>
concept Collects = std::invocable<Filter&, std::add_lvalue_reference_t<anext_result_t<Iterator>>> &&
                   std::convertible_to<called_t<Filter, std::add_lvalue_reference_t<anext_result_t<Iterator>>>, bool> &&
                   std::invocable<Transform&, anext_result_t<Iterator>> &&
                   !std::is_void_v<called_t<Transform, anext_result_t<Iterator>>>;

namespace body {

template <class Kept, class Transform, class Filter>
auto collect(Kept kept, Transform transform, Filter filter)
    -> Coroutine<std::vector<std::decay_t<called_t<Transform, anext_result_t<iterator_of_t<Kept>>>>>> {
  using Value = anext_result_t<iterator_of_t<Kept>>;
  std::vector<std::decay_t<called_t<Transform, Value>>> collected;
  auto&& iterator = aiter(unwrapped(kept));
  for (;;) {
    auto step = next_or_none(iterator);
    std::optional<stored_t<Value>> next = co_await step;
    if (!next) break;
    auto& value = [&]() -> auto& {
      if constexpr (std::is_reference_v<Value>) {
        return next->get();
      } else {
        return *next;
      }
    }();
    bool taken = false;
    if constexpr (Awaitable<std::invoke_result_t<Filter&, decltype(value)>>) {
      auto asked = std::invoke(filter, value);
      taken = static_cast<bool>(co_await std::move(asked));
    } else {
      taken = static_cast<bool>(std::invoke(filter, value));
    }
    if (!taken) continue;
    if constexpr (Awaitable<std::invoke_result_t<Transform&, Value>>) {
      auto made = std::invoke(transform, static_cast<Value&&>(value));
      collected.push_back(co_await std::move(made));
    } else {
      collected.push_back(std::invoke(transform, static_cast<Value&&>(value)));
    }
  }
  co_return collected;
}

}  // namespace body

}  // namespace detail

struct CollectFunction {
  /// The values of an async iterable, in order: those of which `filter(value)` is true, each as `transform(value)`
  /// gives it. Both are functions, or coroutine functions that are awaited. What these or the iterable throw ends it,
  /// and so does a cancellation.
  ///
  /// A temporary is kept until the end, another iterable is referred to, and left open. The functions are kept; one
  /// that captures by value is named before (async_with.hpp).
  template <class I, class Transform = std::identity, class Filter = detail::All>
    requires(AsyncIterable<detail::unwrapped_t<detail::kept_t<I>>> &&
             detail::Collects<detail::iterator_of_t<detail::kept_t<I>>, std::decay_t<Transform>, std::decay_t<Filter>>)
  auto operator()(I&& iterable, Transform&& transform = {}, Filter&& filter = {}) const {
    return detail::body::collect<detail::kept_t<I>, std::decay_t<Transform>, std::decay_t<Filter>>(
        std::forward<I>(iterable), std::forward<Transform>(transform), std::forward<Filter>(filter));
  }
  template <class I, class... F>
    requires(!AsyncIterable<detail::unwrapped_t<detail::kept_t<I>>>)
  __attribute__((
      unavailable("collect() takes what has an anext() that can be awaited, or an aiter(), and is not "
                  "const"))) Refused
  operator()(I&&, F&&...) const;
};
inline constexpr CollectFunction collect;

}  // namespace segue::modern
