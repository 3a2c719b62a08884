// Uses up any stack: what the tests of an overflow's report run.
#pragma once

#include <climits>

namespace segue::testing {

inline int recurse(int depth) {
  if (depth == INT_MAX) return 0;
  volatile char frame[256] = {};
  frame[0] = static_cast<char>(depth);
  return recurse(depth + 1) + frame[0];
}

}  // namespace segue::testing
