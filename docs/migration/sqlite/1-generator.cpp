// What each customer has ordered, out of a table in the customers' order: rows as a generator, subtotals as another
// one, and the program as a loop. 0-callback.cpp does it in sqlite3_exec's callback.
//
// usage: 1-generator DATABASE        all customers
//        1-generator DATABASE N      the first N customers over 10000.00
#include <sqlite3.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <segue/legacy/pull.hpp>

namespace {

using segue::legacy::Emitter;
using segue::legacy::Generator;
using segue::legacy::pull;

constexpr long large = 1'000'000;

// A row in SQLite's own memory: good until the next one is asked for.
struct Row {
  const char* customer;
  long cents;
};

Generator<Row> rows(sqlite3* database, const char* sql) {
  return pull<Row>(
      [=](Emitter<Row>& emit) {
        const auto on_row = [](void* context, int, char** columns, char**) {
          return Emitter<Row>::from(context)(columns[0], std::atol(columns[1])) ? 0 : 1;
        };
        const int code = sqlite3_exec(database, sql, on_row, &emit, nullptr);
        if (code != SQLITE_OK) throw std::runtime_error(sqlite3_errmsg(database));
      },
      {.name = "rows", .stack_size = {1024 * 1024}});
}

struct Subtotal {
  std::string customer;
  long orders = 0;
  long cents = 0;
};

Generator<Subtotal> subtotals(Generator<Row> rows) {
  return Generator<Subtotal>(
      [](auto& yield, Generator<Row> rows) {
        Subtotal group;
        for (const Row& row : rows) {
          if (group.orders > 0 && group.customer != row.customer) yield(std::exchange(group, Subtotal()));
          group.customer = row.customer;
          ++group.orders;
          group.cents += row.cents;
        }
        if (group.orders > 0) yield(std::move(group));
      },
      std::move(rows));
}

void print_totals(Generator<Subtotal> customers) {
  long count = 0;
  long cents = 0;
  Subtotal largest;
  for (Subtotal&& customer : customers) {
    ++count;
    cents += customer.cents;
    if (customer.cents > largest.cents) largest = std::move(customer);
  }
  std::printf("%ld customers, %ld in all; the largest: %s: %ld orders, %ld\n", count, cents, largest.customer.c_str(),
              largest.orders, largest.cents);
}

void print_large(Generator<Subtotal> customers, long wanted) {
  if (wanted <= 0) return;
  for (const Subtotal& customer : customers) {
    if (customer.cents <= large) continue;
    std::printf("%s: %ld orders, %ld\n", customer.customer.c_str(), customer.orders, customer.cents);
    if (--wanted == 0) break;
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
  if (argc < 2) return std::fprintf(stderr, "usage: 1-generator DATABASE [N]\n"), 2;
  try {
    const Database database = open(argv[1]);
    auto customers = subtotals(rows(database.get(), "select customer, cents from orders order by id"));
    if (argc == 2) {
      print_totals(std::move(customers));
    } else {
      print_large(std::move(customers), std::atol(argv[2]));
    }
    std::printf("read %d pages\n", pages_read(database.get()));
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "1-generator: %s\n", error.what()), 1;
  }
}
