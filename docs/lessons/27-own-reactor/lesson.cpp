// A loop of one's own: segue's, over a reactor that is written here and tells how it waits.

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

#include <fmt/core.h>

#include <segue/asyncio.hpp>
#include <segue/modern/loop/watch_table.hpp>

using namespace segue;
using namespace std::chrono_literals;
using asyncio::Coroutine;
using modern::Events;

// poll(2)'s: it keeps what is watched, waits, and gives what is ready.
class OwnReactor final : public modern::Reactor {
 public:
  OwnReactor() : wakeups_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (wakeups_ < 0) throw_os_error(errno);
  }
  ~OwnReactor() override { ::close(wakeups_); }

  time_point now() noexcept override { return std::chrono::steady_clock::now(); }
  void wake() noexcept override { ::eventfd_write(wakeups_, 1); }

  void watch(modern::Watch& watch, int fd) override {
    if (fd < 0) throw ValueError("Invalid file descriptor: " + std::to_string(fd));
    if (::fcntl(fd, F_GETFD) < 0) throw_os_error(errno);
    table_.insert(watch, fd);
    watched_ = table_.size();
  }
  void unwatch(modern::Watch& watch) noexcept override {
    if (watch.watched()) table_.erase(watch);
    watched_ = table_.size();
  }
  modern::Watch* find(int fd, Events event) const noexcept override { return table_.find(fd, event); }
  void unwatch_all() noexcept override {
    table_.clear();
    watched_ = 0;
  }

  void poll(time_point deadline, modern::ReadyQueue& ready) override {
    std::vector<pollfd> polled{{wakeups_, POLLIN, 0}};
    for (int fd = 0; fd < table_.end(); ++fd)
      if (const Events events = table_.events(fd)) polled.push_back({fd, to_poll(events), 0});

    const int timeout = milliseconds_until(deadline);
    tell(timeout);
    if (::poll(polled.data(), polled.size(), timeout) <= 0) return;  // what a signal interrupted comes early
    eventfd_t wakeups = 0;
    if (polled[0].revents != 0) ::eventfd_read(wakeups_, &wakeups);
    std::for_each(polled.begin() + 1, polled.end(),
                  [&](const pollfd& one) { table_.report(one.fd, from_poll(one.revents), ready); });
  }

 private:
  static short to_poll(Events events) {
    return static_cast<short>(((events & modern::EVENT_READ) != 0 ? POLLIN : 0) |
                              ((events & modern::EVENT_WRITE) != 0 ? POLLOUT : 0));
  }
  static Events from_poll(short events) {
    return ((events & ~POLLOUT) != 0 ? modern::EVENT_READ : 0) | ((events & ~POLLIN) != 0 ? modern::EVENT_WRITE : 0);
  }
  int milliseconds_until(time_point deadline) {
    if (deadline == time_point::min()) return 0;
    if (deadline == time_point::max()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
  }
  static void tell(int timeout) {
    if (timeout < 0) fmt::print("  waits until something is ready\n");
    if (timeout > 0) fmt::print("  waits, but not longer than until a timer is due\n");
  }

  int wakeups_;
  modern::WatchTable table_;
};

asyncio::EventLoopPtr own_loop() { return asyncio::new_event_loop(std::make_unique<OwnReactor>()); }

Coroutine<> async_main() {
  auto& loop = asyncio::get_running_loop();
  fmt::print("- what is ready is run without a wait\n");
  co_await asyncio::sleep(0s);

  fmt::print("- a timer\n");
  co_await asyncio::sleep(20ms);

  fmt::print("- a descriptor\n");
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw_os_error(errno);
  const auto closed = asyncio::finally_([&] {
    loop.remove_reader(pipe[0]);
    for (const int end : pipe) ::close(end);
  });
  asyncio::Event readable;
  loop.add_reader(pipe[0], [readable]() mutable { readable.set(); });
  char byte = 'x';
  if (::write(pipe[1], &byte, 1) != 1) throw_os_error(errno);
  co_await readable.wait();
  if (::read(pipe[0], &byte, 1) != 1) throw_os_error(errno);
  fmt::print("  read: {}\n", byte);

  fmt::print("- another thread\n");
  asyncio::Event called;
  const auto call = [&loop, called] {
    std::this_thread::sleep_for(50ms);
    loop.call_soon_threadsafe([called]() mutable { called.set(); });
  };
  std::jthread other(call);
  co_await called.wait();
  other.join();

  fmt::print("- whichever comes first\n");
  const auto wait = []() -> Coroutine<> { co_await asyncio::Event().wait(); };
  try {
    co_await asyncio::async_with(asyncio::timeout(20ms), wait);
  } catch (const TimeoutError&) {
    fmt::print("  the timer\n");
  }
}

int main() { asyncio::run(async_main(), {.loop_factory = own_loop}); }
