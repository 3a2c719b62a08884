// Which process this is, of a line of forks: getpid() would be a system call for each step() of a loop.
#pragma once

namespace segue::modern {

/// How many forks it is away from the one that asked first.
int this_process() noexcept;

}  // namespace segue::modern
