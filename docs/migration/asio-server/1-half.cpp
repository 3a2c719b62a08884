// Half-way: one function has moved. What is waited for between a request and its answer is a coroutine, answer(), with
// its timeout; the connection is what it was, and calls it as any other callback function. The loop runs Asio's
// handlers.
//
// Prints "listening on PORT", and at SIGTERM how many requests it has served.
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <segue/asyncio.hpp>
#include <segue/bridge/asio.hpp>
#include <segue/bridge/callback.hpp>
#include <segue/bridge/to_callback.hpp>

#include "directory.hpp"
#include "http.hpp"

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using namespace std::chrono_literals;
using segue::asyncio::Coroutine;
using segue::bridge::error_first;
using segue::bridge::from_callback;
using segue::bridge::to_callback;
namespace asyncio = segue::asyncio;

class Connection;

struct Server {
  Directory& directory;
  std::set<std::shared_ptr<Connection>> connections = {};
  long served = 0;

  void start(tcp::socket socket);
  void stop(const std::shared_ptr<Connection>& connection);
  void stop_all();
};

Coroutine<std::string> find(Directory& directory, std::string name) {
  const auto start = [&](auto done) { directory.find(name, done); };
  co_return co_await from_callback<std::string>(error_first, start);
}

Coroutine<std::string> answer(Server& server, Request request) {
  if (request.target == "connections")
    co_return response(200, std::to_string(server.connections.size()) + "\n", request.keep_alive);
  try {
    const std::string value = co_await asyncio::wait_for(find(server.directory, request.target), 200ms);
    co_return response(200, value, request.keep_alive);
  } catch (const segue::TimeoutError&) {
    co_return response(504, "no answer in time\n", request.keep_alive);
  } catch (const segue::FileNotFoundError&) {
    co_return response(404, "not there\n", request.keep_alive);
  }
}

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Server& server, tcp::socket socket)
      : server_(server), socket_(std::move(socket)), timer_(socket_.get_executor()) {}

  void start() { read_request(); }
  void close() {
    error_code ignored;
    socket_.close(ignored);
    timer_.cancel();
    if (lookup_) lookup_.cancel();
  }

 private:
  void read_request() {
    close_after(1s);
    asio::async_read_until(socket_, asio::dynamic_buffer(buffer_, 8192), "\r\n\r\n",
                           [self = shared_from_this()](error_code error, std::size_t size) {
                             if (error) return self->server_.stop(self);
                             self->on_request(size);
                           });
  }

  void close_after(std::chrono::milliseconds time) {
    timer_.expires_after(time);
    timer_.async_wait([self = shared_from_this()](error_code error) {
      if (!error) self->server_.stop(self);
    });
  }

  void on_request(std::size_t size) {
    timer_.cancel();
    const std::optional<Request> request = parse(buffer_.substr(0, size));
    buffer_.erase(0, size);
    if (!request) return write(response(400, "not a request\n", false), false);
    const auto on_answer = [self = shared_from_this(), keep_alive = request->keep_alive](std::exception_ptr error,
                                                                                         std::string text) {
      if (error) return self->server_.stop(self);
      self->write(std::move(text), keep_alive);
    };
    lookup_ = to_callback(answer)(std::ref(server_), *request, on_answer);
  }

  void write(std::string text, bool keep_alive) {
    ++server_.served;
    output_ = std::move(text);
    asio::async_write(socket_, asio::buffer(output_),
                      [self = shared_from_this(), keep_alive](error_code error, std::size_t) {
                        if (error || !keep_alive) return self->server_.stop(self);
                        self->read_request();
                      });
  }

  Server& server_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  std::string buffer_;
  std::string output_;
  asyncio::Task<std::string> lookup_;
};

void Server::start(tcp::socket socket) {
  const auto connection = std::make_shared<Connection>(*this, std::move(socket));
  connections.insert(connection);
  connection->start();
}
void Server::stop(const std::shared_ptr<Connection>& connection) {
  connections.erase(connection);
  connection->close();
}
void Server::stop_all() {
  for (const auto& connection : connections) connection->close();
  connections.clear();
}

class Acceptor {
 public:
  Acceptor(asio::io_context& io, Server& server)
      : server_(server), acceptor_(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)), signals_(io, SIGTERM) {
    signals_.async_wait([this](error_code error, int) {
      if (error) return;
      acceptor_.close();
      server_.stop_all();
      asyncio::get_running_loop().stop();
    });
    accept();
  }
  int port() const { return acceptor_.local_endpoint().port(); }

 private:
  void accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      if (!acceptor_.is_open()) return;
      if (!error) server_.start(std::move(socket));
      accept();
    });
  }

  Server& server_;
  tcp::acceptor acceptor_;
  asio::signal_set signals_;
};

}  // namespace

int main() {
  asio::io_context io;
  const auto loop = asyncio::new_event_loop(segue::bridge::make_reactor(io));
  Directory directory;
  Server server{.directory = directory};
  Acceptor acceptor(io, server);
  std::printf("listening on %d\n", acceptor.port());
  std::fflush(stdout);
  loop->run_forever();
  std::printf("served %ld requests\n", server.served);
}
