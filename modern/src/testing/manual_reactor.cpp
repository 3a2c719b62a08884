#include <segue/modern/testing/manual_reactor.hpp>

#include <fcntl.h>

#include <cerrno>
#include <string>

#include <segue/exceptions.hpp>
#include <segue/os_error.hpp>

namespace segue::modern {

namespace {

short to_poll(Events events) noexcept {
  return static_cast<short>(((events & EVENT_READ) != 0 ? POLLIN : 0) | ((events & EVENT_WRITE) != 0 ? POLLOUT : 0));
}

Events from_poll(short events) noexcept {
  return ((events & ~POLLOUT) != 0 ? EVENT_READ : 0) | ((events & ~POLLIN) != 0 ? EVENT_WRITE : 0);
}

}  // namespace

void ManualReactor::watch(Watch& watch, int fd) {
  if (fd < 0) throw ValueError("Invalid file descriptor: " + std::to_string(fd));
  if (::fcntl(fd, F_GETFD) < 0) throw_os_error(errno);
  if (polled_.capacity() == table_.size()) polled_.reserve(2 * table_.size() + 1);
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

bool ManualReactor::poll_descriptors(int timeout_ms, ReadyQueue& ready) {
  polled_.clear();
  for (int fd = 0; fd < table_.end(); ++fd) {
    if (const Events events = table_.events(fd)) polled_.push_back({fd, to_poll(events), 0});
  }
  int count = ::poll(polled_.data(), polled_.size(), timeout_ms);
  // The signal that ended the wait may have made one ready: the loop's own, where it has a handler.
  if (count < 0 && errno == EINTR) count = ::poll(polled_.data(), polled_.size(), 0);
  if (count <= 0) return false;
  for (const pollfd& one : polled_) table_.report(one.fd, from_poll(one.revents), ready);
  return true;
}

void ManualReactor::poll(time_point deadline, ReadyQueue& ready) {
  if (watching() && poll_descriptors(0, ready)) return;
  if (deadline == time_point::min()) return;
  std::unique_lock lock(mutex_);
  if (deadline != time_point::max()) {
    if (!wake_ && deadline > now_) now_ = deadline;
    wake_ = false;
    return;
  }
  if (watching()) {
    lock.unlock();
    if (poll_descriptors(static_cast<int>(patience.count()), ready)) return;
    lock.lock();
  }
  if (!woken_.wait_for(lock, patience, [this] { return wake_; }))
    throw RuntimeError("deadlock: nothing is ready, no timer is set, and no other thread woke the loop");
  wake_ = false;
}

void ManualReactor::wake() noexcept {
  const std::lock_guard lock(mutex_);
  wake_ = true;
  woken_.notify_one();
}

}  // namespace segue::modern
