// c-ares in a loop: the descriptors that it wants to be watched, and the time that it wants to wait, are the loop's.
// Once for the whole program; a query is then a C function with a callback.
#pragma once

#include <ares.h>
#include <sys/time.h>

#include <chrono>
#include <stdexcept>

#include <segue/asyncio.hpp>

class AresLoop {
 public:
  /// In a loop that outlives it. `servers` are those of ares_set_servers_ports_csv().
  AresLoop(segue::asyncio::EventLoop& loop, const char* servers) : loop_(loop) {
    char lookups[] = "b";  // by DNS, and not from /etc/hosts
    ares_options options = {};
    options.flags = ARES_FLAG_NOSEARCH;
    options.lookups = lookups;
    options.sock_state_cb = on_socket;
    options.sock_state_cb_data = this;
    check(ares_init_options(&channel_, &options, ARES_OPT_FLAGS | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB));
    try {
      check(ares_set_servers_ports_csv(channel_, servers));
    } catch (...) {
      ares_destroy(channel_);
      throw;
    }
  }
  AresLoop(const AresLoop&) = delete;
  AresLoop& operator=(const AresLoop&) = delete;
  /// Queries that are under way call back with ARES_EDESTRUCTION.
  ~AresLoop() {
    ares_destroy(channel_);
    timer_.cancel();
  }

  /// Calls `query(channel)`, which asks c-ares something.
  template <class Query>
  void start(Query query) {
    query(channel_);
    set_timer();
  }

  static void check(int status) {
    if (status != ARES_SUCCESS) throw std::runtime_error(ares_strerror(status));
  }

 private:
  static void on_socket(void* context, ares_socket_t socket, int reads, int writes) {
    auto& self = *static_cast<AresLoop*>(context);
    if (reads != 0) {
      self.loop_.add_reader(socket, [&self, socket] { self.process(socket, ARES_SOCKET_BAD); });
    } else {
      self.loop_.remove_reader(socket);
    }
    if (writes != 0) {
      self.loop_.add_writer(socket, [&self, socket] { self.process(ARES_SOCKET_BAD, socket); });
    } else {
      self.loop_.remove_writer(socket);
    }
  }

  void process(ares_socket_t read, ares_socket_t write) {
    ares_process_fd(channel_, read, write);
    set_timer();
  }

  // c-ares does not say when its time changes: after whatever may have changed it.
  void set_timer() {
    timer_.cancel();
    timeval room = {};
    if (const timeval* const wait = ares_timeout(channel_, nullptr, &room)) {
      timer_ = loop_.call_later(std::chrono::seconds(wait->tv_sec) + std::chrono::microseconds(wait->tv_usec),
                                [this] { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); });
    }
  }

  segue::asyncio::EventLoop& loop_;
  ares_channel channel_ = nullptr;
  segue::asyncio::TimerHandle timer_;
};
