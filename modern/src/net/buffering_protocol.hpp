// A protocol that keeps what arrives in a buffer of its own: the transport receives into that (as CPython's does for a
// BufferedProtocol, but without a limit to what comes at once: what does not fit is appended).
#pragma once

#include <cstddef>

#include <segue/modern/net/protocols.hpp>

#include "net/byte_buffer.hpp"

namespace segue::modern::detail {

class BufferingProtocol : public Protocol {
 public:
  /// Where to add what arrives; null where it must go to data_received().
  virtual ByteBuffer* get_buffer() noexcept = 0;
  /// `size` bytes were added to it.
  virtual void buffer_updated(std::size_t size) = 0;
};

}  // namespace segue::modern::detail
