// Performs sequences of operations on files, and leaves a trace of each.
//
//   random_files FOLDER < sequences > traces
//
// run.py makes the sequences, says what they are made of, and compares the traces with CPython's.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segue/exception_ptr.hpp>
#include <segue/modern/files/files.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/os_error.hpp>

namespace segue::random {
namespace {

using namespace modern;
using Words = std::vector<std::string>;

std::string escaped(const std::string& text) {
  std::string result;
  for (const char each : text) {
    if (each == '\n' || each == '\0') result += '\\';
    result += each == '\n' ? 'n' : each == '\0' ? '0' : each;
  }
  return result;
}
std::string unescaped(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) result += text[i] == '\\' ? (++i, '\n') : text[i];
  return result;
}

std::string contents(const std::string& path) {
  if (!std::filesystem::exists(path)) return "none";
  std::ifstream file(path, std::ios::binary);
  return "'" + escaped({std::istreambuf_iterator<char>(file), {}}) + "'";
}

// Files differ from CPython's in the texts of their errors, not in their classes and numbers.
std::string text(const std::exception_ptr& error) {
  const auto* const os_error = exception_ptr_cast<OSError>(error);
  const int code = os_error != nullptr ? os_error->errno_code() : 0;
  return describe(error).type + (code != 0 ? " " + std::to_string(code) : "");
}

std::int64_t number(const Words& words, std::size_t index) { return std::stoll(words.at(index)); }

std::string text(const Words& words, std::size_t index) {
  return words.size() > index ? unescaped(words[index]) : std::string();
}

Coroutine<std::string> perform(File& file, const std::string& path, Words words) {
  const std::string& what = words.at(0);
  std::string result = "None";
  if (what == "open") {
    if (file && !file.closed()) co_await file.close();
    file = co_await modern::open(path, text(words, 1));
  } else if (what == "read") {
    result = "'" + escaped(co_await file.read(number(words, 1))) + "'";
  } else if (what == "readline") {
    result = "'" + escaped(co_await file.readline(number(words, 1))) + "'";
  } else if (what == "readlines") {
    const std::vector<std::string> lines = co_await file.readlines();
    result = "lines";
    for (const std::string& line : lines) result += " '" + escaped(line) + "'";
  } else if (what == "next") {
    const std::optional<std::string> line = co_await file.anext();
    if (line) result = "'" + escaped(*line) + "'";
  } else if (what == "write") {
    result = std::to_string(co_await file.write(text(words, 1)));
  } else if (what == "writelines") {
    std::vector<std::string> lines;
    for (std::size_t i = 1; i < words.size(); ++i) lines.push_back(unescaped(words[i]));
    co_await file.writelines(std::move(lines));
  } else if (what == "seek") {
    result = std::to_string(co_await file.seek(number(words, 1), static_cast<Whence>(number(words, 2))));
  } else if (what == "tell") {
    result = std::to_string(co_await file.tell());
  } else if (what == "truncate") {
    const auto size = words.size() > 1 ? std::optional(number(words, 1)) : std::nullopt;
    result = std::to_string(co_await file.truncate(size));
  } else if (what == "flush") {
    co_await file.flush();
    result = contents(path);
  } else if (what == "close") {
    co_await file.close();
    result = contents(path);
  }
  co_return result;
}

Coroutine<void> shut_down() { co_await get_running_loop().shutdown_default_executor(); }

void run(const std::vector<std::string>& sequence, const std::string& path) {
  std::filesystem::remove(path);
  File file;
  EventLoopPtr loop = new_event_loop();
  for (const std::string& line : sequence) {
    std::istringstream in(line);
    const Words words{std::istream_iterator<std::string>(in), {}};
    std::string result = "None";
    try {
      if (words.at(0) == "make") {
        std::ofstream(path, std::ios::binary) << text(words, 1);
      } else if (words[0] == "drop") {
        file = File();
      } else if (words[0] == "end") {  // of the loop
        loop.reset();
      } else {
        result = loop->run_until_complete(perform(file, path, words));
      }
    } catch (...) {
      result = text(std::current_exception());
    }
    std::cout << line.substr(0, 60) << " -> " << result << '\n';
  }
  file = File();
  if (loop) loop->run_until_complete(shut_down());
  std::cout << "left: " << contents(path) << "\n\f\n";
}

}  // namespace
}  // namespace segue::random

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: random_files FOLDER < sequences > traces\n";
    return 2;
  }
  std::vector<std::string> sequence;
  for (std::string line; std::getline(std::cin, line);) {
    if (line != "\f") {
      sequence.push_back(line);
      continue;
    }
    segue::random::run(sequence, std::string(argv[1]) + "/file");
    sequence.clear();
  }
}
