// What the cells of docs/bridge.md wait for, and how each kind of cell is run: each gives 7.
#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <future>
#include <utility>

#include <boost/asio.hpp>

#include <segue/asyncio.hpp>
#include <segue/bridge/asio.hpp>
#include <segue/bridge/coroutine2.hpp>
#include <segue/segue.hpp>

namespace asio = boost::asio;
namespace bridge = segue::bridge;
using namespace segue;
using namespace segue::bridge;
using namespace std::chrono_literals;
using asyncio::AsyncGenerator;
using asyncio::Coroutine;
using asyncio::create_task;
using asyncio::ensure_future;
using asyncio::Future;
using asyncio::get_running_loop;
using asyncio::new_event_loop;
using asyncio::to_thread;
using legacy::Generator;
using Ints = boost::coroutines2::coroutine<int>;

// --- the columns

/// A callback API: calls back in the next iteration.
inline constexpr auto measure = [](auto done) { get_running_loop().call_soon(done, 7); };

inline Future<int> promised() {
  const Future<int> future = get_running_loop().create_future<int>();
  get_running_loop().call_soon([future] { future.set_result(7); });
  return future;
}

inline Coroutine<int> fetch() {
  co_await asyncio::sleep(0s);
  co_return 7;
}

inline const auto old_style = coroutine<int>([] {
  yield_from(asyncio::sleep(0s));
  return 7;
});

inline Generator<int> numbers() {
  return Generator<int>([](auto& yield) { yield(7); });
}

inline AsyncGenerator<int> ticks() {
  co_await asyncio::sleep(0s);
  co_yield 7;
}

inline int plain() {
  await_(asyncio::sleep(0s));
  return 7;
}

template <class Token>
auto async_measure(Token&& token) {
  return asio::async_initiate<Token, void(boost::system::error_code, int)>(
      [](auto handler) {
        const auto executor = asio::get_associated_executor(handler, io_context(get_running_loop()).get_executor());
        asio::post(executor, [handler = std::move(handler)]() mutable { handler(boost::system::error_code(), 7); });
      },
      token);
}

inline asio::awaitable<int> asio_style() {
  co_await asio::post(asio::use_awaitable);
  co_return 7;
}

inline Generator<int> pulled() {
  return from_pull(Ints::pull_type([](Ints::push_type& push) { push(7); }));
}

inline int work() { return 7; }

// --- the rows

using Done = std::function<void(std::exception_ptr, int)>;

inline void check(const char* cell, int value) {
  if (value == 7) return;
  std::fprintf(stderr, "%s gives %d\n", cell, value);
  std::exit(EXIT_FAILURE);
}

template <class F>
Coroutine<int> run_coroutine(F cell) {
  co_return co_await cell();
}
template <class F>
Coroutine<int> run_async_generator(F cell) {
  auto values = cell();
  co_return co_await values.anext();
}
template <class F>
Coroutine<int> run_portal(F cell) {
  co_return co_await portal(cell);
}
template <class F>
Coroutine<int> run_generator(F cell) {
  const auto first = [cell] { return cell().next(); };
  co_return co_await portal(first);
}
template <class F>
Coroutine<int> run_pull(F cell) {
  const auto first = [cell] { return Ints::pull_type(cell).get(); };
  co_return co_await portal(first);
}
template <class F>
Coroutine<int> run_with_callback(F cell) {
  const auto start = [&cell](auto done) { cell([done](const std::exception_ptr&, int value) { done(value); }); };
  co_return co_await from_callback<int>(start);
}
template <class F>
Coroutine<int> run_asio(F cell) {
  co_return co_await from_asio(cell());
}
template <class F>
Coroutine<int> run_std_future(F cell) {
  co_return co_await from_std_future(cell());
}
template <class F>
Coroutine<int> run_thread(F cell) {
  co_return co_await to_thread(cell);
}
