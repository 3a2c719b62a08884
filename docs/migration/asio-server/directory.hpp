// A directory that answers from a thread of its own, a moment later. It stays as it is on all rungs.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

class Directory {
 public:
  using Done = std::function<void(std::error_code error, std::string value)>;

  Directory() : thread_([this] { work(); }) {}
  ~Directory() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  /// Calls `done` once, from the directory's thread. "missing…" is not there, and "slow…" is not answered at all.
  void find(std::string name, Done done) {
    const std::lock_guard lock(mutex_);
    asked_.emplace_back(std::move(name), std::move(done));
    changed_.notify_one();
  }

 private:
  void work() {
    std::vector<Done> unanswered;
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return ending_ || !asked_.empty(); });
      if (ending_) return;
      auto [name, done] = std::move(asked_.front());
      asked_.pop_front();
      lock.unlock();
      if (name.starts_with("slow")) {
        unanswered.push_back(std::move(done));
      } else if (name.starts_with("missing")) {
        done(std::make_error_code(std::errc::no_such_file_or_directory), "");
      } else {
        done({}, "the value of " + name + "\n");
      }
      done = nullptr;
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<std::string, Done>> asked_;
  bool ending_ = false;
  std::thread thread_;
};
