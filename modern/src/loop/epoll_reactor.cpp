#include "loop/epoll_reactor.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <ctime>
#include <limits>
#include <string>

#include <segue/exceptions.hpp>
#include <segue/os_error.hpp>

#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 35)
#define SEGUE_HAS_EPOLL_PWAIT2
#endif
#endif

namespace segue::modern {

namespace {

// epoll_ctl(); 0 or the error.
int control(int epoll, int operation, int fd, std::uint32_t events) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  return ::epoll_ctl(epoll, operation, fd, &event) == 0 ? 0 : errno;
}

std::uint32_t to_epoll(Events events) noexcept {
  return ((events & EVENT_READ) != 0 ? std::uint32_t{EPOLLIN} : 0) |
         ((events & EVENT_WRITE) != 0 ? std::uint32_t{EPOLLOUT} : 0);
}

// Errors and hang-ups are for both, as in CPython: who reads or writes then learns of them.
Events from_epoll(std::uint32_t events) noexcept {
  return ((events & ~std::uint32_t{EPOLLOUT}) != 0 ? EVENT_READ : 0) |
         ((events & ~std::uint32_t{EPOLLIN}) != 0 ? EVENT_WRITE : 0);
}

}  // namespace

EpollReactor::EpollReactor() {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  wake_up_ = epoll_ < 0 ? -1 : ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  // Edge-triggered: each write is told of once, and nobody has to read what was written.
  if (wake_up_ >= 0 && control(epoll_, EPOLL_CTL_ADD, wake_up_, EPOLLIN | EPOLLET) == 0) return;
  const int error = errno;
  close_descriptors();
  throw_os_error(error);
}

EpollReactor::~EpollReactor() { close_descriptors(); }

void EpollReactor::close_descriptors() const noexcept {
  if (epoll_ >= 0) ::close(epoll_);
  if (wake_up_ >= 0) ::close(wake_up_);
}

void EpollReactor::watch(Watch& watch, int fd) {
  if (fd < 0) throw ValueError("Invalid file descriptor: " + std::to_string(fd));
  const Events before = table_.events(fd);
  const std::uint32_t wanted = to_epoll(before | watch.event());
  int error = control(epoll_, before == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, wanted);
  // A descriptor that its owner closed while it was watched is forgotten by the system, which may give its number to
  // another one; or is not forgotten, where a duplicate of it is open.
  if (error == ENOENT && before != 0) error = control(epoll_, EPOLL_CTL_ADD, fd, wanted);
  if (error == EEXIST && before == 0) error = control(epoll_, EPOLL_CTL_MOD, fd, wanted);
  if (error != 0) throw_os_error(error);
  try {
    table_.insert(watch, fd);
  } catch (...) {
    control(epoll_, before == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD, fd, to_epoll(before));
    throw;
  }
  watched_ = table_.size();
}

void EpollReactor::unwatch(Watch& watch) noexcept {
  if (!watch.watched()) return;
  const int fd = watch.fd();
  const Events wanted = table_.events(fd) & ~watch.event();
  // An error says that the descriptor is closed, and forgotten already.
  control(epoll_, wanted == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD, fd, to_epoll(wanted));
  table_.erase(watch);
  watched_ = table_.size();
}

void EpollReactor::unwatch_all() noexcept {
  for (int fd = 0; fd < table_.end(); ++fd) {
    for (const Events event : {EVENT_READ, EVENT_WRITE}) {
      if (Watch* const watch = table_.find(fd, event)) unwatch(*watch);
    }
  }
}

void EpollReactor::poll(time_point deadline, ReadyQueue& ready) {
  const int count = wait(deadline);
  if (count < 0 && errno != EINTR) throw_os_error(errno);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events_[static_cast<std::size_t>(i)];
    if (event.data.fd == wake_up_) {
      woken_.exchange(false);  // before the loop looks for what it was woken for
    } else {
      table_.report(event.data.fd, from_epoll(event.events), ready);
    }
  }
}

int EpollReactor::wait(time_point deadline) {
  const auto room = static_cast<int>(events_.size());
  if (deadline == time_point::max()) return ::epoll_wait(epoll_, events_.data(), room, -1);
  const time_point from = deadline == time_point::min() ? deadline : now();
  if (deadline <= from) return ::epoll_wait(epoll_, events_.data(), room, 0);
  const std::chrono::nanoseconds timeout = deadline - from;
#ifdef SEGUE_HAS_EPOLL_PWAIT2
  if (has_pwait2_) {
    const auto whole = std::chrono::floor<std::chrono::seconds>(timeout);
    const timespec span{static_cast<std::time_t>(whole.count()), static_cast<long>((timeout - whole).count())};
    const int count = ::epoll_pwait2(epoll_, events_.data(), room, &span, nullptr);
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    has_pwait2_ = false;  // an older kernel, or a sandbox that does not know the call
  }
#endif
  // Rounded up: a little too early, the loop would spin until its timer is due.
  const std::int64_t milliseconds = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  constexpr std::int64_t limit = std::numeric_limits<int>::max();
  return ::epoll_wait(epoll_, events_.data(), room, static_cast<int>(std::min(milliseconds, limit)));
}

void EpollReactor::wake() noexcept {
  if (woken_.exchange(true)) return;
  const int interrupted = errno;  // a signal handler's caller may be about to look at it
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_up_, &one, sizeof one);
  errno = interrupted;
}

std::unique_ptr<Reactor> make_reactor() { return std::make_unique<EpollReactor>(); }

}  // namespace segue::modern
