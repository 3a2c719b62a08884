// EventLoop::create_connection().
#include <segue/modern/net/connect.hpp>

#include <errno.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/scope_exit.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/os_error.hpp>

#include "net/endpoint.hpp"
#include "net/resolve.hpp"
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
  std::shared_ptr<SocketTransport> transport = SocketTransport::start(loop, std::move(socket), protocol, nullptr, made);
  ScopeExit close_it([&] { transport->close(); });
  co_await made;
  close_it.release();
  co_return Connection(std::move(transport), std::move(protocol));
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

}  // namespace segue::modern
