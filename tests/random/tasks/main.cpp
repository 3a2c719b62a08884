// Compares random programs of tasks in CPython and in segue, and shows the smallest one found where they differ.
//
//   random_tasks PYTHON HARNESS SEED COUNT [FIRST]
//
// run.py calls it. The programs of a seed are numbered; FIRST is where to begin.
#include <algorithm>
#include <cstdint>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../traces.hpp"
#include "generate.hpp"
#include "interpreter.hpp"
#include "python.hpp"
#include "shrink.hpp"

namespace segue::random::tasks {
namespace {

struct Disagreement {
  Program program;
  Traces traces;
  std::size_t index = 0;
};

std::optional<Disagreement> first_disagreement(const Python& python, const std::vector<Program>& programs) {
  std::vector<Runnable> runnable;
  for (const Program& program : programs)
    runnable.push_back({to_python(program), [&program] { return interpret(program); }});
  std::vector<Traces> traces = random::run(python, runnable);
  if (traces.empty() || traces.back().agree()) return std::nullopt;
  return Disagreement{programs[traces.size() - 1], std::move(traces.back()), traces.size() - 1};
}

// Goes on with the first of the smaller programs that disagrees, as long as there is one.
Disagreement smallest(const Python& python, Disagreement found) {
  constexpr std::size_t batch = 20;
  for (;;) {
    const std::vector<Program> candidates = smaller(found.program);
    std::optional<Disagreement> next;
    for (std::size_t from = 0; from < candidates.size() && !next; from += batch) {
      const auto first = candidates.begin() + static_cast<std::ptrdiff_t>(from);
      const std::size_t count = std::min(batch, candidates.size() - from);
      next = first_disagreement(python, {first, first + static_cast<std::ptrdiff_t>(count)});
    }
    if (!next) return found;
    found = std::move(*next);
  }
}

int compare(const Python& python, std::uint64_t seed, std::size_t count, std::size_t first) {
  constexpr std::size_t at_once = 500;
  for (std::size_t done = 0; done < count;) {
    std::vector<Program> batch;
    while (batch.size() < std::min(at_once, count - done))
      batch.push_back(generate(seed * 1'000'000'007U + first + done + batch.size()));
    if (auto found = first_disagreement(python, batch)) {
      std::cout << "program " << first + done + found->index << " disagrees (seed " << seed
                << "); making it smaller ..." << std::endl;
      const Disagreement least = smallest(python, std::move(*found));
      show(to_python(least.program), least.traces);
      return 1;
    }
    done += batch.size();
  }
  std::cout << "random: " << count << " programs of tasks agree (seed " << seed << ")\n";
  return 0;
}

}  // namespace
}  // namespace segue::random::tasks

int main(int argc, char** argv) {
  if (argc != 5 && argc != 6) {
    std::cerr << "usage: random_tasks PYTHON HARNESS SEED COUNT [FIRST]\n";
    return 2;
  }
  try {
    const std::size_t first = argc == 6 ? std::stoul(argv[5]) : 0;
    return segue::random::tasks::compare({argv[1], argv[2]}, std::stoull(argv[3]), std::stoul(argv[4]), first);
  } catch (const std::exception& e) {
    std::cerr << "random: " << e.what() << '\n';
    return 1;
  }
}
