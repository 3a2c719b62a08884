// The traces of many programs at once: from CPython, in one process for all of them, and from segue.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace segue::random {

using Trace = std::vector<std::string>;

/// How the programs are run in CPython.
struct Python {
  std::string executable;
  std::string harness;
};

/// A program, for both.
struct Runnable {
  std::string script;
  std::function<Trace()> interpret;
};

struct Traces {
  Trace python;
  Trace segue;

  bool agree() const;
};

/// The traces of the programs, up to the first one that does not agree. A crash or a leak is part of segue's trace.
std::vector<Traces> run(const Python& python, const std::vector<Runnable>& programs);

/// Prints a program's script, and both traces side by side.
void show(const std::string& script, const Traces& traces);

}  // namespace segue::random
