#include <segue/modern/kernel/log.hpp>

#include <cstdio>
#include <utility>

#include <segue/hook.hpp>

namespace segue::modern {

namespace {

constinit Hook<void(LogLevel, const std::string&)> installed;

void print(LogLevel level, std::string_view message) noexcept {
  if (level < LogLevel::warning) return;
  std::fprintf(stderr, "%.*s\n", static_cast<int>(message.size()), message.data());
}

}  // namespace

LogHandler set_log_handler(LogHandler handler) { return installed.exchange(std::move(handler)); }

void log(LogLevel level, std::string_view message) noexcept {
  try {
    if (installed.call(level, std::string(message))) return;
  } catch (...) {
    // The message is printed below.
  }
  print(level, message);
}

}  // namespace segue::modern
