// Callback interfaces: APIs that take an object with virtual functions, one of which they call when it is done.
//
//   struct Loaded final : Listener<LoadListener, std::string> {
//     void on_loaded(std::string text) override { succeed(std::move(text)); }
//     void on_failed(int code) override { fail(code); }
//   };
//   std::string text = co_await from_listener<Loaded>([&](Loaded& listener) { loader.load(url, &listener); });
//
// The contract is that of <segue/bridge/callback.hpp>. The listener is made when the operation starts, and lives until
// the call has come and the wait has ended. Where the wait ends first, it lives on until the call comes, unless a
// cancel function said that it will not. succeed() and fail() are the last that a call does with the listener: where it
// comes from another thread, it may be gone afterwards.
//
// An initiation that takes a std::shared_ptr is the listener's owner: it is destroyed without a call where nobody keeps
// it. For an API that keeps a weak pointer the initiation returns the shared one, which is kept as long as the wait.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

#include <segue/bridge/callback.hpp>
#include <segue/bridge/callback_errors.hpp>
#include <segue/bridge/callback_wait.hpp>
#include <segue/bridge/sender.hpp>

namespace segue::bridge {

namespace bridge_detail {
template <class L, bool shared>
class ListenerShape;
}

/// The base of a listener for an interface, whose call brings these values.
template <class Interface, class... Values>
class Listener : public Interface {
 public:
  using CallbackType = Callback<Values...>;
  using Interface::Interface;

 protected:
  /// The call has come. A second one is reported.
  template <class... Args>
    requires std::invocable<const CallbackType&, Args...>
  void succeed(Args&&... values) {
    const Ending ending(*this);
    ending.callback(std::forward<Args>(values)...);
  }
  /// The same for one that failed, with what to_exception() makes of the error.
  template <CallbackError Error = std::exception_ptr>
  void fail(const Error& error = {}) {
    const Ending ending(*this);
    ending.callback.fail(to_failure(error));
  }

 private:
  template <class, bool>
  friend class bridge_detail::ListenerShape;
  enum class Phase : std::uint8_t { waited_for, left_alone, called };

  /// Nothing of the listener is touched once it is made: it may be gone as soon as the call is told.
  struct Ending {
    explicit Ending(Listener& listener) : callback(*listener.callback_) {
      if (listener.phase_.exchange(Phase::called) == Phase::left_alone) kept = std::move(listener.self_);
    }
    Ending(const Ending&) = delete;
    Ending& operator=(const Ending&) = delete;
    ~Ending() {
      if (kept) callback.destroy_in_loop(std::move(kept));
    }
    const CallbackType callback;
    std::shared_ptr<void> kept;
  };
  /// Nobody waits any more: it lives until it is called.
  void leave_alone(std::shared_ptr<void> self) {
    self_ = std::move(self);
    Phase expected = Phase::waited_for;
    if (!phase_.compare_exchange_strong(expected, Phase::left_alone)) self_.reset();
  }

  std::optional<CallbackType> callback_;
  std::atomic<Phase> phase_ = Phase::waited_for;
  std::shared_ptr<void> self_;  // of one that is left alone
};

namespace bridge_detail {

template <class L, bool shared>
class ListenerShape {
 public:
  using Result = typename L::CallbackType::Result;
  using Callbacks = std::tuple<std::conditional_t<shared, std::shared_ptr<L>, L&>>;

  Callbacks make(Sender<Result> sender, const std::source_location&) {
    listener_ = std::make_shared<L>();
    listener_->callback_.emplace(std::move(sender));
    if constexpr (shared) {
      return {std::move(listener_)};
    } else {
      return {*listener_};
    }
  }
  void end(bool withdrawn) noexcept {
    if (const std::shared_ptr<L> listener = std::move(listener_); listener && !withdrawn)
      listener->leave_alone(listener);
  }

 private:
  std::shared_ptr<L> listener_;  // null where it is shared
};

template <class L, class Initiation>
using listener_shape_t = ListenerShape<L, std::invocable<Initiation&, std::shared_ptr<L>>>;

}  // namespace bridge_detail

/// Awaits the call of a listener `L`, which the initiation is given, by reference or shared. Default-constructible.
template <class L, class Initiation>
  requires bridge_detail::Starts<bridge_detail::listener_shape_t<L, Initiation>, Initiation>
auto from_listener(Initiation initiation, std::source_location made = std::source_location::current()) {
  using Shape = bridge_detail::listener_shape_t<L, Initiation>;
  using Cancel = typename bridge_detail::DefaultCancel<bridge_detail::started_t<Shape, Initiation>>::type;
  return bridge_detail::CallbackWait<Shape, Initiation, Cancel>(std::move(initiation), Cancel(), made);
}
/// The same for an operation that `cancel()`, or `cancel(what the initiation returned)`, cancels.
template <class L, class Initiation, class Cancel>
  requires bridge_detail::Starts<bridge_detail::listener_shape_t<L, Initiation>, Initiation> &&
           bridge_detail::CancelFor<Cancel, bridge_detail::listener_shape_t<L, Initiation>, Initiation>
auto from_listener(Initiation initiation, Cancel cancel, std::source_location made = std::source_location::current()) {
  using Shape = bridge_detail::listener_shape_t<L, Initiation>;
  return bridge_detail::CallbackWait<Shape, Initiation, Cancel>(std::move(initiation), std::move(cancel), made);
}

}  // namespace segue::bridge
