// What this thread's coroutines hold: locks that are taken, and permits that were not given back. Who tests a program
// compares it before and after (cancel_everywhere()).
#pragma once

#include <cstdint>

namespace segue::modern {

/// Also of a Lock or a BoundedSemaphore that was destroyed while it was held; not of a Semaphore, whose permits may
/// come from anywhere, once it is destroyed.
inline constinit thread_local std::int64_t locks_and_permits_held = 0;

}  // namespace segue::modern
