// The roots of the exception hierarchy, shared by every room.
//
// BaseException is the root and is *not* a std::exception: what derives from it alone (GeneratorExit,
// asyncio's CancelledError, KeyboardInterrupt, SystemExit) passes through `catch (const std::exception&)`,
// exactly as Python's pass through `except Exception`. Everything else derives from Exception, which is both.
//
// Like Python's, an exception remembers what was being handled when it was made (`context`), and may name
// what it was made from (`cause`).
#pragma once

#include <cxxabi.h>

#include <cerrno>
#include <concepts>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace segue {

/// Python's BaseException: an optional message, a cause (`raise … from cause`) and a context (what was being
/// handled when it was made). Copying never throws: copies share the message.
class BaseException {
 public:
  BaseException() noexcept : context_(std::current_exception()) {}
  explicit BaseException(std::string message)
      : message_(std::make_shared<const std::string>(std::move(message))), context_(std::current_exception()) {}
  BaseException(const BaseException&) noexcept = default;
  BaseException& operator=(const BaseException&) noexcept = default;
  virtual ~BaseException() = default;

  /// The message; empty where there is none (`str(e)`).
  virtual const char* what() const noexcept { return message_ ? message_->c_str() : ""; }
  /// The message, or nothing for an exception made without one (`e.args`).
  std::optional<std::string> message() const { return message_ ? std::optional<std::string>(*message_) : std::nullopt; }

  /// Python's `__cause__`; null where there is none.
  const std::exception_ptr& cause() const noexcept { return cause_; }
  /// Python's `__context__`; null where there is none.
  const std::exception_ptr& context() const noexcept { return context_; }
  void set_cause(std::exception_ptr cause) noexcept { cause_ = std::move(cause); }
  void set_context(std::exception_ptr context) noexcept { context_ = std::move(context); }

 private:
  std::shared_ptr<const std::string> message_;
  std::exception_ptr cause_;
  std::exception_ptr context_;
};

/// Thrown at the suspension point of a generator or coroutine that is closed or destroyed (PEP 342).
class GeneratorExit : public BaseException {
 public:
  using BaseException::BaseException;
};

class KeyboardInterrupt : public BaseException {
 public:
  using BaseException::BaseException;
};

class SystemExit : public BaseException {
 public:
  explicit SystemExit(int code = 0) : BaseException(std::to_string(code)), code_(code) {}
  int code() const noexcept { return code_; }

 private:
  int code_;
};

/// Python's Exception: the root of all that a program is expected to handle.
class Exception : public BaseException, public std::exception {
 public:
  using BaseException::BaseException;
  const char* what() const noexcept override { return BaseException::what(); }
};

class RuntimeError : public Exception {
 public:
  using Exception::Exception;
};

class ValueError : public Exception {
 public:
  using Exception::Exception;
};

class TypeError : public Exception {
 public:
  using Exception::Exception;
};

class AttributeError : public Exception {
 public:
  using Exception::Exception;
};

class LookupError : public Exception {
 public:
  using Exception::Exception;
};

class IndexError : public LookupError {
 public:
  using LookupError::LookupError;
};

class KeyError : public LookupError {
 public:
  using LookupError::LookupError;
};

class ArithmeticError : public Exception {
 public:
  using Exception::Exception;
};

class ZeroDivisionError : public ArithmeticError {
 public:
  using ArithmeticError::ArithmeticError;
};

class EOFError : public Exception {
 public:
  using Exception::Exception;
};

class MemoryError : public Exception {
 public:
  using Exception::Exception;
};

/// Python's OSError: an error of the operating system, by its `errno`, its text and, where one was involved, a file:
/// `[Errno 2] No such file or directory: 'notes.txt'`. Where the number is at hand, throw_os_error() throws the class
/// that fits it.
class OSError : public Exception {
 public:
  using Exception::Exception;
  OSError(int code, std::string text) : OSError(code, std::move(text), {}) {}
  OSError(int code, std::string text, std::string filename)
      : Exception("[Errno " + std::to_string(code) + "] " + text + (filename.empty() ? "" : ": '" + filename + "'")),
        code_(code),
        details_(std::make_shared<const Details>(Details{std::move(text), std::move(filename)})) {}

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

/// Throws the OSError of `code`: the class that Python has for it (PEP 3151), FileNotFoundError for ENOENT.
[[noreturn]] inline void throw_os_error(int code, std::string text, std::string filename = {}) {
  switch (code) {
    case EAGAIN:
    case EALREADY:
    case EINPROGRESS: throw BlockingIOError(code, std::move(text), std::move(filename));
    case ECHILD: throw ChildProcessError(code, std::move(text), std::move(filename));
    case EEXIST: throw FileExistsError(code, std::move(text), std::move(filename));
    case ENOENT: throw FileNotFoundError(code, std::move(text), std::move(filename));
    case EINTR: throw InterruptedError(code, std::move(text), std::move(filename));
    case EISDIR: throw IsADirectoryError(code, std::move(text), std::move(filename));
    case ENOTDIR: throw NotADirectoryError(code, std::move(text), std::move(filename));
    case EACCES:
    case EPERM: throw PermissionError(code, std::move(text), std::move(filename));
    case ESRCH: throw ProcessLookupError(code, std::move(text), std::move(filename));
    case ETIMEDOUT: throw TimeoutError(code, std::move(text), std::move(filename));
    case EPIPE:
    case ESHUTDOWN: throw BrokenPipeError(code, std::move(text), std::move(filename));
    case ECONNABORTED: throw ConnectionAbortedError(code, std::move(text), std::move(filename));
    case ECONNREFUSED: throw ConnectionRefusedError(code, std::move(text), std::move(filename));
    case ECONNRESET: throw ConnectionResetError(code, std::move(text), std::move(filename));
    default: throw OSError(code, std::move(text), std::move(filename));
  }
}
/// The same with the system's own text.
[[noreturn]] inline void throw_os_error(int code) { throw_os_error(code, std::generic_category().message(code)); }

/// The same error as a value.
inline std::exception_ptr make_os_error(int code, std::string text, std::string filename = {}) {
  try {
    throw_os_error(code, std::move(text), std::move(filename));
  } catch (...) {
    return std::current_exception();
  }
}
inline std::exception_ptr make_os_error(int code) { return make_os_error(code, std::generic_category().message(code)); }

/// The part of StopIteration that does not depend on the value's type: catch this to catch them all.
class StopIterationBase : public Exception {
 public:
  using Exception::Exception;
};

/// The end of an iteration; `value` is what the generator or coroutine returned (PEP 380).
template <class T = void>
class StopIteration : public StopIterationBase {
  static_assert(std::is_void_v<T> || std::is_object_v<T>);

 public:
  explicit StopIteration(T value_of_return)
    requires(!std::is_void_v<T>)
      : value(std::move(value_of_return)) {}
  T value;
};

template <>
class StopIteration<void> : public StopIterationBase {
 public:
  using StopIterationBase::StopIterationBase;
};

/// `raise error from cause`, as a value: `throw from(RuntimeError("…"), std::current_exception())`.
template <std::derived_from<BaseException> Error>
Error from(Error error, std::exception_ptr cause) noexcept {
  error.set_cause(std::move(cause));
  return error;
}

namespace detail {

/// Where in a demangled name the part begins that follows the last `::` outside of brackets.
inline std::size_t last_component(std::string_view name) noexcept {
  constexpr std::string_view call = "operator";
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    // The brackets of `operator<` and `operator->` are none.
    if ((i == 0 || name[i - 1] == ':') && name.substr(i).starts_with(call)) {
      i = name.find_first_not_of("<=>-", i + call.size());
      if (i == std::string_view::npos) break;
    }
    switch (name[i]) {
      case '<':
      case '(':
      case '[':
      case '{': ++depth; break;
      case '>':
      case ')':
      case ']':
      case '}': --depth; break;
      case ':':
        if (depth == 0) begin = i + 1;
        break;
      default: break;
    }
  }
  return begin;
}

}  // namespace detail

/// Python's `type(e).__name__`: the class without its namespaces and template arguments; `<lambda>` and `function` for
/// the types of these.
inline std::string type_name(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> demangled(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
  std::string_view name = status == 0 ? demangled.get() : type.name();
  if (name.ends_with(')')) return "function";
  name.remove_prefix(detail::last_component(name));
  if (name.starts_with("{lambda") || name.starts_with("$_")) return "<lambda>";
  return std::string(name.substr(0, name.find('<')));
}

/// The class and the text of any exception, std::exception's or not: `ValueError` and `bad value: 7`.
struct ExceptionText {
  std::string type;
  std::string message;
  /// Python's `repr(e)`: `ValueError('bad value: 7')`.
  std::string repr() const { return type + (message.empty() ? "()" : "('" + message + "')"); }
};

inline ExceptionText describe(const std::exception_ptr& error) {
  if (!error) return {"NoneType", "None"};
  try {
    std::rethrow_exception(error);
  } catch (const BaseException& e) {
    return {type_name(typeid(e)), e.what()};
  } catch (const std::exception& e) {
    return {type_name(typeid(e)), e.what()};
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    return {type != nullptr ? type_name(*type) : "unknown", ""};
  }
}

/// For what throws an exception in: TypeError where there is none.
inline void check_exception(const std::exception_ptr& error) {
  if (!error) throw TypeError("exceptions must be classes or instances deriving from BaseException, not NoneType");
}

/// Whether `error` holds an exception of class `Error` or of one derived from it.
template <class Error>
bool holds(const std::exception_ptr& error) noexcept {
  if (!error) return false;
  try {
    std::rethrow_exception(error);
  } catch (const Error&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace segue
