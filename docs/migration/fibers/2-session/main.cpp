// A server on fibers: Asio's spawn() for what waits, Coroutine2 for what gives values. Prints "listening on PORT", and
// at SIGTERM how many lines it has answered.
#include <csignal>
#include <cstdio>
#include <utility>

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/spawn.hpp>

#include <segue/asyncio.hpp>
#include <segue/bridge/asio.hpp>

#include "session.hpp"
#include "store.hpp"

namespace asio = boost::asio;
using asio::ip::tcp;

int main() {
  asio::io_context io;
  const auto loop = segue::asyncio::new_event_loop(segue::bridge::make_reactor(io));
  Store store;
  long served = 0;

  tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  asio::spawn(
      io,
      [&](asio::yield_context yield) {
        while (true) {
          tcp::socket socket = acceptor.async_accept(yield);
          segue::bridge::co_spawn(*loop, session(std::move(socket), store, served), asio::detached);
        }
      },
      asio::detached);
  asio::signal_set signals(io, SIGTERM);
  signals.async_wait([&](boost::system::error_code, int) { loop->stop(); });

  std::printf("listening on %d\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  loop->run_forever();
  std::printf("served %ld lines\n", served);
}
