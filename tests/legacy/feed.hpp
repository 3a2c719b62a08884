// What tests of pull() pull from.
#pragma once

#include <stdexcept>

#include <segue/legacy/pull.hpp>

namespace segue::legacy::testing {

/// A library as C has them: it calls back once a value, stops when it is told to, and cleans up by hand, so that an
/// exception through it leaves `open` behind.
struct Feed {
  int size = 0;
  int open = 0;
  int calls = 0;
  bool obedient = true;
};
using OnValue = int (*)(void* context, int value);
inline constexpr int feed_aborted = 4;

inline int run_feed(Feed* feed, OnValue on_value, void* context) {
  ++feed->open;
  int result = 0;
  for (int i = 0; i < feed->size && result == 0; ++i) {
    ++feed->calls;
    if (on_value(context, i) != 0 && feed->obedient) result = feed_aborted;
  }
  --feed->open;
  return result;
}

inline int emit_value(void* context, int value) { return Emitter<int>::from(context)(value) ? 0 : 1; }

inline Generator<int> values(Feed& feed) {
  return pull<int>([&feed](auto& emit) {
    if (run_feed(&feed, emit_value, &emit) != 0) throw std::runtime_error("the feed failed");
  });
}

}  // namespace segue::legacy::testing
