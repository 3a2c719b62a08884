// generator-based coroutine: written by cells.py.
// clang-format off: three lines an example
#include "cells.hpp"

namespace of_old_style {

const auto old_style_waits_for_callback = coroutine<int>([] {
  return yield_from(from_callback<int>(measure));
});

const auto old_style_waits_for_future = coroutine<int>([] {
  return yield_from(promised());
});

const auto old_style_waits_for_old_style = coroutine<int>([] {
  return yield_from(old_style());
});

const auto old_style_waits_for_generator = coroutine<int>([] {
  return numbers().next();
});

const auto old_style_waits_for_coroutine = coroutine<int>([] {
  return yield_from(fetch());
});

const auto old_style_waits_for_task = coroutine<int>([] {
  return yield_from(create_task(fetch()));
});

const auto old_style_waits_for_async_generator = coroutine<int>([] {
  return yield_from(ticks().anext());
});

const auto old_style_waits_for_portal = coroutine<int>([] {
  return yield_from(portal(plain));
});

const auto old_style_waits_for_asio_operation = coroutine<int>([] {
  return yield_from(async_measure(use_segue));
});

const auto old_style_waits_for_asio_awaitable = coroutine<int>([] {
  return yield_from(from_asio(asio_style()));
});

const auto old_style_waits_for_coroutine2 = coroutine<int>([] {
  return pulled().next();
});

const auto old_style_waits_for_std_future = coroutine<int>([] {
  return yield_from(from_std_future(std::async(work)));
});

const auto old_style_waits_for_thread = coroutine<int>([] {
  return yield_from(to_thread(work));
});

}  // namespace of_old_style

void cells_of_old_style() {
  using namespace of_old_style;
  const auto loop = new_event_loop();
  check("old_style_waits_for_callback", loop->run_until_complete(run_coroutine(old_style_waits_for_callback)));
  check("old_style_waits_for_future", loop->run_until_complete(run_coroutine(old_style_waits_for_future)));
  check("old_style_waits_for_old_style", loop->run_until_complete(run_coroutine(old_style_waits_for_old_style)));
  check("old_style_waits_for_generator", loop->run_until_complete(run_coroutine(old_style_waits_for_generator)));
  check("old_style_waits_for_coroutine", loop->run_until_complete(run_coroutine(old_style_waits_for_coroutine)));
  check("old_style_waits_for_task", loop->run_until_complete(run_coroutine(old_style_waits_for_task)));
  check("old_style_waits_for_async_generator", loop->run_until_complete(run_coroutine(old_style_waits_for_async_generator)));
  check("old_style_waits_for_portal", loop->run_until_complete(run_coroutine(old_style_waits_for_portal)));
  check("old_style_waits_for_asio_operation", loop->run_until_complete(run_coroutine(old_style_waits_for_asio_operation)));
  check("old_style_waits_for_asio_awaitable", loop->run_until_complete(run_coroutine(old_style_waits_for_asio_awaitable)));
  check("old_style_waits_for_coroutine2", loop->run_until_complete(run_coroutine(old_style_waits_for_coroutine2)));
  check("old_style_waits_for_std_future", loop->run_until_complete(run_coroutine(old_style_waits_for_std_future)));
  check("old_style_waits_for_thread", loop->run_until_complete(run_coroutine(old_style_waits_for_thread)));
  loop->run_until_complete(loop->shutdown_asyncgens());
}
