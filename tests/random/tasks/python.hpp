// A random program of tasks as a Python script.
#pragma once

#include <string>

#include "program.hpp"

namespace segue::random::tasks {

/// Runs below harness.py's names.
std::string to_python(const Program& program);

}  // namespace segue::random::tasks
