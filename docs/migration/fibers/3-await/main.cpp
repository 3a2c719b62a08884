// The server as coroutines: its sessions are tasks of a group. Prints "listening on PORT", and at SIGTERM how many
// lines it has answered.
#include <csignal>
#include <cstdio>
#include <functional>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>

#include <segue/asyncio.hpp>
#include <segue/bridge/asio.hpp>

#include "session.hpp"
#include "store.hpp"

namespace asio = boost::asio;
using asio::ip::tcp;
using segue::asyncio::Coroutine;
using segue::asyncio::TaskGroup;
using segue::bridge::use_segue;
namespace asyncio = segue::asyncio;

Coroutine<> accept_all(tcp::acceptor& acceptor, Store& store, long& served) {
  co_await asyncio::async_with(TaskGroup(), [&](TaskGroup& group) -> Coroutine<> {
    while (true) {
      boost::system::error_code error;
      tcp::socket socket = co_await acceptor.async_accept(asio::redirect_error(use_segue, error));
      if (!error) group.create_task(session, std::move(socket), std::ref(store), std::ref(served));
    }
  });
}

Coroutine<> async_main(Store& store, long& served) {
  asio::io_context& io = segue::bridge::io_context(asyncio::get_running_loop());
  tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  asio::signal_set signals(io, SIGTERM);
  std::printf("listening on %d\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  auto accepting = asyncio::create_task(accept_all, std::ref(acceptor), std::ref(store), std::ref(served));
  co_await signals.async_wait(use_segue);
  accepting.cancel();
  try {
    co_await accepting;
  } catch (const asyncio::CancelledError&) {
  }
}

int main() {
  Store store;
  long served = 0;
  asyncio::run(async_main(store, served));
  std::printf("served %ld lines\n", served);
}
