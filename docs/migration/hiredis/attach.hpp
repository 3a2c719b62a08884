// hiredis in a loop of segue's: what its own adapters do for libevent and libuv. All rungs use it.
#pragma once

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include <memory>

#include <segue/asyncio.hpp>

/// The descriptor of a connection in a loop. Owned by the connection, which ends it.
class Attached {
 public:
  static void attach(redisAsyncContext& redis, segue::asyncio::EventLoop& loop) {
    redis.ev.data = new Attached(redis, loop);
    redis.ev.addRead = [](void* self) { of(self).read(true); };
    redis.ev.delRead = [](void* self) { of(self).read(false); };
    redis.ev.addWrite = [](void* self) { of(self).write(true); };
    redis.ev.delWrite = [](void* self) { of(self).write(false); };
    redis.ev.cleanup = [](void* self) {
      const std::unique_ptr<Attached> ended(&of(self));
      ended->read(false);
      ended->write(false);
    };
  }

 private:
  Attached(redisAsyncContext& redis, segue::asyncio::EventLoop& loop) : redis_(redis), loop_(loop) {}
  static Attached& of(void* self) { return *static_cast<Attached*>(self); }

  void read(bool wanted) {
    if (reading_ == wanted) return;
    reading_ = wanted;
    if (wanted) {
      loop_.add_reader(redis_.c.fd, [&redis = redis_] { redisAsyncHandleRead(&redis); });
    } else {
      loop_.remove_reader(redis_.c.fd);
    }
  }
  void write(bool wanted) {
    if (writing_ == wanted) return;
    writing_ = wanted;
    if (wanted) {
      loop_.add_writer(redis_.c.fd, [&redis = redis_] { redisAsyncHandleWrite(&redis); });
    } else {
      loop_.remove_writer(redis_.c.fd);
    }
  }

  redisAsyncContext& redis_;
  segue::asyncio::EventLoop& loop_;
  bool reading_ = false;
  bool writing_ = false;
};

/// A connection that is being made. ConnectionError where that fails at once.
inline redisAsyncContext& open_connection(const char* host, int port) {
  redisAsyncContext* const redis = redisAsyncConnect(host, port);
  if (redis == nullptr || redis->err != 0)
    throw segue::ConnectionError(redis == nullptr ? "out of memory" : redis->errstr);
  Attached::attach(*redis, segue::asyncio::get_running_loop());
  return *redis;
}
