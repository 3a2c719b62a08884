#include "tokens.hpp"

#include <sstream>
#include <utility>

Tokens::pull_type tokens(std::string line) {
  return Tokens::pull_type([line = std::move(line)](Tokens::push_type& yield) {
    std::istringstream words(line);
    for (std::string word; words >> word;) yield(word);
  });
}
