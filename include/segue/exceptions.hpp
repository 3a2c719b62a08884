// The roots of the exception hierarchy, shared by every room.
//
// BaseException is the root and is *not* a std::exception: what derives from it alone (GeneratorExit,
// asyncio's CancelledError, KeyboardInterrupt, SystemExit) passes through `catch (const std::exception&)`,
// exactly as Python's pass through `except Exception`. Everything else derives from Exception, which is both.
//
// Like Python's, an exception remembers what was being handled when it was made (`context`), and may name
// what it was made from (`cause`).
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segue/let_go.hpp>

namespace segue {

namespace segue_detail {

/// Python's `repr` of a text: `'two\\nlines'`, `"it's"`.
inline std::string quoted(std::string_view text) {
  const char quote = text.find('\'') != text.npos && text.find('"') == text.npos ? '"' : '\'';
  std::string result(1, quote);
  for (const char each : text) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto code = static_cast<unsigned char>(each);
    if (each == '\n') {
      result += "\\n";
    } else if (each == '\r') {
      result += "\\r";
    } else if (each == '\t') {
      result += "\\t";
    } else if (each == '\\' || each == quote) {
      (result += '\\') += each;
    } else if (code < 0x20 || code == 0x7f) {
      ((result += "\\x") += digits[code >> 4U]) += digits[code & 15U];
    } else {
      result += each;
    }
  }
  return result += quote;
}

}  // namespace segue_detail

/// Python's BaseException: an optional message, a cause (`raise … from cause`) and a context (what was being
/// handled when it was made). Copying never throws: copies share the message.
class BaseException {
 public:
  BaseException() noexcept : context_(std::current_exception()) {}
  explicit BaseException(std::string message)
      : message_(std::make_shared<const std::string>(std::move(message))), context_(std::current_exception()) {}
  BaseException(const BaseException&) noexcept = default;
  BaseException& operator=(const BaseException&) noexcept = default;
  virtual ~BaseException() {
    // A history may be long.
    if (cause_) let_go(std::move(cause_));
    if (context_) let_go(std::move(context_));
  }

  /// The message; empty where there is none (`str(e)`).
  virtual const char* what() const noexcept { return message_ ? message_->c_str() : ""; }
  /// The message, or nothing for an exception made without one (`e.args`).
  std::optional<std::string> message() const { return message_ ? std::optional<std::string>(*message_) : std::nullopt; }

  /// What stands in the parentheses of Python's `repr(e)`: `'bad value: 7'`; nothing for one made without a message,
  /// unless its class has a text of its own.
  virtual std::string args_repr() const {
    const std::string text = what();
    return message_ || !text.empty() ? segue_detail::quoted(text) : std::string();
  }

  /// Python's `__cause__`; null where there is none.
  const std::exception_ptr& cause() const noexcept { return cause_; }
  /// Python's `__context__`; null where there is none.
  const std::exception_ptr& context() const noexcept { return context_; }
  /// Python's `__suppress_context__`: the context is not shown, for a cause was given, or None in its place.
  bool suppress_context() const noexcept { return suppress_context_; }
  /// Suppresses the context, too, as an assignment to `__cause__` does.
  void set_cause(std::exception_ptr cause) noexcept {
    cause_ = std::move(cause);
    suppress_context_ = true;
  }
  void set_context(std::exception_ptr context) noexcept { context_ = std::move(context); }
  void set_suppress_context(bool suppress) noexcept { suppress_context_ = suppress; }

  /// Of a group of exceptions (PEP 654), these; null of any other exception.
  virtual const std::vector<std::exception_ptr>* grouped() const noexcept { return nullptr; }

  /// What was added to it on its way: format_exception() shows it below the message (PEP 678).
  void add_note(std::string note) {
    auto all = notes_ ? std::make_shared<Notes>(*notes_) : std::make_shared<Notes>();
    all->push_back(std::move(note));
    notes_ = std::move(all);
  }
  /// Python's `__notes__`.
  std::vector<std::string> notes() const { return notes_ ? *notes_ : Notes(); }
  void set_notes_of(const BaseException& other) noexcept { notes_ = other.notes_; }

 private:
  using Notes = std::vector<std::string>;

  std::shared_ptr<const std::string> message_;
  std::shared_ptr<const Notes> notes_;  // shared, so that copying never throws
  std::exception_ptr cause_;
  std::exception_ptr context_;
  bool suppress_context_ = false;
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
  std::string args_repr() const override { return std::to_string(code_); }

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

/// The part of StopIteration that does not depend on the value's type: catch this to catch them all.
class StopIterationBase : public Exception {
 public:
  using Exception::Exception;
};

namespace segue_detail {

/// A number as text, without an allocation; empty for what is no number.
template <class T>
class NumberText {
 public:
  explicit NumberText(const T& /*value*/) noexcept {}
  const char* get() const noexcept { return ""; }
};
template <class T>
  requires(std::is_floating_point_v<T> || (std::is_integral_v<T> && !std::is_same_v<T, char> && sizeof(T) <= 8))
class NumberText<T> {
 public:
  explicit NumberText(T value) noexcept {
    if constexpr (std::is_same_v<T, bool>) {
      std::string_view(value ? "True" : "False").copy(text_.data(), text_.size());
    } else if constexpr (std::is_floating_point_v<T>) {
      char* const end = write(value);
      if (std::string_view(text_.data(), end).find_first_not_of("-0123456789") == std::string_view::npos)
        std::string_view(".0").copy(end, 2);
    } else if constexpr (std::is_signed_v<T>) {
      write(static_cast<long long>(value));
    } else {
      write(static_cast<unsigned long long>(value));
    }
  }
  const char* get() const noexcept { return text_.data(); }

 private:
  template <class Number>
  char* write(Number number) noexcept {
    return std::to_chars(text_.data(), text_.data() + text_.size() - 3, number).ptr;
  }

  std::array<char, 48> text_{};  // of any number, in its shortest form
};

}  // namespace segue_detail

/// The end of an iteration; `value` is what the generator or coroutine returned (PEP 380). what() is the value where
/// that is a text or a number.
template <class T = void>
class StopIteration : public StopIterationBase {
  static_assert(std::is_void_v<T> || std::is_object_v<T>);

 public:
  explicit StopIteration(T value_of_return)
    requires(!std::is_void_v<T>)
      : value(std::move(value_of_return)), number_(value) {}
  const char* what() const noexcept override {
    if constexpr (std::is_same_v<T, std::string>) {
      return value.c_str();
    } else {
      return number_.get();
    }
  }
  std::string args_repr() const override {
    if constexpr (std::is_same_v<T, std::string>) {
      return segue_detail::quoted(value);
    } else {
      return number_.get();
    }
  }
  T value;

 private:
  [[no_unique_address]] segue_detail::NumberText<T> number_;
};
/// A text is a std::string, as what a generator returns is: `throw StopIteration("done")`.
StopIteration(const char*) -> StopIteration<std::string>;

template <>
class StopIteration<void> : public StopIterationBase {
 public:
  using StopIterationBase::StopIterationBase;
};

/// `raise error from cause`, as a value: `throw from(RuntimeError("…"), std::current_exception())`. `raise error from
/// None` is `throw from(RuntimeError("…"), nullptr)`.
template <std::derived_from<BaseException> Error>
Error from(Error error, std::exception_ptr cause) noexcept {
  error.set_cause(std::move(cause));
  return error;
}

}  // namespace segue
