// What the threads that segue starts have in common.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <cstddef>
#include <thread>

namespace segue::modern::detail {

/// How many there are at most, where nobody says so (CPython: concurrent/futures/thread.py).
inline std::size_t default_max_workers() noexcept {
  return std::min<std::size_t>(32, std::max(1U, std::thread::hardware_concurrency()) + 4);
}

/// While it lives, this thread takes no signals, and a thread that it starts takes none but those that it causes
/// itself: signals are for the program's own threads.
class BlockSignals {
 public:
  BlockSignals() noexcept {
    sigset_t blocked;
    ::sigfillset(&blocked);
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT}) ::sigdelset(&blocked, own);
    ::pthread_sigmask(SIG_SETMASK, &blocked, &previous_);
  }
  BlockSignals(const BlockSignals&) = delete;
  BlockSignals& operator=(const BlockSignals&) = delete;
  ~BlockSignals() { ::pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }

 private:
  sigset_t previous_;
};

}  // namespace segue::modern::detail
