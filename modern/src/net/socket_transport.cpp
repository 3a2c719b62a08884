#include "net/socket_transport.hpp"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/log.hpp>
#include <segue/modern/kernel/scope_exit.hpp>
#include <segue/os_error.hpp>

#include "kernel/call_of_user.hpp"
#include "net/buffering_protocol.hpp"
#include "net/endpoint.hpp"
#include "net/server_state.hpp"

namespace segue::modern {

namespace {

constexpr std::size_t default_high_water = 64 * 1024;
constexpr int lost_writes_before_warning = 5;

// One buffer a thread for all its connections: what arrives is taken out of it at once. What arrives at once is never
// more than fits into it. On a page's boundary, because
// the system's copy to 16 bytes past one, where large blocks of the heap lie, takes half as long again.
struct alignas(4096) ReceiveBuffer {
  std::array<char, 256 * 1024> bytes;
};

std::span<char> receive_buffer() {
  thread_local const auto buffer = std::make_unique_for_overwrite<ReceiveBuffer>();
  return buffer->bytes;
}

}  // namespace

WriteBufferLimits make_write_buffer_limits(std::optional<std::size_t> high, std::optional<std::size_t> low) {
  if (!high) high = low ? 4 * *low : default_high_water;
  if (!low) low = *high / 4;
  if (*low > *high) {
    throw ValueError("high (" + std::to_string(*high) + ") must be >= low (" + std::to_string(*low) + ") must be >= 0");
  }
  return {*low, *high};
}

void SocketTransport::SocketWatch::start(SocketTransport& transport) {
  if (watched()) return;
  auto keep = transport.shared_from_this();
  transport.loop_->reactor().watch(*this, transport.socket_.get());
  transport_ = std::move(keep);
}

SocketTransport::SocketTransport(EventLoop& loop, UniqueFd socket, std::shared_ptr<Protocol> protocol,
                                 std::shared_ptr<detail::ServerState> server)
    : loop_(&loop),
      socket_(std::move(socket)),
      server_(std::move(server)),
      peername_(name_of_peer(socket_.get())),
      sockname_(name_of_socket(socket_.get())),
      context_(ContextSlot::copy_of_current()),
      limits_(make_write_buffer_limits(std::nullopt, std::nullopt)) {
  adopt(std::move(protocol));
  if (sockname_ && sockname_->kind != Address::Kind::local) set_option(socket_.get(), IPPROTO_TCP, TCP_NODELAY);
  if (server_) server_->attach(*this);
  loop.core().observe(*this);
}

SocketTransport::~SocketTransport() {
  if (server_) server_->detach(*this);
}

std::shared_ptr<SocketTransport> SocketTransport::start(EventLoop& loop, UniqueFd socket,
                                                        std::shared_ptr<Protocol> protocol,
                                                        std::shared_ptr<detail::ServerState> server,
                                                        std::optional<Future<void>> made) {
  if (!protocol) throw TypeError("the protocol factory returned a null pointer");
  auto transport = std::make_shared<SocketTransport>(loop, std::move(socket), std::move(protocol), std::move(server));
  ScopeExit lose_it([&]() noexcept { transport->abort(); });  // where there is no memory for all of these
  loop.call_soon([transport] {
    const std::shared_ptr<Protocol> first = transport->protocol_;  // which may replace itself
    if (first) first->connection_made(transport);
  });
  loop.call_soon([transport] {
    if (transport->is_reading()) transport->start(transport->reading_);
  });
  if (made) {
    loop.call_soon([waiter = *made] {
      if (!waiter.done()) waiter.set_result();
    });
  }
  lose_it.release();
  return transport;
}

void SocketTransport::set_protocol(std::shared_ptr<Protocol> protocol) {
  if (!protocol) throw TypeError("set_protocol() takes a protocol, not a null pointer");
  if (lost_ == 0) adopt(std::move(protocol));
}

void SocketTransport::adopt(std::shared_ptr<Protocol> protocol) noexcept {
  buffering_ = dynamic_cast<detail::BufferingProtocol*>(protocol.get());
  protocol_.swap(protocol);  // the old one may end with this function, and use the transport
}

// The loop is gone: nothing that happens to the socket is of interest any more.
void SocketTransport::loop_ended() noexcept {
  const std::shared_ptr<SocketTransport> keep = shared_from_this();
  stop(reading_);
  stop(writing_);
  closing_ = true;
  ++lost_;
  socket_.close();
  const std::shared_ptr<Protocol> protocol = std::exchange(protocol_, nullptr);
  if (const auto server = std::exchange(server_, nullptr)) server->detach(*this);
}

// A connection that cannot be watched is lost.
void SocketTransport::start(SocketWatch& watch) {
  try {
    watch.start(*this);
  } catch (...) {
    fatal_error(std::current_exception(), "Fatal error: the connection cannot be watched");
  }
}

// --- receiving ---

void SocketTransport::pause_reading() {
  if (!is_reading()) return;
  paused_ = true;
  stop(reading_);
}

void SocketTransport::resume_reading() {
  if (closing_ || !paused_) return;
  paused_ = false;
  start(reading_);
}

void SocketTransport::read_ready() {
  if (buffering_ != nullptr) {
    if (detail::ByteBuffer* const buffer = buffering_->get_buffer()) return receive_to_buffer(*buffer);
  }
  const std::span<char> buffer = receive_buffer();
  const Transferred received = receive(socket_.get(), buffer);
  if (!any(received)) return;
  const std::shared_ptr<Protocol> protocol = protocol_;
  call_protocol("Fatal error: protocol.data_received() call failed.",
                [&] { protocol->data_received(std::string_view(buffer.data(), received.size)); });
}

void SocketTransport::receive_to_buffer(detail::ByteBuffer& buffer) {
  const std::span<char> rest = receive_buffer();
  const std::span<char> room = buffer.room().first(std::min(buffer.room().size(), rest.size()));
  const Transferred received = receive(socket_.get(), room, rest.subspan(room.size()));
  const std::size_t in_room = std::min(received.size, room.size());
  buffer.commit(in_room);
  if (!any(received)) return;
  const std::shared_ptr<Protocol> protocol = protocol_;
  detail::BufferingProtocol& buffering = *buffering_;
  call_protocol("Fatal error: protocol.data_received() call failed.", [&] {
    buffer.append(std::string_view(rest.data() + room.size(), received.size - in_room));
    buffering.buffer_updated(received.size);
  });
}

// Whether there are data; deals with whatever else there is.
bool SocketTransport::any(const Transferred& received) {
  if (received.not_ready()) return false;
  if (received.failed()) {
    fatal_error(make_os_error(received.error), "Fatal read error on socket transport");
  } else if (received.size == 0) {
    eof_received();
  }
  return received.size > 0;
}

void SocketTransport::eof_received() {
  bool keep_open = false;
  const std::shared_ptr<Protocol> protocol = protocol_;
  const auto call = [&] { keep_open = protocol->eof_received(); };
  if (!call_protocol("Fatal error: protocol.eof_received() call failed.", call)) return;
  if (keep_open) {
    stop(reading_);  // there is nothing more to receive, but the protocol may have more to send
  } else {
    close();
  }
}

// --- sending ---

void SocketTransport::write(std::string_view data) {
  if (eof_written_) throw RuntimeError("Cannot call write() after write_eof()");
  send_or_buffer(data);
}

void SocketTransport::writelines(const std::vector<std::string>& lines) {
  if (eof_written_) throw RuntimeError("Cannot call writelines() after write_eof()");
  std::string all;
  for (const std::string& line : lines) all += line;
  send_or_buffer(all);
}

void SocketTransport::send_or_buffer(std::string_view data) {
  if (data.empty()) return;
  if (lost_ > 0) {
    if (lost_ >= lost_writes_before_warning) log(LogLevel::warning, "socket.send() raised exception.");
    ++lost_;
    return;
  }
  bool begun = false;
  if (get_write_buffer_size() == 0) {
    const Transferred sent = send(socket_.get(), data);
    if (sent.failed()) return fatal_error(make_os_error(sent.error), "Fatal write error on socket transport");
    data.remove_prefix(sent.size);
    if (data.empty()) return;
    begun = sent.size > 0;
    start(writing_);
    if (lost_ > 0) return;
  }
  try {
    unsent_.append(data);
  } catch (...) {
    if (!begun) {
      if (get_write_buffer_size() == 0) stop(writing_);
      throw;
    }
    // The rest of what has been sent is lost, so that nothing can follow it.
    return fatal_error(std::current_exception(), "Fatal write error on socket transport");
  }
  pause_protocol_if_full();
}

void SocketTransport::write_ready() {
  const Transferred sent = send(socket_.get(), unsent_.data());
  if (sent.failed()) return fatal_error(make_os_error(sent.error), "Fatal write error on socket transport");
  unsent_.drop(sent.size);
  resume_protocol_if_drained();  // which may write more
  if (get_write_buffer_size() > 0 || lost_ > 0) return;
  stop(writing_);
  if (closing_) {
    ++lost_;
    lose_connection(nullptr);
  } else if (eof_written_) {
    ::shutdown(socket_.get(), SHUT_WR);
  }
}

void SocketTransport::write_eof() {
  if (closing_ || eof_written_) return;
  eof_written_ = true;
  if (get_write_buffer_size() == 0) ::shutdown(socket_.get(), SHUT_WR);
}

void SocketTransport::set_write_buffer_limits(std::optional<std::size_t> high, std::optional<std::size_t> low) {
  limits_ = make_write_buffer_limits(high, low);
  pause_protocol_if_full();
}

void SocketTransport::pause_protocol_if_full() {
  if (get_write_buffer_size() <= limits_.high || protocol_paused_ || !protocol_) return;
  protocol_paused_ = true;
  tell_protocol(&Protocol::pause_writing, "protocol.pause_writing() failed");
}

void SocketTransport::resume_protocol_if_drained() {
  if (!protocol_paused_ || get_write_buffer_size() > limits_.low || !protocol_) return;
  protocol_paused_ = false;
  tell_protocol(&Protocol::resume_writing, "protocol.resume_writing() failed");
}

void SocketTransport::tell_protocol(void (Protocol::*what)(), const char* message) {
  const std::shared_ptr<Protocol> protocol = protocol_;  // which may replace itself
  try {
    (*protocol.*what)();
  } catch (...) {
    if (ends_program(std::current_exception())) throw;
    report(std::current_exception(), message);
  }
}

// --- the end ---

// False where the protocol threw, which ends the connection.
template <class Call>
bool SocketTransport::call_protocol(const char* what_failed, Call call) {
  try {
    call();
    return true;
  } catch (...) {
    if (ends_program(std::current_exception())) throw;
    fatal_error(std::current_exception(), what_failed);
    return false;
  }
}

void SocketTransport::report(const std::exception_ptr& error, const char* message) {
  ExceptionContext context;
  context.message = message;
  context.exception = error;
  loop_->call_exception_handler(context);
}

// An OSError is the connection's, and the protocol hears of it; another one is a bug.
void SocketTransport::fatal_error(const std::exception_ptr& error, const char* message) {
  const ScopeExit lose_it([&]() noexcept { force_close(error); });  // whatever becomes of the report
  if (!holds<OSError>(error)) report(error, message);
}

void SocketTransport::close() {
  if (closing_) return;
  closing_ = true;
  stop(reading_);
  if (get_write_buffer_size() > 0) return;
  stop(writing_);
  lose_connection_soon(nullptr);
}

void SocketTransport::force_close(std::exception_ptr error) {
  if (lost_ > 0) return;
  unsent_.clear();
  closing_ = true;
  stop(reading_);
  stop(writing_);
  lose_connection_soon(std::move(error));
}

void SocketTransport::lose_connection_soon(std::exception_ptr error) noexcept {
  ++lost_;
  if (loop_->is_closed()) return loop_ended();
  loss_.schedule(*this, std::move(error));
}

void SocketTransport::Loss::schedule(SocketTransport& transport, std::exception_ptr error) noexcept {
  transport_ = transport.shared_from_this();
  error_ = std::move(error);
  context_ = ContextSlot::copy_of_current();
  transport.loop_->core().schedule_new(*this);
}

void SocketTransport::Loss::run() {
  const std::shared_ptr<SocketTransport> transport = std::move(transport_);
  const std::exception_ptr error = std::move(error_);
  ContextSlot context = std::move(context_);
  const ContextSlot::Current in_context(&context);
  call_of_user(
      transport->loop_->core(), [&] { transport->lose_connection(error); },
      [] { return Callable{&typeid(SocketTransport)}; });
}

void SocketTransport::lose_connection(const std::exception_ptr& error) {
  const ScopeExit let_go([this] {
    unlink();
    socket_.close();
    protocol_ = nullptr;
    if (const auto server = std::exchange(server_, nullptr)) server->detach(*this);
  });
  const std::shared_ptr<Protocol> protocol = protocol_;
  if (protocol) protocol->connection_lost(error);
}

}  // namespace segue::modern
