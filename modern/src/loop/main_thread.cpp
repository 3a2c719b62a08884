#include "loop/main_thread.hpp"

#include <unistd.h>

#include "kernel/this_process.hpp"

namespace segue::modern::detail {

bool in_main_thread() noexcept {
  thread_local int asked_in = -1;
  thread_local bool answer = false;
  if (asked_in != this_process()) {
    answer = ::gettid() == ::getpid();
    asked_in = this_process();
  }
  return answer;
}

}  // namespace segue::modern::detail
