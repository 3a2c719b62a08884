// Half-way: coloured from both ends. Above the C frames find_path() and handle() are coroutines, so that the portal has
// come down to expand(); below them price_of() is one, which its callers await by await_(). Ships as it is.
//
//   main > handle_all > handle* > find_path* > portal > expand > market_each_book (C) > on_book > cheapest
//        > qsort_r (C) > by_price > compare > price_of*
//
// usage: 2-half MARKET PRICES < requests        a line "id from to" each
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <segue/asyncio.hpp>
#include <segue/bridge/callback.hpp>
#include <segue/bridge/portal.hpp>

#include "market.h"
#include "prices.hpp"

namespace {

using namespace segue;
using namespace std::chrono_literals;
using asyncio::Coroutine;
using bridge::await_;
using bridge::error_first;
using bridge::from_callback;
using bridge::portal;

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
  std::map<int, long> prices = {};
  Frontier frontier = {};
  long cost = 0;                  // of the account that is being expanded
  std::exception_ptr error = {};  // of a callback: nothing is thrown through C
};

Coroutine<long> price_of(Search& search, const offer& asked) {
  if (const auto known = search.prices.find(asked.id); known != search.prices.end()) co_return known->second;
  const auto ask = [&](auto done) { search.service.prices.ask(asked.id, done); };
  const long price = co_await from_callback<long>(error_first, ask);
  co_return search.prices[asked.id] = price;
}

int compare(Search& search, const offer& left, const offer& right) {
  const long a = await_(price_of(search, left));
  const long b = await_(price_of(search, right));
  return a < b ? -1 : a > b ? 1 : 0;
}

int by_price(const void* left, const void* right, void* data) {
  auto& search = *static_cast<Search*>(data);
  if (search.error) return 0;  // qsort_r cannot be stopped
  try {
    return compare(search, *static_cast<const offer*>(left), *static_cast<const offer*>(right));
  } catch (...) {
    search.error = std::current_exception();
    return 0;
  }
}

offer cheapest(Search& search, offer* book, int count) {
  qsort_r(book, static_cast<std::size_t>(count), sizeof *book, by_price, &search);
  if (search.error) std::rethrow_exception(search.error);
  return book[0];
}

int on_book(offer* book, int count, void* data) {
  auto& search = *static_cast<Search*>(data);
  try {
    const offer best = cheapest(search, book, count);
    search.frontier.emplace(search.cost + await_(price_of(search, best)), best.target);
    return 0;
  } catch (...) {
    search.error = std::current_exception();
    return 1;
  }
}

void expand(Search& search, int account) {
  market_each_book(search.service.market.get(), account, on_book, &search);
  if (search.error) std::rethrow_exception(search.error);
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
    search.cost = cost;
    co_await portal(expand, std::ref(search), account);
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
  if (argc < 3) return std::fprintf(stderr, "usage: 2-half MARKET PRICES < requests\n"), 2;
  Service service{Market(market_open(argv[1])), Prices(argv[2])};
  if (!service.market) return std::fprintf(stderr, "cannot open %s\n", argv[1]), 1;
  std::vector<Request> requests;
  for (Request request; std::scanf("%d %d %d", &request.id, &request.from, &request.to) == 3;)
    requests.push_back(request);

  asyncio::run(handle_all(service, requests));
}
