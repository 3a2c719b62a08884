#include <segue/bridge/asio/guest.hpp>

#include <fcntl.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <segue/bridge/asio/reactor.hpp>
#include <segue/exceptions.hpp>
#include <segue/os_error.hpp>

namespace segue::bridge {

namespace {

using boost::asio::posix::descriptor_base;
using boost::asio::posix::stream_descriptor;

// When to ask again for a turn of a loop that is run by itself within a handler.
constexpr std::chrono::milliseconds while_it_runs{1};

// What the handlers share that are under way in the io_context, which may outlive the host.
class AsioTurns : public std::enable_shared_from_this<AsioTurns> {
 public:
  using time_point = Hosted::time_point;

  AsioTurns(Hosted& hosted, boost::asio::io_context& io) : hosted_(&hosted), io_(io), found_(io), timer_(io) {
    // A copy: the reactor has registered the other one. Linux keeps them apart.
    const int copy = ::fcntl(hosted.descriptor(), F_DUPFD_CLOEXEC, 0);
    if (copy < 0) throw_os_error(errno);
    found_.assign(copy);
  }
  AsioTurns(const AsioTurns&) = delete;
  AsioTurns& operator=(const AsioTurns&) = delete;

  void begin() {
    wait_for_descriptor();
    post_turn();
  }
  void end() noexcept {
    hosted_ = nullptr;
    boost::system::error_code ignored;
    found_.close(ignored);
    timer_.cancel();
  }

 private:
  using Error = boost::system::error_code;

  /// A handler in the io_context: `then` in the one thread that may take turns.
  struct Handler {
    void operator()(const Error& error = {}) const {
      self->check_thread(*this, error);
      ((*self).*then)(error);
    }
    std::shared_ptr<AsioTurns> self;
    void (AsioTurns::*then)(const Error&);
  };
  Handler handler(void (AsioTurns::*then)(const Error&)) { return {shared_from_this(), then}; }

  // Where several threads run the io_context, turns would be taken at the same time.
  void check_thread(const Handler& handler, const Error& error) {
    std::thread::id first;
    if (thread_.compare_exchange_strong(first, std::this_thread::get_id()) || first == std::this_thread::get_id())
      return;
    boost::asio::post(io_, [handler, error] { handler(error); });  // for the right one
    throw RuntimeError("an io_context with a Guest is run by a second thread: the event loop has one");
  }

  void wait_for_descriptor() {
    if (!std::exchange(waiting_, true)) found_.async_wait(descriptor_base::wait_read, handler(&AsioTurns::found));
  }
  void found(const Error& error) {
    waiting_ = false;
    readable_ = readable_ || !error;
    take();
  }
  void post_turn() {
    if (!std::exchange(posted_, true)) boost::asio::post(io_, handler(&AsioTurns::posted));
  }
  void posted(const Error&) {
    posted_ = false;
    take();
  }
  // The time of a turn, which is not before `when`.
  void wait_until(time_point when) {
    if (std::exchange(when_, when) == when) return;
    timer_.expires_at(when);
    if (when == time_point::max()) return;
    timer_.async_wait(handler(&AsioTurns::timed));
  }
  void timed(const Error& error) {
    if (error) return;
    when_ = time_point::max();
    take();
  }

  void take() {
    const auto go_on = [this] {
      if (hosted_ == nullptr) return;
      wait_for_descriptor();
      hosted_->is_due() ? post_turn() : wait_until(hosted_->due());
    };
    if (hosted_ == nullptr) return;
    if (hosted_->is_running()) return wait_until(time_point::clock::now() + while_it_runs);
    try {
      hosted_->take(std::exchange(readable_, false));
    } catch (...) {
      go_on();
      throw;
    }
    go_on();
  }

  Hosted* hosted_;  // null at the end
  boost::asio::io_context& io_;
  stream_descriptor found_;
  boost::asio::steady_timer timer_;
  time_point when_ = time_point::max();  // what timer_ is set to
  bool waiting_ = false;                 // for found_
  bool readable_ = false;
  bool posted_ = false;
  std::atomic<std::thread::id> thread_;  // that of the first turn
};

}  // namespace

class HostOf<boost::asio::io_context>::AsHost final : public Host {
 public:
  AsHost(Hosted& hosted, boost::asio::io_context& io) : turns_(std::make_shared<AsioTurns>(hosted, io)) {
    turns_->begin();
  }
  ~AsHost() override { turns_->end(); }

  bool takes_exceptions() const noexcept override { return true; }

 private:
  const std::shared_ptr<AsioTurns> turns_;
};

HostedReactor& HostOf<boost::asio::io_context>::reactor(modern::EventLoop& guest, boost::asio::io_context& io) {
  return AsioReactor::of(guest, &io);
}

std::unique_ptr<Host> HostOf<boost::asio::io_context>::make(Hosted& hosted, boost::asio::io_context& io) {
  return std::make_unique<AsHost>(hosted, io);
}

}  // namespace segue::bridge
