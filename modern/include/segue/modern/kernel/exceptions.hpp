// The exceptions of futures and coroutines themselves (CPython: asyncio/exceptions.py, builtins). Those of a queue, a
// barrier or a stream are declared with it.
#pragma once

#include <optional>
#include <string>

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

}  // namespace segue::modern
