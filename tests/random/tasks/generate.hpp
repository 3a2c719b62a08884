// Where random programs of tasks come from.
#pragma once

#include <cstdint>

#include "program.hpp"

namespace segue::random::tasks {

/// The same for the same number, on each machine.
Program generate(std::uint64_t seed);

}  // namespace segue::random::tasks
