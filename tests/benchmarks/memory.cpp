// What a great many suspended generators take: memory and mappings. Each measurement is a child process, where nothing
// was pooled before; of segue's a million, of Coroutine2's as many as vm.max_map_count allows with any of its stacks.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <exception>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <boost/coroutine2/all.hpp>
#include <boost/coroutine2/fixedsize_stack.hpp>
#include <boost/coroutine2/protected_fixedsize_stack.hpp>

#include <segue/legacy/generator.hpp>
#include <segue/legacy/stack.hpp>

namespace {

using benchmark::RegisterBenchmark;
using segue::legacy::Generator;
using segue::legacy::StackGuard;
using Pull = boost::coroutines2::coroutine<int>::pull_type;
using Push = boost::coroutines2::coroutine<int>::push_type;

constexpr std::size_t a_million = 1'000'000;
constexpr std::size_t as_many_as_fit = 20'000;

void count(auto& yield) {
  for (int i = 0;; ++i) yield(i);
}

std::size_t resident_bytes() {
  std::size_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::size_t mappings() {
  std::ifstream maps("/proc/self/maps");
  return static_cast<std::size_t>(std::count(std::istreambuf_iterator<char>(maps), {}, '\n'));
}

struct Figures {
  std::size_t suspended, resident, maps;
  std::array<char, 256> error;
};

// Makes `wanted` of what `make` gives, and keeps them until the figures are taken. Ends the process.
template <class Make>
[[noreturn]] void suspend_many(std::size_t wanted, Make make, int result) {
  const std::size_t resident = resident_bytes(), maps = mappings();
  std::vector<decltype(make())> kept;
  Figures figures{};
  try {
    while (kept.size() < wanted) kept.push_back(make());
  } catch (const std::exception& e) {
    std::strncpy(figures.error.data(), e.what(), figures.error.size() - 1);
  }
  figures.suspended = kept.size();
  figures.resident = resident_bytes() - resident;
  figures.maps = mappings() - maps;
  _exit(write(result, &figures, sizeof figures) == sizeof figures ? 0 : 1);
}

template <class Make>
void measure(benchmark::State& state, std::size_t wanted, Make make) {
  for (auto _ : state) {
    std::array<int, 2> ends{};
    const bool piped = pipe(ends.data()) == 0;
    const pid_t child = piped ? fork() : -1;
    if (child == 0) suspend_many(wanted, make, ends[1]);
    Figures figures{};
    close(ends[1]);
    const bool told = read(ends[0], &figures, sizeof figures) == sizeof figures;
    close(ends[0]);
    if (child > 0) waitpid(child, nullptr, 0);
    if (!told || figures.suspended == 0) return state.SkipWithError("the child process has not come through");

    const auto suspended = static_cast<double>(figures.suspended);
    state.counters["generators"] = suspended;
    state.counters["KiB"] = static_cast<double>(figures.resident) / 1024 / suspended;
    // As a million of them would take.
    state.counters["maps"] = static_cast<double>(figures.maps) / suspended * static_cast<double>(a_million);
    state.SetLabel(figures.error.data());
  }
}

Generator<int> suspended_generator() {
  Generator<int> numbers([](auto& yield) { count(yield); });
  numbers.next();
  return numbers;
}

void segue_light(benchmark::State& state) { measure(state, a_million, suspended_generator); }

void segue_protect(benchmark::State& state) {
  measure(state, a_million, [] {
    segue::legacy::set_stack_guard(StackGuard::protect);
    return suspended_generator();
  });
}

template <class Stacks>
void coroutine2(benchmark::State& state) {
  measure(state, as_many_as_fit, [] { return Pull(Stacks(), [](Push& yield) { count(yield); }); });
}

[[maybe_unused]] const auto registered = {
    RegisterBenchmark("suspended/segue", segue_light)->Iterations(1),
    RegisterBenchmark("suspended/Coroutine2", coroutine2<boost::coroutines2::default_stack>)->Iterations(1),
    RegisterBenchmark("suspended/Coroutine2 guarded", coroutine2<boost::coroutines2::protected_fixedsize_stack>)
        ->Iterations(1),
    RegisterBenchmark("suspended_protect/segue", segue_protect)->Iterations(1),
};

}  // namespace
