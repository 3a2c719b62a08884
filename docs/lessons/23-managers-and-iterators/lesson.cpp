// A connection that is opened and closed with awaits, and rows that arrive one by one.

#include <exception>
#include <optional>
#include <string>
#include <utility>

#include <fmt/core.h>

#include <segue/asyncio.hpp>

using namespace segue;
using namespace std::chrono_literals;
using asyncio::Coroutine;

class Rows {
 public:
  explicit Rows(int count) : count_(count) {}

  Coroutine<int> anext() {
    if (row_ == count_) throw asyncio::StopAsyncIteration();
    co_await asyncio::sleep(0s);
    co_return ++row_;
  }

 private:
  int row_ = 0;
  int count_;
};

class Connection {
 public:
  explicit Connection(std::string host) : host_(std::move(host)) {}

  Coroutine<Connection&> aenter() {
    co_await asyncio::sleep(0s);
    fmt::print("  {}: open\n", host_);
    co_return *this;
  }

  Coroutine<bool> aexit(std::exception_ptr error) {
    co_await asyncio::sleep(0s);
    fmt::print("  {}: closed{}\n", host_, error ? ", because of " + exception_repr(error) : "");
    co_return holds<ConnectionError>(error);
  }

  Rows rows(int count) { return Rows(count); }

 private:
  std::string host_;
};

Coroutine<std::optional<int>> first_above(Rows rows, int limit) {
  const auto body = [limit](int row) { return row > limit ? std::optional(row) : std::nullopt; };
  co_return co_await asyncio::async_for(rows, body);
}

std::string text(std::optional<int> row) { return row ? std::to_string(*row) : "None"; }

Coroutine<> async_main() {
  fmt::print("- opened, read, closed\n");
  const auto read = [](Connection& connection) -> Coroutine<> {
    const auto show = [](int row) { fmt::print("  row {}\n", row); };
    co_await asyncio::async_for(connection.rows(3), show);
  };
  Connection a("a.example");
  co_await asyncio::async_with(a, read);

  fmt::print("- left early\n");
  const auto search = [](Connection& connection) -> Coroutine<> {
    const auto above_2 = co_await first_above(connection.rows(10), 2);
    fmt::print("  first above 2: {}\n", text(above_2));
    const auto above_20 = co_await first_above(connection.rows(10), 20);
    fmt::print("  first above 20: {}\n", text(above_20));
  };
  Connection b("b.example");
  co_await asyncio::async_with(b, search);

  fmt::print("- closed when it fails, and this kind of failure goes no further\n");
  const auto lose = [] { throw ConnectionResetError("cable"); };
  Connection c("c.example");
  co_await asyncio::async_with(c, lose);

  fmt::print("- another kind does\n");
  const auto fail = [] { throw ValueError("bad row"); };
  Connection d("d.example");
  try {
    co_await asyncio::async_with(d, fail);
  } catch (const ValueError& error) {
    fmt::print("  caught: {}\n", error.what());
  }
}

int main() { asyncio::run(async_main()); }
