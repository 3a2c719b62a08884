// Where modern writes what no caller can be told: an exception that nobody retrieved, a pipe that nobody reads any
// more. asyncio has a logger for that; here it is one function, so that no program has to take a logging library along.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace segue::modern {

/// The levels of Python's `logging`, with their numbers.
enum class LogLevel { debug = 10, info = 20, warning = 30, error = 40, critical = 50 };

/// Is called in the thread in which there is something to say. What it throws is dropped, and the message is printed as
/// without a handler.
using LogHandler = std::function<void(LogLevel, const std::string& message)>;

/// Installs `handler` for the whole process and gives the one before. An empty one stands for the default, which prints
/// as `logging.lastResort` does: warnings and what is worse, the bare message, to standard error. May be called in any
/// thread; the handler may be called in several at once. Throws std::bad_alloc.
///
///   set_log_handler([](LogLevel level, const std::string& message) { … });
///
/// <segue/bridge/spdlog.hpp> has one for spdlog.
LogHandler set_log_handler(LogHandler handler);

/// Hands a message to the handler; prints it where there is no memory for that.
void log(LogLevel level, std::string_view message) noexcept;

}  // namespace segue::modern
