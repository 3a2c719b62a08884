// A new reactor: poll(2)'s, for a system that has no epoll. A WatchTable keeps the watches.

#include <segue/modern/loop/reactor.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/ready_queue.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/loop/watch_table.hpp>
#include <segue/os_error.hpp>

#include "check.hpp"

using namespace segue::modern;
using namespace std::chrono_literals;

class PollReactor final : public Reactor {
 public:
  PollReactor() : wakeups_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (wakeups_ < 0) segue::throw_os_error(errno);
  }
  ~PollReactor() override { ::close(wakeups_); }

  time_point now() noexcept override { return std::chrono::steady_clock::now(); }

  void poll(time_point deadline, ReadyQueue& ready) override {
    std::vector<pollfd> polled{{wakeups_, POLLIN, 0}};
    for (int fd = 0; fd < table_.end(); ++fd)
      if (const Events events = table_.events(fd)) polled.push_back({fd, to_poll(events), 0});

    if (::poll(polled.data(), polled.size(), timeout(deadline)) <= 0) return;  // what a signal interrupted comes early
    eventfd_t wakeups = 0;
    if (polled[0].revents != 0) ::eventfd_read(wakeups_, &wakeups);
    std::for_each(polled.begin() + 1, polled.end(),
                  [&](const pollfd& one) { table_.report(one.fd, from_poll(one.revents), ready); });
  }

  void wake() noexcept override { ::eventfd_write(wakeups_, 1); }

  void watch(Watch& watch, int fd) override {
    if (fd < 0) throw segue::ValueError("Invalid file descriptor: " + std::to_string(fd));
    if (::fcntl(fd, F_GETFD) < 0) segue::throw_os_error(errno);
    table_.insert(watch, fd);
    watched_ = table_.size();
  }
  void unwatch(Watch& watch) noexcept override {
    if (watch.watched()) table_.erase(watch);
    watched_ = table_.size();
  }
  Watch* find(int fd, Events event) const noexcept override { return table_.find(fd, event); }
  void unwatch_all() noexcept override {
    table_.clear();
    watched_ = 0;
  }

 private:
  static short to_poll(Events events) noexcept {
    return static_cast<short>(((events & EVENT_READ) != 0 ? POLLIN : 0) | ((events & EVENT_WRITE) != 0 ? POLLOUT : 0));
  }
  // An error or a hang-up is for both to find out.
  static Events from_poll(short events) noexcept {
    return ((events & ~POLLOUT) != 0 ? EVENT_READ : 0) | ((events & ~POLLIN) != 0 ? EVENT_WRITE : 0);
  }
  // In milliseconds, rounded up: rounded down, the loop would spin for the rest of the last one. -1: without limit.
  int timeout(time_point deadline) noexcept {
    if (deadline == time_point::min()) return 0;
    if (deadline == time_point::max()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
  }

  int wakeups_;
  WatchTable table_;
};

int main() {
  const EventLoopPtr loop = new_event_loop(std::make_unique<PollReactor>());
  std::array<int, 2> pipe{};
  check(::pipe(pipe.data()) == 0);
  std::vector<std::string> trace;

  loop->add_reader(pipe[0], [&] {
    char byte = 0;
    check(::read(pipe[0], &byte, 1) == 1);
    trace.push_back(std::string("read ") + byte);
    loop->remove_reader(pipe[0]);
    loop->call_later(1ms, [&] {
      trace.emplace_back("timer");
      loop->stop();
    });
  });
  std::thread other([&] {
    loop->call_soon_threadsafe([&] {
      trace.emplace_back("woken");
      check(::write(pipe[1], "x", 1) == 1);
    });
  });
  loop->run_forever();
  other.join();

  check((trace == std::vector<std::string>{"woken", "read x", "timer"}));
  check(!loop->reactor().watching());
  for (const int end : pipe) ::close(end);
}
