// hiredis's commands and channels as something to wait for, in either style.
#pragma once

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include <string>
#include <utility>
#include <vector>

#include <segue/segue.hpp>

#include "attach.hpp"

/// A reply of Redis, copied while its callback runs: hiredis frees it afterwards.
struct Reply {
  /// Throws what the server refuses, and ConnectionError where it is gone.
  explicit Reply(void* answer) {
    const auto* const reply = static_cast<const redisReply*>(answer);
    if (reply == nullptr) throw segue::ConnectionError("connection to Redis lost");
    if (reply->type == REDIS_REPLY_ERROR) throw segue::RuntimeError(std::string(reply->str, reply->len));
    if (reply->str != nullptr) text.assign(reply->str, reply->len);
    if (reply->type == REDIS_REPLY_INTEGER) number = reply->integer;
  }
  std::string text;
  long long number = 0;
};

/// Something to wait for: the reply to a command.
template <class... Words>
auto command(redisAsyncContext& redis, Words... words) {
  const auto send = [&redis](redisCallbackFn* call, void* data, const std::vector<std::string>& line) {
    std::vector<const char*> parts;
    std::vector<std::size_t> sizes;
    for (const std::string& word : line) {
      parts.push_back(word.data());
      sizes.push_back(word.size());
    }
    redisAsyncCommandArgv(&redis, call, data, static_cast<int>(line.size()), parts.data(), sizes.data());
  };
  return segue::bridge::from_callback<redisCallbackFn, redisAsyncContext*, Reply>(
      send, std::vector<std::string>{std::string(words)...});
}

/// What a channel's callback brings: `subscribe`, then a `message` each.
struct News {
  explicit News(void* answer) {
    const Reply refused(answer);
    const auto* const reply = static_cast<const redisReply*>(answer);
    kind = reply->element[0]->str;
    if (kind == "message") text.assign(reply->element[2]->str, reply->element[2]->len);
  }
  std::string kind;
  std::string text;
};
/// The news of a channel, from when the first is asked for.
inline auto subscribe(redisAsyncContext& redis, std::string channel) {
  const auto start = [&redis, channel = std::move(channel)](redisCallbackFn* call, void* data) {
    redisAsyncCommand(&redis, call, data, "SUBSCRIBE %s", channel.c_str());
  };
  return segue::bridge::from_callbacks<redisCallbackFn, redisAsyncContext*, News>(start);
}

/// A connection, closed where its scope ends.
class Connection {
 public:
  Connection(const char* host, int port) : redis_(open_connection(host, port)) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { redisAsyncDisconnect(&redis_); }
  redisAsyncContext& operator*() const { return redis_; }

 private:
  redisAsyncContext& redis_;
};
