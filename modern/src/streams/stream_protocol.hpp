// Between a transport and a stream's two halves: feeds the reader, and lets the writer's drain() and wait_closed() wait
// (CPython: asyncio/streams.py, StreamReaderProtocol).
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/list.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/net/protocols.hpp>
#include <segue/modern/net/transports.hpp>
#include <segue/modern/streams/stream_reader.hpp>
#include <segue/modern/streams/stream_writer.hpp>
#include <segue/modern/streams/streams.hpp>
#include <segue/modern/tasks/future.hpp>

#include "net/buffering_protocol.hpp"

namespace segue::modern::detail {

class StreamProtocol final : public BufferingProtocol, public std::enable_shared_from_this<StreamProtocol> {
 public:
  /// `connected` is empty for a client's end.
  StreamProtocol(EventLoop& loop, StreamReader reader, std::shared_ptr<const ClientConnected> connected);

  void connection_made(std::shared_ptr<Transport> transport) override;
  void data_received(std::string_view data) override { reader_.feed_data(data); }
  ByteBuffer* get_buffer() noexcept override;
  void buffer_updated(std::size_t size) override;
  bool eof_received() override;
  void connection_lost(std::exception_ptr error) override;
  void pause_writing() override { paused_ = true; }
  void resume_writing() override;

  const StreamReader& reader() const noexcept { return reader_; }
  /// Done when the connection is gone, with what it was lost with.
  const Future<void>& closed() const noexcept { return closed_; }
  EventLoop& loop() const noexcept { return *loop_; }
  /// Whether the transport's buffer is not too full. ConnectionResetError where the connection is gone.
  bool writable() const;
  /// Waits until it is writable.
  static Coroutine<void> drained(std::shared_ptr<StreamProtocol> self);

 private:
  /// One who waits in drained(); it lies in the frame that waits.
  struct DrainWaiter : ListLink<> {
    explicit DrainWaiter(Future<void> future) noexcept : done(std::move(future)) {}
    Future<void> done;
  };
  template <class Complete>
  void wake_drain_waiters(Complete complete);

  Ref<EventLoop> loop_;
  StreamReader reader_;
  std::shared_ptr<const ClientConnected> connected_;
  Future<void> closed_;
  List<DrainWaiter> drain_waiters_;
  bool paused_ = false;
  bool lost_ = false;
};

/// What the handles of a writer share.
class StreamWriterState {
 public:
  StreamWriterState(std::shared_ptr<Transport> sends, std::shared_ptr<StreamProtocol> by) noexcept
      : transport(std::move(sends)), protocol(std::move(by)) {}
  StreamWriterState(const StreamWriterState&) = delete;
  StreamWriterState& operator=(const StreamWriterState&) = delete;
  ~StreamWriterState();

  std::shared_ptr<Transport> transport;
  std::shared_ptr<StreamProtocol> protocol;
};

}  // namespace segue::modern::detail
