// Protocols: callbacks that the loop calls with what a connection receives (CPython: asyncio/protocols.py). Streams are
// made of them; where callbacks are what is wanted, EventLoop::create_connection() and create_server() take them as
// they are.
//
//   made -> data_received* -> eof_received? -> connection_lost      each connection, once, in this order
//              pause_writing -> resume_writing                      in between, in turns
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

namespace segue::modern {

class Transport;

/// The defaults do nothing. What a callback throws goes to the loop's exception handler. Where data_received() or
/// eof_received() throws, the connection is aborted, too, and connection_lost() is given the error; an OSError of these
/// two goes there alone.
class Protocol {
 public:
  Protocol() = default;
  Protocol(const Protocol&) = delete;
  Protocol& operator=(const Protocol&) = delete;
  virtual ~Protocol() = default;

  virtual void connection_made(std::shared_ptr<Transport>) {}
  virtual void data_received(std::string_view) {}
  /// The peer sends no more. True keeps the connection open for writing; else it is closed.
  virtual bool eof_received() { return false; }
  /// `error` is null where the connection was closed or aborted by this end, or ended by the peer's.
  virtual void connection_lost(std::exception_ptr error) { static_cast<void>(error); }
  virtual void pause_writing() {}
  virtual void resume_writing() {}
};

using ProtocolFactory = std::function<std::shared_ptr<Protocol>()>;

/// What create_connection() gives: the protocol is what the factory made. (No aggregate, for g++ 12 destroys such a one
/// twice where it is made in a co_await expression.)
template <class P>
class ConnectionWith {
 public:
  ConnectionWith(std::shared_ptr<Transport> made, std::shared_ptr<P> by)
      : transport(std::move(made)), protocol(std::move(by)) {}
  operator ConnectionWith<Protocol>() const  // NOLINT(google-explicit-constructor): as the pointers convert
    requires(!std::same_as<P, Protocol>)
  {
    return {transport, protocol};
  }
  std::shared_ptr<Transport> transport;
  std::shared_ptr<P> protocol;
};

}  // namespace segue::modern
