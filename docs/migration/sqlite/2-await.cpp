// What each customer has ordered, out of a table in the customers' order: sqlite3_exec runs in a thread, its rows come
// to the loop as an async generator, and the loop has time for others meanwhile. 1-generator.cpp does it without a
// loop.
//
// usage: 2-await DATABASE        all customers
//        2-await DATABASE N      the first N customers over 10000.00
#include <sqlite3.h>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <segue/asyncio.hpp>
#include <segue/bridge/emitter.hpp>
#include <segue/bridge/from_thread.hpp>

namespace {

using namespace std::chrono_literals;
using segue::asyncio::AsyncGenerator;
using segue::asyncio::Coroutine;
using segue::asyncio::LoopControl;
using segue::bridge::Emitter;
using segue::bridge::from_callbacks;
namespace asyncio = segue::asyncio;
namespace from_thread = segue::bridge::from_thread;

constexpr long large = 1'000'000;
constexpr std::size_t rows_ahead = 256;

struct Row {
  std::string customer;
  long cents = 0;
};

// sqlite3_exec in a thread, with what its callback needs.
struct Query {
  sqlite3* database;
  const char* sql;
  Emitter<Row> emit;
  asyncio::Event room = {};
  std::exception_ptr error = {};

  void run() {
    const int code = sqlite3_exec(database, sql, on_row, this, nullptr);
    if (error) return emit.fail(error);
    if (code != SQLITE_OK) return emit.fail(std::runtime_error(sqlite3_errmsg(database)));
    emit.close();
  }

 private:
  static int on_row(void* context, int, char** columns, char**) noexcept {
    auto& query = *static_cast<Query*>(context);
    try {
      const bool more = query.emit(Row{.customer = columns[0], .cents = std::atol(columns[1])});
      if (!more) from_thread::run([&] { return query.room.wait(); });
    } catch (...) {
      query.error = std::current_exception();
    }
    return query.error ? 1 : 0;
  }
};

// A query that runs. The stream of its rows says when there is no room, and when nobody wants more.
struct Running {
  std::shared_ptr<Query> query;
  asyncio::Task<> task;

  void pause() { query->room.clear(); }
  void resume() { query->room.set(); }
  void stop() { task.cancel(); }
};

AsyncGenerator<Row> rows(sqlite3* database, const char* sql) {
  const auto start = [=](Emitter<Row> emit) {
    const auto query = std::make_shared<Query>(database, sql, std::move(emit));
    query->room.set();
    return Running{query, asyncio::create_task(asyncio::to_thread(&Query::run, query))};
  };
  return from_callbacks<Row>(start, {.maxsize = rows_ahead});
}

struct Subtotal {
  std::string customer;
  long orders = 0;
  long cents = 0;
};

AsyncGenerator<Subtotal> subtotals(AsyncGenerator<Row> rows) {
  Subtotal group;
  while (true) {
    std::optional<Row> row = co_await rows.next_or_none();
    if (!row) break;
    if (group.orders > 0 && group.customer != row->customer) co_yield std::exchange(group, Subtotal());
    group.customer = std::move(row->customer);
    ++group.orders;
    group.cents += row->cents;
  }
  if (group.orders > 0) co_yield std::move(group);
}

Coroutine<> print_totals(AsyncGenerator<Subtotal> customers) {
  long count = 0;
  long cents = 0;
  Subtotal largest;
  co_await asyncio::async_for(customers, [&](Subtotal customer) {
    ++count;
    cents += customer.cents;
    if (customer.cents > largest.cents) largest = std::move(customer);
  });
  std::printf("%ld customers, %ld in all; the largest: %s: %ld orders, %ld\n", count, cents, largest.customer.c_str(),
              largest.orders, largest.cents);
}

// Takes its time for each, as if it sent them somewhere: SQLite is held up meanwhile.
Coroutine<> print_large(AsyncGenerator<Subtotal> customers, long wanted) {
  if (wanted <= 0) co_return;
  co_await asyncio::async_for(customers, [&](Subtotal customer) -> Coroutine<LoopControl> {
    if (customer.cents <= large) co_return LoopControl::continue_;
    std::printf("%s: %ld orders, %ld\n", customer.customer.c_str(), customer.orders, customer.cents);
    co_await asyncio::sleep(20ms);
    co_return --wanted == 0 ? LoopControl::break_ : LoopControl::continue_;
  });
}

// Something else that the loop has to do.
Coroutine<> tick(long& ticks) {
  for (;; ++ticks) co_await asyncio::sleep(1ms);
}

Coroutine<> report(sqlite3* database, std::optional<long> wanted) {
  long ticks = 0;
  const auto ticker = asyncio::create_task(tick(ticks));
  const auto stopped = asyncio::finally_([&] { ticker.cancel(); });
  auto customers = subtotals(rows(database, "select customer, cents from orders order by id"));
  if (wanted) {
    co_await print_large(std::move(customers), *wanted);
  } else {
    co_await print_totals(std::move(customers));
    std::printf("ticked %ld times\n", ticks);
  }
}

using Database = std::unique_ptr<sqlite3, decltype([](sqlite3* database) { sqlite3_close(database); })>;

Database open(const char* path) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READONLY, nullptr);
  Database database(handle);
  if (code != SQLITE_OK) throw std::runtime_error(std::string("cannot open ") + path + ": " + sqlite3_errstr(code));
  return database;
}

int pages_read(sqlite3* database) {
  int pages = 0;
  int highest = 0;
  sqlite3_db_status(database, SQLITE_DBSTATUS_CACHE_MISS, &pages, &highest, 0);
  return pages;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "usage: 2-await DATABASE [N]\n"), 2;
  try {
    const Database database = open(argv[1]);
    asyncio::run(report(database.get(), argc > 2 ? std::optional(std::atol(argv[2])) : std::nullopt));
    std::printf("read %d pages\n", pages_read(database.get()));  // the thread has ended when run() has
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "2-await: %s\n", error.what()), 1;
  }
}
