// What each customer has ordered, out of a table in the customers' order, by sqlite3_exec and its callback. The same
// with a loop: 1-generator.cpp.
//
// usage: 0-callback DATABASE        all customers
//        0-callback DATABASE N      the first N customers over 10000.00
#include <sqlite3.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace {

constexpr long large = 1'000'000;

struct Subtotal {
  std::string customer;
  long orders = 0;
  long cents = 0;
};

struct Program {
  Subtotal group;
  Subtotal largest;
  long customers = 0;
  long cents = 0;
  long wanted = -1;  // -1: the totals
  std::exception_ptr error;

  void row(const char* customer, long amount) {
    if (group.orders > 0 && group.customer != customer) finished();
    if (wanted == 0) return;
    group.customer = customer;
    ++group.orders;
    group.cents += amount;
  }

  // To be called once more after the last row.
  void finished() {
    const Subtotal subtotal = std::exchange(group, Subtotal());
    if (subtotal.orders == 0 || wanted == 0) return;
    if (wanted > 0) {
      if (subtotal.cents <= large) return;
      std::printf("%s: %ld orders, %ld\n", subtotal.customer.c_str(), subtotal.orders, subtotal.cents);
      --wanted;
      return;
    }
    ++customers;
    cents += subtotal.cents;
    if (subtotal.cents > largest.cents) largest = subtotal;
  }
};

int on_row(void* context, int, char** columns, char**) noexcept {
  auto& program = *static_cast<Program*>(context);
  try {
    program.row(columns[0], std::atol(columns[1]));
  } catch (...) {
    program.error = std::current_exception();
  }
  return program.error || program.wanted == 0 ? 1 : 0;
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
  if (argc < 2) return std::fprintf(stderr, "usage: 0-callback DATABASE [N]\n"), 2;
  try {
    const Database database = open(argv[1]);
    Program program;
    if (argc > 2) program.wanted = std::atol(argv[2]);
    const int code =
        sqlite3_exec(database.get(), "select customer, cents from orders order by id", on_row, &program, nullptr);
    if (program.error) std::rethrow_exception(program.error);
    if (code != SQLITE_OK && program.wanted != 0) throw std::runtime_error(sqlite3_errmsg(database.get()));
    program.finished();
    if (argc == 2) {
      std::printf("%ld customers, %ld in all; the largest: %s: %ld orders, %ld\n", program.customers, program.cents,
                  program.largest.customer.c_str(), program.largest.orders, program.largest.cents);
    }
    std::printf("read %d pages\n", pages_read(database.get()));
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "0-callback: %s\n", error.what()), 1;
  }
}
