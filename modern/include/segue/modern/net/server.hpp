// Server: sockets that listen, and the connections that came in by them (CPython: asyncio/base_events.py, Server).
#pragma once

#include <exception>
#include <memory>
#include <string>
#include <vector>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/net/address.hpp>

namespace segue::modern {

namespace detail {
class ServerState;
}

/// A handle; copies share the server. The server listens until close(), whether or not there is still a handle.
class Server : public HandleOf<Server, std::shared_ptr<detail::ServerState>> {
 public:
  /// An empty one.
  Server() noexcept = default;
  explicit Server(std::shared_ptr<detail::ServerState> state) noexcept;

  /// The addresses that it listens on, the port included where it was asked for as 0; none after close().
  std::vector<Address> sockets() const;
  bool is_serving() const;
  EventLoop& get_loop() const;
  /// `<Server sockets=(('127.0.0.1', 8080),)>`.
  std::string repr() const;

  /// Begins to accept connections, where that has not begun.
  Coroutine<void> start_serving() const;
  /// Serves until it is cancelled; then closes, waits for the connections and lets the CancelledError out. RuntimeError
  /// where it is closed, or somebody waits so already.
  Coroutine<void> serve_forever() const;
  /// Stops listening at once. The connections stay. Idempotent.
  void close() const;
  /// Waits until it is closed and all its connections are gone (as CPython does from 3.12 on).
  Coroutine<void> wait_closed() const;
  /// Closes each connection, after what is still to be sent.
  void close_clients() const;
  /// Closes each connection at once.
  void abort_clients() const;

  // async_with
  void aenter() const { state(); }
  /// close(), then wait_closed().
  Coroutine<void> aexit(const std::exception_ptr&) const {
    close();
    return wait_closed();
  }
};

}  // namespace segue::modern
