// What StreamReader's methods give: reads that begin when they are awaited, as coroutines do. What is buffered already
// is taken without a suspension, and without an allocation but the string's own; else a coroutine waits for more.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/kernel/exceptions.hpp>

namespace segue::modern {

namespace detail {

class StreamReaderState;

/// The base of all of them. It must not be moved while it is awaited.
class StreamRead {
 public:
  StreamRead(StreamRead&&) noexcept = default;
  StreamRead& operator=(StreamRead&&) = delete;

  bool await_ready();
  std::coroutine_handle<> await_suspend(Resumable delegator);
  std::string await_resume();

 protected:
  /// `name` is the method's, for messages.
  StreamRead(std::shared_ptr<StreamReaderState> stream, const char* name) noexcept
      : stream_(std::move(stream)), name_(name) {}
  ~StreamRead() = default;

  /// Puts what is wanted into `chunk_` where it has come; false where more data have to come first. `woken` after a
  /// wait, which ends when there are data, the end or an error.
  virtual bool attempt(bool woken) = 0;
  StreamReaderState& stream() const noexcept { return *stream_; }

  std::string chunk_;

 private:
  static Coroutine<void> wait(StreamRead& read);

  std::shared_ptr<StreamReaderState> stream_;  // until it was awaited
  const char* name_;
  std::optional<CoroutineAwaiter<OwnedCoroutine<Coroutine<void>>>> wait_;
};

}  // namespace detail

/// StreamReader::read().
class [[nodiscard("co_await it")]] Read final : public detail::StreamRead {
 public:
  Read(std::shared_ptr<detail::StreamReaderState> stream, std::int64_t count) noexcept
      : StreamRead(std::move(stream), "read"), count_(count) {}

 private:
  bool attempt(bool woken) override;
  std::int64_t count_;
};

/// StreamReader::readexactly().
class [[nodiscard("co_await it")]] ReadExactly final : public detail::StreamRead {
 public:
  ReadExactly(std::shared_ptr<detail::StreamReaderState> stream, std::int64_t count) noexcept
      : StreamRead(std::move(stream), "readexactly"), count_(count) {}

 private:
  bool attempt(bool woken) override;
  std::int64_t count_;
};

/// StreamReader::readuntil().
class [[nodiscard("co_await it")]] ReadUntil final : public detail::StreamRead {
 public:
  ReadUntil(std::shared_ptr<detail::StreamReaderState> stream, std::string separator)
      : StreamRead(std::move(stream), "readuntil"), only_(std::move(separator)) {}
  ReadUntil(std::shared_ptr<detail::StreamReaderState> stream, std::vector<std::string> separators)
      : StreamRead(std::move(stream), "readuntil"), several_(std::move(separators)) {}

 private:
  bool attempt(bool woken) override;
  std::string only_;
  std::optional<std::vector<std::string>> several_;
  std::size_t searched_ = 0;
};

/// StreamReader::readline().
class [[nodiscard("co_await it")]] ReadLine : public detail::StreamRead {
 public:
  explicit ReadLine(std::shared_ptr<detail::StreamReaderState> stream) noexcept
      : StreamRead(std::move(stream), "readuntil") {}

 private:
  bool attempt(bool woken) override;
  std::size_t searched_ = 0;
};

/// StreamReader::anext().
class [[nodiscard("co_await it")]] ReadNextLine final : public ReadLine {
 public:
  using ReadLine::ReadLine;
  std::string await_resume() {
    std::string line = ReadLine::await_resume();
    if (line.empty()) throw StopAsyncIteration();
    return line;
  }
};

/// StreamReader::next_or_none().
class [[nodiscard("co_await it")]] ReadNextLineOrNone final : public ReadLine {
 public:
  using ReadLine::ReadLine;
  std::optional<std::string> await_resume() {
    std::string line = ReadLine::await_resume();
    if (line.empty()) return std::nullopt;
    return line;
  }
};

}  // namespace segue::modern
