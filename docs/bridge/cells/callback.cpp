// callback: written by cells.py.
// clang-format off: three lines an example
#include "cells.hpp"

namespace of_callback {

Coroutine<int> coroutine_waits_for_generator() {
  co_return numbers().next();
}

Coroutine<int> coroutine_waits_for_coroutine2() {
  co_return pulled().next();
}

void callback_waits_for_callback(Done done) {
  to_callback([] { return from_callback<int>(measure); })(std::move(done));
}

void callback_waits_for_future(Done done) {
  to_callback([] { return promised(); })(std::move(done));
}

void callback_waits_for_old_style(Done done) {
  to_callback([] { return old_style(); })(std::move(done));
}

void callback_waits_for_generator(Done done) {
  to_callback([] { return coroutine_waits_for_generator(); })(std::move(done));
}

void callback_waits_for_coroutine(Done done) {
  to_callback([] { return fetch(); })(std::move(done));
}

void callback_waits_for_task(Done done) {
  to_callback([] { return create_task(fetch()); })(std::move(done));
}

void callback_waits_for_async_generator(Done done) {
  to_callback([] { return ticks().anext(); })(std::move(done));
}

void callback_waits_for_portal(Done done) {
  to_callback([] { return portal(plain); })(std::move(done));
}

void callback_waits_for_asio_operation(Done done) {
  to_callback([] { return async_measure(use_segue); })(std::move(done));
}

void callback_waits_for_asio_awaitable(Done done) {
  to_callback([] { return from_asio(asio_style()); })(std::move(done));
}

void callback_waits_for_coroutine2(Done done) {
  to_callback([] { return coroutine_waits_for_coroutine2(); })(std::move(done));
}

void callback_waits_for_std_future(Done done) {
  to_callback([] { return from_std_future(std::async(work)); })(std::move(done));
}

void callback_waits_for_thread(Done done) {
  to_callback([] { return to_thread(work); })(std::move(done));
}

}  // namespace of_callback

void cells_of_callback() {
  using namespace of_callback;
  const auto loop = new_event_loop();
  check("callback_waits_for_callback", loop->run_until_complete(run_with_callback(callback_waits_for_callback)));
  check("callback_waits_for_future", loop->run_until_complete(run_with_callback(callback_waits_for_future)));
  check("callback_waits_for_old_style", loop->run_until_complete(run_with_callback(callback_waits_for_old_style)));
  check("callback_waits_for_generator", loop->run_until_complete(run_with_callback(callback_waits_for_generator)));
  check("callback_waits_for_coroutine", loop->run_until_complete(run_with_callback(callback_waits_for_coroutine)));
  check("callback_waits_for_task", loop->run_until_complete(run_with_callback(callback_waits_for_task)));
  check("callback_waits_for_async_generator", loop->run_until_complete(run_with_callback(callback_waits_for_async_generator)));
  check("callback_waits_for_portal", loop->run_until_complete(run_with_callback(callback_waits_for_portal)));
  check("callback_waits_for_asio_operation", loop->run_until_complete(run_with_callback(callback_waits_for_asio_operation)));
  check("callback_waits_for_asio_awaitable", loop->run_until_complete(run_with_callback(callback_waits_for_asio_awaitable)));
  check("callback_waits_for_coroutine2", loop->run_until_complete(run_with_callback(callback_waits_for_coroutine2)));
  check("callback_waits_for_std_future", loop->run_until_complete(run_with_callback(callback_waits_for_std_future)));
  check("callback_waits_for_thread", loop->run_until_complete(run_with_callback(callback_waits_for_thread)));
  loop->run_until_complete(loop->shutdown_asyncgens());
}
