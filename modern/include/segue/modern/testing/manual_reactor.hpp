// ManualReactor: a loop without real time, for tests. Its clock stands still while callbacks run and jumps to the next
// timer when nothing else is left, so that sleep(1h) takes no time and two runs never differ.
//
//   auto loop = new_event_loop(std::make_unique<ManualReactor>());
//   loop->run_until_complete(asyncio::sleep(1h));
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>

#include <segue/modern/loop/reactor.hpp>

namespace segue::modern {

class ManualReactor final : public Reactor {
 public:
  time_point now() noexcept override { return now_; }
  /// Jumps to `deadline`. Without one it waits for another thread's wake(); where none comes within `patience` of real
  /// time, nothing ever will: RuntimeError.
  void poll(time_point deadline) override;
  void wake() noexcept override;
  void add_reader(int fd, std::function<void()> callback) override { add(readers_, fd, std::move(callback)); }
  void add_writer(int fd, std::function<void()> callback) override { add(writers_, fd, std::move(callback)); }
  bool remove_reader(int fd) override { return remove(readers_, fd); }
  bool remove_writer(int fd) override { return remove(writers_, fd); }

  /// Moves the clock on by hand.
  void advance(std::chrono::nanoseconds step) noexcept { now_ += step; }

  /// How long a loop with nothing to do and no timer waits for another thread.
  std::chrono::milliseconds patience{10'000};

 private:
  using Callbacks = std::map<int, std::function<void()>>;

  void add(Callbacks& callbacks, int fd, std::function<void()> callback);
  bool remove(Callbacks& callbacks, int fd);
  bool poll_descriptors(int timeout_ms);

  time_point now_{};
  Callbacks readers_;
  Callbacks writers_;
  std::mutex mutex_;
  std::condition_variable woken_;
  bool wake_ = false;  // guarded by mutex_
};

}  // namespace segue::modern
