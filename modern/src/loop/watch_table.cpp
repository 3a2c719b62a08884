#include <segue/modern/loop/watch_table.hpp>

#include <utility>

namespace segue::modern {

void WatchTable::insert(Watch& watch, int fd) {
  if (fd >= end()) slots_.resize(static_cast<std::size_t>(fd) + 1);
  if (events(fd) == 0) ++size_;
  watch.fd_ = fd;
  Watch* const replaced = std::exchange(place(fd, watch.event()), &watch);
  if (replaced != nullptr) replaced->become_idle();
}

void WatchTable::erase(Watch& watch) noexcept {
  const int fd = watch.fd();
  place(fd, watch.event()) = nullptr;
  if (events(fd) == 0) --size_;
  watch.become_idle();
}

void WatchTable::clear() noexcept {
  for (int fd = 0; fd < end(); ++fd) {
    for (const Events event : {EVENT_READ, EVENT_WRITE}) {
      if (Watch* const watch = find(fd, event)) erase(*watch);
    }
  }
}

}  // namespace segue::modern
