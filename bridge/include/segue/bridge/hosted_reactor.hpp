// Reactors around another one, by which a loop and the loop of another library wait for each other: as its guest
// (guest.hpp), or the other way round, where the loop runs its host.
//
//   auto loop = new_event_loop(bridge::make_reactor(*uv_default_loop()));   // <segue/bridge/libuv.hpp>
//   loop->run_until_complete(main());                                       // and libuv's callbacks run meanwhile
#pragma once

#include <algorithm>
#include <memory>
#include <utility>

#include <segue/bridge/guest.hpp>
#include <segue/modern/kernel/scope_exit.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/loop/reactor.hpp>

namespace segue::bridge {

/// Leaves to `inner` what is watched, and to somebody else the wait for its descriptor. It is the base of reactors that
/// wait in the loop of another library; by itself, it is that of a guest.
class HostedReactor : public modern::Reactor {
 public:
  /// `inner` outlives this. RuntimeError where it has no fileno().
  explicit HostedReactor(modern::Reactor& inner);
  explicit HostedReactor(std::unique_ptr<modern::Reactor> inner);

  /// The one of `loop`; where it has another reactor, that one is wrapped. RuntimeError where that has no fileno().
  static HostedReactor& of(modern::EventLoop& loop);

  time_point now() noexcept override { return inner_.now(); }
  void poll(time_point deadline, modern::ReadyQueue& ready) final;
  void wake() noexcept override { inner_.wake(); }
  void watch(modern::Watch& watch, int fd) override { inner_.watch(watch, fd); }
  void unwatch(modern::Watch& watch) noexcept override { inner_.unwatch(watch); }
  modern::Watch* find(int fd, modern::Events event) const noexcept override { return inner_.find(fd, event); }
  /// The loop is closed, and no guest any more.
  void unwatch_all() noexcept override;
  /// Only who has nobody else to wait for it has one.
  int fileno() const noexcept override { return has_host() ? -1 : inner_.fileno(); }

 protected:
  /// What a poll() does that is not part of a guest's turn: waits, and then lets inner() tell what is ready.
  virtual void wait(time_point deadline, modern::ReadyQueue& ready) { inner_.poll(deadline, ready); }
  virtual bool has_host() const noexcept { return is_guest(); }
  bool is_guest() const noexcept { return guest_ != nullptr; }
  modern::Reactor& inner() const noexcept { return inner_; }
  /// Keeps inner() itself, from now on.
  void keep(std::unique_ptr<modern::Reactor> reactor) noexcept { kept_ = std::move(reactor); }

 private:
  friend Guest;

  std::unique_ptr<modern::Reactor> kept_;
  modern::Reactor& inner_;
  Guest::Turns* guest_ = nullptr;
  bool in_turn_ = false;   // the host has waited
  bool readable_ = false;  // and found inner_'s descriptor so
};

/// Waits in the loop of another library, which the loop so runs, an iteration for each of its own. Nobody else runs it
/// meanwhile.
template <class L>
class HostRunningReactor final : public HostedReactor, private Hosted {
 public:
  /// `host` outlives this.
  explicit HostRunningReactor(L& host)
      : HostedReactor(modern::make_reactor()), run_(host), host_(HostOf<L>::make(*this, host)) {}

 private:
  using time_point = modern::Reactor::time_point;

  void wait(time_point deadline, modern::ReadyQueue& ready) override {
    {
      const modern::ScopeExit waited([this] { waits_ = false; });
      waits_ = true;
      deadline_ = deadline;
      HostOf<L>::run_once(run_);
    }
    if (std::exchange(found_, false)) inner().poll(time_point::min(), ready);
  }
  bool has_host() const noexcept override { return true; }

  int descriptor() const noexcept override { return inner().fileno(); }
  // What the host's callbacks give the loop to do ends its wait.
  time_point due() noexcept override {
    if (is_running()) return time_point::max();
    modern::LoopCore* const loop = modern::LoopCore::running();
    return loop != nullptr ? std::min(deadline_, modern::EventLoop::of(*loop).due()) : deadline_;
  }
  // Nor does it wait where a callback has the host run by itself, which this then does not disturb.
  bool is_running() const noexcept override { return !waits_; }
  void take(bool readable) override {
    found_ = found_ || readable;
    waits_ = false;
  }

  L& run_;
  bool waits_ = false;  // and has not got what it waits for
  time_point deadline_ = time_point::max();
  bool found_ = false;  // inner()'s descriptor readable
  const std::unique_ptr<Host> host_;
};

}  // namespace segue::bridge
