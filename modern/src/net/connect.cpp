// EventLoop's create_connection() and create_server().
#include <segue/modern/net/connect.hpp>

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/os_error.hpp>

#include "net/server_state.hpp"
#include "net/socket.hpp"
#include "net/socket_transport.hpp"

namespace segue::modern {

namespace {

// Stops watching the socket before it is closed, however the wait ends.
class Connecting {
 public:
  Connecting(EventLoop& loop, int fd, const Address& address) : loop_(loop), fd_(fd), done_(loop.create_future()) {
    loop.add_writer(fd, [done = done_, fd, where = address.repr()] {
      if (done.done()) return;
      int error = 0;
      socklen_t size = sizeof error;
      ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
      if (error == 0) {
        done.set_result();
      } else {
        done.set_exception(make_os_error(error, "Connect call failed " + where));
      }
    });
  }
  Connecting(const Connecting&) = delete;
  Connecting& operator=(const Connecting&) = delete;
  ~Connecting() { loop_.remove_writer(fd_); }
  const Future<void>& done() const noexcept { return done_; }

 private:
  EventLoop& loop_;
  int fd_;
  Future<void> done_;
};

Coroutine<UniqueFd> connect_to(EventLoop& loop, Endpoint endpoint) {
  UniqueFd socket = endpoint.make_socket();
  if (::connect(socket.get(), endpoint.data(), endpoint.size()) < 0) {
    if (errno != EINPROGRESS && errno != EINTR) throw_os_error(errno);
    const Connecting connecting(loop, socket.get(), endpoint.address());
    co_await connecting.done();
  }
  co_return socket;
}

[[noreturn]] void throw_all(const std::vector<std::exception_ptr>& errors) {
  std::string all;
  bool alike = true;
  for (const std::exception_ptr& error : errors) {
    const std::string text = describe(error).message;
    alike = alike && text == describe(errors.front()).message;
    all += (all.empty() ? "" : ", ") + text;
  }
  if (alike) std::rethrow_exception(errors.front());
  throw OSError("Multiple exceptions: " + all);
}

Coroutine<UniqueFd> connect_to_first(EventLoop& loop, std::vector<Endpoint> endpoints) {
  std::vector<std::exception_ptr> errors;
  for (const Endpoint& endpoint : endpoints) {
    try {
      UniqueFd socket = co_await connect_to(loop, endpoint);
      co_return socket;
    } catch (const OSError&) {
      errors.push_back(std::current_exception());
    }
  }
  throw_all(errors);
}

Coroutine<Connection> make_connection(EventLoop& loop, UniqueFd socket, ProtocolFactory factory) {
  std::shared_ptr<Protocol> protocol = factory();
  const Future<void> made = loop.create_future();
  struct CloseUnlessMade {
    ~CloseUnlessMade() {
      if (transport) transport->close();
    }
    std::shared_ptr<SocketTransport> transport;
  } guard{SocketTransport::start(loop, std::move(socket), protocol, nullptr, made)};
  co_await made;
  co_return Connection(std::exchange(guard.transport, nullptr), std::move(protocol));
}

// --- servers ---

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::vector<UniqueFd> bind_to(const std::vector<Endpoint>& endpoints, const ServerOptions& options) {
  std::vector<UniqueFd> sockets;
  std::string tried;
  for (const Endpoint& endpoint : endpoints) {
    const std::string where = endpoint.address().repr();
    tried += (tried.empty() ? "" : ", ") + where;
    UniqueFd socket;
    try {
      socket = endpoint.make_socket();
    } catch (const OSError&) {
      continue;  // an address family that this machine does not have
    }
    if (options.reuse_address) set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR);
    if (options.reuse_port) set_option(socket.get(), SOL_SOCKET, SO_REUSEPORT);
    if (options.keep_alive) set_option(socket.get(), SOL_SOCKET, SO_KEEPALIVE);
    if (endpoint.family() == AF_INET6) set_option(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY);
    if (::bind(socket.get(), endpoint.data(), endpoint.size()) < 0) {
      const int error = errno;
      if (error == EADDRNOTAVAIL) continue;  // the family is not enabled
      throw_os_error(error, "error while attempting to bind on address " + where + ": [errno " + std::to_string(error) +
                                "] " + lower(std::generic_category().message(error)));
    }
    sockets.push_back(std::move(socket));
  }
  if (sockets.empty()) throw OSError("could not bind on any address out of [" + tried + "]");
  return sockets;
}

Coroutine<Server> make_server(EventLoop& loop, std::vector<UniqueFd> sockets, ProtocolFactory factory,
                              ServerOptions options) {
  auto state = std::make_shared<detail::ServerState>(loop, std::move(sockets), std::move(factory), options.backlog);
  if (options.start_serving) {
    struct CloseUnlessStarted {
      ~CloseUnlessStarted() {
        if (!started) server.close();  // nobody will have a handle
      }
      detail::ServerState& server;
      bool started;
    } guard{*state, false};
    state->start_serving();
    co_await sleep(std::chrono::seconds(0));
    guard.started = true;
  }
  co_return Server(std::move(state));
}

}  // namespace

Coroutine<Connection> EventLoop::create_connection(ProtocolFactory factory, std::string host, int port) {
  return create_connection(std::move(factory), std::move(host), port, ConnectionOptions());
}

Coroutine<Connection> EventLoop::create_connection(ProtocolFactory factory, std::string host, int port,
                                                   ConnectionOptions options) {
  if (options.sock >= 0) throw ValueError("host/port and sock can not be specified at the same time");
  const Ref<EventLoop> keep(this);
  auto endpoints = co_await resolve(*this, std::move(host), port, options.family, false);
  auto socket = co_await connect_to_first(*this, std::move(endpoints));
  co_return co_await make_connection(*this, std::move(socket), std::move(factory));
}

Coroutine<Connection> EventLoop::create_connection(ProtocolFactory factory, ConnectionOptions options) {
  if (options.sock < 0) throw ValueError("host and port was not specified and no sock specified");
  const Ref<EventLoop> keep(this);
  UniqueFd socket = adopt_stream_socket(options.sock);
  co_return co_await make_connection(*this, std::move(socket), std::move(factory));
}

Coroutine<Server> EventLoop::create_server(ProtocolFactory factory, std::string host, int port) {
  return create_server(std::move(factory), std::move(host), port, ServerOptions());
}

Coroutine<Server> EventLoop::create_server(ProtocolFactory factory, std::string host, int port, ServerOptions options) {
  if (options.sock >= 0) throw ValueError("host/port and sock can not be specified at the same time");
  const Ref<EventLoop> keep(this);
  const auto endpoints = co_await resolve(*this, std::move(host), port, options.family, true);
  std::vector<UniqueFd> sockets = bind_to(endpoints, options);
  co_return co_await make_server(*this, std::move(sockets), std::move(factory), options);
}

Coroutine<Server> EventLoop::create_server(ProtocolFactory factory, ServerOptions options) {
  if (options.sock < 0) throw ValueError("Neither host/port nor sock were specified");
  const Ref<EventLoop> keep(this);
  std::vector<UniqueFd> sockets;
  sockets.push_back(adopt_stream_socket(options.sock));
  co_return co_await make_server(*this, std::move(sockets), std::move(factory), options);
}

}  // namespace segue::modern
