// Signals are for the program's own threads: those that segue starts take none but the ones that they cause themselves.
#pragma once

#include <pthread.h>
#include <signal.h>

namespace segue::modern::detail {

/// While it lives, this thread takes no signals, and a thread that it starts never will.
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
