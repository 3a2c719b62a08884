// A pipeline of three stages over two queues; an end marker closes one stage after the other.

#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include <segue/asyncio.hpp>

using namespace segue;
using asyncio::Coroutine;

const std::vector<std::string> LETTERS = {"Dear Ida,",     "", "the plums are ripe;", "bring   two baskets",
                                          "and a ladder.", "", "Yours, Tom"};

using Counted = std::pair<std::string, int>;  // a line and its number of words

// An empty optional is the end marker.
using Lines = asyncio::Queue<std::optional<std::string>>;
using Counts = asyncio::Queue<std::optional<Counted>>;
constexpr std::nullopt_t END = std::nullopt;

// Stage 1: sends on what is not blank.
Coroutine<> read(const std::vector<std::string>& lines, Lines out) {
  for (const std::string& line : lines) {
    if (line.empty()) {
      fmt::print("read: skips a blank line\n");
      continue;
    }
    co_await out.put(line);
  }
  co_await out.put(END);
  fmt::print("read: end\n");
}

int number_of_words(const std::string& line) {
  std::istringstream words(line);
  int number = 0;
  for (std::string word; words >> word;) ++number;
  return number;
}

// Stage 2: turns a line into its number of words.
Coroutine<> count(Lines source, Counts out) {
  while (true) {
    const std::optional<std::string> line = co_await source.get();
    if (line == END) break;
    const int words = number_of_words(*line);
    fmt::print("count: {} in '{}'\n", words, *line);
    Counted counted(*line, words);
    co_await out.put(std::move(counted));
  }
  co_await out.put(END);
  fmt::print("count: end\n");
}

// Stage 3: keeps what the caller wants to know.
Coroutine<std::pair<int, Counted>> report(Counts source) {
  int total = 0;
  Counted longest("", 0);
  while (true) {
    const std::optional<Counted> item = co_await source.get();
    if (item == END) break;
    const auto& [line, words] = *item;
    fmt::print("report: '{}'\n", line);
    total += words;
    if (words > longest.second) longest = *item;
  }
  fmt::print("report: end\n");
  co_return std::pair(total, longest);
}

Coroutine<> async_main() {
  // Room for one item each: no stage runs far ahead of the next.
  Lines lines(1);
  Counts counts(1);
  std::vector<asyncio::Task<>> stages;
  stages.push_back(asyncio::create_task(read(LETTERS, lines)));
  stages.push_back(asyncio::create_task(count(lines, counts)));
  const auto [total, longest] = co_await report(counts);
  co_await asyncio::gather(stages);
  fmt::print("words: {}\n", total);
  fmt::print("most words: {}\n", longest.first);
}

int main() { asyncio::run(async_main()); }
