// An HTTP server as Asio's own examples have it: a connection is an object that its handlers keep alive, a manager
// knows all of them, a timer closes the idle ones, and what a directory says is awaited under a timer as well.
//
// Prints "listening on PORT", and at SIGTERM how many requests it has served.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "directory.hpp"
#include "http.hpp"

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using namespace std::chrono_literals;

class Connection;

struct Server {
  Directory& directory;
  std::set<std::shared_ptr<Connection>> connections = {};
  long served = 0;

  void start(tcp::socket socket);
  void stop(const std::shared_ptr<Connection>& connection);
  void stop_all();
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Server& server, tcp::socket socket)
      : server_(server), socket_(std::move(socket)), timer_(socket_.get_executor()) {}

  void start() { read_request(); }
  void close() {
    error_code ignored;
    socket_.close(ignored);
    timer_.cancel();
    ++lookup_;
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
    request_ = *request;
    answer();
  }

  void answer() {
    if (request_.target == "connections") {
      return write(response(200, std::to_string(server_.connections.size()) + "\n", request_.keep_alive),
                   request_.keep_alive);
    }
    const long lookup = ++lookup_;
    timer_.expires_after(200ms);
    timer_.async_wait([self = shared_from_this(), lookup](error_code error) {
      if (!error) self->on_timeout(lookup);
    });
    server_.directory.find(request_.target, [self = shared_from_this(), lookup](std::error_code error,
                                                                                std::string value) {
      const auto executor = self->socket_.get_executor();
      asio::post(executor, [self, lookup, error, value = std::move(value)] { self->on_found(lookup, error, value); });
    });
  }

  void on_timeout(long lookup) {
    if (lookup != lookup_) return;
    ++lookup_;  // what comes now is late
    write(response(504, "no answer in time\n", request_.keep_alive), request_.keep_alive);
  }

  void on_found(long lookup, std::error_code error, const std::string& value) {
    if (lookup != lookup_) return;
    ++lookup_;
    timer_.cancel();
    if (error) return write(response(404, "not there\n", request_.keep_alive), request_.keep_alive);
    write(response(200, value, request_.keep_alive), request_.keep_alive);
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
  Request request_;
  long lookup_ = 0;  // the number of the one that is waited for
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
  Directory directory;
  Server server{.directory = directory};
  Acceptor acceptor(io, server);
  std::printf("listening on %d\n", acceptor.port());
  std::fflush(stdout);
  io.run();
  std::printf("served %ld requests\n", server.served);
}
