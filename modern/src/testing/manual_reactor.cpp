#include <segue/modern/testing/manual_reactor.hpp>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>

#include <segue/exceptions.hpp>
#include <segue/os_error.hpp>

namespace segue::modern {

namespace {

constexpr std::chrono::milliseconds time_for_calls{100};

short to_poll(Events events) noexcept {
  return static_cast<short>(((events & EVENT_READ) != 0 ? POLLIN : 0) | ((events & EVENT_WRITE) != 0 ? POLLOUT : 0));
}

Events from_poll(short events) noexcept {
  return ((events & ~POLLOUT) != 0 ? EVENT_READ : 0) | ((events & ~POLLIN) != 0 ? EVENT_WRITE : 0);
}

}  // namespace

ManualReactor::ManualReactor() : wake_up_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_up_ < 0) throw_os_error(errno);
  polled_.reserve(1);
}

ManualReactor::~ManualReactor() { ::close(wake_up_); }

void ManualReactor::watch(Watch& watch, int fd) {
  if (fd < 0) throw ValueError("Invalid file descriptor: " + std::to_string(fd));
  if (::fcntl(fd, F_GETFD) < 0) throw_os_error(errno);
  if (polled_.capacity() == table_.size() + 1) polled_.reserve(2 * polled_.capacity());
  table_.insert(watch, fd);
  watched_ = table_.size();
}

void ManualReactor::unwatch(Watch& watch) noexcept {
  if (watch.watched()) table_.erase(watch);
  watched_ = table_.size();
}

void ManualReactor::unwatch_all() noexcept {
  table_.clear();
  watched_ = 0;
}

bool ManualReactor::wait(std::chrono::milliseconds time, ReadyQueue& ready) {
  polled_.assign(1, {wake_up_, POLLIN, 0});
  for (int fd = 0; fd < table_.end(); ++fd) {
    if (const Events events = table_.events(fd)) polled_.push_back({fd, to_poll(events), 0});
  }
  int count = 0;
  do {
    count = ::poll(polled_.data(), polled_.size(), static_cast<int>(time.count()));
  } while (count < 0 && errno == EINTR);
  if (count <= 0) return false;
  if (polled_.front().revents != 0) {
    std::uint64_t wakes = 0;
    static_cast<void>(::read(wake_up_, &wakes, sizeof wakes));
  }
  for (std::size_t i = 1; i < polled_.size(); ++i) table_.report(polled_[i].fd, from_poll(polled_[i].revents), ready);
  return true;
}

void ManualReactor::poll(time_point deadline, ReadyQueue& ready) {
  if (deadline == time_point::max()) {
    if (!wait(patience, ready))
      throw RuntimeError("deadlock: nothing is ready, no timer is set, and no other thread woke the loop");
  } else if (deadline == time_point::min()) {
    if (watching()) wait({}, ready);
  } else if (!wait(waits_for_calls_ ? time_for_calls : std::chrono::milliseconds(0), ready)) {
    waits_for_calls_ = false;
    now_ = std::max(now_, deadline);
  }
}

void ManualReactor::set_calls_elsewhere(std::size_t calls) noexcept {
  waits_for_calls_ = calls > 0 && (waits_for_calls_ || calls > calls_elsewhere_);
  calls_elsewhere_ = calls;
}

void ManualReactor::wake() noexcept {
  const int before = errno;  // this may be a signal handler
  const std::uint64_t once = 1;
  static_cast<void>(::write(wake_up_, &once, sizeof once));
  errno = before;
}

}  // namespace segue::modern
