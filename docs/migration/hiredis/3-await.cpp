// The same with co_await.
//
//   3-await HOST PORT PLAYERS
#include <cstdio>
#include <cstdlib>
#include <string>
#include <tuple>
#include <vector>

#include <segue/segue.hpp>

#include "redis.hpp"

using namespace segue;
using namespace segue::bridge;

namespace {

using asyncio::Coroutine;

std::string key(int player) { return "score:" + std::to_string(player); }

template <class... Words>
Coroutine<Reply> ask(redisAsyncContext& redis, Words... words) {
  const auto [connection, reply] = co_await command(redis, std::move(words)...);
  co_return reply;
}

Coroutine<> play(redisAsyncContext& scores, int players) {
  std::vector<Coroutine<Reply>> set;
  std::vector<Coroutine<Reply>> get;
  for (int i = 0; i < players; ++i) {
    set.push_back(ask(scores, std::string("SET"), key(i), std::to_string(i * 7 % 1000)));
    get.push_back(ask(scores, std::string("GET"), key(i)));
  }
  co_await asyncio::gather(std::move(set));
  long sum = 0;
  for (const Reply& score : co_await asyncio::gather(std::move(get))) sum += std::stol(score.text);
  std::printf("sum %ld\n", sum);
  try {
    co_await ask(scores, "INCR", "no:such:a");
    co_await ask(scores, "LPUSH", "no:such:a", "x");
  } catch (const RuntimeError& error) {
    std::printf("refused: %s\n", error.what());
  }
  for (const char* winner : {"Ada", "Grace", "Edsger"}) co_await ask(scores, "PUBLISH", "winners", winner);
}

Coroutine<> run_board(const char* host, int port, int players) {
  const Connection scores(host, port);
  const Connection news(host, port);
  auto winners = subscribe(*news, "winners");
  co_await winners.anext();  // subscribed
  co_await play(*scores, players);
  for (int i = 0; i < 3; ++i) {
    const auto [connection, winner] = co_await winners.anext();
    std::printf("winner %s\n", winner.text.c_str());
  }
}

}  // namespace

int main(int, char** arguments) {
  asyncio::run(run_board(arguments[1], std::atoi(arguments[2]), std::atoi(arguments[3])));
}
