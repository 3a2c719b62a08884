// The last rung: nothing waits below C any more. The C library only fills a list, no frame of it is left when the
// waiting begins, and so all prices of an account are asked for at once.
//
//   main > handle_all > handle* > find_path* > expand* > price_of*
//
// usage: 3-await MARKET PRICES < requests        a line "id from to" each
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <memory>
#include <queue>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <segue/asyncio.hpp>
#include <segue/bridge/callback.hpp>

#include "market.h"
#include "prices.hpp"

namespace {

using namespace segue;
using namespace std::chrono_literals;
using asyncio::Coroutine;
using bridge::error_first;
using bridge::from_callback;

using Market = std::unique_ptr<market, decltype([](market* opened) { market_close(opened); })>;

struct Request {
  int id;
  int from;
  int to;
};

struct Service {
  Market market;
  Prices prices;
};

// What is to be done next: the cost to get to an account.
using Frontier = std::priority_queue<std::pair<long, int>, std::vector<std::pair<long, int>>, std::greater<>>;

struct Search {
  Service& service;
  Frontier frontier = {};
  std::vector<std::vector<offer>> books = {};  // of the account that is being expanded
  std::exception_ptr error = {};               // of a callback: nothing is thrown through C
};

Coroutine<long> price_of(Prices& prices, int id) {
  const auto ask = [&](auto done) { prices.ask(id, done); };
  co_return co_await from_callback<long>(error_first, ask);
}

int on_book(offer* book, int count, void* data) {
  auto& search = *static_cast<Search*>(data);
  try {
    search.books.emplace_back(book, book + count);
    return 0;
  } catch (...) {
    search.error = std::current_exception();
    return 1;
  }
}

Coroutine<> expand(Search& search, int account, long cost) {
  search.books.clear();
  market_each_book(search.service.market.get(), account, on_book, &search);
  if (search.error) std::rethrow_exception(search.error);
  std::vector<Coroutine<long>> asked;
  for (const auto& book : search.books)
    for (const offer& each : book) asked.push_back(price_of(search.service.prices, each.id));
  const std::vector<long> prices = co_await asyncio::gather(std::move(asked));
  auto price = prices.begin();
  for (const auto& book : search.books) {
    const auto end = price + static_cast<std::ptrdiff_t>(book.size());
    const auto best = std::min_element(price, end);
    search.frontier.emplace(cost + *best, book[static_cast<std::size_t>(best - price)].target);
    price = end;
  }
}

Coroutine<long> find_path(Service& service, Request request) {
  Search search{.service = service};
  std::map<int, long> reached;
  search.frontier.emplace(0, request.from);
  while (!search.frontier.empty()) {
    const auto [cost, account] = search.frontier.top();
    search.frontier.pop();
    if (!reached.emplace(account, cost).second) continue;
    if (account == request.to) co_return cost;
    co_await expand(search, account, cost);
  }
  throw std::runtime_error("no path");
}

Coroutine<std::string> handle(Service& service, Request request) {
  const std::string name = "request " + std::to_string(request.id) + ": ";
  try {
    const long cost = co_await asyncio::wait_for(find_path(service, request), 2s);
    co_return name + std::to_string(cost);
  } catch (const TimeoutError&) {
    co_return name + "timed out";
  } catch (const std::exception& error) {
    co_return name + error.what();
  }
}

Coroutine<> handle_all(Service& service, const std::vector<Request>& requests) {
  std::vector<Coroutine<std::string>> handlers;
  for (const Request& request : requests) handlers.push_back(handle(service, request));
  const std::vector<std::string> lines = co_await asyncio::gather(std::move(handlers));
  for (const std::string& line : lines) std::puts(line.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fprintf(stderr, "usage: 3-await MARKET PRICES < requests\n"), 2;
  Service service{Market(market_open(argv[1])), Prices(argv[2])};
  if (!service.market) return std::fprintf(stderr, "cannot open %s\n", argv[1]), 1;
  std::vector<Request> requests;
  for (Request request; std::scanf("%d %d %d", &request.id, &request.from, &request.to) == 3;)
    requests.push_back(request);

  asyncio::run(handle_all(service, requests));
}
