// What a server asks of the system and of the heap, for executables that are linked with --wrap=epoll_wait and the like
// (CMakeLists.txt): when such a server is ended by SIGTERM, it prints how often it has waited for events, changed what
// it waits for, and allocated memory.
#include <sys/epoll.h>
#include <unistd.h>

#include <counted_allocations.hpp>
#include <csignal>
#include <cstdio>

namespace {

unsigned long waits = 0;
unsigned long changes = 0;

// A server's only thread is interrupted in one of those calls, or between them: it prints what has been counted so far.
void print_counts(int) {
  char text[96];
  const int length =
      std::snprintf(text, sizeof text, "%lu %lu %zu\n", waits, changes, segue::testing::allocations_made());
  if (::write(STDOUT_FILENO, text, static_cast<std::size_t>(length)) != length) ::_exit(1);
  ::_exit(0);
}

[[maybe_unused]] const auto installed = std::signal(SIGTERM, print_counts);

}  // namespace

// The names are the linker's: a call of f() becomes one of __wrap_f(), and __real_f() is f().
// NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c, cert-dcl51-cpp, readability-identifier-naming)
extern "C" {

int __real_epoll_wait(int, epoll_event*, int, int);
int __real_epoll_pwait(int, epoll_event*, int, int, const sigset_t*);
int __real_epoll_pwait2(int, epoll_event*, int, const timespec*, const sigset_t*);
int __real_epoll_ctl(int, int, int, epoll_event*);

int __wrap_epoll_wait(int poll, epoll_event* events, int count, int timeout) {
  ++waits;
  return __real_epoll_wait(poll, events, count, timeout);
}

int __wrap_epoll_pwait(int poll, epoll_event* events, int count, int timeout, const sigset_t* mask) {
  ++waits;
  return __real_epoll_pwait(poll, events, count, timeout, mask);
}

int __wrap_epoll_pwait2(int poll, epoll_event* events, int count, const timespec* timeout, const sigset_t* mask) {
  ++waits;
  return __real_epoll_pwait2(poll, events, count, timeout, mask);
}

int __wrap_epoll_ctl(int poll, int operation, int fd, epoll_event* event) {
  ++changes;
  return __real_epoll_ctl(poll, operation, fd, event);
}
}
// NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c, cert-dcl51-cpp, readability-identifier-naming)
