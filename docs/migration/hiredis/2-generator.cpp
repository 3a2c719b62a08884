// The same in generator-based coroutines: plain functions that wait.
//
//   2-generator HOST PORT PLAYERS
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

using Board = redisAsyncContext;

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

void play(Board& scores, int players) {
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
}

const auto run_board = coroutine<>([](const char* host, int port, int players) {
  const Connection scores(host, port);
  const Connection news(host, port);
  auto winners = subscribe(*news, "winners");
  yield_from(winners.anext());  // subscribed
  play(*scores, players);
  for (int i = 0; i < 3; ++i) std::printf("winner %s\n", std::get<1>(yield_from(winners.anext())).text.c_str());
});

}  // namespace

int main(int, char** arguments) {
  asyncio::run(run_board(arguments[1], std::atoi(arguments[2]), std::atoi(arguments[3])));
}
