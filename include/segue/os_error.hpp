// OSError and the classes that Python has for the errors of the operating system (PEP 3151).
//
// Where a system call has failed, throw_os_error(errno) throws the class that fits the number, and make_os_error(errno)
// gives it as a value.
#pragma once

#include <cerrno>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <segue/exceptions.hpp>

namespace segue {

/// Python's OSError: an error of the operating system, by its `errno`, its text and, where one was involved, a file:
/// `[Errno 2] No such file or directory: 'notes.txt'`. Where the number is at hand, throw_os_error() throws the class
/// that fits it.
class OSError : public Exception {
 public:
  using Exception::Exception;
  OSError(int code, std::string text, std::optional<std::string> filename = std::nullopt)
      : Exception("[Errno " + std::to_string(code) + "] " + text +
                  (filename ? ": " + segue_detail::quoted(*filename) : "")),
        code_(code),
        details_(std::make_shared<const Details>(Details{std::move(text), std::move(filename).value_or("")})) {}

  std::string args_repr() const override {
    return details_ ? std::to_string(code_) + ", " + segue_detail::quoted(details_->text) : Exception::args_repr();
  }
  /// Python's `e.errno`; 0 where the error came with a text alone.
  int errno_code() const noexcept { return code_; }
  /// The text without number and file.
  std::string strerror() const { return details_ ? details_->text : what(); }
  /// The file; empty where none was involved.
  std::string filename() const { return details_ ? details_->filename : std::string(); }

 private:
  struct Details {
    std::string text;
    std::string filename;
  };
  int code_ = 0;
  std::shared_ptr<const Details> details_;
};

class BlockingIOError : public OSError {
 public:
  using OSError::OSError;
};

class ChildProcessError : public OSError {
 public:
  using OSError::OSError;
};

class FileExistsError : public OSError {
 public:
  using OSError::OSError;
};

class FileNotFoundError : public OSError {
 public:
  using OSError::OSError;
};

class InterruptedError : public OSError {
 public:
  using OSError::OSError;
};

class IsADirectoryError : public OSError {
 public:
  using OSError::OSError;
};

class NotADirectoryError : public OSError {
 public:
  using OSError::OSError;
};

class PermissionError : public OSError {
 public:
  using OSError::OSError;
};

class ProcessLookupError : public OSError {
 public:
  using OSError::OSError;
};

class TimeoutError : public OSError {
 public:
  using OSError::OSError;
};

/// The root of what goes wrong with a connection.
class ConnectionError : public OSError {
 public:
  using OSError::OSError;
};

class BrokenPipeError : public ConnectionError {
 public:
  using ConnectionError::ConnectionError;
};

class ConnectionAbortedError : public ConnectionError {
 public:
  using ConnectionError::ConnectionError;
};

class ConnectionRefusedError : public ConnectionError {
 public:
  using ConnectionError::ConnectionError;
};

class ConnectionResetError : public ConnectionError {
 public:
  using ConnectionError::ConnectionError;
};

namespace segue_detail {

template <class Error>
std::exception_ptr make_error(int code, std::string& text, std::optional<std::string>& filename) {
  return std::make_exception_ptr(Error(code, std::move(text), std::move(filename)));
}

}  // namespace segue_detail

/// The OSError of `code` as a value: of the class that Python has for it, FileNotFoundError for ENOENT.
inline std::exception_ptr make_os_error(int code, std::string text,
                                        std::optional<std::string> filename = std::nullopt) {
  switch (code) {
    case EAGAIN:
    case EALREADY:
    case EINPROGRESS: return segue_detail::make_error<BlockingIOError>(code, text, filename);
    case ECHILD: return segue_detail::make_error<ChildProcessError>(code, text, filename);
    case EEXIST: return segue_detail::make_error<FileExistsError>(code, text, filename);
    case ENOENT: return segue_detail::make_error<FileNotFoundError>(code, text, filename);
    case EINTR: return segue_detail::make_error<InterruptedError>(code, text, filename);
    case EISDIR: return segue_detail::make_error<IsADirectoryError>(code, text, filename);
    case ENOTDIR: return segue_detail::make_error<NotADirectoryError>(code, text, filename);
    case EACCES:
    case EPERM: return segue_detail::make_error<PermissionError>(code, text, filename);
    case ESRCH: return segue_detail::make_error<ProcessLookupError>(code, text, filename);
    case ETIMEDOUT: return segue_detail::make_error<TimeoutError>(code, text, filename);
    case EPIPE:
    case ESHUTDOWN: return segue_detail::make_error<BrokenPipeError>(code, text, filename);
    case ECONNABORTED: return segue_detail::make_error<ConnectionAbortedError>(code, text, filename);
    case ECONNREFUSED: return segue_detail::make_error<ConnectionRefusedError>(code, text, filename);
    case ECONNRESET: return segue_detail::make_error<ConnectionResetError>(code, text, filename);
    default: return segue_detail::make_error<OSError>(code, text, filename);
  }
}
/// The same with the system's own text.
inline std::exception_ptr make_os_error(int code) { return make_os_error(code, std::generic_category().message(code)); }

/// Throws the OSError of `code`.
[[noreturn]] inline void throw_os_error(int code, std::string text,
                                        std::optional<std::string> filename = std::nullopt) {
  std::rethrow_exception(make_os_error(code, std::move(text), std::move(filename)));
}
[[noreturn]] inline void throw_os_error(int code) { std::rethrow_exception(make_os_error(code)); }

}  // namespace segue
