// The traces of many programs at once: from CPython, in one process for all of them, and from segue.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "interpreter.hpp"
#include "program.hpp"

namespace segue::random {

/// How the programs are run in CPython.
struct Python {
  std::string executable;
  std::string harness;
  bool close_returns = true;
};

struct Traces {
  Trace python;
  Trace segue;

  bool agree() const;
};

/// The traces of `programs`, up to the first program that does not agree. A crash or a leak is part of segue's trace.
std::vector<Traces> run(const Python& python, const std::vector<Program>& programs);

}  // namespace segue::random
