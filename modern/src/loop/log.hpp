// The "asyncio" logger, in one place: what nobody handles ends here.
#pragma once

#include <string>

#include <segue/modern/loop/event_loop.hpp>

namespace segue::modern {

void log_error(const ExceptionContext& context) noexcept;
void log_warning(const std::string& message) noexcept;

}  // namespace segue::modern
