// shield(): waits for an awaitable that the waiter's cancellation shall not reach (CPython: asyncio.tasks.shield).
//
//   auto saving = create_task(save());
//   co_await shield(saving);    // a cancelled waiter gets CancelledError; save() goes on
#pragma once

#include <type_traits>
#include <utility>

#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/refused.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/task.hpp>

namespace segue::modern {

namespace detail {

/// Makes `outer` end as `inner` does, unless it is cancelled before; `copy_result` sets the result of a done `inner`.
void connect_shield(const Ref<FutureCore>& inner, const Ref<FutureCore>& outer,
                    void (*copy_result)(FutureCore& inner, FutureCore& outer));

template <class T>
void copy_result(FutureCore& inner, FutureCore& outer) {
  auto& value = result_of<T>(inner);
  if constexpr (copyable_result<stored_t<T>>) {
    static_cast<FutureValue<T>&>(outer).set_result_or_error(value);
  } else {
    static_cast<FutureValue<T>&>(outer).set_result_or_error(std::move(value));
  }
}

}  // namespace detail

struct ShieldFunction {
  /// A future that ends as `awaitable` does; what is no future is made a task. Cancelling the future leaves the
  /// awaitable alone; if that fails afterwards, the loop's exception handler is told. A done future is returned as it
  /// is. A result that cannot be copied is moved here.
  template <Awaitable A>
  auto operator()(A&& awaitable) const {
    auto inner = ensure_future(std::forward<A>(awaitable));
    using T = typename decltype(inner)::result_type;
    if (inner.done()) return Future<T>(inner.state());
    const Future<T> outer = inner.get_loop().template create_future<T>();
    detail::connect_shield(inner.state(), outer.state(), &detail::copy_result<T>);
    return outer;
  }
  template <class A>
    requires(!Awaitable<A>)
  __attribute__((
      unavailable("shield() takes a coroutine, or what else can be awaited, and not const: call a coroutine function, "
                  "shield(f())"))) Refused
  operator()(A&&) const;
};
inline constexpr ShieldFunction shield;

}  // namespace segue::modern
