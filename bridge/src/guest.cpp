#include <segue/bridge/guest.hpp>

#include <utility>

#include <segue/exceptions.hpp>
#include <segue/unraisable.hpp>

#include "guest_turns.hpp"

namespace segue::bridge {

bool Hosted::is_due() noexcept {
  const time_point when = due();
  return when == time_point::min() || (when != time_point::max() && when <= time_point::clock::now());
}

Guest::Turns::~Turns() { report_error(); }

void Guest::Turns::report_error() noexcept {
  if (error_) report_unraisable(std::exchange(error_, nullptr), "<Guest: rethrow() was not called>");
}

void Guest::Turns::start(Make make, void* host) {
  if (reactor_.guest_ != nullptr) throw RuntimeError("this event loop is a guest already");
  host_ = make(*this, host);
  reactor_.guest_ = this;
}

void Guest::Turns::stop() noexcept {
  if (!host_) return;
  reactor_.guest_ = nullptr;
  std::unique_ptr<Host> here;
  (left_ != nullptr ? *left_ : here) = std::move(host_);
}

void Guest::Turns::take(bool readable) {
  if (!host_ || is_running()) return;
  const auto keep = shared_from_this();
  const bool takes_exceptions = host_->takes_exceptions();
  std::unique_ptr<Host> left;
  left_ = &left;
  std::exception_ptr error;
  reactor_.in_turn_ = true;
  reactor_.readable_ = reactor_.readable_ || readable;
  try {
    loop_->step();
  } catch (...) {
    error = std::current_exception();
  }
  reactor_.in_turn_ = false;
  left_ = nullptr;
  if (error && !takes_exceptions) {
    report_error();
    error_ = std::exchange(error, nullptr);
    (host_ ? host_ : left)->quit();
  }
  if (loop_->was_stopped() || loop_->is_closed()) stop();
  if (error) std::rethrow_exception(error);
}

void Guest::Turns::rethrow() {
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

void Guest::start(modern::EventLoop& loop, HostedReactor* reactor, Make make, void* host) {
  loop.core().check_usable();
  turns_ = std::make_shared<Turns>(loop, reactor != nullptr ? *reactor : HostedReactor::of(loop));
  turns_->start(make, host);
}

Guest::~Guest() { stop(); }

void Guest::stop() noexcept { turns_->stop(); }

bool Guest::stopped() const noexcept { return turns_->stopped(); }

void Guest::wake() noexcept { turns_->wake(); }

void Guest::rethrow() { turns_->rethrow(); }

}  // namespace segue::bridge
