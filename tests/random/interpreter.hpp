// Runs random programs over segue::legacy::Generator.
#pragma once

#include "program.hpp"
#include "traces.hpp"

namespace segue::random {

/// `close_returns`: whether close() gives what the body returned, as it does since Python 3.13.
Trace interpret(const Program& program, bool close_returns);

}  // namespace segue::random
