#include <segue/bridge/hosted_reactor.hpp>

#include <utility>

#include <segue/exceptions.hpp>

#include "guest_turns.hpp"

namespace segue::bridge {

HostedReactor::HostedReactor(modern::Reactor& inner) : inner_(inner) {
  if (inner.fileno() < 0) throw RuntimeError("this event loop's reactor cannot wait in the loop of another library");
  watched_ = 1;  // the descriptor of inner
}

HostedReactor::HostedReactor(std::unique_ptr<modern::Reactor> inner) : HostedReactor(*inner) { keep(std::move(inner)); }

HostedReactor& HostedReactor::of(modern::EventLoop& loop) {
  if (auto* const reactor = dynamic_cast<HostedReactor*>(&loop.reactor())) {
    if (reactor->has_host()) throw RuntimeError("this event loop waits in the loop of another library already");
    return *reactor;
  }
  auto made = std::make_unique<HostedReactor>(loop.reactor());
  HostedReactor& reactor = *made;
  reactor.keep(loop.exchange_reactor(std::move(made)));
  return reactor;
}

void HostedReactor::poll(time_point deadline, modern::ReadyQueue& ready) {
  if (!in_turn_) {
    wait(deadline, ready);
  } else if (std::exchange(readable_, false)) {
    inner_.poll(time_point::min(), ready);
  }
}

void HostedReactor::unwatch_all() noexcept {
  inner_.unwatch_all();
  if (guest_ != nullptr) guest_->stop();
}

}  // namespace segue::bridge
