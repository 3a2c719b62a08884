// `std::future`: written by cells.py.
// clang-format off: three lines an example
#include "cells.hpp"

namespace of_std_future {

Coroutine<int> coroutine_waits_for_generator() {
  co_return numbers().next();
}

Coroutine<int> coroutine_waits_for_coroutine2() {
  co_return pulled().next();
}

std::future<int> std_future_waits_for_callback() {
  return to_std_future(from_callback<int>(measure));
}

std::future<int> std_future_waits_for_future() {
  return to_std_future(promised());
}

std::future<int> std_future_waits_for_old_style() {
  return to_std_future(old_style());
}

std::future<int> std_future_waits_for_generator() {
  return to_std_future(coroutine_waits_for_generator());
}

std::future<int> std_future_waits_for_coroutine() {
  return to_std_future(fetch());
}

std::future<int> std_future_waits_for_task() {
  return to_std_future(create_task(fetch()));
}

std::future<int> std_future_waits_for_async_generator() {
  return to_std_future(ticks().anext());
}

std::future<int> std_future_waits_for_portal() {
  return to_std_future(portal(plain));
}

std::future<int> std_future_waits_for_asio_operation() {
  return to_std_future(async_measure(use_segue));
}

std::future<int> std_future_waits_for_asio_awaitable() {
  return to_std_future(from_asio(asio_style()));
}

std::future<int> std_future_waits_for_coroutine2() {
  return to_std_future(coroutine_waits_for_coroutine2());
}

std::future<int> std_future_waits_for_std_future() {
  return to_std_future(from_std_future(std::async(work)));
}

std::future<int> std_future_waits_for_thread() {
  return to_std_future(to_thread(work));
}

}  // namespace of_std_future

void cells_of_std_future() {
  using namespace of_std_future;
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
  check("std_future_waits_for_std_future", loop->run_until_complete(run_std_future(std_future_waits_for_std_future)));
  check("std_future_waits_for_thread", loop->run_until_complete(run_std_future(std_future_waits_for_thread)));
  loop->run_until_complete(loop->shutdown_asyncgens());
}
