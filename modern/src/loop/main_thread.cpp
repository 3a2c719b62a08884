#include "loop/main_thread.hpp"

#include <pthread.h>
#include <unistd.h>

namespace segue::modern::detail {

namespace {

enum class Answer : char { none, no, yes };

thread_local Answer known = Answer::none;

}  // namespace

bool in_main_thread() noexcept {
  if (known != Answer::none) return known == Answer::yes;
  static const bool told_of_forks = ::pthread_atfork(nullptr, nullptr, [] { known = Answer::none; }) == 0;
  const bool is_main = ::gettid() == ::getpid();
  if (told_of_forks) known = is_main ? Answer::yes : Answer::no;
  return is_main;
}

}  // namespace segue::modern::detail
