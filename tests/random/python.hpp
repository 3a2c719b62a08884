// A random program as a Python script, with the very statements that it is about.
#pragma once

#include <string>

#include "program.hpp"

namespace segue::random {

/// Runs below harness.py's names.
std::string to_python(const Program& program);

}  // namespace segue::random
