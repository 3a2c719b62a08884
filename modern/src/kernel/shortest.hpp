// Numbers as Python prints them.
#pragma once

#include <string>

namespace segue::modern {

/// The shortest text that is read as the same number again, with an exponent where Python's `repr` has one; but `1`
/// instead of `1.0`.
std::string shortest(double number);
/// Python's `repr` of a float: `1.0`.
std::string float_repr(double number);

}  // namespace segue::modern
