// Several files are read concurrently, and appended to one output file in order.
//
// Run in its own folder: it reads the ship's logbook that lies there.

#include <stdlib.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <ranges>
#include <string>
#include <vector>

#include <fmt/core.h>

#include <segue/asyncio.hpp>

using namespace segue;
using asyncio::Coroutine;
namespace fs = std::filesystem;

Coroutine<std::string> read_day(std::string day) {
  aiofiles::File file = co_await aiofiles::open("logbook/" + day + ".txt", "r");
  const std::string text = co_await file.read();
  co_await file.close();
  co_return text;
}

Coroutine<std::size_t> append(fs::path path, std::string text) {
  aiofiles::File file = co_await aiofiles::open(path, "a");
  const std::size_t written = co_await file.write(text);
  co_await file.close();
  co_return written;
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

Coroutine<> async_main() {
  const std::vector<std::string> days = {"monday", "tuesday", "wednesday", "thursday"};

  // Whichever file is read first, gather keeps the order of the days.
  const std::vector<std::string> texts = co_await asyncio::gather(days | std::views::transform(read_day));
  for (std::size_t i = 0; i < days.size(); ++i)
    fmt::print("{}: {} lines, {} characters\n", days[i], std::ranges::count(texts[i], '\n'), texts[i].size());

  {
    const TemporaryDirectory folder;
    const fs::path voyage = folder.path() / "voyage.txt";
    std::size_t total = 0;
    for (std::size_t i = 0; i < days.size(); ++i) {
      total += co_await append(voyage, fmt::format("[{}]\n", days[i]));
      total += co_await append(voyage, texts[i]);
    }
    fmt::print("written: {} characters\n", total);

    aiofiles::File file = co_await aiofiles::open(voyage, "r");
    int number = 0;
    while (true) {
      const std::string line = co_await file.readline();
      if (line.empty()) break;
      number += 1;
      fmt::print("{:2} {}", number, line);
    }
    co_await file.close();
    fmt::print("on disk: {} bytes\n", fs::file_size(voyage));
  }

  try {
    co_await read_day("sunday");
  } catch (const FileNotFoundError& error) {
    fmt::print("sunday: {}\n", error.strerror());
  }
}

int main() { asyncio::run(async_main()); }
