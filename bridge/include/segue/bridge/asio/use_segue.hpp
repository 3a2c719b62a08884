// Asio's operations in coroutines of either style:
//
//   boost::asio::ip::tcp::socket socket(io_context(get_running_loop()));
//   std::size_t n = co_await socket.async_read_some(buffer, use_segue);
//   std::size_t m = yield_from(socket.async_read_some(buffer, use_segue));
//   auto [error, count] = co_await socket.async_read_some(buffer, boost::asio::as_tuple(use_segue));
//
// An error code is thrown (see to_exception()), and the end of a stream as EOFError, unless as_tuple() or
// redirect_error() keeps it. Cancelling the task cancels the operation through its cancellation slot, and
// CancelledError is thrown when the operation has ended, so that its buffers are safe until then. An operation that
// does not support cancellation is left to itself; CancelledError is thrown at once, and its buffers must live on.
//
// The operation may be another thread's: of a socket whose io_context runs there. The coroutine goes on in its loop. A
// cancellation is sent through the operation's executor, which has to be a strand where several threads run it.
#pragma once

#include <concepts>
#include <exception>
#include <tuple>
#include <type_traits>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/associator.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/system/error_code.hpp>

#include <segue/bridge/asio/operation.hpp>
#include <segue/bridge/callback.hpp>

namespace segue::bridge {

/// A completion token: the operation becomes something to `co_await`, or to `yield_from`. It starts when awaited.
struct use_segue_t {
  /// An executor whose I/O objects have use_segue for their default.
  template <class Inner>
  struct executor_with_default : Inner {
    using default_completion_token_type = use_segue_t;

    template <class Executor>
      requires(!std::same_as<Executor, executor_with_default> && std::convertible_to<const Executor&, Inner>)
    executor_with_default(const Executor& executor) noexcept  // NOLINT(google-explicit-constructor): as Asio's
        : Inner(executor) {}
  };
  /// The type of `object`, as one whose default is use_segue: `use_segue_t::as_default_on_t<tcp::socket>`.
  template <class Object>
  using as_default_on_t =
      typename Object::template rebind_executor<executor_with_default<typename Object::executor_type>>::other;
  /// `auto socket = use_segue.as_default_on(tcp::socket(io)); co_await socket.async_read_some(buffer);`
  template <class Object>
  static auto as_default_on(Object&& object) {
    return as_default_on_t<std::decay_t<Object>>(std::forward<Object>(object));
  }
};
inline constexpr use_segue_t use_segue{};

namespace bridge_detail {

/// use_segue, or what Asio's adapters make of it: as_tuple(use_segue).
template <class Token>
inline constexpr bool is_segue_token = false;
template <>
inline constexpr bool is_segue_token<use_segue_t> = true;
template <class Token>
inline constexpr bool is_segue_token<boost::asio::as_tuple_t<Token>> = is_segue_token<Token>;
template <class Token>
inline constexpr bool is_segue_token<boost::asio::redirect_error_t<Token>> = is_segue_token<Token>;
template <class Token, class Executor>
inline constexpr bool is_segue_token<boost::asio::executor_binder<Token, Executor>> = is_segue_token<Token>;
template <class Token, class Slot>
inline constexpr bool is_segue_token<boost::asio::cancellation_slot_binder<Token, Slot>> = is_segue_token<Token>;
template <class Token>
concept SegueToken = is_segue_token<Token>;

/// The result of a handler's signature, without the error that comes first.
template <class... Values>
struct AsioResult : CallbackResult<Values...> {};
template <class... Values>
struct AsioResult<boost::system::error_code, Values...> : CallbackResult<Values...> {};
template <class... Values>
struct AsioResult<std::exception_ptr, Values...> : CallbackResult<Values...> {};

/// A handler that is called by way of `call`, and has what is associated with `handler`.
template <class Handler, class Call>
struct AdaptedHandler {
  template <class... Values>
  void operator()(Values&&... values) {
    call(handler, std::forward<Values>(values)...);
  }
  Handler handler;
  [[no_unique_address]] Call call;
};
template <class Call>
auto adapt_with(Call call) {
  return [call]<class Handler>(Handler&& handler) {
    return AdaptedHandler<std::decay_t<Handler>, Call>{std::forward<Handler>(handler), call};
  };
}

/// Keeps the error for who asked for it, and goes on as if there were none.
struct RedirectError {
  template <class Handler, class... Values>
  void operator()(Handler& handler, const boost::system::error_code& error, Values&&... values) const {
    *kept = error;
    handler(std::forward<Values>(values)...);
  }
  boost::system::error_code* kept;
};

struct GiveTuple {
  template <class Handler, class... Values>
  void operator()(Handler& handler, Values&&... values) const {
    handler(std::tuple<std::decay_t<Values>...>(std::forward<Values>(values)...));
  }
};

/// The handler that all adapters are around.
template <class T>
AsioHandler<T>& innermost(AsioHandler<T>& handler) {
  return handler;
}
template <class Handler, class Call>
auto& innermost(AdaptedHandler<Handler, Call>& adapted) {
  return innermost(adapted.handler);
}
template <class Handler, class Executor>
auto& innermost(boost::asio::executor_binder<Handler, Executor>& bound) {
  return innermost(bound.get());
}

/// An initiation that is given what `adapt` makes of its handler.
template <class Initiation, class Adapt>
struct AdaptedInitiation {
  auto get_executor() const
    requires requires(const Initiation& inner) { inner.get_executor(); }
  {
    return initiation.get_executor();
  }
  template <class Handler, class... Args>
  void operator()(Handler&& handler, Args&&... args) {
    std::move(initiation)(adapt(std::forward<Handler>(handler)), std::forward<Args>(args)...);
  }
  Initiation initiation;
  Adapt adapt;
};
template <class Initiation, class Adapt>
auto adapted(Initiation&& initiation, Adapt adapt) {
  return AdaptedInitiation<std::decay_t<Initiation>, Adapt>{std::forward<Initiation>(initiation), std::move(adapt)};
}

/// An initiation whose handler is called by way of an executor, and whose cancellation goes that way, too.
template <class Initiation, class Executor>
struct BoundInitiationOf {
  Executor get_executor() const { return executor; }
  template <class Handler, class... Args>
  void operator()(Handler&& handler, Args&&... args) {
    std::move(initiation)(boost::asio::bind_executor(executor, std::forward<Handler>(handler)),
                          std::forward<Args>(args)...);
  }
  Initiation initiation;
  Executor executor;
};

}  // namespace bridge_detail
}  // namespace segue::bridge

template <template <class, class> class Associator, class Handler, class Call, class Candidate>
struct boost::asio::associator<Associator, segue::bridge::bridge_detail::AdaptedHandler<Handler, Call>, Candidate>
    : Associator<Handler, Candidate> {
  using Adapted = segue::bridge::bridge_detail::AdaptedHandler<Handler, Call>;

  static auto get(const Adapted& adapted) noexcept { return Associator<Handler, Candidate>::get(adapted.handler); }
  static auto get(const Adapted& adapted, const Candidate& candidate) noexcept {
    return Associator<Handler, Candidate>::get(adapted.handler, candidate);
  }
};

template <class R, class... Values>
class boost::asio::async_result<segue::bridge::use_segue_t, R(Values...)> {
 public:
  using Result = typename segue::bridge::bridge_detail::AsioResult<std::decay_t<Values>...>::type;

  template <class Initiation, class... Args>
  static auto initiate(Initiation&& initiation, segue::bridge::use_segue_t, Args&&... args) {
    return segue::bridge::bridge_detail::AsioOperation<Result, std::decay_t<Initiation>, std::decay_t<Args>...>(
        std::forward<Initiation>(initiation), std::forward<Args>(args)...);
  }
};

// Of its adapters Asio asks for a type that all operations of a signature share, or they hide which executor one has.
template <segue::bridge::bridge_detail::SegueToken Token, class R, class... Values>
class boost::asio::async_result<boost::asio::redirect_error_t<Token>, R(boost::system::error_code, Values...)> {
 public:
  template <class Initiation, class Redirected, class... Args>
  static auto initiate(Initiation&& initiation, Redirected&& token, Args&&... args) {
    using namespace segue::bridge::bridge_detail;
    return async_result<Token, R(Values...)>::initiate(
        adapted(std::forward<Initiation>(initiation), adapt_with(RedirectError{&token.ec_})), token.token_,
        std::forward<Args>(args)...);
  }
};

template <segue::bridge::bridge_detail::SegueToken Token, class R, class... Values>
struct boost::asio::async_result<boost::asio::as_tuple_t<Token>, R(Values...)> {
  template <class Initiation, class AsTuple, class... Args>
  static auto initiate(Initiation&& initiation, AsTuple&& token, Args&&... args) {
    using namespace segue::bridge::bridge_detail;
    return async_result<Token, R(std::tuple<std::decay_t<Values>...>)>::initiate(
        adapted(std::forward<Initiation>(initiation), adapt_with(GiveTuple())), token.token_,
        std::forward<Args>(args)...);
  }
};

template <segue::bridge::bridge_detail::SegueToken Token, class Executor, class R, class... Values>
class boost::asio::async_result<boost::asio::executor_binder<Token, Executor>, R(Values...)> {
 public:
  template <class Initiation, class Binder, class... Args>
  static auto initiate(Initiation&& initiation, Binder&& token, Args&&... args) {
    using Bound = segue::bridge::bridge_detail::BoundInitiationOf<std::decay_t<Initiation>, Executor>;
    return async_result<Token, R(Values...)>::initiate(
        Bound{std::forward<Initiation>(initiation), token.get_executor()}, token.get(), std::forward<Args>(args)...);
  }
};

// Both the slot's signal and the task's cancellation reach the operation.
template <segue::bridge::bridge_detail::SegueToken Token, class R, class... Values>
class boost::asio::async_result<boost::asio::cancellation_slot_binder<Token, boost::asio::cancellation_slot>,
                                R(Values...)> {
 public:
  template <class Initiation, class Binder, class... Args>
  static auto initiate(Initiation&& initiation, Binder&& token, Args&&... args) {
    using namespace segue::bridge::bridge_detail;
    auto obey = [slot = token.get_cancellation_slot()]<class Handler>(Handler handler) {
      innermost(handler).obey(slot);
      return handler;
    };
    return async_result<Token, R(Values...)>::initiate(adapted(std::forward<Initiation>(initiation), obey), token.get(),
                                                       std::forward<Args>(args)...);
  }
};
