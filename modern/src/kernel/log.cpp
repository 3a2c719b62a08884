#include <segue/modern/kernel/log.hpp>

#include <cstdio>
#include <utility>

#include <segue/hook.hpp>

namespace segue::modern {

namespace {

constinit Hook<void(LogLevel, const std::string&)> installed;

void print(LogLevel level, const std::string& message) noexcept {
  if (level < LogLevel::warning) return;
  std::fprintf(stderr, "%s\n", message.c_str());
}

}  // namespace

LogHandler set_log_handler(LogHandler handler) { return installed.exchange(std::move(handler)); }

void log(LogLevel level, const std::string& message) noexcept {
  try {
    if (installed.call(level, message)) return;
  } catch (...) {
    // The message is printed below.
  }
  print(level, message);
}

}  // namespace segue::modern
