// Asio `awaitable`: written by cells.py.
// clang-format off: three lines an example
#include "cells.hpp"

namespace of_asio_awaitable {

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

asio::awaitable<int> asio_awaitable_waits_for_callback() {
  co_return co_await bridge::co_spawn(get_running_loop(), from_callback<int>(measure), asio::use_awaitable);
}

asio::awaitable<int> asio_awaitable_waits_for_future() {
  co_return co_await bridge::co_spawn(get_running_loop(), coroutine_waits_for_future(), asio::use_awaitable);
}

asio::awaitable<int> asio_awaitable_waits_for_old_style() {
  co_return co_await bridge::co_spawn(get_running_loop(), old_style(), asio::use_awaitable);
}

asio::awaitable<int> asio_awaitable_waits_for_generator() {
  co_return co_await bridge::co_spawn(get_running_loop(), coroutine_waits_for_generator(), asio::use_awaitable);
}

asio::awaitable<int> asio_awaitable_waits_for_coroutine() {
  co_return co_await bridge::co_spawn(get_running_loop(), fetch(), asio::use_awaitable);
}

asio::awaitable<int> asio_awaitable_waits_for_task() {
  co_return co_await bridge::co_spawn(get_running_loop(), coroutine_waits_for_task(), asio::use_awaitable);
}

asio::awaitable<int> asio_awaitable_waits_for_async_generator() {
  co_return co_await bridge::co_spawn(get_running_loop(), ticks().anext(), asio::use_awaitable);
}

asio::awaitable<int> asio_awaitable_waits_for_portal() {
  co_return co_await bridge::co_spawn(get_running_loop(), portal(plain), asio::use_awaitable);
}

asio::awaitable<int> asio_awaitable_waits_for_asio_operation() {
  co_return co_await bridge::co_spawn(get_running_loop(), async_measure(use_segue), asio::use_awaitable);
}

asio::awaitable<int> asio_awaitable_waits_for_asio_awaitable() {
  co_return co_await bridge::co_spawn(get_running_loop(), from_asio(asio_style()), asio::use_awaitable);
}

asio::awaitable<int> asio_awaitable_waits_for_coroutine2() {
  co_return co_await bridge::co_spawn(get_running_loop(), coroutine_waits_for_coroutine2(), asio::use_awaitable);
}

asio::awaitable<int> asio_awaitable_waits_for_std_future() {
  co_return co_await bridge::co_spawn(get_running_loop(), from_std_future(std::async(work)), asio::use_awaitable);
}

asio::awaitable<int> asio_awaitable_waits_for_thread() {
  co_return co_await bridge::co_spawn(get_running_loop(), to_thread(work), asio::use_awaitable);
}

}  // namespace of_asio_awaitable

void cells_of_asio_awaitable() {
  using namespace of_asio_awaitable;
  const auto loop = new_event_loop();
  check("asio_awaitable_waits_for_callback", loop->run_until_complete(run_asio(asio_awaitable_waits_for_callback)));
  check("asio_awaitable_waits_for_future", loop->run_until_complete(run_asio(asio_awaitable_waits_for_future)));
  check("asio_awaitable_waits_for_old_style", loop->run_until_complete(run_asio(asio_awaitable_waits_for_old_style)));
  check("asio_awaitable_waits_for_generator", loop->run_until_complete(run_asio(asio_awaitable_waits_for_generator)));
  check("asio_awaitable_waits_for_coroutine", loop->run_until_complete(run_asio(asio_awaitable_waits_for_coroutine)));
  check("asio_awaitable_waits_for_task", loop->run_until_complete(run_asio(asio_awaitable_waits_for_task)));
  check("asio_awaitable_waits_for_async_generator", loop->run_until_complete(run_asio(asio_awaitable_waits_for_async_generator)));
  check("asio_awaitable_waits_for_portal", loop->run_until_complete(run_asio(asio_awaitable_waits_for_portal)));
  check("asio_awaitable_waits_for_asio_operation", loop->run_until_complete(run_asio(asio_awaitable_waits_for_asio_operation)));
  check("asio_awaitable_waits_for_asio_awaitable", loop->run_until_complete(run_asio(asio_awaitable_waits_for_asio_awaitable)));
  check("asio_awaitable_waits_for_coroutine2", loop->run_until_complete(run_asio(asio_awaitable_waits_for_coroutine2)));
  check("asio_awaitable_waits_for_std_future", loop->run_until_complete(run_asio(asio_awaitable_waits_for_std_future)));
  check("asio_awaitable_waits_for_thread", loop->run_until_complete(run_asio(asio_awaitable_waits_for_thread)));
  loop->run_until_complete(loop->shutdown_asyncgens());
}
