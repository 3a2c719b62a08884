// The transport of a stream socket (CPython: asyncio/selector_events.py, _SelectorSocketTransport).
//
//   open -> closing: close(), while there is something to send         -> lost
//       \-> lost:    nothing to send, abort(), an error, or the loop is gone
//
// Nothing is ever under way in the system with memory of ours: the reactor tells that the socket is ready, and the
// transport then receives or sends what it can without waiting.
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segue/modern/kernel/context_slot.hpp>
#include <segue/modern/kernel/loop_observer.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/loop/watch.hpp>
#include <segue/modern/net/address.hpp>
#include <segue/modern/net/protocols.hpp>
#include <segue/modern/net/transports.hpp>
#include <segue/modern/tasks/future.hpp>

#include "net/byte_buffer.hpp"
#include "net/socket.hpp"

namespace segue::modern {

namespace detail {
class BufferingProtocol;
class ServerState;
}  // namespace detail

class SocketTransport final : public Transport,
                              public std::enable_shared_from_this<SocketTransport>,
                              private LoopObserver {
 public:
  /// Calls the protocol's connection_made() in the next iteration, and completes `made`, if any, after it.
  static std::shared_ptr<SocketTransport> start(EventLoop& loop, UniqueFd socket, std::shared_ptr<Protocol> protocol,
                                                std::shared_ptr<detail::ServerState> server,
                                                std::optional<Future<void>> made);
  SocketTransport(EventLoop& loop, UniqueFd socket, std::shared_ptr<Protocol> protocol,
                  std::shared_ptr<detail::ServerState> server);
  SocketTransport(const SocketTransport&) = delete;
  SocketTransport& operator=(const SocketTransport&) = delete;
  ~SocketTransport() override;

  void pause_reading() override;
  void resume_reading() override;
  bool is_reading() const noexcept override { return !closing_ && !paused_; }

  void write(std::string_view data) override;
  void writelines(const std::vector<std::string>& lines) override;
  void write_eof() override;
  bool can_write_eof() const noexcept override { return true; }
  std::size_t get_write_buffer_size() const noexcept override { return unsent_.size(); }
  WriteBufferLimits get_write_buffer_limits() const noexcept override { return limits_; }
  void set_write_buffer_limits(std::optional<std::size_t> high, std::optional<std::size_t> low) override;

  void close() override;
  void abort() override { force_close(nullptr); }
  bool is_closing() const noexcept override { return closing_; }

  const std::optional<Address>& peername() const noexcept override { return peername_; }
  const std::optional<Address>& sockname() const noexcept override { return sockname_; }
  int fileno() const noexcept override { return socket_.get(); }
  void set_protocol(std::shared_ptr<Protocol> protocol) override;
  const std::shared_ptr<Protocol>& get_protocol() const noexcept override { return protocol_; }

 private:
  // Holds the transport from the time that it is started until neither the reactor nor the loop refers to it.
  class SocketWatch final : public Watch {
   public:
    using Watch::Watch;
    void start(SocketTransport& transport);

   private:
    void ready() override {
      const ContextSlot::Current in_context(&transport_->context_);
      event() == EVENT_READ ? transport_->read_ready() : transport_->write_ready();
    }
    void let_go() noexcept override { const auto transport = std::exchange(transport_, nullptr); }

    std::shared_ptr<SocketTransport> transport_;
  };

  // connection_lost() on its way: there is room for it in any case, also where there is no memory.
  class Loss final : private Ready {
   public:
    void schedule(SocketTransport& transport, std::exception_ptr error) noexcept;

   private:
    void run() override;
    void drop() noexcept override { const auto transport = std::move(transport_); }

    std::shared_ptr<SocketTransport> transport_;  // while it is in the loop's queue
    std::exception_ptr error_;
    ContextSlot context_;  // of who closed the connection
  };

  void loop_ended() noexcept override;
  void adopt(std::shared_ptr<Protocol> protocol) noexcept;
  void start(SocketWatch& watch);
  void stop(SocketWatch& watch) noexcept { loop_->reactor().unwatch(watch); }
  void read_ready();
  void receive_to_buffer(detail::ByteBuffer& buffer);
  bool any(const Transferred& received);
  void eof_received();
  void write_ready();
  void send_or_buffer(std::string_view data);
  void pause_protocol_if_full();
  void resume_protocol_if_drained();
  void tell_protocol(void (Protocol::*what)(), const char* message);
  template <class Call>
  bool call_protocol(const char* what_failed, Call call);
  void fatal_error(const std::exception_ptr& error, const char* message);
  void report(const std::exception_ptr& error, const char* message);
  void force_close(std::exception_ptr error);
  void lose_connection_soon(std::exception_ptr error) noexcept;
  void lose_connection(const std::exception_ptr& error);

  Ref<EventLoop> loop_;
  UniqueFd socket_;
  std::shared_ptr<Protocol> protocol_;           // until the connection is lost
  detail::BufferingProtocol* buffering_;         // the same, where it is one
  std::shared_ptr<detail::ServerState> server_;  // likewise
  std::optional<Address> peername_;
  std::optional<Address> sockname_;
  SocketWatch reading_{EVENT_READ};
  SocketWatch writing_{EVENT_WRITE};
  Loss loss_;
  ContextSlot context_;  // of who made the connection, for the protocol
  detail::ByteBuffer unsent_;
  WriteBufferLimits limits_;
  int lost_ = 0;  // above 0: connection_lost() was called, or will be; then also counts what is written all the same
  bool closing_ = false;
  bool paused_ = false;
  bool eof_written_ = false;
  bool protocol_paused_ = false;
};

}  // namespace segue::modern
