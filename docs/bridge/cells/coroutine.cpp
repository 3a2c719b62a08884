// `Coroutine`, `Task`: written by cells.py.
// clang-format off: three lines an example
#include "cells.hpp"

namespace of_coroutine {

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

}  // namespace of_coroutine

void cells_of_coroutine() {
  using namespace of_coroutine;
  const auto loop = new_event_loop();
  check("coroutine_waits_for_callback", loop->run_until_complete(run_coroutine(coroutine_waits_for_callback)));
  check("coroutine_waits_for_future", loop->run_until_complete(run_coroutine(coroutine_waits_for_future)));
  check("coroutine_waits_for_old_style", loop->run_until_complete(run_coroutine(coroutine_waits_for_old_style)));
  check("coroutine_waits_for_generator", loop->run_until_complete(run_coroutine(coroutine_waits_for_generator)));
  check("coroutine_waits_for_coroutine", loop->run_until_complete(run_coroutine(coroutine_waits_for_coroutine)));
  check("coroutine_waits_for_task", loop->run_until_complete(run_coroutine(coroutine_waits_for_task)));
  check("coroutine_waits_for_async_generator", loop->run_until_complete(run_coroutine(coroutine_waits_for_async_generator)));
  check("coroutine_waits_for_portal", loop->run_until_complete(run_coroutine(coroutine_waits_for_portal)));
  check("coroutine_waits_for_asio_operation", loop->run_until_complete(run_coroutine(coroutine_waits_for_asio_operation)));
  check("coroutine_waits_for_asio_awaitable", loop->run_until_complete(run_coroutine(coroutine_waits_for_asio_awaitable)));
  check("coroutine_waits_for_coroutine2", loop->run_until_complete(run_coroutine(coroutine_waits_for_coroutine2)));
  check("coroutine_waits_for_std_future", loop->run_until_complete(run_coroutine(coroutine_waits_for_std_future)));
  check("coroutine_waits_for_thread", loop->run_until_complete(run_coroutine(coroutine_waits_for_thread)));
  loop->run_until_complete(loop->shutdown_asyncgens());
}
