// What is between a guest's loop and its host. It lives as long as a turn that it takes, or a handler that is under
// way.
#pragma once

#include <exception>
#include <memory>

#include <segue/bridge/guest.hpp>
#include <segue/bridge/hosted_reactor.hpp>
#include <segue/modern/loop/event_loop.hpp>

namespace segue::bridge {

class Guest::Turns final : public Hosted, public std::enable_shared_from_this<Guest::Turns> {
 public:
  Turns(modern::EventLoop& loop, HostedReactor& reactor) : loop_(&loop), reactor_(reactor) {}
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;
  ~Turns();

  void start(Make make, void* host);
  void stop() noexcept;
  bool stopped() const noexcept { return !host_; }
  void wake() noexcept { reactor_.wake(); }
  void rethrow();

  int descriptor() const noexcept override { return reactor_.inner_.fileno(); }
  time_point due() noexcept override { return is_running() ? time_point::max() : loop_->due(); }
  bool is_running() const noexcept override { return loop_->is_running() || modern::LoopCore::is_any_running(); }
  void take(bool readable) override;

 private:
  void report_error() noexcept;

  const modern::EventLoopRef loop_;        // in memory, though it may be closed
  HostedReactor& reactor_;                 // the loop's
  std::unique_ptr<Host> host_;             // none where it has stopped
  std::unique_ptr<Host>* left_ = nullptr;  // where a turn keeps a host until its end that a callback stops
  std::exception_ptr error_;               // what the host could not let through
};

}  // namespace segue::bridge
