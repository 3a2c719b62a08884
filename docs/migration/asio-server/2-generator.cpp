// Generator style: a connection is a function on a stack of its own, which reads, asks and writes by yield_from. What
// has moved before, answer(), stays as it is; the manager has become a task group.
//
// Prints "listening on PORT", and at SIGTERM how many requests it has served.
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/write.hpp>

#include <segue/asyncio.hpp>
#include <segue/bridge/asio.hpp>
#include <segue/bridge/callback.hpp>
#include <segue/bridge/coroutine.hpp>
#include <segue/modern/kernel/scope_exit.hpp>

#include "directory.hpp"
#include "http.hpp"

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;
using segue::asyncio::Coroutine;
using segue::asyncio::TaskGroup;
using segue::bridge::coroutine;
using segue::bridge::error_first;
using segue::bridge::from_callback;
using segue::bridge::use_segue;
using segue::bridge::yield_from;
namespace asyncio = segue::asyncio;

struct Server {
  Directory& directory;
  long connections = 0;
  long served = 0;
};

Coroutine<std::string> find(Directory& directory, std::string name) {
  const auto start = [&](auto done) { directory.find(name, done); };
  co_return co_await from_callback<std::string>(error_first, start);
}

Coroutine<std::string> answer(Server& server, Request request) {
  if (request.target == "connections")
    co_return response(200, std::to_string(server.connections) + "\n", request.keep_alive);
  try {
    const std::string value = co_await asyncio::wait_for(find(server.directory, request.target), 200ms);
    co_return response(200, value, request.keep_alive);
  } catch (const segue::TimeoutError&) {
    co_return response(504, "no answer in time\n", request.keep_alive);
  } catch (const segue::FileNotFoundError&) {
    co_return response(404, "not there\n", request.keep_alive);
  }
}

// A connection, as one would write it for a thread.
void serve(Server& server, tcp::socket& socket) {
  std::string buffer;
  for (bool keep_alive = true; keep_alive;) {
    auto read = asio::async_read_until(socket, asio::dynamic_buffer(buffer, 8192), "\r\n\r\n", use_segue);
    const std::size_t size = yield_from(asyncio::wait_for(std::move(read), 1s));
    const std::optional<Request> request = parse(buffer.substr(0, size));
    buffer.erase(0, size);
    keep_alive = request && request->keep_alive;
    const std::string text = request ? yield_from(answer(server, *request)) : response(400, "not a request\n", false);
    ++server.served;
    yield_from(asio::async_write(socket, asio::buffer(text), use_segue));
  }
}

const auto connection = coroutine<void>([](Server& server, tcp::socket socket) {
  ++server.connections;
  const segue::modern::ScopeExit gone([&] { --server.connections; });
  try {
    serve(server, socket);
  } catch (const std::exception&) {  // it has left, or was idle
  }
});

Coroutine<> accept_all(Server& server, tcp::acceptor& acceptor) {
  co_await asyncio::async_with(TaskGroup(), [&](TaskGroup& group) -> Coroutine<> {
    while (true) {
      boost::system::error_code error;
      tcp::socket socket = co_await acceptor.async_accept(asio::redirect_error(use_segue, error));
      if (!error) group.create_task(connection, std::ref(server), std::move(socket));
    }
  });
}

Coroutine<> async_main(Server& server) {
  asio::io_context& io = segue::bridge::io_context(asyncio::get_running_loop());
  tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  asio::signal_set signals(io, SIGTERM);
  std::printf("listening on %d\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  auto accepting = asyncio::create_task(accept_all, std::ref(server), std::ref(acceptor));
  co_await signals.async_wait(use_segue);
  accepting.cancel();
  try {
    co_await accepting;
  } catch (const asyncio::CancelledError&) {
  }
}

}  // namespace

int main() {
  Directory directory;
  Server server{.directory = directory};
  asyncio::run(async_main(server));
  std::printf("served %ld requests\n", server.served);
}
