#include <segue/modern/streams/stream_reader.hpp>

#include <algorithm>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/future.hpp>

namespace segue::modern {

namespace detail {

/// What the handles of a reader share.
class StreamReaderState {
 public:
  StreamReaderState(EventLoop& on, std::size_t longest) : loop(&on), limit(longest) {
    if (limit == 0) throw ValueError("Limit cannot be <= 0");
  }

  std::size_t size() const noexcept { return buffer.size() - taken; }
  std::string_view data() const noexcept { return std::string_view(buffer).substr(taken); }

  std::string take(std::size_t count) {
    if (taken == 0 && count == buffer.size()) return std::exchange(buffer, {});
    std::string front = buffer.substr(taken, count);
    drop(count);
    return front;
  }
  void drop(std::size_t count) {
    taken += std::min(count, size());
    if (taken < buffer.size() / 2) return;
    buffer.erase(0, taken);
    taken = 0;
  }
  std::string take_all() { return take(size()); }

  void check_exception() const {
    if (error) std::rethrow_exception(error);
  }
  void resume_transport_if_drained() {
    if (!paused || size() > limit) return;
    paused = false;
    transport->resume_reading();
  }
  template <class Complete>
  void wake(Complete complete) {
    if (!waiter) return;
    const Future<void> waiting = *std::exchange(waiter, std::nullopt);
    if (!waiting.done()) complete(waiting);
  }

  Ref<EventLoop> loop;
  std::size_t limit;
  std::string buffer;
  std::size_t taken = 0;  // of the buffer
  bool eof = false;
  bool paused = false;  // the transport, by this reader
  std::exception_ptr error;
  std::optional<Future<void>> waiter;
  std::shared_ptr<ReadTransport> transport;
};

namespace {

using State = std::shared_ptr<StreamReaderState>;

/// Awaited: the next data, the end or an error.
class MoreData : public FutureAwaiter<void> {
 public:
  MoreData(StreamReaderState& state, const char* caller) : FutureAwaiter(begin(state, caller)), state_(state) {}
  MoreData(MoreData&&) noexcept = default;  // g++ 12 moves what await_transform() passes through
  MoreData& operator=(MoreData&&) = delete;
  ~MoreData() {
    if (future_ && state_.waiter && state_.waiter->state() == future_) state_.waiter.reset();
  }

 private:
  static Ref<FutureCore> begin(StreamReaderState& state, const char* caller) {
    if (state.waiter) {
      throw RuntimeError(std::string(caller) +
                         "() called while another coroutine is already waiting for incoming data");
    }
    if (state.paused) {  // as for readexactly() of more than the limit
      state.paused = false;
      state.transport->resume_reading();
    }
    state.waiter.emplace(state.loop->create_future<void>());
    return state.waiter->state();
  }

  StreamReaderState& state_;
};

struct Match {
  std::size_t begin;
  std::size_t end;
};

// The separator that ends first, at or after `offset`.
std::optional<Match> find_first(std::string_view data, const std::vector<std::string>& separators, std::size_t offset) {
  std::optional<Match> first;
  for (const std::string& separator : separators) {
    const auto found = data.find(separator, offset);
    if (found == data.npos) continue;
    const std::size_t end = found + separator.size();
    if (!first || end < first->end) first = Match{found, end};
  }
  return first;
}

// The separators, shortest first, so that of those that end together the shortest counts.
std::vector<std::string> sorted(std::vector<std::string> separators) {
  std::sort(separators.begin(), separators.end(),
            [](const std::string& a, const std::string& b) { return a.size() < b.size(); });
  if (separators.empty()) throw ValueError("Separator should contain at least one element");
  if (separators.front().empty()) throw ValueError("Separator should be at least one-byte string");
  return separators;
}

Coroutine<std::string> read_until(State state, std::vector<std::string> given) {
  const std::vector<std::string> separators = sorted(std::move(given));
  const std::size_t shortest = separators.front().size();
  const std::size_t longest = separators.back().size();
  state->check_exception();
  std::size_t offset = 0;  // before it there is no separator
  std::optional<Match> match;
  while (true) {
    const std::size_t size = state->size();
    if (size >= offset + shortest) {
      match = find_first(state->data(), separators, offset);
      if (match) break;
      offset = size + 1 > longest ? size + 1 - longest : 0;
      if (offset > state->limit) throw LimitOverrunError("Separator is not found, and chunk exceed the limit", offset);
    }
    if (state->eof) throw IncompleteReadError(state->take_all(), std::nullopt);
    co_await MoreData(*state, "readuntil");
  }
  if (match->begin > state->limit)
    throw LimitOverrunError("Separator is found, but chunk is longer than limit", match->begin);
  std::string chunk = state->take(match->end);
  state->resume_transport_if_drained();
  co_return chunk;
}

Coroutine<std::string> read_line(State state) {
  try {
    std::string line = co_await read_until(state, std::vector<std::string>(1, "\n"));
    co_return line;
  } catch (IncompleteReadError& error) {
    co_return std::move(error.partial);
  } catch (const LimitOverrunError& error) {
    const bool found = state->data().substr(std::min(error.consumed, state->size())).starts_with('\n');
    state->drop(found ? error.consumed + 1 : state->size());
    state->resume_transport_if_drained();
    throw ValueError(error.what());
  }
}

Coroutine<std::optional<std::string>> next_line(State state) {
  std::string line = co_await read_line(std::move(state));
  if (line.empty()) co_return std::nullopt;
  co_return std::move(line);
}

Coroutine<std::string> read_some(State state, std::size_t most) {
  state->check_exception();
  if (state->size() == 0 && !state->eof) co_await MoreData(*state, "read");
  std::string chunk = state->take(std::min(most, state->size()));
  state->resume_transport_if_drained();
  co_return chunk;
}

Coroutine<std::string> read(State state, std::int64_t count) {
  state->check_exception();
  if (count == 0) co_return std::string();
  if (count > 0) {
    std::string chunk = co_await read_some(state, static_cast<std::size_t>(count));
    co_return chunk;
  }
  std::string all;
  while (true) {
    const std::string block = co_await read_some(state, state->limit);
    if (block.empty()) break;
    all += block;
  }
  co_return all;
}

Coroutine<std::string> read_exactly(State state, std::int64_t count) {
  if (count < 0) throw ValueError("readexactly size can not be less than zero");
  state->check_exception();
  const auto wanted = static_cast<std::size_t>(count);
  while (state->size() < wanted) {
    if (state->eof) throw IncompleteReadError(state->take_all(), wanted);
    co_await MoreData(*state, "readexactly");
  }
  std::string chunk = state->take(wanted);
  state->resume_transport_if_drained();
  co_return chunk;
}

}  // namespace
}  // namespace detail

StreamReader::StreamReader(std::size_t limit) : StreamReader(get_running_loop(), limit) {}
StreamReader::StreamReader(EventLoop& loop, std::size_t limit)
    : HandleOf(std::make_shared<detail::StreamReaderState>(loop, limit)) {}

Coroutine<std::string> StreamReader::read(std::int64_t count) const { return detail::read(state(), count); }
Coroutine<std::string> StreamReader::readline() const { return detail::read_line(state()); }
Coroutine<std::string> StreamReader::readexactly(std::int64_t count) const {
  return detail::read_exactly(state(), count);
}
Coroutine<std::string> StreamReader::readuntil(std::string separator) const {
  return detail::read_until(state(), std::vector<std::string>(1, std::move(separator)));
}
Coroutine<std::string> StreamReader::readuntil(std::vector<std::string> separators) const {
  return detail::read_until(state(), std::move(separators));
}
Coroutine<std::string> StreamReader::readuntil(std::initializer_list<std::string_view> separators) const {
  return detail::read_until(state(), std::vector<std::string>(separators.begin(), separators.end()));
}
Coroutine<std::optional<std::string>> StreamReader::anext() const { return detail::next_line(state()); }
bool StreamReader::at_eof() const { return state()->eof && state()->size() == 0; }

void StreamReader::feed_data(std::string_view data) const {
  if (state()->eof) throw RuntimeError("feed_data after feed_eof");
  if (data.empty()) return;
  state()->buffer.append(data);
  state()->wake([](const Future<void>& waiting) { waiting.set_result(); });
  if (state()->transport && !state()->paused && state()->size() > 2 * state()->limit) {
    state()->paused = true;
    state()->transport->pause_reading();
  }
}

void StreamReader::feed_eof() const {
  state()->eof = true;
  state()->wake([](const Future<void>& waiting) { waiting.set_result(); });
}

void StreamReader::set_exception(std::exception_ptr error) const {
  state()->error = error;
  state()->wake([&error](const Future<void>& waiting) { waiting.set_exception(error); });
}

std::exception_ptr StreamReader::exception() const { return state()->error; }

void StreamReader::set_transport(std::shared_ptr<ReadTransport> transport) const {
  if (state()->transport) throw RuntimeError("Transport already set");
  state()->transport = std::move(transport);
}

}  // namespace segue::modern
