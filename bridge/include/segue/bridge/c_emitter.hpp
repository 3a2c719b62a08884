// C callbacks that are called again and again, as an async generator.
//
//   auto messages = from_callbacks<void(redisAsyncContext*, void*, void*), redisAsyncContext*, Reply>(
//       [&](auto* call, void* data) { redisAsyncCommand(redis, call, data, "SUBSCRIBE news"); });
//
//   auto chunks = from_callbacks<uv_read_cb_t, Chunk>(negative_errno | user_data<&uv_stream_t::data>, start_reading);
//
// The contract is that of <segue/bridge/emitter.hpp>, and the `void*`, the last parameter or the first, or where
// user_data says, is a ticket here, too: a call that comes when the stream is over finds nothing, and is ignored. The
// values are the other parameters, or what is made of them within the call. An exception while they are made ends the
// stream. What the C function has to return is zero; for a source that goes on only as long as it gets something else,
// such as GLib's, `once | returns<G_SOURCE_CONTINUE>`: zero comes when the stream is over.
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

#include <segue/bridge/c_callback.hpp>
#include <segue/bridge/detail/kept.hpp>
#include <segue/bridge/emitter.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/sync/queues.hpp>
#include <segue/modern/tasks/async_generators.hpp>

namespace segue::bridge {

namespace bridge_detail {

/// The tickets of streams. Any thread may use it.
class CStreams {
 public:
  /// A ticket for `state`, never given again. Never null.
  static void* enter(std::shared_ptr<void> state);
  /// Null where it is good no longer.
  static std::shared_ptr<void> find(void* ticket) noexcept;
  static void leave(void* ticket) noexcept;
};

/// A source that was started with a ticket, good as long as the stream lives; and what the start function returned.
template <class Source>
class CSource {
 public:
  /// Calls `start(call, ticket)`.
  template <class Start, class Call>
  CSource(std::shared_ptr<void> emitter, Start& start, Call* call) : CSource(std::move(emitter)) {
    source_.keep([&]() -> Source { return std::invoke(start, call, ticket_); });
  }
  CSource(const CSource&) = delete;
  CSource& operator=(const CSource&) = delete;
  ~CSource() { CStreams::leave(ticket_); }

  explicit operator bool() noexcept { return source_.target() != nullptr; }
  typename Kept<Source>::Target& operator*() noexcept { return *source_.target(); }

 private:
  explicit CSource(std::shared_ptr<void> emitter) : ticket_(CStreams::enter(std::move(emitter))) {}

  void* const ticket_;
  [[no_unique_address]] Kept<Source> source_;
};

template <class Source>
inline constexpr bool points_to_object<CSource<Source>> = true;

template <class Start, class How, class Signature, class... Values>
class CStart;
template <class Start, class How, class R, class... Args, class... Values>
class CStart<Start, How, R(Args...), Values...> {
  using Data = data_of_t<How, Args...>;

 public:
  explicit CStart(Start start) : start_(std::move(start)) {}

  auto operator()(const Emitter<Values...>& emit) {
    using Source = std::invoke_result_t<Start&, R (*)(Args...) noexcept, void*>;
    return CSource<Source>(std::make_shared<Emitter<Values...>>(emit), start_, &call);
  }

 private:
  static R call(Args... args) noexcept {
    const std::tuple<Args&...> all(args...);
    const auto emitter = std::static_pointer_cast<Emitter<Values...>>(CStreams::find(Data::find(all)));
    if (emitter == nullptr) return R();
    emit(*emitter, all);
    return returned_by<R, How>();
  }
  static void emit(const Emitter<Values...>& emit, const std::tuple<Args&...>& args) noexcept {
    try {
      pass_on<Data::left_out>(How::around(emit), args);
    } catch (...) {
      emit.abort(std::current_exception());
    }
  }

  Start start_;
};

template <class How, class Signature>
struct CSourceOf;
template <class How, class R, class... Args, bool is_noexcept>
struct CSourceOf<How, R(Args...) noexcept(is_noexcept)> {
  using Call = R (*)(Args...) noexcept;
  using Values = typename DeducedCValues<How, Args...>::type;
  template <class Start, class... Kept>
  using StartOf = CStart<Start, How, R(Args...), Kept...>;
};

/// The values that are named; where none are, all that the function is called with.
template <class How, class Signature, class... Values>
struct CValues {
  using type = TypeList<Values...>;
};
template <class How, class Signature>
struct CValues<How, Signature> {
  using type = typename CSourceOf<How, Signature>::Values;
};
/// The same for a queue of these: a single value is made one of its elements within the call.
template <class T, class List>
struct QueuedValues {
  using type = List;
};
template <class T, class Value>
struct QueuedValues<T, TypeList<Value>> {
  using type = TypeList<T>;
};

template <class How, class Signature, class Start, class... Values>
auto from_c_callbacks(TypeList<Values...>, Start start, EmitterOptions options) {
  return from_callbacks<Values...>(
      typename CSourceOf<How, Signature>::template StartOf<Start, Values...>(std::move(start)), options);
}

template <class Start, class How, class Signature>
concept StartsC = std::is_function_v<Signature> && is_how<How> &&
                  std::invocable<Start&, typename CSourceOf<How, Signature>::Call, void*>;

}  // namespace bridge_detail

/// The values that a C callback brings, which is called as `how` says; `start(call, data)` starts the source, and may
/// return it.
template <class Signature, class... Values, class How, class Start>
  requires bridge_detail::StartsC<Start, How, Signature>
auto from_callbacks(How, Start start, EmitterOptions options = {}) {
  using Brought = typename bridge_detail::CValues<How, Signature, Values...>::type;
  return bridge_detail::from_c_callbacks<How, Signature>(Brought(), std::move(start), options);
}
template <class Signature, class... Values, class Start>
  requires(!bridge_detail::is_how<Start>) && bridge_detail::StartsC<Start, once_t, Signature>
auto from_callbacks(Start start, EmitterOptions options = {}) {
  return from_callbacks<Signature, Values...>(once, std::move(start), options);
}

/// The same into a queue, as into_queue() does. Where the callback brings one value, and none is named, the queue's
/// element is made of it within the call.
template <class Signature, class... Values, class T, class How, class Start>
  requires bridge_detail::StartsC<Start, How, Signature>
modern::Coroutine<> into_queue(modern::Queue<T> queue, How, Start start, WhenFull when_full = WhenFull::pause) {
  using Brought = typename bridge_detail::CValues<How, Signature, Values...>::type;
  using Queued = typename bridge_detail::QueuedValues<T, Brought>::type;
  const EmitterOptions options = bridge_detail::options_for(queue, when_full);
  return bridge_detail::feed_queue(std::move(queue),
                                   bridge_detail::from_c_callbacks<How, Signature>(Queued(), std::move(start), options),
                                   when_full);
}
template <class Signature, class... Values, class T, class Start>
  requires(!bridge_detail::is_how<Start>) && bridge_detail::StartsC<Start, once_t, Signature>
modern::Coroutine<> into_queue(modern::Queue<T> queue, Start start, WhenFull when_full = WhenFull::pause) {
  return into_queue<Signature, Values...>(std::move(queue), once, std::move(start), when_full);
}

}  // namespace segue::bridge
