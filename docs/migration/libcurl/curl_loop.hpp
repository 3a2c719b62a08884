// libcurl's multi interface in a loop: the descriptors that curl wants to be watched, and the one timer that it has,
// are the loop's. Once for the whole program; a transfer is then a callback function, perform().
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include <segue/asyncio.hpp>

class CurlLoop {
 public:
  using Done = std::function<void(CURLcode)>;

  /// In a loop that outlives it.
  explicit CurlLoop(segue::asyncio::EventLoop& loop) : loop_(loop) {
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  }
  CurlLoop(const CurlLoop&) = delete;
  CurlLoop& operator=(const CurlLoop&) = delete;
  /// No transfer is under way any more.
  ~CurlLoop() {
    curl_multi_cleanup(multi_);
    timer_.cancel();
  }

  /// Calls `done` when the transfer has ended, never from within.
  void perform(CURL* easy, Done done) {
    auto kept = std::make_unique<Done>(std::move(done));
    curl_easy_setopt(easy, CURLOPT_PRIVATE, kept.get());
    curl_multi_add_handle(multi_, easy);
    static_cast<void>(kept.release());  // take()'s
  }
  /// Ends a transfer: `done` is destroyed, and not called.
  void cancel(CURL* easy) { take(easy); }

 private:
  static int on_socket(CURL*, curl_socket_t socket, int what, void* context, void*) {
    auto& self = *static_cast<CurlLoop*>(context);
    self.watch(socket, (what & CURL_POLL_IN) != 0 && what != CURL_POLL_REMOVE,
               (what & CURL_POLL_OUT) != 0 && what != CURL_POLL_REMOVE);
    return 0;
  }
  static int on_timer(CURLM*, long timeout, void* context) {
    auto& self = *static_cast<CurlLoop*>(context);
    self.timer_.cancel();
    // Also for 0: curl must not be called from within this.
    if (timeout >= 0)
      self.timer_ =
          self.loop_.call_later(std::chrono::milliseconds(timeout), [&self] { self.act(CURL_SOCKET_TIMEOUT, 0); });
    return 0;
  }

  void watch(curl_socket_t socket, bool reads, bool writes) {
    if (reads) {
      loop_.add_reader(socket, [this, socket] { act(socket, CURL_CSELECT_IN); });
    } else {
      loop_.remove_reader(socket);
    }
    if (writes) {
      loop_.add_writer(socket, [this, socket] { act(socket, CURL_CSELECT_OUT); });
    } else {
      loop_.remove_writer(socket);
    }
  }

  void act(curl_socket_t socket, int what) {
    int running = 0;
    curl_multi_socket_action(multi_, socket, what, &running);
    int left = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;  // the message goes with the handle
      const std::unique_ptr<Done> done = take(message->easy_handle);
      (*done)(code);
    }
  }

  std::unique_ptr<Done> take(CURL* easy) {
    void* kept = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &kept);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, nullptr);
    curl_multi_remove_handle(multi_, easy);
    return std::unique_ptr<Done>(static_cast<Done*>(kept));
  }

  segue::asyncio::EventLoop& loop_;
  CURLM* const multi_ = curl_multi_init();
  segue::asyncio::TimerHandle timer_;
};
