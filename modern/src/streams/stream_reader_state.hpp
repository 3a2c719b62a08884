// What the handles of a stream's reader share: its buffer, its end, and who waits.
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/net/transports.hpp>
#include <segue/modern/tasks/future.hpp>

#include "net/byte_buffer.hpp"

namespace segue::modern::detail {

class StreamReaderState {
 public:
  StreamReaderState(EventLoop& on, std::size_t longest) : loop(&on), limit(longest) {
    if (limit == 0) throw ValueError("Limit cannot be <= 0");
  }

  std::size_t size() const noexcept { return buffer.size(); }
  std::string_view data() const noexcept { return buffer.data(); }

  /// The first `count` bytes, which there are.
  std::string take(std::size_t count) {
    std::string front(data().substr(0, count));
    buffer.drop(count);
    return front;
  }
  std::string take_all() { return take(size()); }

  /// The buffer, with room for as much as came last time, unless that was so little that it is as well copied.
  ByteBuffer& buffer_for_next() noexcept {
    constexpr std::size_t worth_room = 4096;
    try {
      if (size() == 0 && came_last >= worth_room) buffer.reserve(came_last);
    } catch (const std::bad_alloc&) {  // then without room
    }
    return buffer;
  }
  /// `count` bytes were added to the buffer.
  void added(std::size_t count) {
    came_last = count;
    wake([](const Future<void>& waiting) { waiting.set_result(); });
    if (transport && !paused && size() > 2 * limit) {
      paused = true;
      transport->pause_reading();
    }
  }

  void check_exception() const {
    if (error) std::rethrow_exception(error);
  }
  void resume_transport_if_drained() {
    if (!paused || size() > limit) return;
    paused = false;
    transport->resume_reading();
  }
  template <class Complete>
  void wake(Complete complete) {
    if (!waiter) return;
    const Future<void> waiting = std::exchange(waiter, Future<void>());
    if (!waiting.done()) complete(waiting);
  }

  Ref<EventLoop> loop;
  std::size_t limit;
  ByteBuffer buffer;
  std::size_t came_last = 0;
  bool eof = false;
  bool paused = false;  // the transport, by this reader
  std::exception_ptr error;
  Future<void> waiter;  // empty while nobody waits
  std::shared_ptr<ReadTransport> transport;
};

}  // namespace segue::modern::detail
