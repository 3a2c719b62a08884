// Runs random programs over segue::legacy::Generator.
#pragma once

#include <string>
#include <vector>

#include "program.hpp"

namespace segue::random {

using Trace = std::vector<std::string>;

/// `close_returns`: whether close() gives what the body returned, as it does since Python 3.13.
Trace interpret(const Program& program, bool close_returns);

}  // namespace segue::random
