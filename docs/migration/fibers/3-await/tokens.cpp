#include "tokens.hpp"

#include <sstream>
#include <utility>

using segue::legacy::Generator;

Generator<std::string> tokens(std::string line) {
  return Generator<std::string>(
      [](auto& yield, std::string given) {
        std::istringstream words(given);
        for (std::string word; words >> word;) yield(word);
      },
      std::move(line));
}
