// An io_context within a loop: the loop waits in it, and so runs Asio's handlers in its own thread, between its
// iterations.
//
//   boost::asio::steady_timer timer(bridge::io_context(get_running_loop()), 1s);       // the loop's own io_context
//   auto loop = new_event_loop(bridge::make_reactor(io));                              // the program's
//
// Asio's handlers are callbacks of the loop: what one throws goes to the loop's exception handler, and the loop goes
// on; KeyboardInterrupt and SystemExit leave it, through run(). Of handlers that queue each other without end, a
// bounded number run before the loop has an iteration. io_context::stop() does not stop the loop.
//
// The loop's own watches are not Asio's: another reactor, epoll's, keeps them, and the io_context waits for its one
// descriptor. That wait is under way in the program's io_context during a poll alone: where the program runs it besides
// the loop, it does not keep that run() from ending. No other thread may run the io_context while the loop runs:
// its run() throws RuntimeError when it takes what was to wake the loop.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <segue/bridge/hosted_reactor.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/loop/reactor.hpp>

namespace segue::bridge {

class AsioReactor final : public HostedReactor {
 public:
  /// Waits in `context`, or in one of its own where that is null, for what `inner` watches as well as for what Asio
  /// does. `inner` has a fileno(), and outlives this.
  explicit AsioReactor(modern::Reactor& inner, boost::asio::io_context* context = nullptr);
  AsioReactor(std::unique_ptr<modern::Reactor> inner, boost::asio::io_context& context);
  ~AsioReactor() override;

  /// The AsioReactor of `loop`; a reactor of another kind is wrapped in a new one. RuntimeError where the loop has one
  /// with another io_context, or its reactor has no fileno().
  static AsioReactor& of(modern::EventLoop& loop, boost::asio::io_context* context = nullptr);

  boost::asio::io_context& context() noexcept { return context_; }

 private:
  struct Found;

  void wait(time_point deadline, modern::ReadyQueue& ready) override;
  bool has_host() const noexcept override { return true; }
  void run_handlers(time_point deadline);
  void wait_until(time_point deadline);
  void restart();

  std::optional<boost::asio::io_context> own_;
  boost::asio::io_context& context_;
  boost::asio::posix::stream_descriptor found_;  // inner()'s descriptor, which inner() closes
  bool waits_ = false;                           // for found_
  bool was_stopped_ = false;                     // by the program, which runs it
  std::atomic<std::thread::id> thread_;          // where it waits, or did last
};

/// A reactor for new_event_loop(): the loop runs `context` from then on. It has to outlive the loop.
std::unique_ptr<modern::Reactor> make_reactor(boost::asio::io_context& context);

/// The io_context that `loop` waits in. A loop that has none gets one of its own when it is first asked for.
/// RuntimeError where the loop's reactor cannot wait in one, as the one with virtual time.
boost::asio::io_context& io_context(modern::EventLoop& loop);

}  // namespace segue::bridge
