#include "streams/stream_protocol.hpp"

#include <utility>

#include <segue/modern/tasks/task.hpp>
#include <segue/os_error.hpp>

#include "streams/stream_reader_state.hpp"

namespace segue::modern::detail {

StreamProtocol::StreamProtocol(EventLoop& loop, StreamReader reader, std::shared_ptr<const ClientConnected> connected)
    : loop_(&loop), reader_(std::move(reader)), connected_(std::move(connected)), closed_(loop.create_future<void>()) {}

void StreamProtocol::connection_made(std::shared_ptr<Transport> transport) {
  reader_.set_transport(transport);
  if (!connected_) return;
  const std::shared_ptr<const ClientConnected> connected = std::exchange(connected_, nullptr);
  StreamWriter writer(std::make_shared<StreamWriterState>(transport, shared_from_this()));
  std::optional<Coroutine<void>> coroutine = (*connected)(reader_, std::move(writer));
  if (!coroutine) return;
  const Task<void> task = loop_->create_task(std::move(*coroutine));
  // Keeps the handler until the coroutine is over, which may use what the handler captured.
  task.add_done_callback([transport = std::move(transport), connected](const Future<void>& done) {
    if (done.cancelled()) return transport->close();
    const std::exception_ptr error = done.exception();
    if (!error) return;
    ExceptionContext context;
    context.message = "Unhandled exception in client_connected_cb";
    context.exception = error;
    done.get_loop().call_exception_handler(context);
    transport->close();
  });
}

ByteBuffer* StreamProtocol::get_buffer() noexcept {
  StreamReaderState& state = *reader_.state();
  return state.eof ? nullptr : &state.buffer_for_next();
}

void StreamProtocol::buffer_updated(std::size_t size) { reader_.state()->added(size); }

bool StreamProtocol::eof_received() {
  reader_.feed_eof();
  return true;
}

void StreamProtocol::connection_lost(std::exception_ptr error) {
  if (error) {
    reader_.set_exception(error);
  } else {
    reader_.feed_eof();
  }
  if (!closed_.done()) {
    if (error) {
      closed_.set_exception(error);
      closed_.state()->mark_retrieved();  // whoever reads or drains hears of it, too
    } else {
      closed_.set_result();
    }
  }
  lost_ = true;
  if (!paused_) return;
  wake_drain_waiters([&error](const Future<void>& waiting) {
    if (error) {
      waiting.set_exception(error);
    } else {
      waiting.set_result();
    }
  });
}

void StreamProtocol::resume_writing() {
  paused_ = false;
  wake_drain_waiters([](const Future<void>& waiting) { waiting.set_result(); });
}

template <class Complete>
void StreamProtocol::wake_drain_waiters(Complete complete) {
  for (DrainWaiter* each = drain_waiters_.front(); each != nullptr; each = drain_waiters_.next(*each))
    if (!each->done.done()) complete(each->done);
}

bool StreamProtocol::writable() const {
  if (lost_) throw ConnectionResetError("Connection lost");
  return !paused_;
}

Coroutine<void> StreamProtocol::drained(std::shared_ptr<StreamProtocol> self) {
  if (self->writable()) co_return;
  DrainWaiter waiter(self->loop_->create_future<void>());
  self->drain_waiters_.push_back(waiter);
  co_await waiter.done;
}

StreamWriterState::~StreamWriterState() {
  if (!transport->is_closing()) transport->close();
}

}  // namespace segue::modern::detail
