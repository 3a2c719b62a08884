#include "traces.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <utility>

namespace segue::random {
namespace {

constexpr const char* end_of_trace = "\f";

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = std::filesystem::temp_directory_path() / "segue-random-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a folder " + pattern);
    path_ = pattern;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string operator/(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// Runs `call` in a child and gives the status that it ended with.
template <class Call>
int in_child(Call call) {
  std::cout.flush();
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
  if (child == 0) {
    call();
    std::exit(0);  // looks for leaks, where that is asked for
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

// The traces in a file: whole ones, then what there is of one that did not come to its end.
std::vector<Trace> read(const std::string& path) {
  std::ifstream file(path);
  std::vector<Trace> traces(1);
  for (std::string line; std::getline(file, line);) {
    if (line == end_of_trace) {
      traces.emplace_back();
    } else {
      traces.back().push_back(line);
    }
  }
  return traces;
}

std::vector<Trace> run_in_python(const Python& python, const std::vector<Runnable>& programs,
                                 const TemporaryFolder& folder) {
  const std::string scripts = folder / "programs";
  const std::string path = folder / "python";
  std::ofstream out(scripts);
  for (const Runnable& program : programs) out << program.script << end_of_trace << '\n';
  out.close();
  const int status = in_child([&] {
    execl(python.executable.c_str(), python.executable.c_str(), python.harness.c_str(), scripts.c_str(), path.c_str(),
          static_cast<char*>(nullptr));
    std::perror(python.executable.c_str());
    _exit(127);
  });
  std::vector<Trace> traces = read(path);
  if (status != 0 || traces.size() != programs.size() + 1) {
    throw std::runtime_error(python.executable + " ended with status " + std::to_string(status));
  }
  return traces;
}

std::vector<Trace> run_in_segue(const std::vector<Runnable>& programs, const TemporaryFolder& folder) {
  const std::string path = folder / "segue";
  const int status = in_child([&] {
    std::ofstream out(path);
    for (const Runnable& program : programs) {
      for (const std::string& line : program.interpret()) out << line << '\n';
      out << end_of_trace << '\n' << std::flush;
    }
  });
  std::vector<Trace> traces = read(path);
  if (status != 0) {
    // Whose fault it is when all of them came to their end, a leak say, is not known: the last one gets it.
    if (traces.size() > programs.size()) traces.pop_back();
    traces.back().push_back(WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
                                                : "exit status " + std::to_string(WEXITSTATUS(status)));
  }
  return traces;
}

}  // namespace

bool Traces::agree() const {
  if (python.empty() || python.back() != "stop") return python == segue;
  // From here on CPython and segue differ on purpose: see harness.py.
  return segue.size() >= python.size() - 1 && std::equal(python.begin(), python.end() - 1, segue.begin());
}

std::vector<Traces> run(const Python& python, const std::vector<Runnable>& programs) {
  const TemporaryFolder folder;
  std::vector<Trace> expected = run_in_python(python, programs, folder);
  std::vector<Trace> actual = run_in_segue(programs, folder);
  std::vector<Traces> result;
  for (std::size_t i = 0; i < programs.size() && i < actual.size(); ++i) {
    result.push_back({std::move(expected[i]), std::move(actual[i])});
    if (!result.back().agree()) break;
  }
  return result;
}

void show(const std::string& script, const Traces& traces) {
  std::cout << script << "\n# in Python and in segue:\n";
  const auto& [python, segue] = traces;
  for (std::size_t i = 0; i < std::max(python.size(), segue.size()); ++i) {
    const std::string left = i < python.size() ? python[i] : "";
    const std::string right = i < segue.size() ? segue[i] : "";
    std::cout << (left == right ? "    " : "  ! ") << left
              << std::string(std::max<std::size_t>(50, left.size() + 1) - left.size(), ' ') << right << '\n';
  }
}

}  // namespace segue::random
