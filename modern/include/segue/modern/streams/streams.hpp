// open_connection() and start_server(): TCP as coroutines (CPython: asyncio/streams.py).
//
//   Coroutine<void> echo(StreamReader reader, StreamWriter writer) {
//     for (auto line = co_await reader.readline(); !line.empty(); line = co_await reader.readline()) {
//       writer.write(line);
//       co_await writer.drain();
//     }
//   }
//   auto server = co_await start_server(echo, "127.0.0.1", 8080);
//   auto [reader, writer] = co_await open_connection("127.0.0.1", 8080);
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/net/network_options.hpp>
#include <segue/modern/net/server.hpp>
#include <segue/modern/streams/stream_reader.hpp>
#include <segue/modern/streams/stream_writer.hpp>
#include <segue/modern/tasks/task.hpp>

namespace segue::modern {

/// The two halves of a connection.
class StreamPair {
 public:
  StreamPair(StreamReader in, StreamWriter out) : reader(std::move(in)), writer(std::move(out)) {}
  StreamReader reader;
  StreamWriter writer;
};

namespace detail {

StreamPair streams_over(const std::function<std::shared_ptr<Transport>(std::shared_ptr<Protocol>)>& connect,
                        std::size_t limit);
Coroutine<StreamPair> open_connection(std::string host, int port, ConnectionOptions options);
Coroutine<StreamPair> open_connection(ConnectionOptions options);

/// What is called for a connection; gives its coroutine, or nothing where it was a plain function.
using ClientConnected = std::function<std::optional<Coroutine<void>>(StreamReader, StreamWriter)>;

template <class A>
Coroutine<void> discard_result(A awaitable) {
  co_await std::move(awaitable);
}

template <class Handler>
ClientConnected client_connected(Handler handler) {
  return [shared = std::make_shared<Handler>(std::move(handler))](
             StreamReader reader, StreamWriter writer) -> std::optional<Coroutine<void>> {
    using Result = std::invoke_result_t<Handler&, StreamReader, StreamWriter>;
    if constexpr (std::is_void_v<Result>) {
      std::invoke(*shared, std::move(reader), std::move(writer));
      return std::nullopt;
    } else if constexpr (std::same_as<Result, Coroutine<void>>) {
      return std::invoke(*shared, std::move(reader), std::move(writer));
    } else {
      return discard_result(std::invoke(*shared, std::move(reader), std::move(writer)));
    }
  };
}

Coroutine<Server> start_server(ClientConnected connected, std::string host, int port, ServerOptions options);
Coroutine<Server> start_server(ClientConnected connected, ServerOptions options);

}  // namespace detail

struct OpenConnectionFunction {
  /// Connects to `host`, a name or an address, trying each of its addresses in turn. Throws the OSError of the only
  /// attempt: ConnectionRefusedError("[Errno 111] Connect call failed ('127.0.0.1', 8080)"); of several, all in one
  /// text. gaierror where the name is not known, or empty; ValueError where it has a NUL.
  Coroutine<StreamPair> operator()(std::string host, int port, ConnectionOptions options = {}) const {
    return detail::open_connection(std::move(host), port, options);
  }
  /// Takes over a connected socket, `options.sock`.
  Coroutine<StreamPair> operator()(ConnectionOptions options) const { return detail::open_connection(options); }
};
inline constexpr OpenConnectionFunction open_connection;

struct StartServerFunction {
  /// Listens on `host`, a name or an address, or on every one of the machine where it is empty. Port 0 takes any; see
  /// Server::sockets(). For each connection `handler(reader, writer)` is called: a coroutine function, whose coroutine
  /// becomes a task, or a plain one. It is kept as long as the server or one of those tasks lives. What a task throws
  /// goes to the loop's exception handler ("Unhandled exception in client_connected_cb").
  ///
  /// OSError where an address cannot be bound to.
  template <class Handler>
    requires std::invocable<Handler&, StreamReader, StreamWriter>
  Coroutine<Server> operator()(Handler handler, std::string host, int port, ServerOptions options = {}) const {
    return detail::start_server(detail::client_connected(std::move(handler)), std::move(host), port, options);
  }
  /// Listens on a bound socket, `options.sock`.
  template <class Handler>
    requires std::invocable<Handler&, StreamReader, StreamWriter>
  Coroutine<Server> operator()(Handler handler, ServerOptions options) const {
    return detail::start_server(detail::client_connected(std::move(handler)), options);
  }
};
inline constexpr StartServerFunction start_server;

struct StreamsOverFunction {
  /// The streams of a connection of one's own making: `connect(protocol)` gives its transport, which calls the
  /// protocol. They belong to the running loop.
  template <class Connect>
    requires std::convertible_to<std::invoke_result_t<Connect&, std::shared_ptr<Protocol>>, std::shared_ptr<Transport>>
  StreamPair operator()(Connect connect, std::size_t limit = default_stream_limit) const {
    return detail::streams_over(std::ref(connect), limit);
  }
};
inline constexpr StreamsOverFunction streams_over;

}  // namespace segue::modern
