// modern's log in spdlog, for programs that have it: call log_to_spdlog() once, before the loop runs.
//
// What Python's asyncio writes to the logger "asyncio" goes to spdlog's logger of that name. A program that registers
// one of its own decides on sinks, levels and format.
#pragma once

#include <memory>
#include <string>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <segue/modern/kernel/log.hpp>

namespace segue::bridge {

/// The logger "asyncio", as it is registered by then; one that writes to standard error where there is none yet.
inline std::shared_ptr<spdlog::logger> asyncio_logger() {
  if (auto registered = spdlog::get("asyncio")) return registered;
  return spdlog::stderr_logger_mt("asyncio");
}

/// spdlog's name for a level of Python's.
constexpr spdlog::level::level_enum to_spdlog(modern::LogLevel level) noexcept {
  switch (level) {
    case modern::LogLevel::debug: return spdlog::level::debug;
    case modern::LogLevel::info: return spdlog::level::info;
    case modern::LogLevel::warning: return spdlog::level::warn;
    case modern::LogLevel::error: return spdlog::level::err;
    case modern::LogLevel::critical: return spdlog::level::critical;
  }
  return spdlog::level::err;
}

/// Sends modern's log to asyncio_logger(), which is looked up for each message. Gives the handler that was there
/// before.
inline modern::LogHandler log_to_spdlog() {
  return modern::set_log_handler([](modern::LogLevel level, const std::string& message) {
    asyncio_logger()->log(to_spdlog(level), spdlog::string_view_t(message));
  });
}

}  // namespace segue::bridge
