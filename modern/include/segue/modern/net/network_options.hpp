// What may be said about a connection or a server when it is made: Python's keyword arguments.
#pragma once

#include <cstddef>

namespace segue::modern {

/// A StreamReader's limit where none is given: 64 KiB.
inline constexpr std::size_t default_stream_limit = std::size_t{1} << 16U;

struct ConnectionOptions {
  /// Of the StreamReader: the longest line, and half of what it buffers before the peer has to wait.
  std::size_t limit = default_stream_limit;
  /// A connected stream socket to take over, instead of host and port; -1 for none.
  int sock = -1;
  /// AF_INET or AF_INET6 where only that will do.
  int family = 0;
};

struct ServerOptions {
  /// Of each StreamReader.
  std::size_t limit = default_stream_limit;
  /// A bound stream socket to take over, instead of host and port; -1 for none.
  int sock = -1;
  int family = 0;
  /// How many connections may wait to be accepted.
  int backlog = 100;
  bool reuse_address = true;
  bool reuse_port = false;
  bool keep_alive = false;
  /// Without it, Server::start_serving() or serve_forever() begins to listen.
  bool start_serving = true;
};

}  // namespace segue::modern
