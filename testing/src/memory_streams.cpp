#include <segue/testing/memory_streams.hpp>

#include <cerrno>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/unraisable.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/net/protocols.hpp>
#include <segue/modern/net/transports.hpp>
#include <segue/os_error.hpp>

namespace segue::testing {

namespace {

using modern::EventLoop;
using modern::Protocol;
using modern::WriteBufferLimits;

class MemoryTransport final : public modern::Transport, public std::enable_shared_from_this<MemoryTransport> {
 public:
  explicit MemoryTransport(EventLoop& loop) : loop_(&loop) {}
  ~MemoryTransport() override {
    try {
      leave_peer();
    } catch (...) {
      modern::report_unraisable(std::current_exception(), "a connection in memory");
    }
  }

  /// From now on what each of them writes is the other one's to receive.
  static void connect(const std::shared_ptr<MemoryTransport>& one, const std::shared_ptr<MemoryTransport>& other) {
    one->peer_ = other;
    other->peer_ = one;
    one->call([&](Protocol& protocol) { protocol.connection_made(one); });
    other->call([&](Protocol& protocol) { protocol.connection_made(other); });
  }

  // ReadTransport
  void pause_reading() override { paused_ = true; }
  void resume_reading() override {
    paused_ = false;
    schedule();
  }
  bool is_reading() const noexcept override { return !paused_ && !closing_; }

  // Transport
  void write(std::string_view data) override {
    if (eof_written_) throw RuntimeError("Cannot call write() after write_eof()");
    if (closing_ || data.empty()) return;
    const auto peer = peer_.lock();
    if (!peer || peer->closing_) return lose(make_os_error(ECONNRESET));
    peer->inbox_ += data;
    peer->schedule();
    pause_if_full();
  }
  void writelines(const std::vector<std::string>& lines) override {
    std::string all;
    for (const std::string& line : lines) all += line;
    write(all);
  }
  void write_eof() override {
    if (closing_ || eof_written_) return;
    eof_written_ = true;
    if (const auto peer = peer_.lock()) peer->receive_eof();
  }
  bool can_write_eof() const noexcept override { return true; }
  std::size_t get_write_buffer_size() const noexcept override {
    const auto peer = peer_.lock();
    return peer ? peer->inbox_.size() : 0;
  }
  WriteBufferLimits get_write_buffer_limits() const noexcept override { return limits_; }
  void set_write_buffer_limits(std::optional<std::size_t> high, std::optional<std::size_t> low) override {
    limits_ = modern::make_write_buffer_limits(high, low);
    pause_if_full();
  }
  void close() override { lose(nullptr); }
  void abort() override { lose(nullptr); }
  bool is_closing() const noexcept override { return closing_; }
  const std::optional<modern::Address>& peername() const noexcept override { return no_address_; }
  const std::optional<modern::Address>& sockname() const noexcept override { return no_address_; }
  int fileno() const noexcept override { return -1; }
  void set_protocol(std::shared_ptr<Protocol> protocol) override {
    if (!protocol) throw TypeError("protocol must not be null");
    protocol_ = std::move(protocol);
  }
  const std::shared_ptr<Protocol>& get_protocol() const noexcept override { return protocol_; }

 private:
  // The protocol may put another one into its place meanwhile.
  template <class Callback>
  void call(Callback callback) {
    const std::shared_ptr<Protocol> protocol = protocol_;
    if (protocol) callback(*protocol);
  }
  void pause_if_full() {
    if (get_write_buffer_size() <= limits_.high || protocol_paused_) return;
    protocol_paused_ = true;
    call([](Protocol& protocol) { protocol.pause_writing(); });
  }
  void receive_eof() {
    eof_received_ = true;
    schedule();
  }
  void schedule() {
    if (scheduled_ || loop_->is_closed()) return;
    scheduled_ = true;
    loop_->call_soon([self = shared_from_this()] { self->deliver(); });
  }
  void deliver() {
    scheduled_ = false;
    if (paused_ || closing_) return;
    if (!inbox_.empty()) {
      const std::string data = std::exchange(inbox_, {});
      if (const auto peer = peer_.lock()) peer->delivered();
      call([&](Protocol& protocol) { protocol.data_received(data); });
    }
    if (!eof_received_ || eof_told_ || !inbox_.empty() || paused_ || closing_) return;
    eof_told_ = true;
    bool keeps_open = false;
    call([&](Protocol& protocol) { keeps_open = protocol.eof_received(); });
    if (!keeps_open) close();
  }
  // All that was written has arrived.
  void delivered() {
    if (!protocol_paused_) return;
    protocol_paused_ = false;
    call([](Protocol& protocol) { protocol.resume_writing(); });
  }
  // A peer that waits until it may write on is told that nobody will read it.
  void leave_peer() {
    const auto peer = peer_.lock();
    if (!peer) return;
    if (peer->protocol_paused_) return peer->lose(make_os_error(ECONNRESET));
    peer->receive_eof();
  }
  void lose(std::exception_ptr error) {
    if (closing_) return;
    closing_ = true;
    leave_peer();
    if (loop_->is_closed()) return;
    // The protocol refers to the reader, and that to this.
    loop_->call_soon([self = shared_from_this(), error = std::move(error)] {
      if (const auto protocol = std::exchange(self->protocol_, nullptr)) protocol->connection_lost(error);
    });
  }

  modern::EventLoopRef loop_;
  std::shared_ptr<Protocol> protocol_;
  std::weak_ptr<MemoryTransport> peer_;
  std::string inbox_;
  WriteBufferLimits limits_ = modern::make_write_buffer_limits(std::nullopt, std::nullopt);
  const std::optional<modern::Address> no_address_;
  bool scheduled_ = false;
  bool paused_ = false;
  bool protocol_paused_ = false;
  bool eof_written_ = false;
  bool eof_received_ = false;
  bool eof_told_ = false;
  bool closing_ = false;
};

}  // namespace

std::pair<modern::StreamPair, modern::StreamPair> MemoryStreamsFunction::operator()(std::size_t limit) const {
  EventLoop& loop = modern::get_running_loop();
  const auto one = std::make_shared<MemoryTransport>(loop);
  const auto other = std::make_shared<MemoryTransport>(loop);
  const auto over = [limit](const std::shared_ptr<MemoryTransport>& transport) {
    const auto connect = [&](std::shared_ptr<Protocol> protocol) {
      transport->set_protocol(std::move(protocol));
      return transport;
    };
    return modern::streams_over(connect, limit);
  };
  std::pair<modern::StreamPair, modern::StreamPair> ends(over(one), over(other));
  MemoryTransport::connect(one, other);
  return ends;
}

}  // namespace segue::testing
