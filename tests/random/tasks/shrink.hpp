// Smaller programs than one.
#pragma once

#include <vector>

#include "program.hpp"

namespace segue::random::tasks {

/// The large pieces are left out first.
std::vector<Program> smaller(const Program& program);

}  // namespace segue::random::tasks
