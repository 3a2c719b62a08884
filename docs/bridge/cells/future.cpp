// `Future`: written by cells.py.
// clang-format off: three lines an example
#include "cells.hpp"

namespace of_future {

Coroutine<int> coroutine_waits_for_generator() {
  co_return numbers().next();
}

Coroutine<int> coroutine_waits_for_coroutine2() {
  co_return pulled().next();
}

Future<int> future_waits_for_callback() {
  return ensure_future(from_callback<int>(measure));
}

Future<int> future_waits_for_future() {
  return ensure_future(promised());
}

Future<int> future_waits_for_old_style() {
  return ensure_future(old_style());
}

Future<int> future_waits_for_generator() {
  return ensure_future(coroutine_waits_for_generator());
}

Future<int> future_waits_for_coroutine() {
  return ensure_future(fetch());
}

Future<int> future_waits_for_task() {
  return ensure_future(create_task(fetch()));
}

Future<int> future_waits_for_async_generator() {
  return ensure_future(ticks().anext());
}

Future<int> future_waits_for_portal() {
  return ensure_future(portal(plain));
}

Future<int> future_waits_for_asio_operation() {
  return ensure_future(async_measure(use_segue));
}

Future<int> future_waits_for_asio_awaitable() {
  return ensure_future(from_asio(asio_style()));
}

Future<int> future_waits_for_coroutine2() {
  return ensure_future(coroutine_waits_for_coroutine2());
}

Future<int> future_waits_for_std_future() {
  return ensure_future(from_std_future(std::async(work)));
}

Future<int> future_waits_for_thread() {
  return ensure_future(to_thread(work));
}

}  // namespace of_future

void cells_of_future() {
  using namespace of_future;
  const auto loop = new_event_loop();
  check("future_waits_for_callback", loop->run_until_complete(run_coroutine(future_waits_for_callback)));
  check("future_waits_for_future", loop->run_until_complete(run_coroutine(future_waits_for_future)));
  check("future_waits_for_old_style", loop->run_until_complete(run_coroutine(future_waits_for_old_style)));
  check("future_waits_for_generator", loop->run_until_complete(run_coroutine(future_waits_for_generator)));
  check("future_waits_for_coroutine", loop->run_until_complete(run_coroutine(future_waits_for_coroutine)));
  check("future_waits_for_task", loop->run_until_complete(run_coroutine(future_waits_for_task)));
  check("future_waits_for_async_generator", loop->run_until_complete(run_coroutine(future_waits_for_async_generator)));
  check("future_waits_for_portal", loop->run_until_complete(run_coroutine(future_waits_for_portal)));
  check("future_waits_for_asio_operation", loop->run_until_complete(run_coroutine(future_waits_for_asio_operation)));
  check("future_waits_for_asio_awaitable", loop->run_until_complete(run_coroutine(future_waits_for_asio_awaitable)));
  check("future_waits_for_coroutine2", loop->run_until_complete(run_coroutine(future_waits_for_coroutine2)));
  check("future_waits_for_std_future", loop->run_until_complete(run_coroutine(future_waits_for_std_future)));
  check("future_waits_for_thread", loop->run_until_complete(run_coroutine(future_waits_for_thread)));
  loop->run_until_complete(loop->shutdown_asyncgens());
}
