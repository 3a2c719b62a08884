// `yield from`: values, a return value and an exception pass through three levels.

#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include <segue/segue.hpp>

using namespace segue;
using legacy::Generator;

class PhoneRings : public Exception {
 public:
  using Exception::Exception;
};

using Lines = std::vector<std::string>;
using Pages = std::vector<std::pair<int, Lines>>;
using Chapters = std::vector<std::pair<std::string, Pages>>;

// Yields lines, is sent whether a line is worth a mark, and returns the number of marks.
using Reading = Generator<std::string, bool, int>;

Reading page(int number, const Lines& lines) {
  return Reading([=](auto& yield) {
    struct Turned {
      int number;
      ~Turned() { fmt::print("  page {} turned\n", number); }
    } turned{number};
    int marks = 0;
    for (const std::string& line : lines) {
      if (line.empty()) throw ValueError(fmt::format("page {} is torn", number));
      const bool liked = yield(line);
      if (liked) marks += 1;
    }
    return marks;
  });
}

Reading chapter(const std::string& title, const Pages& pages) {
  return Reading([=](auto& yield) {
    int marks = 0;
    for (const auto& [number, lines] : pages) {
      try {
        marks += yield.from(page(number, lines));
      } catch (const PhoneRings& call) {
        yield(fmt::format("(bookmark at page {}: {})", number, call.what()));
      }
    }
    fmt::print("  chapter '{}' read\n", title);
    return marks;
  });
}

Reading book(const Chapters& chapters) {
  return Reading([=](auto& yield) {
    int marks = 0;
    for (const auto& [title, pages] : chapters) marks += yield.from(chapter(title, pages));
    return marks;
  });
}

Reading bind() {
  return book({
      {"Harbour", {{1, {"The fog lifts.", "A bell answers."}}, {2, {"Ropes.", "Rust."}}}},
      {"Open sea", {{3, {"Wind at last!", "Nothing but blue."}}}},
  });
}

int main() {
  // Sent values go straight to the innermost level, and its yields come straight back.
  fmt::print("- read with a pencil\n");
  Reading reading = bind();
  std::string line = reading.next();
  try {
    while (true) {
      fmt::print("{}\n", line);
      line = reading.send(line.ends_with("bell answers.") || line.ends_with("last!"));
    }
  } catch (const StopIteration<int>& end) {
    fmt::print("marks: {}\n", end.value);
  }

  // A thrown exception arrives at the innermost yield, and climbs until a level handles it.
  fmt::print("- the phone rings\n");
  reading = bind();
  fmt::print("{}\n", reading.next());
  fmt::print("{}\n", reading.throw_(PhoneRings("wrong number")));
  fmt::print("{}\n", reading.next());
  reading.close();

  // An error that no level handles reaches whoever resumed the outermost, and ends them all.
  fmt::print("- a torn page\n");
  reading = book({{"Storm", {{4, {"Thunder.", ""}}}}});
  fmt::print("{}\n", reading.next());
  try {
    reading.next();
  } catch (const ValueError& error) {
    fmt::print("ValueError: {}\n", error.what());
  }
}
