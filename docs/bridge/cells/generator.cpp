// legacy generator, under a portal: written by cells.py.
// clang-format off: three lines an example
#include "cells.hpp"

namespace of_generator {

Generator<int> generator_waits_for_callback() {
  return Generator<int>([](auto& yield) { yield(await_(from_callback<int>(measure))); });
}

Generator<int> generator_waits_for_future() {
  return Generator<int>([](auto& yield) { yield(await_(promised())); });
}

Generator<int> generator_waits_for_old_style() {
  return Generator<int>([](auto& yield) { yield(await_(old_style())); });
}

Generator<int> generator_waits_for_generator() {
  return Generator<int>([](auto& yield) { yield(numbers().next()); });
}

Generator<int> generator_waits_for_coroutine() {
  return Generator<int>([](auto& yield) { yield(await_(fetch())); });
}

Generator<int> generator_waits_for_task() {
  return Generator<int>([](auto& yield) { yield(await_(create_task(fetch()))); });
}

Generator<int> generator_waits_for_async_generator() {
  return Generator<int>([](auto& yield) { yield(await_(ticks().anext())); });
}

Generator<int> generator_waits_for_portal() {
  return Generator<int>([](auto& yield) { yield(await_(portal(plain))); });
}

Generator<int> generator_waits_for_asio_operation() {
  return Generator<int>([](auto& yield) { yield(await_(async_measure(use_segue))); });
}

Generator<int> generator_waits_for_asio_awaitable() {
  return Generator<int>([](auto& yield) { yield(await_(from_asio(asio_style()))); });
}

Generator<int> generator_waits_for_coroutine2() {
  return Generator<int>([](auto& yield) { yield(pulled().next()); });
}

Generator<int> generator_waits_for_std_future() {
  return Generator<int>([](auto& yield) { yield(await_(from_std_future(std::async(work)))); });
}

Generator<int> generator_waits_for_thread() {
  return Generator<int>([](auto& yield) { yield(await_(to_thread(work))); });
}

}  // namespace of_generator

void cells_of_generator() {
  using namespace of_generator;
  const auto loop = new_event_loop();
  check("generator_waits_for_callback", loop->run_until_complete(run_generator(generator_waits_for_callback)));
  check("generator_waits_for_future", loop->run_until_complete(run_generator(generator_waits_for_future)));
  check("generator_waits_for_old_style", loop->run_until_complete(run_generator(generator_waits_for_old_style)));
  check("generator_waits_for_generator", loop->run_until_complete(run_generator(generator_waits_for_generator)));
  check("generator_waits_for_coroutine", loop->run_until_complete(run_generator(generator_waits_for_coroutine)));
  check("generator_waits_for_task", loop->run_until_complete(run_generator(generator_waits_for_task)));
  check("generator_waits_for_async_generator", loop->run_until_complete(run_generator(generator_waits_for_async_generator)));
  check("generator_waits_for_portal", loop->run_until_complete(run_generator(generator_waits_for_portal)));
  check("generator_waits_for_asio_operation", loop->run_until_complete(run_generator(generator_waits_for_asio_operation)));
  check("generator_waits_for_asio_awaitable", loop->run_until_complete(run_generator(generator_waits_for_asio_awaitable)));
  check("generator_waits_for_coroutine2", loop->run_until_complete(run_generator(generator_waits_for_coroutine2)));
  check("generator_waits_for_std_future", loop->run_until_complete(run_generator(generator_waits_for_std_future)));
  check("generator_waits_for_thread", loop->run_until_complete(run_generator(generator_waits_for_thread)));
  loop->run_until_complete(loop->shutdown_asyncgens());
}
