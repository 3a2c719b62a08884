#include <segue/modern/streams/streams.hpp>

#include <chrono>
#include <utility>

#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/sleep.hpp>

#include "streams/stream_protocol.hpp"

namespace segue::modern {

namespace detail {

namespace {

ProtocolFactory one_protocol(std::shared_ptr<StreamProtocol> protocol) {
  return [protocol = std::move(protocol)] { return protocol; };
}

StreamPair make_pair(const Connection& connection, std::shared_ptr<StreamProtocol> protocol) {
  StreamReader reader = protocol->reader();
  return {std::move(reader),
          StreamWriter(std::make_shared<StreamWriterState>(connection.transport, std::move(protocol)))};
}

std::shared_ptr<StreamProtocol> client_protocol(EventLoop& loop, std::size_t limit) {
  return std::make_shared<StreamProtocol>(loop, StreamReader(loop, limit), nullptr);
}

ProtocolFactory server_protocols(EventLoop& loop, ClientConnected connected, std::size_t limit) {
  return [&loop, limit, shared = std::make_shared<const ClientConnected>(std::move(connected))] {
    return std::make_shared<StreamProtocol>(loop, StreamReader(loop, limit), shared);
  };
}

// The part of drain() that waits.
Coroutine<void> drain(std::shared_ptr<StreamWriterState> writer) {
  // So that whoever writes and drains in a loop lets connection_lost() happen.
  if (writer->transport->is_closing()) co_await sleep(std::chrono::seconds(0));
  co_await StreamProtocol::drained(writer->protocol);
}

Coroutine<void> wait_closed(std::shared_ptr<StreamWriterState> writer) { co_await writer->protocol->closed(); }

}  // namespace

StreamPair streams_over(const std::function<std::shared_ptr<Transport>(std::shared_ptr<Protocol>)>& connect,
                        std::size_t limit) {
  std::shared_ptr<StreamProtocol> protocol = client_protocol(get_running_loop(), limit);
  std::shared_ptr<Transport> transport = connect(protocol);
  const Connection connection(std::move(transport), protocol);
  return make_pair(connection, std::move(protocol));
}

Coroutine<Server> start_server(ClientConnected connected, std::string host, int port, ServerOptions options) {
  EventLoop& loop = get_running_loop();
  ProtocolFactory factory = server_protocols(loop, std::move(connected), options.limit);
  co_return co_await loop.create_server(std::move(factory), std::move(host), port, options);
}

Coroutine<Server> start_server(ClientConnected connected, ServerOptions options) {
  EventLoop& loop = get_running_loop();
  ProtocolFactory factory = server_protocols(loop, std::move(connected), options.limit);
  co_return co_await loop.create_server(std::move(factory), options);
}

Coroutine<StreamPair> open_connection(std::string host, int port, ConnectionOptions options) {
  EventLoop& loop = get_running_loop();
  auto protocol = client_protocol(loop, options.limit);
  ProtocolFactory factory = one_protocol(protocol);
  const Connection connection = co_await loop.create_connection(std::move(factory), std::move(host), port, options);
  co_return detail::make_pair(connection, std::move(protocol));
}

Coroutine<StreamPair> open_connection(ConnectionOptions options) {
  EventLoop& loop = get_running_loop();
  auto protocol = client_protocol(loop, options.limit);
  ProtocolFactory factory = one_protocol(protocol);
  const Connection connection = co_await loop.create_connection(std::move(factory), options);
  co_return detail::make_pair(connection, std::move(protocol));
}

}  // namespace detail

// --- StreamWriter ---

bool Drain::await_ready() const {
  if (!writer_ || wait_) refuse_reuse(static_cast<bool>(writer_));
  const std::exception_ptr error = writer_->protocol->reader().exception();
  if (error) std::rethrow_exception(error);
  return !writer_->transport->is_closing() && writer_->protocol->writable();
}

std::coroutine_handle<> Drain::await_suspend(Resumable delegator) {
  return wait_.emplace(detail::drain(writer_)).await_suspend(delegator);
}

StreamWriter::StreamWriter(std::shared_ptr<detail::StreamWriterState> state) noexcept : HandleOf(std::move(state)) {}

void StreamWriter::write(std::string_view data) const { state()->transport->write(data); }
void StreamWriter::writelines(const std::vector<std::string>& lines) const { state()->transport->writelines(lines); }
Drain StreamWriter::drain() const { return Drain(state()); }
void StreamWriter::write_eof() const { state()->transport->write_eof(); }
bool StreamWriter::can_write_eof() const { return state()->transport->can_write_eof(); }
void StreamWriter::close() const { state()->transport->close(); }
bool StreamWriter::is_closing() const { return state()->transport->is_closing(); }
Coroutine<void> StreamWriter::wait_closed() const { return detail::wait_closed(state()); }
const std::optional<Address>& StreamWriter::peername() const { return state()->transport->peername(); }
const std::optional<Address>& StreamWriter::sockname() const { return state()->transport->sockname(); }
const std::shared_ptr<Transport>& StreamWriter::transport() const { return state()->transport; }

}  // namespace segue::modern
