#include <segue/modern/streams/stream_reads.hpp>

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/modern/streams/stream_reader.hpp>
#include <segue/modern/tasks/future.hpp>

#include "streams/stream_reader_state.hpp"

namespace segue::modern {

namespace detail {

namespace {

/// Awaited: the next data, the end or an error.
class MoreData : public FutureAwaiter<void> {
 public:
  MoreData(StreamReaderState& state, const char* caller) : FutureAwaiter(begin(state, caller)), state_(state) {}
  MoreData(MoreData&&) noexcept = default;  // g++ 12 moves what await_transform() passes through
  MoreData& operator=(MoreData&&) = delete;
  ~MoreData() {
    if (future_ && state_.waiter && state_.waiter.state() == future_) state_.waiter = Future<void>();
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
    state.waiter = state.loop->create_future<void>();
    return state.waiter.state();
  }

  StreamReaderState& state_;
};

}  // namespace

bool StreamRead::await_ready() {
  if (!stream_ || wait_) refuse_reuse(static_cast<bool>(stream_));
  return attempt(false);
}

Coroutine<void> StreamRead::wait(StreamRead& read) {
  bool done = false;
  while (!done) {
    co_await MoreData(*read.stream_, read.name_);
    done = read.attempt(true);
  }
}

std::coroutine_handle<> StreamRead::await_suspend(Resumable delegator) {
  return wait_.emplace(wait(*this)).await_suspend(delegator);
}

std::string StreamRead::await_resume() {
  const auto stream = std::move(stream_);
  if (wait_) wait_->await_resume();
  return std::move(chunk_);
}

}  // namespace detail

namespace {

using detail::StreamReaderState;

struct Match {
  std::size_t begin;
  std::size_t end;
};

// The separator that ends first, at or after `offset`.
std::optional<Match> find_first(std::string_view data, std::span<const std::string> separators, std::size_t offset) {
  std::optional<Match> first;
  for (const std::string& separator : separators) {
    const auto found = data.find(separator, offset);
    if (found == data.npos) continue;
    const std::size_t end = found + separator.size();
    if (!first || end < first->end) first = Match{found, end};
  }
  return first;
}

// Shortest first, so that of those that end together the shortest counts.
void sort_separators(std::span<std::string> separators) {
  std::sort(separators.begin(), separators.end(),
            [](const std::string& a, const std::string& b) { return a.size() < b.size(); });
  if (separators.empty()) throw ValueError("Separator should contain at least one element");
  if (separators.front().empty()) throw ValueError("Separator should be at least one-byte string");
}

// Where the separator that ends first ends, of the sorted ones; nothing where none has come. None begins before
// `searched`. LimitOverrunError.
std::optional<std::size_t> find_end(const StreamReaderState& stream, std::span<const std::string> separators,
                                    std::size_t& searched) {
  const std::size_t size = stream.size();
  if (size < searched + separators.front().size()) return std::nullopt;
  if (const std::optional<Match> match = find_first(stream.data(), separators, searched)) {
    if (match->begin > stream.limit)
      throw LimitOverrunError("Separator is found, but chunk is longer than limit", match->begin);
    return match->end;
  }
  const std::size_t longest = separators.back().size();
  searched = size + 1 > longest ? size + 1 - longest : 0;
  if (searched > stream.limit) throw LimitOverrunError("Separator is not found, and chunk exceed the limit", searched);
  return std::nullopt;
}

}  // namespace

bool Read::attempt(bool woken) {
  StreamReaderState& from = stream();
  if (!woken) from.check_exception();
  if (count_ == 0) return true;
  if (from.size() == 0 && !from.eof && !woken) return false;
  if (count_ > 0) {
    chunk_ = from.take(std::min(static_cast<std::size_t>(count_), from.size()));
    from.resume_transport_if_drained();
    return true;
  }
  while (from.size() > 0) {  // the transport may be resumed, and give more, after each block
    const std::string block = from.take(std::min(from.limit, from.size()));
    from.resume_transport_if_drained();
    chunk_ += block;
    from.check_exception();
    if (from.size() == 0 && !from.eof) return false;
  }
  return true;
}

bool ReadExactly::attempt(bool woken) {
  StreamReaderState& from = stream();
  if (!woken) {
    if (count_ < 0) throw ValueError("readexactly size can not be less than zero");
    from.check_exception();
  }
  const auto wanted = static_cast<std::size_t>(count_);
  if (from.size() < wanted) {
    if (from.eof) throw IncompleteReadError(from.take_all(), wanted);
    return false;
  }
  chunk_ = from.take(wanted);
  from.resume_transport_if_drained();
  return true;
}

bool ReadUntil::attempt(bool woken) {
  StreamReaderState& from = stream();
  const std::span<std::string> separators = several_ ? std::span<std::string>(*several_) : std::span(&only_, 1);
  if (!woken) {
    sort_separators(separators);
    from.check_exception();
  }
  if (const std::optional<std::size_t> end = find_end(from, separators, searched_)) {
    chunk_ = from.take(*end);
    from.resume_transport_if_drained();
    return true;
  }
  if (from.eof) throw IncompleteReadError(from.take_all(), std::nullopt);
  return false;
}

bool ReadLine::attempt(bool woken) {
  static const std::string newline = "\n";
  StreamReaderState& from = stream();
  if (!woken) from.check_exception();
  try {
    if (const std::optional<std::size_t> end = find_end(from, std::span(&newline, 1), searched_)) {
      chunk_ = from.take(*end);
      from.resume_transport_if_drained();
      return true;
    }
  } catch (const LimitOverrunError& error) {
    const bool found = from.data().substr(std::min(error.consumed, from.size())).starts_with('\n');
    from.buffer.drop(found ? error.consumed + 1 : from.size());
    from.resume_transport_if_drained();
    throw ValueError(error.what());
  }
  if (!from.eof) return false;
  chunk_ = from.take_all();
  return true;
}

}  // namespace segue::modern
