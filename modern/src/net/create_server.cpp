// EventLoop::create_server().
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/scope_exit.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/net/connect.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/os_error.hpp>

#include "net/endpoint.hpp"
#include "net/resolve.hpp"
#include "net/server_state.hpp"
#include "net/socket.hpp"

namespace segue::modern {

namespace {

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
    ScopeExit close_it([&] { state->close(); });  // nobody would have a handle
    state->start_serving();
    co_await sleep(std::chrono::seconds(0));
    close_it.release();
  }
  co_return Server(std::move(state));
}

}  // namespace

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
