#include <segue/modern/streams/stream_reader.hpp>

#include <memory>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/modern/tasks/future.hpp>

#include "streams/stream_reader_state.hpp"

namespace segue::modern {

StreamReader::StreamReader(std::size_t limit) : StreamReader(get_running_loop(), limit) {}
StreamReader::StreamReader(EventLoop& loop, std::size_t limit)
    : HandleOf(std::make_shared<detail::StreamReaderState>(loop, limit)) {}

Read StreamReader::read(std::int64_t count) const { return {state(), count}; }
ReadLine StreamReader::readline() const { return ReadLine(state()); }
ReadExactly StreamReader::readexactly(std::int64_t count) const { return {state(), count}; }
ReadUntil StreamReader::readuntil(std::string separator) const { return {state(), std::move(separator)}; }
ReadUntil StreamReader::readuntil(std::vector<std::string> separators) const {
  return {state(), std::move(separators)};
}
ReadUntil StreamReader::readuntil(std::initializer_list<std::string_view> separators) const {
  return {state(), std::vector<std::string>(separators.begin(), separators.end())};
}
ReadNextLine StreamReader::anext() const { return ReadNextLine(state()); }
ReadNextLineOrNone StreamReader::next_or_none() const { return ReadNextLineOrNone(state()); }
bool StreamReader::at_eof() const { return state()->eof && state()->size() == 0; }

void StreamReader::feed_data(std::string_view data) const {
  if (state()->eof) throw RuntimeError("feed_data after feed_eof");
  if (data.empty()) return;
  state()->buffer.append(data);
  state()->added(data.size());
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
