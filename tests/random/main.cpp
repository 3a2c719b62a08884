// Compares random programs in CPython and in segue, and shows the smallest one found where they differ.
//
//   random_programs PYTHON HARNESS CLOSE_RETURNS SEED COUNT
//
// run.py calls it.
#include <rapidcheck.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "generate.hpp"
#include "interpreter.hpp"
#include "python.hpp"
#include "traces.hpp"

namespace segue::random {
namespace {

using Candidate = rc::Shrinkable<Program>;

struct Disagreement {
  Candidate candidate;
  Traces traces;
};

struct Found {
  std::size_t index;
  Traces traces;
};

/// Also whether close() gives what the body returned, as it does since Python 3.13.
struct Peer {
  Python python;
  bool close_returns = true;
};

std::optional<Found> first_disagreement(const Peer& peer, const std::vector<Program>& programs) {
  std::vector<Runnable> runnable;
  for (const Program& program : programs)
    runnable.push_back({to_python(program), [&] { return interpret(program, peer.close_returns); }});
  std::vector<Traces> traces = run(peer.python, runnable);
  if (traces.back().agree()) return std::nullopt;
  return Found{traces.size() - 1, std::move(traces.back())};
}

// Goes on with the first of the smaller programs that disagrees, as long as there is one.
Disagreement smallest(const Peer& peer, Disagreement found) {
  // Large pieces are taken away first, and mostly one of the first attempts succeeds.
  constexpr std::size_t first_batch = 10;
  std::size_t batch = first_batch;
  for (auto shrinks = found.candidate.shrinks();; batch *= 2) {
    std::vector<Candidate> candidates;
    std::vector<Program> programs;
    while (candidates.size() < batch) {
      auto next = shrinks.next();
      if (!next) break;
      candidates.push_back(*next);
      programs.push_back(next->value());
    }
    if (candidates.empty()) return found;
    if (auto smaller = first_disagreement(peer, programs)) {
      found = {candidates[smaller->index], std::move(smaller->traces)};
      shrinks = found.candidate.shrinks();
      batch = first_batch / 2;
    }
  }
}

int compare(const Peer& peer, std::uint64_t seed, std::size_t count) {
  const rc::Gen<Program> generate = programs();
  rc::Random random(seed);
  std::size_t agreed = 0;
  while (agreed < count) {
    std::vector<rc::Random> origins;
    std::vector<Program> batch;
    while (batch.size() < std::min<std::size_t>(1000, count - agreed)) {
      origins.push_back(random.split());
      batch.push_back(generate(origins.back()).value());
    }
    if (auto found = first_disagreement(peer, batch)) {
      std::cout << "a program disagrees (seed " << seed << "); making it smaller ..." << std::endl;
      const Disagreement least = smallest(peer, {generate(origins[found->index]), std::move(found->traces)});
      show(to_python(least.candidate.value()), least.traces);
      return 1;
    }
    agreed += batch.size();
  }
  std::cout << "random: " << agreed << " programs agree (seed " << seed << ")\n";
  return 0;
}

}  // namespace
}  // namespace segue::random

int main(int argc, char** argv) {
  if (argc != 6) {
    std::cerr << "usage: random_programs PYTHON HARNESS CLOSE_RETURNS SEED COUNT\n";
    return 2;
  }
  try {
    return segue::random::compare({{argv[1], argv[2]}, std::string(argv[3]) == "1"}, std::stoull(argv[4]),
                                  std::stoul(argv[5]));
  } catch (const std::exception& e) {
    std::cerr << "random: " << e.what() << '\n';
    return 1;
  }
}
