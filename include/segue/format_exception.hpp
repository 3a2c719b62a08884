// What a report shows of an exception (CPython: traceback.format_exception()): it, and what led to it.
//
//   ValueError: bad value: 7
//
//   During handling of the above exception, another exception occurred:
//
//     | ExceptionGroup: several (2 sub-exceptions)
//     +-+---------------- 1 ----------------
//       | ValueError: first
//       +---------------- 2 ----------------
//       | KeyError: second
//       +------------------------------------
#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>

namespace segue {

/// The exception's class and text, with its notes (CPython: traceback.format_exception_only()).
inline std::string format_exception_only(const std::exception_ptr& error) {
  const ExceptionText shown = describe(error);
  std::string text = shown.type + (shown.message.empty() ? "" : ": " + shown.message);
  if (const auto* const raised = exception_ptr_cast<const BaseException>(error)) {
    for (const std::string& note : raised->notes()) text += "\n" + note;
  }
  return text;
}

namespace segue_detail {

/// The lines of a report, one exception after the other.
class ExceptionReport {
 public:
  /// Adds the exception, below what led to it.
  void add(const std::exception_ptr& error) {
    const std::vector<Link> history = history_of(error);
    for (auto link = history.rbegin(); link != history.rend(); ++link) {
      const auto* const raised = exception_ptr_cast<const BaseException>(*link->error);
      const auto* const grouped = raised != nullptr ? raised->grouped() : nullptr;
      if (grouped == nullptr) {
        add_text(format_exception_only(*link->error));
      } else if (depth_ > deepest) {
        add_line("... (max_group_depth is " + std::to_string(deepest) + ")");
      } else {
        add_group(*link->error, *grouped);
      }
      if (link->joint != nullptr) add_text("\n" + std::string(link->joint) + "\n");
    }
  }
  /// All of them, without the end of the last one.
  std::string text() const { return text_.substr(0, text_.size() - 1); }

 private:
  // What CPython's traceback shows of groups.
  static constexpr int deepest = 10;
  static constexpr std::size_t most_of_a_group = 15;

  struct Link {
    const std::exception_ptr* error;
    const char* joint;  // between it and what it led to
  };
  /// It and what led to it, latest first, each once in all of the report.
  std::vector<Link> history_of(const std::exception_ptr& error) {
    std::vector<Link> history{{&error, nullptr}};
    seen_.insert(exception_id(error));
    const auto shows = [&](const std::exception_ptr& earlier, const char* joint) {
      if (!earlier || !seen_.insert(exception_id(earlier)).second) return false;
      history.push_back({&earlier, joint});
      return true;
    };
    for (bool more = true; more;) {
      const auto* const raised = exception_ptr_cast<const BaseException>(*history.back().error);
      more = raised != nullptr &&
             (shows(raised->cause(), "The above exception was the direct cause of the following exception:") ||
              (!raised->suppress_context() &&
               shows(raised->context(), "During handling of the above exception, another exception occurred:")));
    }
    return history;
  }

  void add_group(const std::exception_ptr& error, const std::vector<std::exception_ptr>& grouped) {
    const bool outermost = depth_ == 0;
    if (outermost) ++depth_;
    add_text(format_exception_only(error));
    const std::size_t shown = std::min(grouped.size(), most_of_a_group);
    for (std::size_t i = 0; i < shown; ++i) add_member(i == 0, std::to_string(i + 1), [&] { add(grouped[i]); });
    if (const std::size_t left = grouped.size() - shown; left > 0) {
      add_member(false, "...",
                 [&] { add_line("and " + std::to_string(left) + " more exception" + (left > 1 ? "s" : "")); });
    }
    if (!ended_by_member_) text_ += std::string(indent() + 2, ' ') + "+------------------------------------\n";
    ended_by_member_ = !outermost;
    if (outermost) depth_ = 0;
  }
  template <class Add>
  void add_member(bool first, const std::string& title, const Add& add_content) {
    text_ += std::string(indent(), ' ') + (first ? "+-" : "  ") + "+---------------- " + title + " ----------------\n";
    ended_by_member_ = false;
    ++depth_;
    add_content();
    --depth_;
  }

  std::size_t indent() const { return 2 * static_cast<std::size_t>(depth_); }
  void add_text(std::string_view text) {
    while (true) {
      const std::size_t end = text.find('\n');
      add_line(text.substr(0, end));
      if (end == std::string_view::npos) return;
      text.remove_prefix(end + 1);
    }
  }
  void add_line(std::string_view line) {
    text_.append(indent(), ' ').append(depth_ > 0 ? "| " : "").append(line) += '\n';
  }

  std::string text_;
  std::unordered_set<const void*> seen_;
  int depth_ = 0;                 // of groups
  bool ended_by_member_ = false;  // the last line is that of a group within the group
};

}  // namespace segue_detail

/// The exception's class and text, with its notes, below those of its cause, or else, where that is not suppressed, of
/// its context, and so on, each once, with Python's words between them. The exceptions of a group stand in a frame.
inline std::string format_exception(const std::exception_ptr& error) {
  segue_detail::ExceptionReport report;
  report.add(error);
  return report.text();
}

}  // namespace segue
