#include <segue/modern/testing/manual_reactor.hpp>

#include <poll.h>

#include <vector>

#include <segue/exceptions.hpp>

namespace segue::modern {

void ManualReactor::add(Callbacks& callbacks, int fd, std::function<void()> callback) {
  callbacks[fd] = std::move(callback);
  watched_ = readers_.size() + writers_.size();
}

bool ManualReactor::remove(Callbacks& callbacks, int fd) {
  const bool found = callbacks.erase(fd) > 0;
  watched_ = readers_.size() + writers_.size();
  return found;
}

bool ManualReactor::poll_descriptors(int timeout_ms) {
  std::vector<pollfd> descriptors;
  for (const auto& [fd, callback] : readers_) descriptors.push_back({fd, POLLIN, 0});
  for (const auto& [fd, callback] : writers_) descriptors.push_back({fd, POLLOUT, 0});
  if (::poll(descriptors.data(), descriptors.size(), timeout_ms) <= 0) return false;
  bool any = false;
  for (const pollfd& ready : descriptors) {
    if (ready.revents == 0) continue;
    auto& callbacks = ready.events == POLLIN ? readers_ : writers_;
    const auto found = callbacks.find(ready.fd);
    if (found == callbacks.end()) continue;
    any = true;
    const auto callback = found->second;
    callback();
  }
  return any;
}

void ManualReactor::poll(time_point deadline) {
  if (watching() && poll_descriptors(0)) return;
  if (deadline == time_point::min()) return;
  std::unique_lock lock(mutex_);
  if (deadline != time_point::max()) {
    if (!wake_ && deadline > now_) now_ = deadline;
    wake_ = false;
    return;
  }
  if (watching()) {
    lock.unlock();
    if (poll_descriptors(static_cast<int>(patience.count()))) return;
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
