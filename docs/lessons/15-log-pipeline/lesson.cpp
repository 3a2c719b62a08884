// A log file goes through a pipeline: pulled by the one at its end, then pushed by the one at its front.

#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

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

constexpr auto morning =
    "06:10 INFO  pump  primed\n"
    "06:30 ERROR valve stuck at 40 percent\n"
    "06:31 INFO  valve freed\n";
constexpr auto noon =
    "11:58 ERROR pump  no water\n"
    "12:00 INFO  clock lunch\n"
    "12:02 ERROR valve stuck at 55 percent\n"
    "12:05 INFO  all   shutdown\n";

struct Entry {
  std::string time, level, part, text;
};
using Counts = std::map<std::string, int>;

Entry entry(const std::string& line) {
  Entry entry;
  std::istringstream words(line);
  words >> entry.time >> entry.level >> entry.part;
  std::getline(words >> std::ws, entry.text);
  return entry;
}

struct Finally {
  std::string line;
  ~Finally() { fmt::print("  {}\n", line); }
};

void show(const std::string& title, const Counts& counts) {
  for (const auto& [part, number] : counts) fmt::print("  {}: {} {}\n", title, part, number);
}

// The lines of a file that may still grow, up to the shutdown.
Generator<std::string> follow(const fs::path& path) {
  return Generator<std::string>([path](auto& yield) {
    fmt::print("  follow: opens the log\n");
    const Finally closes{"follow: closes the log"};
    std::ifstream file(path);
    std::string line;
    while (!line.ends_with("shutdown")) {
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
  const Finally done{"grep " + pattern + ": done"};
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
    fmt::print("  count: {} ({})\n", each.part, each.text);
    ++counts[each.part];
  }
  return counts;
}

// Pushed: each stage is a generator that is sent values, and sends to the one after it. A sink() stands at its first
// yield, and can be sent to.

Sink<std::string> grep_into(std::string pattern, Sink<std::string> target) {
  return sink<std::string>(
      [](auto& yield, std::string pattern, Sink<std::string> target) {
        const Finally done{"grep " + pattern + ": done"};
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
      while (true) ++counts[yield().part];
    } catch (const GeneratorExit&) {
      show("counter", counts);
    }
  });
}

Sink<Entry> printer() {
  return sink<Entry>([](auto& yield) {
    while (true) {
      const Entry each = yield();
      fmt::print("  printer: at {} {} was {}\n", each.time, each.part, each.text);
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

void append(const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::app) << text; }

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
  const fs::path path = directory.path() / "works.log";

  // Nothing runs before the first next(), and no stage reads ahead: the rest of the log is not even written yet.
  fmt::print("- pulled\n");
  append(path, morning);
  Generator<Entry> errors = follow(path) | grep("ERROR") | parse;
  fmt::print("  nothing has been read\n");
  fmt::print("  first: {}\n", errors.next().text);
  append(path, noon);
  show("total", std::move(errors) | count);

  // Whoever asks may leave: closing the last stage closes all of them.
  fmt::print("- pulled, and left early\n");
  errors = follow(path) | grep("ERROR") | parse;
  fmt::print("  first: {}\n", errors.next().text);
  errors.close();

  // The source decides when, and a line can go several ways.
  fmt::print("- pushed\n");
  follow(path) | into(broadcast(grep_into("ERROR", parse_into(counter())), grep_into("valve", parse_into(printer()))));
}
