#include "kernel/shortest.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace segue::modern {

std::string shortest(double number) {
  // Left to choose the shorter form, std::to_chars would write an exponent more often than Python does.
  const double size = std::fabs(number);
  const bool fixed = number == 0 || (size >= 1e-4 && size < 1e16);
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number,
                                 fixed ? std::chars_format::fixed : std::chars_format::scientific);
  return std::string(text.data(), end.ptr);
}

std::string float_repr(double number) {
  std::string text = shortest(number);
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

}  // namespace segue::modern
