#include <segue/modern/tasks/wait_for.hpp>

#include <exception>

#include <segue/modern/kernel/scope_exit.hpp>
#include <segue/modern/loop/event_loop.hpp>

namespace segue::modern::detail {

Coroutine<void> cancel_and_wait(AnyFuture future) {
  const Future<void> waiter = get_running_loop().create_future();
  const DoneCallback<AnyFuture> release = [waiter](const AnyFuture&) {
    if (!waiter.done()) waiter.set_result();
  };
  future.add_done_callback(release);
  const ScopeExit forget([&] { future.remove_done_callback(release); });
  future.cancel();
  co_await waiter;
}

void throw_timeout_error() {
  TimeoutError timed_out;  // its context is what is being handled
  throw from(timed_out, std::current_exception());
}

}  // namespace segue::modern::detail
