// Runs random programs of tasks over segue::asyncio, on a virtual clock.
#pragma once

#include "../traces.hpp"
#include "program.hpp"

namespace segue::random::tasks {

Trace interpret(const Program& program);

}  // namespace segue::random::tasks
