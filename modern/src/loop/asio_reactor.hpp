// The one door to Asio: the reactor that the loop polls, and the io_context that modern's I/O uses.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <segue/modern/loop/reactor.hpp>

namespace segue::modern {

class AsioReactor final : public Reactor {
 public:
  AsioReactor();
  ~AsioReactor() override;

  time_point now() noexcept override { return std::chrono::steady_clock::now(); }
  void poll(time_point deadline) override;
  void wake() noexcept override;
  void add_reader(int fd, std::function<void()> callback) override;
  void add_writer(int fd, std::function<void()> callback) override;
  bool remove_reader(int fd) override;
  bool remove_writer(int fd) override;
  void* io_context() noexcept override;

 private:
  struct Direction {
    std::function<void()> callback;
    bool waiting = false;  // Asio has an async_wait for it
  };
  struct Watch {
    Watch(boost::asio::io_context& context, int fd) : descriptor(context, fd) {}
    ~Watch() { release(); }
    /// Gives the descriptor back: it is the user's, who may close it now and get its number again.
    void release() {
      if (descriptor.is_open()) descriptor.release();
    }
    boost::asio::posix::stream_descriptor descriptor;
    Direction reader;
    Direction writer;
    bool to_arm = false;  // in to_arm_
  };

  void watch_wake_up();
  std::shared_ptr<Watch> watch(int fd);
  void add(int fd, Direction Watch::* direction, std::function<void()> callback);
  bool remove(int fd, Direction Watch::* direction);
  void arm_next(const std::shared_ptr<Watch>& watch);
  void arm(const std::shared_ptr<Watch>& watch, Direction Watch::* direction,
           boost::asio::posix::descriptor_base::wait_type type);
  void arm_watches();

  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keep_running_;
  boost::asio::posix::stream_descriptor wake_up_;  // an eventfd
  std::unordered_map<int, std::shared_ptr<Watch>> watches_;
  std::vector<std::shared_ptr<Watch>> to_arm_;
  bool foreign_ = false;  // somebody else's operations run on context() too
};

}  // namespace segue::modern
