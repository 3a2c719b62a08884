#include "loop/log.hpp"

#include <cstdio>
#include <memory>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace segue::modern {

namespace {

// An application that registers its own logger of this name gets what is logged here.
std::shared_ptr<spdlog::logger> logger() {
  if (auto registered = spdlog::get("asyncio")) return registered;
  return spdlog::stderr_logger_mt("asyncio");
}

}  // namespace

void log_error(const ExceptionContext& context) noexcept {
  try {
    logger()->error("{}", to_string(context));
  } catch (...) {
    std::fprintf(stderr, "segue: cannot log: %s\n", context.message.c_str());
  }
}

void log_warning(const std::string& message) noexcept {
  try {
    logger()->warn("{}", message);
  } catch (...) {
    std::fprintf(stderr, "segue: cannot log: %s\n", message.c_str());
  }
}

}  // namespace segue::modern
