// A real log goes through a pipeline: pulled by the one at its end, then pushed by the one at its front.

#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include <segue/segue.hpp>

using namespace segue;
using namespace std::chrono_literals;
using legacy::Generator;
using legacy::into;
using legacy::Sink;
using legacy::sink;
using legacy::stage;
namespace fs = std::filesystem;

using Lines = std::vector<std::string>;
using Counts = std::map<std::string, int>;

Lines read(const fs::path& path) {
  Lines lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

struct Entry {
  std::string day, time, action, package, before, after;
};

Entry entry(const std::string& line) {
  Entry entry;
  std::istringstream words(line);
  words >> entry.day >> entry.time >> entry.action >> entry.package >> entry.before >> entry.after;
  return entry;
}

std::string architecture(const Entry& entry) { return entry.package.substr(entry.package.find(':') + 1); }

struct Finally {
  std::string line;
  ~Finally() { fmt::print("  {}\n", line); }
};

void show(const std::string& title, const Counts& counts) {
  for (const auto& [kind, number] : counts) fmt::print("  {}: {} {}\n", title, kind, number);
}

// The lines of a file that may still grow, up to the last one.
Generator<std::string> follow(const fs::path& path, const std::string& last) {
  return Generator<std::string>([path, last](auto& yield) {
    fmt::print("  follow: opens the log\n");
    const Finally closes{"follow: closes the log"};
    std::ifstream file(path);
    std::string line;
    while (line != last) {
      if (!std::getline(file, line)) {
        file.clear();
        std::this_thread::sleep_for(1ms);
        continue;
      }
      yield(line);
    }
  });
}

// Pulled: each stage is a generator that takes from the one before it.

const auto grep = stage<std::string>([](auto& yield, auto lines, std::string pattern) {
  const Finally done{"grep" + pattern + "done"};
  for (const std::string& line : lines) {
    if (line.find(pattern) != line.npos) yield(line);
  }
});

const auto parse = stage<Entry>([](auto& yield, auto lines) {
  for (const std::string& line : lines) yield(entry(line));
});

Counts count(Generator<Entry> entries) {
  Counts counts;
  for (const Entry& each : entries) {
    fmt::print("  count: {} ({} -> {})\n", each.package, each.before, each.after);
    ++counts[architecture(each)];
  }
  return counts;
}

// Pushed: each stage is a generator that is sent values, and sends to the one after it. A sink() stands at its first
// yield, and can be sent to.

Sink<std::string> grep_into(std::string pattern, Sink<std::string> target) {
  return sink<std::string>(
      [](auto& yield, std::string pattern, Sink<std::string> target) {
        const Finally done{"grep" + pattern + "done"};
        while (true) {
          const std::string line = yield();
          if (line.find(pattern) != line.npos) target.send(line);
        }
      },
      std::move(pattern), std::move(target));
}

Sink<std::string> parse_into(Sink<Entry> target) {
  return sink<std::string>(
      [](auto& yield, Sink<Entry> target) {
        while (true) target.send(entry(yield()));
      },
      std::move(target));
}

Sink<Entry> counter() {
  return sink<Entry>([](auto& yield) {
    Counts counts;
    try {
      while (true) ++counts[architecture(yield())];
    } catch (const GeneratorExit&) {
      show("counter", counts);
    }
  });
}

Sink<Entry> printer() {
  return sink<Entry>([](auto& yield) {
    while (true) {
      const Entry each = yield();
      fmt::print("  printer: at {} {} {}\n", each.time, each.action, each.package);
    }
  });
}

Sink<std::string> broadcast(Sink<std::string> first, Sink<std::string> second) {
  return sink<std::string>(
      [](auto& yield, Sink<std::string> first, Sink<std::string> second) {
        try {
          while (true) {
            const std::string line = yield();
            first.send(line);
            second.send(line);
          }
        } catch (const GeneratorExit&) {
          first.close();
          second.close();
        }
      },
      std::move(first), std::move(second));
}

void append(const fs::path& path, std::span<const std::string> lines) {
  std::ofstream file(path, std::ios::app);
  for (const std::string& line : lines) file << line << '\n';
}

class TemporaryDirectory {
 public:
  TemporaryDirectory() : path_(mkdtemp((fs::temp_directory_path() / "lesson-XXXXXX").string().data())) {}
  ~TemporaryDirectory() { fs::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

int main() {
  const TemporaryDirectory directory;
  const fs::path path = directory.path() / "grows.log";
  const Lines log = read("dpkg.log");
  const std::string last = log.back();

  // Nothing runs before the first next(), and no stage reads ahead: the rest of the log is not even written yet.
  fmt::print("- pulled\n");
  append(path, std::span(log).first(150));
  Generator<Entry> upgrades = follow(path, last) | grep(" upgrade ") | parse;
  fmt::print("  nothing has been read\n");
  fmt::print("  first: {}\n", upgrades.next().package);
  append(path, std::span(log).subspan(150));
  show("total", std::move(upgrades) | count);

  // Whoever asks may leave: closing the last stage closes all of them.
  fmt::print("- pulled, and left early\n");
  upgrades = follow(path, last) | grep(" upgrade ") | parse;
  fmt::print("  first: {}\n", upgrades.next().package);
  upgrades.close();

  // The source decides when, and a line can go several ways.
  fmt::print("- pushed\n");
  follow(path, last) |
      into(broadcast(grep_into(" upgrade ", parse_into(counter())), grep_into(" configure ", parse_into(printer()))));
}
