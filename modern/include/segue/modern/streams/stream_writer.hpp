// StreamWriter: the sending half of a stream (CPython: asyncio/streams.py).
//
//   writer.write("hello\n");
//   co_await writer.drain();
#pragma once

#include <coroutine>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/net/address.hpp>
#include <segue/modern/net/transports.hpp>

namespace segue::modern {

namespace detail {
class StreamWriterState;
}

/// StreamWriter::drain(): neither suspends nor allocates where there is nothing to wait for.
class [[nodiscard("co_await it")]] Drain {
 public:
  explicit Drain(std::shared_ptr<detail::StreamWriterState> writer) noexcept : writer_(std::move(writer)) {}
  bool await_ready() const;
  std::coroutine_handle<> await_suspend(Resumable delegator);
  void await_resume() {
    const auto writer = std::move(writer_);
    if (wait_) wait_->await_resume();
  }

 private:
  std::shared_ptr<detail::StreamWriterState> writer_;
  std::optional<detail::CoroutineAwaiter<OwnedCoroutine<Coroutine<void>>>> wait_;
};

/// A handle; copies share the stream. When the last one goes, an open connection is closed, after what is buffered.
class StreamWriter : public HandleOf<StreamWriter, std::shared_ptr<detail::StreamWriterState>> {
 public:
  /// An empty one.
  StreamWriter() noexcept = default;
  explicit StreamWriter(std::shared_ptr<detail::StreamWriterState> state) noexcept;

  /// Sends `data` in the background; drain() is where to wait. RuntimeError("Cannot call write() after write_eof()").
  void write(std::string_view data) const;
  void writelines(const std::vector<std::string>& lines) const;
  /// Waits until the transport's buffer, where it is above its high-water mark, is down at its low one. Throws what the
  /// connection was lost with, or ConnectionResetError("Connection lost").
  Drain drain() const;

  /// Closes the sending half, after what is buffered: the peer's reader meets its end.
  void write_eof() const;
  bool can_write_eof() const;
  /// Closes both halves, after what is buffered. wait_closed() is where to wait.
  void close() const;
  bool is_closing() const;
  /// Waits until the connection is closed; throws what it was lost with.
  Coroutine<void> wait_closed() const;

  /// CPython: get_extra_info("peername") and ("sockname").
  const std::optional<Address>& peername() const;
  const std::optional<Address>& sockname() const;
  const std::shared_ptr<Transport>& transport() const;
};

}  // namespace segue::modern
