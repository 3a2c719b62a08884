// async generator: written by cells.py.
// clang-format off: three lines an example
#include "cells.hpp"

namespace of_async_generator {

AsyncGenerator<int> async_generator_waits_for_callback() {
  co_yield co_await from_callback<int>(measure);
}

AsyncGenerator<int> async_generator_waits_for_future() {
  co_yield co_await promised();
}

AsyncGenerator<int> async_generator_waits_for_old_style() {
  co_yield co_await old_style();
}

AsyncGenerator<int> async_generator_waits_for_generator() {
  co_yield numbers().next();
}

AsyncGenerator<int> async_generator_waits_for_coroutine() {
  co_yield co_await fetch();
}

AsyncGenerator<int> async_generator_waits_for_task() {
  co_yield co_await create_task(fetch());
}

AsyncGenerator<int> async_generator_waits_for_async_generator() {
  co_yield co_await ticks().anext();
}

AsyncGenerator<int> async_generator_waits_for_portal() {
  co_yield co_await portal(plain);
}

AsyncGenerator<int> async_generator_waits_for_asio_operation() {
  co_yield co_await async_measure(use_segue);
}

AsyncGenerator<int> async_generator_waits_for_asio_awaitable() {
  co_yield co_await from_asio(asio_style());
}

AsyncGenerator<int> async_generator_waits_for_coroutine2() {
  co_yield pulled().next();
}

AsyncGenerator<int> async_generator_waits_for_std_future() {
  co_yield co_await from_std_future(std::async(work));
}

AsyncGenerator<int> async_generator_waits_for_thread() {
  co_yield co_await to_thread(work);
}

}  // namespace of_async_generator

void cells_of_async_generator() {
  using namespace of_async_generator;
  const auto loop = new_event_loop();
  check("async_generator_waits_for_callback", loop->run_until_complete(run_async_generator(async_generator_waits_for_callback)));
  check("async_generator_waits_for_future", loop->run_until_complete(run_async_generator(async_generator_waits_for_future)));
  check("async_generator_waits_for_old_style", loop->run_until_complete(run_async_generator(async_generator_waits_for_old_style)));
  check("async_generator_waits_for_generator", loop->run_until_complete(run_async_generator(async_generator_waits_for_generator)));
  check("async_generator_waits_for_coroutine", loop->run_until_complete(run_async_generator(async_generator_waits_for_coroutine)));
  check("async_generator_waits_for_task", loop->run_until_complete(run_async_generator(async_generator_waits_for_task)));
  check("async_generator_waits_for_async_generator", loop->run_until_complete(run_async_generator(async_generator_waits_for_async_generator)));
  check("async_generator_waits_for_portal", loop->run_until_complete(run_async_generator(async_generator_waits_for_portal)));
  check("async_generator_waits_for_asio_operation", loop->run_until_complete(run_async_generator(async_generator_waits_for_asio_operation)));
  check("async_generator_waits_for_asio_awaitable", loop->run_until_complete(run_async_generator(async_generator_waits_for_asio_awaitable)));
  check("async_generator_waits_for_coroutine2", loop->run_until_complete(run_async_generator(async_generator_waits_for_coroutine2)));
  check("async_generator_waits_for_std_future", loop->run_until_complete(run_async_generator(async_generator_waits_for_std_future)));
  check("async_generator_waits_for_thread", loop->run_until_complete(run_async_generator(async_generator_waits_for_thread)));
  loop->run_until_complete(loop->shutdown_asyncgens());
}
