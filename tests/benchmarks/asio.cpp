// Awaiting Asio's operations: a read that finds something at once, and one that suspends, by segue's completion token
// on a loop's io_context and by Asio's own. Sockets have Asio's usual executor on either side.
#include <string>
#include <utility>

#include <benchmark/benchmark.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <segue/bridge/asio/reactor.hpp>
#include <segue/bridge/asio/use_segue.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/task.hpp>

#include "asio_peer.hpp"

namespace {

using bench::Usual;
using benchmark::RegisterBenchmark;
using segue::modern::Coroutine;
namespace asio = boost::asio;
namespace bridge = segue::bridge;
namespace modern = segue::modern;

struct Ends {
  explicit Ends(asio::io_context& context) : here(context), there(context) { asio::local::connect_pair(here, there); }
  asio::local::stream_protocol::socket here;
  asio::local::stream_protocol::socket there;
};

/// Something to read for each iteration, written by thousands.
class Supply {
 public:
  explicit Supply(Ends& ends) : ends_(ends) {}
  void have_one() {
    if (left_ == 0) left_ = asio::write(ends_.there, asio::buffer(bytes_));
    --left_;
  }

 private:
  Ends& ends_;
  std::string bytes_ = std::string(16384, 'x');
  std::size_t left_ = 0;
};

template <class Result, class Token>
Result read_at_once(benchmark::State& state, Ends& ends, Token token) {
  Supply supply(ends);
  char byte;
  while (state.KeepRunning()) {
    supply.have_one();
    co_await ends.here.async_read_some(asio::buffer(&byte, 1), token);
  }
}

template <class Result, class Token>
Result echo(asio::local::stream_protocol::socket& socket, Token token) {
  for (char byte = 'x'; byte == 'x';) {
    co_await socket.async_read_some(asio::buffer(&byte, 1), token);
    socket.write_some(asio::buffer(&byte, 1));
  }
}

/// Two reads an iteration, of which none finds something: it comes when both wait.
template <class Result, class Token>
Result read_suspended(benchmark::State& state, Ends& ends, Token token) {
  char byte = 'x';
  while (state.KeepRunning()) {
    ends.here.write_some(asio::buffer(&byte, 1));
    co_await ends.here.async_read_some(asio::buffer(&byte, 1), token);
  }
  byte = '.';
  ends.here.write_some(asio::buffer(&byte, 1));
}

/// Nothing but the token: what is posted completes in the next turn.
template <class Result, class Token>
Result post(benchmark::State& state, asio::io_context& context, Token token) {
  while (state.KeepRunning()) co_await asio::post(context, token);
}

void read_at_once_segue(benchmark::State& state) {
  const auto loop = modern::new_event_loop();
  Ends ends(bridge::io_context(*loop));
  loop->run_until_complete(read_at_once<Coroutine<>>(state, ends, bridge::use_segue));
  state.SetItemsProcessed(state.iterations());
}

void read_at_once_asio(benchmark::State& state) {
  asio::io_context context(Usual::concurrency_hint);
  Ends ends(context);
  bench::run<Usual>(read_at_once<asio::awaitable<void>>(state, ends, asio::use_awaitable), context);
  state.SetItemsProcessed(state.iterations());
}

void read_suspended_segue(benchmark::State& state) {
  const auto loop = modern::new_event_loop();
  Ends ends(bridge::io_context(*loop));
  const auto other = loop->create_task(echo<Coroutine<>>(ends.there, bridge::use_segue));
  loop->run_until_complete(read_suspended<Coroutine<>>(state, ends, bridge::use_segue));
  loop->run_until_complete(other);
  state.SetItemsProcessed(2 * state.iterations());
}

void read_suspended_asio(benchmark::State& state) {
  asio::io_context context(Usual::concurrency_hint);
  Ends ends(context);
  asio::co_spawn(context, echo<asio::awaitable<void>>(ends.there, asio::use_awaitable), asio::detached);
  bench::run<Usual>(read_suspended<asio::awaitable<void>>(state, ends, asio::use_awaitable), context);
  state.SetItemsProcessed(2 * state.iterations());
}

void post_segue(benchmark::State& state) {
  const auto loop = modern::new_event_loop();
  loop->run_until_complete(post<Coroutine<>>(state, bridge::io_context(*loop), bridge::use_segue));
  state.SetItemsProcessed(state.iterations());
}

void post_asio(benchmark::State& state) {
  asio::io_context context(Usual::concurrency_hint);
  bench::run<Usual>(post<asio::awaitable<void>>(state, context, asio::use_awaitable), context);
  state.SetItemsProcessed(state.iterations());
}

[[maybe_unused]] const auto registered = {
    RegisterBenchmark("asio.read_at_once/segue", read_at_once_segue),
    RegisterBenchmark("asio.read_at_once/Asio", read_at_once_asio),
    RegisterBenchmark("asio.read_suspended/segue", read_suspended_segue),
    RegisterBenchmark("asio.read_suspended/Asio", read_suspended_asio),
    RegisterBenchmark("asio.post/segue", post_segue),
    RegisterBenchmark("asio.post/Asio", post_asio),
};

}  // namespace
