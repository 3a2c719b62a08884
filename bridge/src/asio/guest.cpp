#include <segue/bridge/asio/guest.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <segue/bridge/asio/reactor.hpp>
#include <segue/exceptions.hpp>

namespace segue::bridge {

// Runs the loop, an iteration a turn. Kept alive by its handlers that are under way in the io_context.
class Guest::Turns : public std::enable_shared_from_this<Guest::Turns> {
 public:
  Turns(modern::EventLoop& loop, boost::asio::io_context& io)
      : loop_(loop), reactor_(AsioReactor::of(loop, &io)), timer_(io) {}

  /// Takes a turn at `when`, or when the reactor finds something.
  void wait_until(modern::EventLoop::time_point when) {
    if (stopped_) return;
    const Take take{shared_from_this(), turn_};
    if (when <= loop_.time()) {
      boost::asio::post(reactor_.context(), take);
      return;
    }
    reactor_.found_.async_wait(boost::asio::posix::descriptor_base::wait_read, take);
    if (when == modern::EventLoop::time_point::max()) return;
    timer_.expires_at(when);
    timer_.async_wait(take);
  }

  void stop() noexcept {
    if (std::exchange(stopped_, true)) return;
    end_wait();
  }

 private:
  struct Take {
    template <class... Error>
    void operator()(const Error&...) const {
      self->check_thread(*this);
      if (self->turn_ == turn) self->take();
    }
    std::shared_ptr<Turns> self;
    std::uint64_t turn;
  };

  // Where several threads run the io_context, turns would be taken at the same time.
  void check_thread(const Take& take) {
    if (thread_ == std::thread::id()) thread_ = std::this_thread::get_id();
    if (thread_ == std::this_thread::get_id()) return;
    boost::asio::post(reactor_.context(), take);  // for the right one
    throw RuntimeError("an io_context with a Guest is run by a second thread: the event loop has one");
  }

  void end_wait() {
    ++turn_;
    timer_.cancel();
    reactor_.found_.cancel();
  }

  void take() {
    end_wait();
    auto next = modern::EventLoop::time_point::min();
    const modern::EventLoopRef keep(&loop_);
    reactor_.is_guest_ = true;
    const auto go_on = [&] {
      reactor_.is_guest_ = false;
      if (loop_.is_closed()) {  // one of its own callbacks has dropped it
        stopped_ = true;
      } else {
        wait_until(next);
      }
    };
    try {
      next = loop_.step();
    } catch (...) {
      go_on();
      throw;
    }
    go_on();
  }

  modern::EventLoop& loop_;
  AsioReactor& reactor_;
  boost::asio::steady_timer timer_;
  std::uint64_t turn_ = 0;  // a handler that was made in an earlier one has come too late
  bool stopped_ = false;
  std::thread::id thread_;  // that of the first turn, before which there are no others
};

Guest::Guest(modern::EventLoop& loop, boost::asio::io_context& io) : turns_(std::make_shared<Turns>(loop, io)) {
  turns_->wait_until(modern::EventLoop::time_point::min());
}

void Guest::stop() noexcept { turns_->stop(); }

}  // namespace segue::bridge
