// Half-way: the commands have moved. What is asked and answered on the connection of the scores is play(), a
// generator-based coroutine; the channel is on callbacks as it was, and starts play() as any other callback function.
//
//   1-half HOST PORT PLAYERS
#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <segue/segue.hpp>

#include "attach.hpp"
#include "redis.hpp"

using namespace segue;
using namespace segue::bridge;

namespace {

std::string key(int player) { return "score:" + std::to_string(player); }

Reply ask(asyncio::Task<std::tuple<redisAsyncContext*, Reply>> asked) { return std::get<1>(yield_from(asked)); }

/// All at once, as callbacks did: the commands are sent before the first reply is waited for.
template <class Make>
std::vector<Reply> ask_all(int players, Make make) {
  std::vector<asyncio::Task<std::tuple<redisAsyncContext*, Reply>>> asked;
  for (int i = 0; i < players; ++i) asked.push_back(asyncio::create_task(make(i)));
  std::vector<Reply> replies;
  for (const auto& each : asked) replies.push_back(ask(each));
  return replies;
}

const auto play = coroutine<>([](redisAsyncContext& scores, int players) {
  ask_all(players, [&](int i) { return command(scores, "SET", key(i), std::to_string(i * 7 % 1000)); });
  long sum = 0;
  for (const Reply& score : ask_all(players, [&](int i) { return command(scores, "GET", key(i)); }))
    sum += std::stol(score.text);
  std::printf("sum %ld\n", sum);
  try {
    yield_from(command(scores, "INCR", "no:such:a"));
    yield_from(command(scores, "LPUSH", "no:such:a", "x"));
  } catch (const RuntimeError& error) {
    std::printf("refused: %s\n", error.what());
  }
  for (const char* winner : {"Ada", "Grace", "Edsger"}) yield_from(command(scores, "PUBLISH", "winners", winner));
});

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
    if (kind == "subscribe") return of(self).start_to_play();
    if (kind == "message") of(self).on_winner(reply->element[2]->str);
  }
  void start_to_play() {
    const auto on_played = [this](const std::exception_ptr& error) {
      if (error) return fail(describe(error).message.c_str());
      played_ = true;
      if (winners_ == 3) finish();
    };
    to_callback(play)(std::ref(scores_), players_, on_played);
  }
  void on_winner(const std::string& name) {
    std::printf("winner %s\n", name.c_str());
    if (++winners_ == 3 && played_) finish();
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
  int winners_ = 0;
  bool played_ = false;
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
