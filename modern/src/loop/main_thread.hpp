// The program's main thread, the one that the kernel started: where signals are handled (CPython:
// threading.main_thread()). In a child process that is the thread that forked.
#pragma once

namespace segue::modern::detail {

/// Whether this is it. Asks the kernel once for each thread, since a system call is a tenth of what run() may cost.
bool in_main_thread() noexcept;

}  // namespace segue::modern::detail
