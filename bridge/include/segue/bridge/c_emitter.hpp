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
// stream. What the C function has to return is zero.
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

template <class Start, class How, class Signature, class Data, class... Values>
class CStart;
template <class Start, class How, class R, class... Args, class Data, class... Values>
class CStart<Start, How, R(Args...), Data, Values...> {
 public:
  explicit CStart(Start start) : start_(std::move(start)) {}

  auto operator()(const Emitter<Values...>& emit) {
    using Source = std::invoke_result_t<Start&, R (*)(Args...) noexcept, void*>;
    return CSource<Source>(std::make_shared<Emitter<Values...>>(emit), start_, &call);
  }

 private:
  static R call(Args... args) noexcept {
    const std::tuple<Args&...> all(args...);
    if (const auto emitter = std::static_pointer_cast<Emitter<Values...>>(CStreams::find(Data::find(all))))
      emit(*emitter, all);
    if constexpr (!std::is_void_v<R>) return R();
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
struct CSourceOf<How, R(Args...) noexcept(is_noexcept)> : CallOf<How, Args...> {
  using Function = R(Args...);
  using Call = R (*)(Args...) noexcept;
  using Values = typename DeducedCValues<How, typename CallOf<How, Args...>::Data, Args...>::type;
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

template <class How, class Signature, class Start, class... Values>
auto from_c_callbacks(TypeList<Values...>, Start start, EmitterOptions options) {
  using Of = CSourceOf<How, Signature>;
  CStart<Start, typename Of::Calls, typename Of::Function, typename Of::Data, Values...> of_values(std::move(start));
  return from_callbacks<Values...>(std::move(of_values), options);
}

}  // namespace bridge_detail

/// The values that a C callback brings, which is called as `how` says; `start(call, data)` starts the source, and may
/// return it.
template <class Signature, class... Values, class How, class Start>
  requires std::is_function_v<Signature> && bridge_detail::is_how<How> &&
           std::invocable<Start&, typename bridge_detail::CSourceOf<How, Signature>::Call, void*>
auto from_callbacks(How, Start start, EmitterOptions options = {}) {
  using Brought = typename bridge_detail::CValues<How, Signature, Values...>::type;
  return bridge_detail::from_c_callbacks<How, Signature>(Brought(), std::move(start), options);
}
template <class Signature, class... Values, class Start>
  requires(std::is_function_v<Signature> && !bridge_detail::is_how<Start>) &&
          std::invocable<Start&, typename bridge_detail::CSourceOf<once_t, Signature>::Call, void*>
auto from_callbacks(Start start, EmitterOptions options = {}) {
  return from_callbacks<Signature, Values...>(once, std::move(start), options);
}

}  // namespace segue::bridge
