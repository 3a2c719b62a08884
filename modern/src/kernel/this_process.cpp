#include "kernel/this_process.hpp"

#include <pthread.h>

#include <atomic>

namespace segue::modern {

namespace {

constinit std::atomic<int> forks = 0;

}  // namespace

int this_process() noexcept {
  static const int registered = ::pthread_atfork(nullptr, nullptr, [] { ++forks; });
  static_cast<void>(registered);
  return forks.load(std::memory_order_relaxed);
}

}  // namespace segue::modern
