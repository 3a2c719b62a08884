// What tests of Boost.Coroutine2 share: bodies of both kinds, which say how far they got and when they are left.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <segue/bridge/coroutine2.hpp>

namespace segue::bridge::testing {

using Ints = boost::coroutines2::coroutine<int>;
using Trace = std::vector<std::string>;

// Boost.Context's switches tell a sanitizer nothing, so that one sees stacks overflow that do not.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif
#else
inline constexpr bool sanitized = false;
#endif

class Coroutine2 : public ::testing::Test {
  void SetUp() override {
    if (sanitized) GTEST_SKIP() << "Boost.Coroutine2 does not run under a sanitizer";
  }
};

/// Notes when the scope that it is in is left.
struct Leaving {
  Trace& trace;
  std::string what;
  ~Leaving() { trace.push_back(what); }
};

inline auto counting(Trace& trace, int end) {
  return [&trace, end](Ints::push_type& push) {
    const Leaving leaving{trace, "left"};
    for (int i = 0; i < end; ++i) {
      trace.push_back("push " + std::to_string(i));
      push(i);
    }
  };
}

inline legacy::Generator<int> count(Trace& trace, int end) {
  return legacy::Generator<int>([&trace, end](auto& yield) {
    const Leaving leaving{trace, "left"};
    for (int i = 0; i < end; ++i) {
      trace.push_back("yield " + std::to_string(i));
      yield(i);
    }
  });
}

}  // namespace segue::bridge::testing
