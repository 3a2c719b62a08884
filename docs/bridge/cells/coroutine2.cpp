// Coroutine2, under a portal: written by cells.py.
// clang-format off: three lines an example
#include "cells.hpp"

namespace of_coroutine2 {

void coroutine2_waits_for_callback(Ints::push_type& push) {
  push(await_(from_callback<int>(measure)));
}

void coroutine2_waits_for_future(Ints::push_type& push) {
  push(await_(promised()));
}

void coroutine2_waits_for_old_style(Ints::push_type& push) {
  push(await_(old_style()));
}

void coroutine2_waits_for_generator(Ints::push_type& push) {
  push(numbers().next());
}

void coroutine2_waits_for_coroutine(Ints::push_type& push) {
  push(await_(fetch()));
}

void coroutine2_waits_for_task(Ints::push_type& push) {
  push(await_(create_task(fetch())));
}

void coroutine2_waits_for_async_generator(Ints::push_type& push) {
  push(await_(ticks().anext()));
}

void coroutine2_waits_for_portal(Ints::push_type& push) {
  push(await_(portal(plain)));
}

void coroutine2_waits_for_asio_operation(Ints::push_type& push) {
  push(await_(async_measure(use_segue)));
}

void coroutine2_waits_for_asio_awaitable(Ints::push_type& push) {
  push(await_(from_asio(asio_style())));
}

void coroutine2_waits_for_coroutine2(Ints::push_type& push) {
  push(pulled().next());
}

void coroutine2_waits_for_std_future(Ints::push_type& push) {
  push(await_(from_std_future(std::async(work))));
}

void coroutine2_waits_for_thread(Ints::push_type& push) {
  push(await_(to_thread(work)));
}

}  // namespace of_coroutine2

void cells_of_coroutine2() {
  using namespace of_coroutine2;
  const auto loop = new_event_loop();
  check("coroutine2_waits_for_callback", loop->run_until_complete(run_pull(coroutine2_waits_for_callback)));
  check("coroutine2_waits_for_future", loop->run_until_complete(run_pull(coroutine2_waits_for_future)));
  check("coroutine2_waits_for_old_style", loop->run_until_complete(run_pull(coroutine2_waits_for_old_style)));
  check("coroutine2_waits_for_generator", loop->run_until_complete(run_pull(coroutine2_waits_for_generator)));
  check("coroutine2_waits_for_coroutine", loop->run_until_complete(run_pull(coroutine2_waits_for_coroutine)));
  check("coroutine2_waits_for_task", loop->run_until_complete(run_pull(coroutine2_waits_for_task)));
  check("coroutine2_waits_for_async_generator", loop->run_until_complete(run_pull(coroutine2_waits_for_async_generator)));
  check("coroutine2_waits_for_portal", loop->run_until_complete(run_pull(coroutine2_waits_for_portal)));
  check("coroutine2_waits_for_asio_operation", loop->run_until_complete(run_pull(coroutine2_waits_for_asio_operation)));
  check("coroutine2_waits_for_asio_awaitable", loop->run_until_complete(run_pull(coroutine2_waits_for_asio_awaitable)));
  check("coroutine2_waits_for_coroutine2", loop->run_until_complete(run_pull(coroutine2_waits_for_coroutine2)));
  check("coroutine2_waits_for_std_future", loop->run_until_complete(run_pull(coroutine2_waits_for_std_future)));
  check("coroutine2_waits_for_thread", loop->run_until_complete(run_pull(coroutine2_waits_for_thread)));
  loop->run_until_complete(loop->shutdown_asyncgens());
}
