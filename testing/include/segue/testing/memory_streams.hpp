// memory_streams(): a connection without sockets, for what speaks a protocol over streams.
//
//   auto [client, server] = testing::memory_streams();
//   client.writer.write("hello\n");
//   const std::string line = co_await server.reader.readline();
//
// It behaves as a connection of two sockets: what is written arrives in a later iteration, in order and in pieces as
// they come; a reader that does not read makes the other end's drain() wait; closing one end, or dropping its writer,
// is the end of what the other reads.
#pragma once

#include <cstddef>
#include <utility>

#include <segue/modern/streams/streams.hpp>

namespace segue::testing {

struct MemoryStreamsFunction {
  /// The two ends, which belong to the running loop. `limit` is that of both readers (StreamReader).
  std::pair<modern::StreamPair, modern::StreamPair> operator()(std::size_t limit = modern::default_stream_limit) const;
};
inline constexpr MemoryStreamsFunction memory_streams;

}  // namespace segue::testing
