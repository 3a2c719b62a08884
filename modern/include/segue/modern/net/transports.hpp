// Transports: the loop's end of a connection, which a protocol or a stream writes to (CPython: asyncio/transports.py).
//
// A transport never waits: write() sends what the system takes at once, and buffers the rest. Where that grows past the
// high-water mark, the protocol is told to pause, and to resume when it has shrunk to the low one.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <segue/modern/net/address.hpp>

namespace segue::modern {

class Protocol;

/// What a StreamReader needs of its transport: to stop the data when it has enough of them.
class ReadTransport {
 public:
  virtual ~ReadTransport() = default;
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;
};

struct WriteBufferLimits {
  std::size_t low;
  std::size_t high;
  friend bool operator==(const WriteBufferLimits&, const WriteBufferLimits&) = default;
};

/// A limit that is not given follows from the other, low being a quarter of high; without either, high is 64 KiB.
/// ValueError where low is above high.
WriteBufferLimits make_write_buffer_limits(std::optional<std::size_t> high, std::optional<std::size_t> low);

/// A connection. Shared by whoever uses it; dropped by all of them while it is paused, it is closed.
class Transport : public ReadTransport {
 public:
  /// Whether data are being received: neither paused nor closing.
  virtual bool is_reading() const noexcept = 0;

  /// Sends `data`, now or as soon as may be, in order. Copies what it has to keep. RuntimeError("Cannot call write()
  /// after write_eof()"). std::bad_alloc where none of it could be taken; where a part has been sent by then, the
  /// connection is lost. What is written after the connection was lost is dropped; and so is what
  /// is written after close(), unless earlier data are still to be sent: it follows them then, as in CPython.
  virtual void write(std::string_view data) = 0;
  virtual void writelines(const std::vector<std::string>& lines) = 0;
  /// Closes the sending half, after what is buffered.
  virtual void write_eof() = 0;
  virtual bool can_write_eof() const noexcept = 0;

  virtual std::size_t get_write_buffer_size() const noexcept = 0;
  virtual WriteBufferLimits get_write_buffer_limits() const noexcept = 0;
  /// As make_write_buffer_limits() says.
  virtual void set_write_buffer_limits(std::optional<std::size_t> high = std::nullopt,
                                       std::optional<std::size_t> low = std::nullopt) = 0;

  /// Receives no more, sends what is buffered, then closes. The protocol's connection_lost() comes in a later
  /// iteration.
  virtual void close() = 0;
  /// Closes without sending what is buffered.
  virtual void abort() = 0;
  virtual bool is_closing() const noexcept = 0;

  /// CPython: get_extra_info("peername") and ("sockname"); nothing where there is none, or the connection had gone when
  /// the transport was made.
  virtual const std::optional<Address>& peername() const noexcept = 0;
  virtual const std::optional<Address>& sockname() const noexcept = 0;
  /// The socket, which stays the transport's; -1 once it is closed.
  virtual int fileno() const noexcept = 0;

  /// Who hears of it from now on. TypeError for a null pointer.
  virtual void set_protocol(std::shared_ptr<Protocol> protocol) = 0;
  virtual const std::shared_ptr<Protocol>& get_protocol() const noexcept = 0;
};

}  // namespace segue::modern
