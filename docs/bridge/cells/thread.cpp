// thread: written by cells.py.
// clang-format off: three lines an example
#include "cells.hpp"

namespace of_thread {

Coroutine<int> coroutine_waits_for_callback() {
  co_return co_await from_callback<int>(measure);
}

Coroutine<int> coroutine_waits_for_future() {
  co_return co_await promised();
}

Coroutine<int> coroutine_waits_for_old_style() {
  co_return co_await old_style();
}

Coroutine<int> coroutine_waits_for_generator() {
  co_return numbers().next();
}

Coroutine<int> coroutine_waits_for_coroutine() {
  co_return co_await fetch();
}

Coroutine<int> coroutine_waits_for_task() {
  co_return co_await create_task(fetch());
}

Coroutine<int> coroutine_waits_for_async_generator() {
  co_return co_await ticks().anext();
}

Coroutine<int> coroutine_waits_for_portal() {
  co_return co_await portal(plain);
}

Coroutine<int> coroutine_waits_for_asio_operation() {
  co_return co_await async_measure(use_segue);
}

Coroutine<int> coroutine_waits_for_asio_awaitable() {
  co_return co_await from_asio(asio_style());
}

Coroutine<int> coroutine_waits_for_coroutine2() {
  co_return pulled().next();
}

Coroutine<int> coroutine_waits_for_std_future() {
  co_return co_await from_std_future(std::async(work));
}

Coroutine<int> coroutine_waits_for_thread() {
  co_return co_await to_thread(work);
}

int thread_waits_for_callback() {
  return from_thread::run(coroutine_waits_for_callback);
}

int thread_waits_for_future() {
  return from_thread::run(coroutine_waits_for_future);
}

int thread_waits_for_old_style() {
  return from_thread::run(coroutine_waits_for_old_style);
}

int thread_waits_for_generator() {
  return from_thread::run(coroutine_waits_for_generator);
}

int thread_waits_for_coroutine() {
  return from_thread::run(coroutine_waits_for_coroutine);
}

int thread_waits_for_task() {
  return from_thread::run(coroutine_waits_for_task);
}

int thread_waits_for_async_generator() {
  return from_thread::run(coroutine_waits_for_async_generator);
}

int thread_waits_for_portal() {
  return from_thread::run(coroutine_waits_for_portal);
}

int thread_waits_for_asio_operation() {
  return from_thread::run(coroutine_waits_for_asio_operation);
}

int thread_waits_for_asio_awaitable() {
  return from_thread::run(coroutine_waits_for_asio_awaitable);
}

int thread_waits_for_coroutine2() {
  return from_thread::run(coroutine_waits_for_coroutine2);
}

int thread_waits_for_std_future() {
  return from_thread::run(coroutine_waits_for_std_future);
}

int thread_waits_for_thread() {
  return from_thread::run(coroutine_waits_for_thread);
}

}  // namespace of_thread

void cells_of_thread() {
  using namespace of_thread;
  const auto loop = new_event_loop();
  check("thread_waits_for_callback", loop->run_until_complete(run_thread(thread_waits_for_callback)));
  check("thread_waits_for_future", loop->run_until_complete(run_thread(thread_waits_for_future)));
  check("thread_waits_for_old_style", loop->run_until_complete(run_thread(thread_waits_for_old_style)));
  check("thread_waits_for_generator", loop->run_until_complete(run_thread(thread_waits_for_generator)));
  check("thread_waits_for_coroutine", loop->run_until_complete(run_thread(thread_waits_for_coroutine)));
  check("thread_waits_for_task", loop->run_until_complete(run_thread(thread_waits_for_task)));
  check("thread_waits_for_async_generator", loop->run_until_complete(run_thread(thread_waits_for_async_generator)));
  check("thread_waits_for_portal", loop->run_until_complete(run_thread(thread_waits_for_portal)));
  check("thread_waits_for_asio_operation", loop->run_until_complete(run_thread(thread_waits_for_asio_operation)));
  check("thread_waits_for_asio_awaitable", loop->run_until_complete(run_thread(thread_waits_for_asio_awaitable)));
  check("thread_waits_for_coroutine2", loop->run_until_complete(run_thread(thread_waits_for_coroutine2)));
  check("thread_waits_for_std_future", loop->run_until_complete(run_thread(thread_waits_for_std_future)));
  check("thread_waits_for_thread", loop->run_until_complete(run_thread(thread_waits_for_thread)));
  loop->run_until_complete(loop->shutdown_asyncgens());
}
