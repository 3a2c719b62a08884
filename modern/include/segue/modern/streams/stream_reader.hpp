// StreamReader: the receiving half of a stream, or any bytes that are fed to it (CPython: asyncio/streams.py).
//
//   for (auto line = co_await reader.readline(); !line.empty(); line = co_await reader.readline()) …
//
// One coroutine reads at a time: another one meanwhile gets RuntimeError("read() called while another coroutine is
// already waiting for incoming data"). A cancelled read has taken nothing, but for read(-1), which loses what it has
// taken. A read of what is buffered does not suspend.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/net/network_options.hpp>
#include <segue/modern/net/transports.hpp>
#include <segue/modern/streams/stream_reads.hpp>

namespace segue::modern {

namespace detail {
class StreamProtocol;
}

/// A stream ended before what was asked for had come; `partial` is what had.
class IncompleteReadError : public EOFError {
 public:
  IncompleteReadError(std::string partial_bytes, std::optional<std::size_t> expected_bytes)
      : EOFError(std::to_string(partial_bytes.size()) + " bytes read on a total of " +
                 (expected_bytes ? std::to_string(*expected_bytes) : "undefined") + " expected bytes"),
        partial(std::move(partial_bytes)),
        expected(expected_bytes) {}
  std::string partial;
  std::optional<std::size_t> expected;
};

/// The stream's buffer limit was reached while looking for a separator; the data stay in the buffer.
class LimitOverrunError : public Exception {
 public:
  LimitOverrunError(std::string message, std::size_t consumed_bytes)
      : Exception(std::move(message)), consumed(consumed_bytes) {}
  std::size_t consumed;
};

/// A handle; copies share the stream.
///
/// `limit` is the longest line, without its separator, and half of what is buffered: above twice the limit the
/// transport is paused, and it is resumed at the limit.
///
/// Where the stream has ended with an error, every read throws it, even with data left.
class StreamReader : public HandleOf<StreamReader, std::shared_ptr<detail::StreamReaderState>> {
 public:
  /// Of the running loop. ValueError("Limit cannot be <= 0").
  explicit StreamReader(std::size_t limit = default_stream_limit);
  StreamReader(EventLoop& loop, std::size_t limit);

  /// What there is, `count` bytes at most, as soon as there is a byte; all until the end where `count` is negative.
  /// Empty at the end.
  Read read(std::int64_t count = -1) const;
  /// A line with its newline, which the last line may lack; empty at the end. ValueError where it is longer than the
  /// limit; it is dropped then (and where no newline has come yet, all that is buffered).
  ReadLine readline() const;
  /// Exactly `count` bytes, whatever the limit. IncompleteReadError, with what there was, where the stream ends before.
  ReadExactly readexactly(std::int64_t count) const;
  /// All up to the separator, and the separator. IncompleteReadError, with what there was, where the stream ends
  /// before; LimitOverrunError where there would be more than the limit, and the data stay.
  ReadUntil readuntil(std::string separator = "\n") const;
  /// The same up to whichever separator ends first.
  ReadUntil readuntil(std::vector<std::string> separators) const;
  ReadUntil readuntil(std::initializer_list<std::string_view> separators) const;
  /// The same as arguments, for g++ 12 compiles no braces in a co_await expression: readuntil(";", "\n").
  template <std::convertible_to<std::string>... More>
    requires(sizeof...(More) > 0)
  ReadUntil readuntil(std::string separator, More&&... more) const {
    std::vector<std::string> separators;
    separators.reserve(1 + sizeof...(More));
    separators.push_back(std::move(separator));
    (separators.emplace_back(std::forward<More>(more)), ...);
    return readuntil(std::move(separators));
  }
  /// The next line; StopAsyncIteration at the end. `co_await async_for(reader, body)` is Python's `async for`.
  ReadNextLine anext() const;
  /// The same; nothing at the end.
  ReadNextLineOrNone next_or_none() const;
  /// Whether the end has come and all is read.
  bool at_eof() const;

  // --- the other end ---

  void feed_data(std::string_view data) const;
  void feed_eof() const;
  /// Ends the stream with an error, which whoever waits gets at once.
  void set_exception(std::exception_ptr error) const;
  template <class Error>
    requires(!std::convertible_to<Error, std::exception_ptr>)
  void set_exception(Error&& error) const {
    set_exception(segue_detail::whole_exception("set_exception", std::forward<Error>(error)));
  }
  /// The error; null where there is none.
  std::exception_ptr exception() const;
  /// What to pause where too much comes.
  void set_transport(std::shared_ptr<ReadTransport> transport) const;

 private:
  friend class detail::StreamProtocol;  // by which a transport receives into the buffer
};

}  // namespace segue::modern
