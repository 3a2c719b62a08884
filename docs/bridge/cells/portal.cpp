// plain function under a portal: written by cells.py.
// clang-format off: three lines an example
#include "cells.hpp"

namespace of_portal {

int portal_waits_for_callback() {
  return await_(from_callback<int>(measure));
}

int portal_waits_for_future() {
  return await_(promised());
}

int portal_waits_for_old_style() {
  return await_(old_style());
}

int portal_waits_for_generator() {
  return numbers().next();
}

int portal_waits_for_coroutine() {
  return await_(fetch());
}

int portal_waits_for_task() {
  return await_(create_task(fetch()));
}

int portal_waits_for_async_generator() {
  return await_(ticks().anext());
}

int portal_waits_for_portal() {
  return await_(portal(plain));
}

int portal_waits_for_asio_operation() {
  return await_(async_measure(use_segue));
}

int portal_waits_for_asio_awaitable() {
  return await_(from_asio(asio_style()));
}

int portal_waits_for_coroutine2() {
  return pulled().next();
}

int portal_waits_for_std_future() {
  return await_(from_std_future(std::async(work)));
}

int portal_waits_for_thread() {
  return await_(to_thread(work));
}

}  // namespace of_portal

void cells_of_portal() {
  using namespace of_portal;
  const auto loop = new_event_loop();
  check("portal_waits_for_callback", loop->run_until_complete(run_portal(portal_waits_for_callback)));
  check("portal_waits_for_future", loop->run_until_complete(run_portal(portal_waits_for_future)));
  check("portal_waits_for_old_style", loop->run_until_complete(run_portal(portal_waits_for_old_style)));
  check("portal_waits_for_generator", loop->run_until_complete(run_portal(portal_waits_for_generator)));
  check("portal_waits_for_coroutine", loop->run_until_complete(run_portal(portal_waits_for_coroutine)));
  check("portal_waits_for_task", loop->run_until_complete(run_portal(portal_waits_for_task)));
  check("portal_waits_for_async_generator", loop->run_until_complete(run_portal(portal_waits_for_async_generator)));
  check("portal_waits_for_portal", loop->run_until_complete(run_portal(portal_waits_for_portal)));
  check("portal_waits_for_asio_operation", loop->run_until_complete(run_portal(portal_waits_for_asio_operation)));
  check("portal_waits_for_asio_awaitable", loop->run_until_complete(run_portal(portal_waits_for_asio_awaitable)));
  check("portal_waits_for_coroutine2", loop->run_until_complete(run_portal(portal_waits_for_coroutine2)));
  check("portal_waits_for_std_future", loop->run_until_complete(run_portal(portal_waits_for_std_future)));
  check("portal_waits_for_thread", loop->run_until_complete(run_portal(portal_waits_for_thread)));
  loop->run_until_complete(loop->shutdown_asyncgens());
}
