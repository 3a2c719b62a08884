#include <segue/modern/kernel/exception_context.hpp>

#include <algorithm>

#include <segue/format_exception.hpp>

namespace segue::modern {

std::vector<std::string> ExceptionContext::keys() const {
  std::vector<std::string> keys;
  if (exception) keys.emplace_back("exception");
  if (!future.empty()) keys.emplace_back("future");
  if (!handle.empty()) keys.emplace_back("handle");
  if (!handle_traceback.empty()) keys.emplace_back("handle_traceback");
  if (!message.empty()) keys.emplace_back("message");
  if (!source.empty()) keys.emplace_back("source");
  if (!source_traceback.empty()) keys.emplace_back("source_traceback");
  if (!task.empty()) keys.emplace_back("task");
  for (const auto& [key, value] : more) keys.push_back(key);
  std::ranges::sort(keys);
  return keys;
}

std::string to_string(const ExceptionContext& context) {
  std::string text = context.message.empty() ? "Unhandled exception in event loop" : context.message;
  const auto field = [&text](const char* name, const std::string& value) {
    if (!value.empty()) text.append("\n").append(name).append(": ").append(value);
  };
  field("future", context.future);
  field("handle", context.handle);
  field("task", context.task);
  field("source", context.source);
  const auto traceback = [&field](const char* name, const char* what, const std::string& calls) {
    if (!calls.empty()) field(name, std::string(what) + " created at (most recent call last):\n" + calls);
  };
  traceback("handle_traceback", "Handle", context.handle_traceback);
  traceback("source_traceback", "Object", context.source_traceback);
  for (const auto& [key, value] : context.more) field(key.c_str(), value);
  if (context.exception) text += "\n" + format_exception(context.exception);
  return text;
}

}  // namespace segue::modern
