// Trace: what happened, in order, a line an event, to be compared with what was to happen.
//
//   Trace trace;
//   trace("got", 7);
//   trace("fails:", std::current_exception());
//   EXPECT_EQ(trace.str(), "got 7 | fails: ValueError(bad)");
#pragma once

#include <concepts>
#include <exception>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <segue/exception_ptr.hpp>

namespace segue::testing {

class Trace {
 public:
  Trace() = default;
  Trace(const Trace&) = delete;  // whoever writes to it refers to it
  Trace& operator=(const Trace&) = delete;

  /// Adds a line: the parts, with a space between them. What can be written to a stream is written as there, true and
  /// false as words; an empty optional as None; an exception as its class with its text in parentheses.
  template <class... Parts>
  void operator()(const Parts&... parts) {
    std::ostringstream line;
    line << std::boolalpha;
    const char* separator = "";
    ((line << std::exchange(separator, " "), write(line, parts)), ...);
    lines_.push_back(std::move(line).str());
  }

  const std::vector<std::string>& lines() const noexcept { return lines_; }
  /// All lines, in one.
  std::string str(const std::string& separator = " | ") const {
    std::string text;
    for (const std::string& line : lines_) text += (text.empty() ? "" : separator) + line;
    return text;
  }
  void clear() noexcept { lines_.clear(); }

 private:
  static void write(std::ostream& line, const std::exception_ptr& error) {
    if (!error) {
      line << "None";
      return;
    }
    const ExceptionText text = describe(error);
    line << text.type << '(' << text.message << ')';
  }
  template <class T>
  static void write(std::ostream& line, const std::optional<T>& value) {
    if (value) {
      write(line, *value);
    } else {
      line << "None";
    }
  }
  template <class T>
    requires requires(std::ostream& out, const T& value) { out << value; }
  static void write(std::ostream& line, const T& value) {
    line << value;
  }

  std::vector<std::string> lines_;
};

}  // namespace segue::testing
