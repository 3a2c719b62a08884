// C callbacks that are called again and again, as an async generator.
//
//   auto messages = from_callbacks<void(redisAsyncContext*, void*, void*), redisAsyncContext*, Reply>(
//       [&](auto* call, void* data) { redisAsyncCommand(redis, call, data, "SUBSCRIBE news"); });
//
// The contract is that of <segue/bridge/emitter.hpp>, and the `void*`, the last parameter or the first, is a ticket
// here, too: a call that comes when the stream is over finds nothing, and is ignored. The values are the other
// parameters, or what is made of them within the call. An exception while they are made ends the stream. What the C
// function has to return is zero.
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
  explicit CSource(std::shared_ptr<void> emitter) : ticket_(CStreams::enter(std::move(emitter))) {}
  CSource(CSource&& other) noexcept
      : ticket_(std::exchange(other.ticket_, nullptr)), source_(std::move(other.source_)) {}
  CSource& operator=(CSource&&) = delete;
  ~CSource() {
    if (ticket_ != nullptr) CStreams::leave(ticket_);
  }

  template <class Start, class Call>
  void start(Start& start, Call* call) {
    if constexpr (std::is_void_v<Source>) {
      std::invoke(start, call, ticket_);
    } else {
      source_.emplace(std::invoke(start, call, ticket_));
    }
  }
  void pause()
    requires requires(Source& source) { source.pause(); }
  {
    source_->pause();
  }
  void resume()
    requires requires(Source& source) { source.resume(); }
  {
    source_->resume();
  }
  void stop()
    requires StoppableSource<Source>
  {
    stop_source(*source_);
  }

 private:
  void* ticket_;
  typename KeptHandle<Source>::type source_;
};

template <class Start, class Signature, class Data, class... Values>
class CStart;
template <class Start, class R, class... Args, class Data, class... Values>
class CStart<Start, R(Args...), Data, Values...> {
 public:
  explicit CStart(Start start) : start_(std::move(start)) {}

  auto operator()(const Emitter<Values...>& emit) {
    using Source = std::invoke_result_t<Start&, R (*)(Args...), void*>;
    CSource<Source> source(std::make_shared<Emitter<Values...>>(emit));
    source.start(start_, &call);
    return source;
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
      pass_on<Data::left_out>(emit, args);
    } catch (...) {
      emit.fail(std::current_exception());
    }
  }

  Start start_;
};

/// The values where none are named: all parameters but the `void*`.
template <class Start, class Signature, class Data>
struct DeducedStart;
template <class Start, class R, class... Args, class Data>
struct DeducedStart<Start, R(Args...), Data> {
  template <std::size_t... kept>
  static TypeList<std::decay_t<std::tuple_element_t<kept, std::tuple<Args...>>>...> values(
      std::index_sequence<kept...>);
  using type = decltype(values(all_but<sizeof...(Args), Data::left_out>()));
};

template <class Signature>
struct DataOf;
template <class R, class... Args>
struct DataOf<R(Args...)> {
  using type = DataParameter<last_or_first_pointer<Args...>()>;
  using Call = R (*)(Args...);
};

}  // namespace bridge_detail

/// The values that a C callback brings; `start(call, data)` starts the source, and may return it.
template <class Signature, class... Values, class Start>
  requires std::is_function_v<Signature> &&
           std::invocable<Start&, typename bridge_detail::DataOf<Signature>::Call, void*>
auto from_callbacks(Start start, EmitterOptions options = {}) {
  using Data = typename bridge_detail::DataOf<Signature>::type;
  if constexpr (sizeof...(Values) > 0) {
    return from_callbacks<Values...>(bridge_detail::CStart<Start, Signature, Data, Values...>(std::move(start)),
                                     options);
  } else {
    return [&]<class... Deduced>(bridge_detail::TypeList<Deduced...>) {
      return from_callbacks<Deduced...>(bridge_detail::CStart<Start, Signature, Data, Deduced...>(std::move(start)),
                                        options);
    }(typename bridge_detail::DeducedStart<Start, Signature, Data>::type());
  }
}

}  // namespace segue::bridge
