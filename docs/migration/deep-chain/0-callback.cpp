// The cheapest path through a market of offers, whose prices are another thread's to tell: ten frames, two of them C,
// and the last one has to wait. It blocks on a condition variable, so each request under way takes a thread.
//
//   main > work > handle > find_path > expand > market_each_book (C) > on_book > cheapest > qsort_r (C) > by_price
//        > compare > price_of
//
// usage: 0-callback MARKET PRICES < requests        a line "id from to" each
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <queue>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "market.h"
#include "prices.hpp"

namespace {

using namespace std::chrono_literals;

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
  std::chrono::steady_clock::time_point deadline;
  std::map<int, long> prices = {};
  Frontier frontier = {};
  long cost = 0;                  // of the account that is being expanded
  std::exception_ptr error = {};  // of a callback: nothing is thrown through C
};

struct Answer {
  std::mutex mutex;
  std::condition_variable come;
  std::optional<long> price;
  std::exception_ptr error;
};

long price_of(Search& search, const offer& asked) {
  if (const auto known = search.prices.find(asked.id); known != search.prices.end()) return known->second;
  const auto answer = std::make_shared<Answer>();  // it may come after the deadline
  search.service.prices.ask(asked.id, [answer](std::exception_ptr error, long price) {
    const std::lock_guard lock(answer->mutex);
    answer->error = std::move(error);
    answer->price = price;
    answer->come.notify_one();
  });
  std::unique_lock lock(answer->mutex);
  if (!answer->come.wait_until(lock, search.deadline, [&] { return answer->price.has_value(); }))
    throw std::runtime_error("timed out");
  if (answer->error) std::rethrow_exception(answer->error);
  return search.prices[asked.id] = *answer->price;
}

int compare(Search& search, const offer& left, const offer& right) {
  const long a = price_of(search, left);
  const long b = price_of(search, right);
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
    search.frontier.emplace(search.cost + price_of(search, best), best.target);
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

long find_path(Search& search, const Request& request) {
  std::map<int, long> reached;
  search.frontier.emplace(0, request.from);
  while (!search.frontier.empty()) {
    const auto [cost, account] = search.frontier.top();
    search.frontier.pop();
    if (!reached.emplace(account, cost).second) continue;
    if (account == request.to) return cost;
    search.cost = cost;
    expand(search, account);
  }
  throw std::runtime_error("no path");
}

std::string handle(Service& service, Request request) {
  const std::string name = "request " + std::to_string(request.id) + ": ";
  try {
    Search search{.service = service, .deadline = std::chrono::steady_clock::now() + 2s};
    return name + std::to_string(find_path(search, request));
  } catch (const std::exception& error) {
    return name + error.what();
  }
}

struct Work {
  Service& service;
  const std::vector<Request>& requests;
  std::vector<std::string> lines;
  std::mutex mutex = {};
  std::size_t next = 0;
};

void work(Work& shared) {
  while (true) {
    std::size_t mine = 0;
    {
      const std::lock_guard lock(shared.mutex);
      if (shared.next == shared.requests.size()) return;
      mine = shared.next++;
    }
    shared.lines[mine] = handle(shared.service, shared.requests[mine]);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fprintf(stderr, "usage: 0-callback MARKET PRICES < requests\n"), 2;
  Service service{Market(market_open(argv[1])), Prices(argv[2])};
  if (!service.market) return std::fprintf(stderr, "cannot open %s\n", argv[1]), 1;
  std::vector<Request> requests;
  for (Request request; std::scanf("%d %d %d", &request.id, &request.from, &request.to) == 3;)
    requests.push_back(request);

  Work shared{.service = service, .requests = requests, .lines = std::vector<std::string>(requests.size())};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < std::min<std::size_t>(16, requests.size()); ++i)
    threads.emplace_back([&] { work(shared); });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& line : shared.lines) std::puts(line.c_str());
}
