// `std::future`: written by cells.py.
// clang-format off: three lines an example
#include "cells.hpp"

namespace {

Coroutine<int> coroutine_waits_for_future() {
  co_return co_await promised();
}

Coroutine<int> coroutine_waits_for_generator() {
  co_return numbers().next();
}

Coroutine<int> coroutine_waits_for_task() {
  co_return co_await create_task(fetch());
}

Coroutine<int> coroutine_waits_for_coroutine2() {
  co_return pulled().next();
}

std::future<int> std_future_waits_for_callback() {
  return bridge::co_spawn(get_running_loop(), from_callback<int>(measure), asio::use_future);
}

std::future<int> std_future_waits_for_future() {
  return bridge::co_spawn(get_running_loop(), coroutine_waits_for_future(), asio::use_future);
}

std::future<int> std_future_waits_for_old_style() {
  return bridge::co_spawn(get_running_loop(), old_style(), asio::use_future);
}

std::future<int> std_future_waits_for_generator() {
  return bridge::co_spawn(get_running_loop(), coroutine_waits_for_generator(), asio::use_future);
}

std::future<int> std_future_waits_for_coroutine() {
  return bridge::co_spawn(get_running_loop(), fetch(), asio::use_future);
}

std::future<int> std_future_waits_for_task() {
  return bridge::co_spawn(get_running_loop(), coroutine_waits_for_task(), asio::use_future);
}

std::future<int> std_future_waits_for_async_generator() {
  return bridge::co_spawn(get_running_loop(), ticks().anext(), asio::use_future);
}

std::future<int> std_future_waits_for_portal() {
  return bridge::co_spawn(get_running_loop(), portal(plain), asio::use_future);
}

std::future<int> std_future_waits_for_asio_operation() {
  return bridge::co_spawn(get_running_loop(), async_measure(use_segue), asio::use_future);
}

std::future<int> std_future_waits_for_asio_awaitable() {
  return bridge::co_spawn(get_running_loop(), from_asio(asio_style()), asio::use_future);
}

std::future<int> std_future_waits_for_coroutine2() {
  return bridge::co_spawn(get_running_loop(), coroutine_waits_for_coroutine2(), asio::use_future);
}

std::future<int> std_future_waits_for_thread() {
  return bridge::co_spawn(get_running_loop(), to_thread(work), asio::use_future);
}

}  // namespace

void cells_of_std_future() {
  const auto loop = new_event_loop();
  check("std_future_waits_for_callback", loop->run_until_complete(run_std_future(std_future_waits_for_callback)));
  check("std_future_waits_for_future", loop->run_until_complete(run_std_future(std_future_waits_for_future)));
  check("std_future_waits_for_old_style", loop->run_until_complete(run_std_future(std_future_waits_for_old_style)));
  check("std_future_waits_for_generator", loop->run_until_complete(run_std_future(std_future_waits_for_generator)));
  check("std_future_waits_for_coroutine", loop->run_until_complete(run_std_future(std_future_waits_for_coroutine)));
  check("std_future_waits_for_task", loop->run_until_complete(run_std_future(std_future_waits_for_task)));
  check("std_future_waits_for_async_generator", loop->run_until_complete(run_std_future(std_future_waits_for_async_generator)));
  check("std_future_waits_for_portal", loop->run_until_complete(run_std_future(std_future_waits_for_portal)));
  check("std_future_waits_for_asio_operation", loop->run_until_complete(run_std_future(std_future_waits_for_asio_operation)));
  check("std_future_waits_for_asio_awaitable", loop->run_until_complete(run_std_future(std_future_waits_for_asio_awaitable)));
  check("std_future_waits_for_coroutine2", loop->run_until_complete(run_std_future(std_future_waits_for_coroutine2)));
  check("std_future_waits_for_thread", loop->run_until_complete(run_std_future(std_future_waits_for_thread)));
  loop->run_until_complete(loop->shutdown_asyncgens());
}
