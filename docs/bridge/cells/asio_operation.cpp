// Asio operation, with any token: written by cells.py.
// clang-format off: three lines an example
#include "cells.hpp"

namespace of_asio_operation {

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

void asio_operation_waits_for_callback(Done done) {
  bridge::co_spawn(get_running_loop(), from_callback<int>(measure), std::move(done));
}

void asio_operation_waits_for_future(Done done) {
  bridge::co_spawn(get_running_loop(), coroutine_waits_for_future(), std::move(done));
}

void asio_operation_waits_for_old_style(Done done) {
  bridge::co_spawn(get_running_loop(), old_style(), std::move(done));
}

void asio_operation_waits_for_generator(Done done) {
  bridge::co_spawn(get_running_loop(), coroutine_waits_for_generator(), std::move(done));
}

void asio_operation_waits_for_coroutine(Done done) {
  bridge::co_spawn(get_running_loop(), fetch(), std::move(done));
}

void asio_operation_waits_for_task(Done done) {
  bridge::co_spawn(get_running_loop(), coroutine_waits_for_task(), std::move(done));
}

void asio_operation_waits_for_async_generator(Done done) {
  bridge::co_spawn(get_running_loop(), ticks().anext(), std::move(done));
}

void asio_operation_waits_for_portal(Done done) {
  bridge::co_spawn(get_running_loop(), portal(plain), std::move(done));
}

void asio_operation_waits_for_asio_operation(Done done) {
  bridge::co_spawn(get_running_loop(), async_measure(use_segue), std::move(done));
}

void asio_operation_waits_for_asio_awaitable(Done done) {
  bridge::co_spawn(get_running_loop(), from_asio(asio_style()), std::move(done));
}

void asio_operation_waits_for_coroutine2(Done done) {
  bridge::co_spawn(get_running_loop(), coroutine_waits_for_coroutine2(), std::move(done));
}

void asio_operation_waits_for_std_future(Done done) {
  bridge::co_spawn(get_running_loop(), from_std_future(std::async(work)), std::move(done));
}

void asio_operation_waits_for_thread(Done done) {
  bridge::co_spawn(get_running_loop(), to_thread(work), std::move(done));
}

}  // namespace of_asio_operation

void cells_of_asio_operation() {
  using namespace of_asio_operation;
  const auto loop = new_event_loop();
  check("asio_operation_waits_for_callback", loop->run_until_complete(run_with_callback(asio_operation_waits_for_callback)));
  check("asio_operation_waits_for_future", loop->run_until_complete(run_with_callback(asio_operation_waits_for_future)));
  check("asio_operation_waits_for_old_style", loop->run_until_complete(run_with_callback(asio_operation_waits_for_old_style)));
  check("asio_operation_waits_for_generator", loop->run_until_complete(run_with_callback(asio_operation_waits_for_generator)));
  check("asio_operation_waits_for_coroutine", loop->run_until_complete(run_with_callback(asio_operation_waits_for_coroutine)));
  check("asio_operation_waits_for_task", loop->run_until_complete(run_with_callback(asio_operation_waits_for_task)));
  check("asio_operation_waits_for_async_generator", loop->run_until_complete(run_with_callback(asio_operation_waits_for_async_generator)));
  check("asio_operation_waits_for_portal", loop->run_until_complete(run_with_callback(asio_operation_waits_for_portal)));
  check("asio_operation_waits_for_asio_operation", loop->run_until_complete(run_with_callback(asio_operation_waits_for_asio_operation)));
  check("asio_operation_waits_for_asio_awaitable", loop->run_until_complete(run_with_callback(asio_operation_waits_for_asio_awaitable)));
  check("asio_operation_waits_for_coroutine2", loop->run_until_complete(run_with_callback(asio_operation_waits_for_coroutine2)));
  check("asio_operation_waits_for_std_future", loop->run_until_complete(run_with_callback(asio_operation_waits_for_std_future)));
  check("asio_operation_waits_for_thread", loop->run_until_complete(run_with_callback(asio_operation_waits_for_thread)));
  loop->run_until_complete(loop->shutdown_asyncgens());
}
