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
#include <segue/exceptions.hpp>

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
  /// The call has come. A second one is reported. What copying or moving the values throws is the caller's: it has not
  /// come then, and fail() says that it never will. RuntimeError where no await has made the listener, or not yet.
  template <class... Args>
    requires std::invocable<const CallbackType&, Args...>
  void succeed(Args&&... values) {
    Telling call(*this);
    call.callback(std::forward<Args>(values)...);
    call.told = true;
  }
  /// The same for one that failed, with what to_exception() makes of the error.
  template <CallbackError Error = std::exception_ptr>
  void fail(const Error& error = {}) {
    Telling call(*this);
    call.callback.fail(to_failure(error));
    call.told = true;
  }

 private:
  template <class, bool>
  friend class bridge_detail::ListenerShape;
  enum Phase : std::uint8_t { waited_for = 0, telling = 1, left_alone = 2, called = 4 };

  /// While it lives, so does a listener that the wait keeps: the values may be members of it. Of one that is shared,
  /// nothing is touched once the call is told, for it may be gone.
  struct Telling {
    explicit Telling(Listener& of) : listener(of), callback(of.callback()) {
      if (of.kept_) first = of.begin_telling();
    }
    Telling(const Telling&) = delete;
    Telling& operator=(const Telling&) = delete;
    ~Telling() {
      if (!first) return;
      const int before = listener.phase_.fetch_xor(told ? telling | called : telling);
      if (told && (before & left_alone) != 0) callback.destroy_in_loop(std::move(listener.self_));
    }
    Listener& listener;
    const CallbackType callback;
    bool first = false;
    bool told = false;
  };
  bool begin_telling() {
    std::uint8_t before = phase_;
    while ((before & (telling | called)) == 0)
      if (phase_.compare_exchange_weak(before, before | telling)) return true;
    return false;
  }
  const CallbackType& callback() const {
    if (!callback_) throw RuntimeError("listener is not waited for");
    return *callback_;
  }
  /// Nobody waits any more: it lives until it has been called.
  void leave_alone(std::shared_ptr<void> self) {
    self_ = self;
    if ((phase_.fetch_or(left_alone) & (telling | called)) == called) self_ = nullptr;
  }

  std::optional<CallbackType> callback_;
  bool kept_ = false;  // by the wait, and not shared
  std::atomic<std::uint8_t> phase_ = waited_for;
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
    listener_->kept_ = !shared;
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
