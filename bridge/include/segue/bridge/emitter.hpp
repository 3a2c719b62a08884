// Callbacks that are called again and again: their values come out of an async generator, or go into a queue.
//
//   auto ticks = from_callbacks<int>([&](auto emit) { return sensor.subscribe(emit); }, {.maxsize = 16});
//   co_await async_for(std::move(ticks), [](int tick) { … });
//
//   Queue<Event> events(64);
//   auto feeder = create_task(into_queue(events, [&](auto emit) { window.on_event(emit); }, WhenFull::drop_oldest));
//
// The contract:
//   - the start function runs when the first value is asked for, in the loop's thread; what it throws is thrown there;
//   - the emitter may be called in it, later, in the loop's thread or in another; it is copyable. It says false where
//     the source should stop for now, or for good: what it is called with then is dropped, but under WhenFull::pause;
//   - the stream ends when the emitter's close() is called, or its last copy is gone, after what was there; with
//     fail(error), or what does not fit under WhenFull::fail, it ends with that error;
//   - the consumer ends first (a break, a cancellation, aclose()), or the stream has failed: the source is stopped, in
//     the loop's thread, and what it emits afterwards is ignored; so it is when the loop is gone;
//   - what the start function returns, if anything, is the source, or points to it: it lives as long as the stream. Its
//     pause() and resume(), if it has them, are called in the loop's thread under WhenFull::pause; its stop(), or else
//     cancel(), if it has one, where it has not ended itself. Where pause() or resume() throws, the stream ends with
//     that.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

#include <segue/bridge/callback.hpp>
#include <segue/bridge/callback_errors.hpp>
#include <segue/bridge/detail/kept.hpp>
#include <segue/bridge/sender.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/handle_state.hpp>
#include <segue/modern/kernel/loop_observer.hpp>
#include <segue/modern/kernel/mailbox.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/sync/queues.hpp>
#include <segue/modern/tasks/async_generators.hpp>
#include <segue/outcome.hpp>

namespace segue::bridge {

/// What becomes of a value for which there is no room.
enum class WhenFull : std::uint8_t {
  pause,        ///< It is kept all the same, the emitter says false, and the source is paused until there is room.
  drop_oldest,  ///< The one that has waited longest makes room.
  drop_newest,  ///< It is dropped.
  fail,         ///< The stream ends with QueueFull, after what was there.
};

struct EmitterOptions {
  /// How many values may wait; 0: any number.
  std::size_t maxsize = 0;
  WhenFull when_full = WhenFull::pause;
};

namespace bridge_detail {

inline modern::QueueFull no_room() { return modern::QueueFull("no room for another value of the callback"); }

/// What a source is stopped by.
template <class Source>
concept StoppableSource = requires(Source& source) { source.stop(); } || requires(Source& source) { source.cancel(); };
template <StoppableSource Source>
void stop_source(Source& source) {
  if constexpr (requires { source.stop(); }) {
    source.stop();
  } else {
    source.cancel();
  }
}

/// Where values wait. Any thread may put some in; all the rest is for the loop's.
template <class T>
class Channel : public std::enable_shared_from_this<Channel<T>> {
 public:
  Channel(modern::EventLoop& loop, const EmitterOptions& options)
      : mailbox_(loop.core().mailbox()), options_(options) {}

  /// Whether more is wanted.
  template <class... Values>
  bool emit(Values&&... values) {
    // Made, and destroyed, outside of the lock, as all that is the user's.
    std::list<T> value;
    value.emplace_back(std::forward<Values>(values)...);
    std::list<T> dropped;
    std::optional<Callback<>> waiter;
    bool wanted = true;
    bool pauses = false;
    {
      const std::lock_guard lock(mutex_);
      if (ended_) return false;
      if (options_.maxsize != 0 && values_.size() >= options_.maxsize) {
        switch (options_.when_full) {
          case WhenFull::pause:
            wanted = false;
            pauses = !std::exchange(pausing_, true);
            break;
          case WhenFull::drop_oldest: dropped.splice(dropped.end(), values_, values_.begin()); break;
          case WhenFull::drop_newest: return false;
          case WhenFull::fail:
            error_ = std::make_exception_ptr(no_room());
            ended_ = true;
            return false;
        }
      }
      values_.splice(values_.end(), value);
      waiter.swap(waiter_);
    }
    if (waiter) (*waiter)();
    if (pauses) tell_source_in_loop();
    return wanted;
  }
  /// The source has ended: no more will come. The first end counts.
  void end(std::exception_ptr error) {
    {
      const std::lock_guard lock(mutex_);
      source_ended_ = true;
    }
    finish(std::move(error));
  }

  /// The stream ends, though the source has not.
  void finish(std::exception_ptr error) {
    std::optional<Callback<>> waiter;
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(ended_, true)) return;
      error_ = std::move(error);
      waiter.swap(waiter_);
    }
    if (waiter) (*waiter)();
  }

  /// The next one, if there is one.
  std::optional<T> take() {
    std::list<T> taken;
    bool resumes = false;
    {
      const std::lock_guard lock(mutex_);
      if (values_.empty()) return std::nullopt;
      taken.splice(taken.end(), values_, values_.begin());
      if (values_.size() < options_.maxsize) resumes = std::exchange(pausing_, false);
    }
    if (resumes) tell_source();
    return std::move(taken.front());
  }
  /// Has `done` called when there is something to take, or the end has come.
  void when_ready(Callback<> done) {
    {
      const std::lock_guard lock(mutex_);
      if (values_.empty() && !ended_) return waiter_.emplace(std::move(done)), void();
    }
    done();
  }
  bool ended() {
    const std::lock_guard lock(mutex_);
    return ended_;
  }
  /// What the source ended with, once.
  std::exception_ptr take_error() {
    const std::lock_guard lock(mutex_);
    return std::exchange(error_, nullptr);
  }

  /// What pauses the source, and has it go on. Where one throws, the stream ends with that.
  void control(std::function<void()> pause, std::function<void()> resume) {
    pause_ = std::move(pause);
    resume_ = std::move(resume);
    tell_source();
  }
  /// The consumer goes, or its loop, which is `error`: what comes now is ignored, and nobody is paused. Whether the
  /// source has to be stopped, which had not ended; once.
  bool close(std::exception_ptr error) noexcept {
    pause_ = resume_ = nullptr;
    std::list<T> dropped;
    std::optional<Callback<>> waiter;
    const std::lock_guard lock(mutex_);
    dropped.swap(values_);
    waiter.swap(waiter_);
    error_.swap(error);
    ended_ = true;
    return !std::exchange(source_ended_, true);
  }

 private:
  void tell_source_in_loop() noexcept {
    if (mailbox_->is_of_running_loop()) return tell_source();
    try {
      static_cast<void>(mailbox_->call_soon([kept = this->shared_from_this()] { kept->tell_source(); }));
    } catch (const std::bad_alloc&) {  // it has been told by the emitter, too
    }
  }
  /// What it was asked for last may be out of date by now: a pause on its way from another thread.
  void tell_source() noexcept {
    if (!pause_) return;
    bool pausing = false;
    {
      const std::lock_guard lock(mutex_);
      pausing = pausing_;
    }
    if (std::exchange(paused_, pausing) == pausing) return;
    try {
      (pausing ? pause_ : resume_)();
    } catch (...) {
      pause_ = resume_ = nullptr;
      finish(std::current_exception());
    }
  }

  const std::shared_ptr<modern::Mailbox> mailbox_;
  const EmitterOptions options_;
  std::function<void()> pause_;
  std::function<void()> resume_;
  bool paused_ = false;  // what the source was told last

  std::mutex mutex_;
  // Guarded:
  std::list<T> values_;
  std::optional<Callback<>> waiter_;
  std::exception_ptr error_;
  bool ended_ = false;         // nothing is taken in any more
  bool source_ended_ = false;  // else it is to be stopped
  bool pausing_ = false;       // what the source should do
};

/// The emitters' part in a channel: the stream ends with the last of them.
template <class T>
class EmitterEnd {
 public:
  explicit EmitterEnd(std::shared_ptr<Channel<T>> of) noexcept : channel(std::move(of)) {}
  EmitterEnd(const EmitterEnd&) = delete;
  EmitterEnd& operator=(const EmitterEnd&) = delete;
  ~EmitterEnd() { channel->end(nullptr); }

  const std::shared_ptr<Channel<T>> channel;
};

/// What a stream gives for each call with these values: the value, or a tuple; None where there are none.
template <class... Values>
using emitted_t = stored_t<typename CallbackResult<Values...>::type>;

}  // namespace bridge_detail

/// What a source calls: `emit(values…)`, any number of times, in any thread.
template <class... Values>
class Emitter {
  static_assert((!std::is_reference_v<Values> && ...), "values wait: they are kept by value, without &");
  using T = bridge_detail::emitted_t<Values...>;

 public:
  explicit Emitter(std::shared_ptr<bridge_detail::Channel<T>> channel)
      : end_(std::make_shared<bridge_detail::EmitterEnd<T>>(std::move(channel))) {}

  /// Whether more is wanted. What copying or moving the values throws is the caller's: they were not emitted.
  template <class... Args>
    requires(sizeof...(Args) == sizeof...(Values) && (std::constructible_from<Values, Args> && ...))
  bool operator()(Args&&... values) const {
    return channel().emit(std::forward<Args>(values)...);
  }
  /// The stream ends, after what was emitted.
  void close() const { channel().end(nullptr); }
  /// The same, with what to_exception() makes of `error`.
  template <CallbackError Error>
  void fail(const Error& error) const {
    channel().end(to_failure(error));
  }
  /// The stream ends with `error`; the source, which has not ended, is stopped.
  void abort(std::exception_ptr error) const { channel().finish(std::move(error)); }

 private:
  bridge_detail::Channel<T>& channel() const {
    if (end_ == nullptr) throw RuntimeError("emitter was called after it had been moved from");
    return *end_->channel;
  }

  std::shared_ptr<bridge_detail::EmitterEnd<T>> end_;
};

namespace bridge_detail {

/// A source that was started, if its start function returned one; stopped where the consumer goes first, or the loop.
template <class T, class Source>
class Subscription : private modern::LoopObserver {
 public:
  Subscription(modern::EventLoop& loop, std::shared_ptr<Channel<T>> channel) : channel_(std::move(channel)) {
    loop.core().observe(*this);
  }
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  ~Subscription() { end(nullptr); }

  template <class Start, class E>
  void start(Start& start, E emitter) {
    source_.keep([&]() -> Source { return std::invoke(start, std::move(emitter)); });
    if constexpr (requires(Target& source) {
                    source.pause();
                    source.resume();
                  }) {
      if (Target* const source = source_.target())
        channel_->control([source] { source->pause(); }, [source] { source->resume(); });
    }
  }

 private:
  using Target = typename Kept<Source>::Target;

  void end(std::exception_ptr error) noexcept {
    if (!channel_->close(std::move(error))) return;
    if constexpr (StoppableSource<Target>) {
      Target* const source = source_.target();
      if (source == nullptr) return;
      try {
        stop_source(*source);
      } catch (...) {
        report_ignored(std::current_exception(), "source of callbacks that was to be stopped");
      }
    }
  }
  void loop_ended() noexcept override {
    try {
      throw RuntimeError("Event loop is closed");
    } catch (...) {  // that, or std::bad_alloc: who asks for more in another loop gets it
      end(std::current_exception());
    }
  }

  const std::shared_ptr<Channel<T>> channel_;
  [[no_unique_address]] Kept<Source> source_;
};

}  // namespace bridge_detail

/// The values that the callback of a source brings, from when the first is asked for. `start(emit)` starts the source,
/// and may return it. One value as it is, several as a tuple, None where there are none: `from_callbacks<>(start)`.
template <class... Values, class Start>
  requires std::invocable<Start&, Emitter<Values...>>
modern::AsyncGenerator<bridge_detail::emitted_t<Values...>> from_callbacks(Start start, EmitterOptions options = {}) {
  using T = bridge_detail::emitted_t<Values...>;
  modern::EventLoop& loop = modern::get_running_loop();
  const auto channel = std::make_shared<bridge_detail::Channel<T>>(loop, options);
  bridge_detail::Subscription<T, std::invoke_result_t<Start&, Emitter<Values...>>> subscription(loop, channel);
  subscription.start(start, Emitter<Values...>(channel));
  while (true) {
    std::optional<T> value = channel->take();
    if (value) {
      co_yield std::move(*value);
    } else if (channel->ended()) {
      break;
    } else {
      const auto wait = [&channel](Callback<> done) { channel->when_ready(std::move(done)); };
      co_await from_callback<>(wait);
    }
  }
  if (const std::exception_ptr error = channel->take_error()) std::rethrow_exception(error);
}

namespace bridge_detail {

/// What a start function is given where the source calls as a `How`.
template <class How, class... Values>
using emitter_as_t = decltype(How::around(std::declval<Emitter<Values...>>()));

}  // namespace bridge_detail

/// The same of a source that calls as `how` says: `error_first` or `negative_errno`. An error ends the stream.
template <class... Values, class How, class Start>
  requires(!std::is_function_v<Values> && ...) && std::invocable<Start&, bridge_detail::emitter_as_t<How, Values...>>
auto from_callbacks(How, Start start, EmitterOptions options = {}) {
  auto start_around = [start = std::move(start)](const Emitter<Values...>& emit) mutable -> decltype(auto) {
    return std::invoke(start, How::around(emit));
  };
  return from_callbacks<Values...>(std::move(start_around), options);
}

namespace bridge_detail {

/// Where the queue is full: makes room for the value, or drops it. QueueFull, QueueShutDown.
template <class T>
void make_room(const modern::Queue<T>& queue, WhenFull when_full, std::optional<T>& value) {
  if (queue.is_shut_down()) throw modern::QueueShutDown();
  if (!queue.full()) return;
  switch (when_full) {
    case WhenFull::pause: break;
    case WhenFull::drop_oldest:
      queue.get_nowait();
      queue.task_done();
      break;
    case WhenFull::drop_newest: value.reset(); break;
    case WhenFull::fail: throw no_room();
  }
}

template <class T>
EmitterOptions options_for(const modern::Queue<T>& queue, WhenFull when_full) {
  return {.maxsize = static_cast<std::size_t>(std::max(queue.maxsize(), 0)), .when_full = when_full};
}

template <class T>
modern::Coroutine<> feed_queue(modern::Queue<T> queue, modern::AsyncGenerator<T> values, WhenFull when_full) {
  while (true) {
    std::optional<T> value = co_await values.next_or_none();
    if (!value) co_return;
    try {
      make_room(queue, when_full, value);
      if (value) co_await queue.put(std::move(*value));
    } catch (const modern::QueueShutDown&) {
      co_return;
    }
  }
}

}  // namespace bridge_detail

/// Feeds a queue with what the callback of a source brings, until the source ends, or the queue is shut down, or it is
/// cancelled: a coroutine, to be made a task of. `when_full` is for the queue's bound; what comes from other threads
/// meanwhile has the same bound again. Of a LifoQueue or a PriorityQueue, drop_oldest drops what it would give next.
/// Leaves the queue open when it ends, and finds that it was shut down when the next value comes.
template <class... Named, class T, class Start>
  requires(std::same_as<Named, T> && ...) && std::invocable<Start&, Emitter<T>>
modern::Coroutine<> into_queue(modern::Queue<T> queue, Start start, WhenFull when_full = WhenFull::pause) {
  const EmitterOptions options = bridge_detail::options_for(queue, when_full);
  return bridge_detail::feed_queue(std::move(queue), from_callbacks<T>(std::move(start), options), when_full);
}
/// The same of a source that calls as `how` says. An error ends it, and is thrown.
template <class... Named, class T, class How, class Start>
  requires(std::same_as<Named, T> && ...) && std::invocable<Start&, bridge_detail::emitter_as_t<How, T>>
modern::Coroutine<> into_queue(modern::Queue<T> queue, How how, Start start, WhenFull when_full = WhenFull::pause) {
  const EmitterOptions options = bridge_detail::options_for(queue, when_full);
  return bridge_detail::feed_queue(std::move(queue), from_callbacks<T>(how, std::move(start), options), when_full);
}

}  // namespace segue::bridge
