// The jobs that a search has to wait for: what an offer costs is known to a service with a thread of its own, which
// calls back from there a moment later. It stays as it is on all rungs.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <fstream>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

class Prices {
 public:
  using Done = std::function<void(std::exception_ptr error, long price)>;

  /// Reads a line an offer: its price, or "withdrawn", or "never" for one that is not answered.
  explicit Prices(const char* path) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) lines_.push_back(line);
    thread_ = std::thread([this] { work(); });
  }
  ~Prices() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  /// Calls `done` once, from the service's thread, a millisecond later.
  void ask(int offer, Done done) {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({std::chrono::steady_clock::now() + std::chrono::milliseconds(1), offer, std::move(done)});
    changed_.notify_one();
  }

 private:
  struct Job {
    std::chrono::steady_clock::time_point due;
    int offer;
    Done done;
  };

  void work() {
    std::vector<Job> unanswered;
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
      if (ending_) return;
      Job job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      std::this_thread::sleep_until(job.due);
      const std::string& line = lines_.at(static_cast<std::size_t>(job.offer));
      if (line == "never") {
        unanswered.push_back(std::move(job));
      } else if (line == "withdrawn") {
        job.done(std::make_exception_ptr(std::runtime_error("offer " + std::to_string(job.offer) + " was withdrawn")),
                 0);
      } else {
        job.done(nullptr, std::stol(line));
      }
      job.done = nullptr;
      lock.lock();
    }
  }

  std::vector<std::string> lines_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool ending_ = false;
  std::thread thread_;
};
