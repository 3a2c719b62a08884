// asyncio's exceptions (CPython: asyncio/exceptions.py, asyncio/queues.py, builtins).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include <segue/exceptions.hpp>

namespace segue::modern {

/// The task or future was cancelled. Not an Exception: `catch (const std::exception&)` never swallows it.
class CancelledError : public BaseException {
 public:
  using BaseException::BaseException;
  explicit CancelledError(const char* message) : BaseException(message) {}
  explicit CancelledError(const std::optional<std::string>& message)
      : BaseException(message ? BaseException(*message) : BaseException()) {}
};

/// The operation is not allowed in this state of the future.
class InvalidStateError : public Exception {
 public:
  using Exception::Exception;
};

/// The end of an asynchronous iteration (PEP 492).
class StopAsyncIteration : public Exception {
 public:
  using Exception::Exception;
};

class QueueEmpty : public Exception {
 public:
  using Exception::Exception;
};

class QueueFull : public Exception {
 public:
  using Exception::Exception;
};

/// The queue takes no more items, or has none left to give.
class QueueShutDown : public Exception {
 public:
  using Exception::Exception;
};

/// The barrier was reset or aborted while somebody waited, or is broken.
class BrokenBarrierError : public RuntimeError {
 public:
  using RuntimeError::RuntimeError;
};

/// A name or a service could not be resolved (CPython: socket.gaierror); the code is getaddrinfo()'s.
class gaierror : public OSError {
 public:
  using OSError::OSError;
};

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

}  // namespace segue::modern
