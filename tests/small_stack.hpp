// Long chains on a small stack: what nests as deep as its user's chain is long ends the program there, in a test that
// takes milliseconds. A chain of `long_chain` links overflows it with three bytes a link.
#pragma once

#include <pthread.h>

#include <cstddef>

#include <gtest/gtest.h>

namespace segue::testing {

inline constexpr int long_chain = 100'000;

/// Calls `call()` in a thread of its own, with a small stack.
template <class Call>
void on_small_stack(Call call) {
  constexpr std::size_t stack_bytes = std::size_t{256} << 10;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, stack_bytes), 0);
  pthread_t thread;
  const auto run = [](void* argument) -> void* {
    (*static_cast<Call*>(argument))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, &call), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

}  // namespace segue::testing
