// A board of scores in Redis, and a channel that tells who has won: with hiredis's callbacks, in a loop of segue's.
//
//   0-callback HOST PORT PLAYERS
#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include <segue/asyncio.hpp>

#include "attach.hpp"

using namespace segue;

namespace {

class Board {
 public:
  Board(const char* host, int port, int players)
      : scores_(open_connection(host, port)), news_(open_connection(host, port)), players_(players) {}

  void start() { redisAsyncCommand(&news_, &on_news, this, "SUBSCRIBE winners"); }
  int exit_code() const { return exit_code_; }

 private:
  static Board& of(void* self) { return *static_cast<Board*>(self); }

  static void on_news(redisAsyncContext*, void* answer, void* self) {
    auto* const reply = static_cast<redisReply*>(answer);
    if (reply == nullptr) return;  // the connection was closed
    if (reply->type == REDIS_REPLY_ERROR) return of(self).fail(reply->str);
    const std::string kind = reply->element[0]->str;
    if (kind == "subscribe") return of(self).set_scores();
    if (kind == "message") of(self).on_winner(reply->element[2]->str);
  }
  void set_scores() {
    left_ = players_;
    for (int i = 0; i < players_; ++i) redisAsyncCommand(&scores_, &on_set, this, "SET score:%d %d", i, i * 7 % 1000);
  }
  static void on_set(redisAsyncContext*, void* answer, void* self) {
    auto* const reply = static_cast<redisReply*>(answer);
    if (reply == nullptr) return of(self).fail("connection lost");
    if (reply->type == REDIS_REPLY_ERROR) return of(self).fail(reply->str);
    if (--of(self).left_ == 0) of(self).get_scores();
  }
  void get_scores() {
    left_ = players_;
    for (int i = 0; i < players_; ++i) redisAsyncCommand(&scores_, &on_get, this, "GET score:%d", i);
  }
  static void on_get(redisAsyncContext*, void* answer, void* self) {
    auto* const reply = static_cast<redisReply*>(answer);
    if (reply == nullptr) return of(self).fail("connection lost");
    if (reply->type != REDIS_REPLY_STRING) return of(self).fail(reply->str);
    of(self).sum_ += std::atol(reply->str);
    if (--of(self).left_ == 0) of(self).provoke();
  }
  void provoke() {
    std::printf("sum %ld\n", sum_);
    redisAsyncCommand(&scores_, nullptr, nullptr, "INCR no:such:%s", "a");
    redisAsyncCommand(&scores_, &on_provoked, this, "LPUSH no:such:%s x", "a");
  }
  static void on_provoked(redisAsyncContext*, void* answer, void* self) {
    auto* const reply = static_cast<redisReply*>(answer);
    if (reply == nullptr) return of(self).fail("connection lost");
    if (reply->type != REDIS_REPLY_ERROR) return;
    std::printf("refused: %s\n", reply->str);
    for (const char* winner : {"Ada", "Grace", "Edsger"})
      redisAsyncCommand(&of(self).scores_, nullptr, nullptr, "PUBLISH winners %s", winner);
  }
  void on_winner(const std::string& name) {
    std::printf("winner %s\n", name.c_str());
    if (++winners_ == 3) finish();
  }
  void fail(const char* what) {
    std::fprintf(stderr, "%s\n", what);
    exit_code_ = EXIT_FAILURE;
    finish();
  }
  void finish() {
    redisAsyncDisconnect(&news_);
    redisAsyncDisconnect(&scores_);
    asyncio::get_running_loop().stop();
  }

  redisAsyncContext& scores_;
  redisAsyncContext& news_;
  int players_;
  int left_ = 0;
  int winners_ = 0;
  long sum_ = 0;
  int exit_code_ = EXIT_SUCCESS;
};

}  // namespace

int main(int, char** arguments) {
  const auto loop = asyncio::new_event_loop();
  std::optional<Board> board;
  loop->call_soon([&] { board.emplace(arguments[1], std::atoi(arguments[2]), std::atoi(arguments[3])).start(); });
  loop->run_forever();
  return board->exit_code();
}
