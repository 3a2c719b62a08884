// The examples of index.md, one for each shape of callback, over small APIs that have these shapes. Checks itself.
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <functional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <segue/segue.hpp>

namespace {

using namespace segue;
using namespace segue::bridge;
using namespace std::chrono_literals;
using asyncio::Coroutine;

// --- APIs that call back, each a turn of the loop later or at once

template <class F>
void later(F call) {
  asyncio::get_running_loop().call_soon(std::move(call));
}

void query_size(const std::string& name, std::function<void(int)> done) {
  later([size = static_cast<int>(name.size()), done] { done(size); });
}
void read_text(const std::string& name, std::function<void(std::error_code, std::string)> done) {
  if (name == "missing") return done(std::make_error_code(std::errc::no_such_file_or_directory), "");
  done({}, "text of " + name);
}
void load(const std::string& name, std::function<void(std::string)> loaded, std::function<void(const char*)> failed) {
  if (name.empty()) return failed("nothing to load");
  loaded("page of " + name);
}
struct Download {
  std::function<void(std::string)> done;
  bool* stopped;
  void stop() {
    *stopped = true;
    done("stopped");
  }
};
Download download(bool& stopped, std::function<void(std::string)> done) { return {std::move(done), &stopped}; }

extern "C" {
struct db {
  int rows;
};
void db_count(db* database, void (*call)(void* data, int rows), void* data) { call(data, database->rows); }
void db_name(db*, void (*call)(const char* name, void* data), void* data) { call("customers", data); }
struct io_request {
  void* data;
  int result;
};
void io_read(io_request* request, void (*call)(io_request*)) {
  request->result = -ENOENT;
  call(request);
}
void db_each(db* database, int (*call)(void* data, int row), void* data) {
  for (int row = 0; row < database->rows && call(data, row) == 0; ++row) {
  }
}
}

void for_each_row(const db& database, const std::function<void(int)>& call) {
  for (int row = 0; row < database.rows; ++row) call(row);
}
struct LoadListener {
  virtual ~LoadListener() = default;
  virtual void on_loaded(std::string text) = 0;
  virtual void on_failed(int code) = 0;
};
struct Loader {
  void load(LoadListener* listener) { listener->on_loaded("by a listener"); }
};
struct Sensor {
  std::function<bool(int)> on_tick;
  void subscribe(std::function<bool(int)> emit) {
    for (int tick = 1; tick <= 3; ++tick) emit(tick);
  }
};
void in_another_thread(std::function<void(int)> done) {
  std::thread([done] { done(42); }).detach();
}

// --- what index.md shows

Coroutine<int> size_of(std::string name) {
  co_return co_await from_callback<int>([&](auto done) { query_size(name, done); });
}

Coroutine<std::string> text_of(std::string name) {
  co_return co_await from_callback<std::string>(error_first, [&](auto done) { read_text(name, done); });
}

Coroutine<std::string> page_of(std::string name) {
  co_return co_await from_callback<std::string>(success_failure,
                                                [&](auto loaded, auto failed) { load(name, loaded, failed); });
}

Coroutine<std::string> downloaded(bool& stopped) {
  const auto start = [&](auto done) { return download(stopped, done); };
  const auto stop = [](Download& started) { started.stop(); };
  co_return co_await from_callback<std::string>(start, stop);
}

Coroutine<int> count_of(db& database) {
  co_return co_await from_callback<void(void*, int)>([&](auto* call, void* data) { db_count(&database, call, data); });
}

Coroutine<std::string> name_of(db& database) {
  const auto start = [&](auto* call, void* data) { db_name(&database, call, data); };
  co_return co_await from_callback<void(const char*, void*), std::string>(start);
}

Coroutine<int> read_by_request() {
  io_request request = {};
  const auto start = [&](auto* call, void* data) {
    request.data = data;
    io_read(&request, call);
  };
  co_await from_callback<void(io_request*)>(once | user_data<&io_request::data>, start);
  co_return request.result;
}

struct Loaded final : Listener<LoadListener, std::string> {
  void on_loaded(std::string text) override { succeed(std::move(text)); }
  void on_failed(int code) override { fail(code); }
};

Coroutine<std::string> listened_to(Loader& loader) {
  co_return co_await from_listener<Loaded>([&](Loaded& listener) { loader.load(&listener); });
}

Coroutine<int> sum_of_ticks(Sensor& sensor) {
  int sum = 0;
  const auto subscribe = [&](auto emit) { sensor.subscribe(emit); };
  co_await asyncio::async_for(from_callbacks<int>(subscribe, {.maxsize = 16}), [&](int tick) { sum += tick; });
  co_return sum;
}

legacy::Generator<int> rows_of(db& database) {
  return legacy::pull<int>([&database](legacy::Emitter<int>& emit) {
    const auto on_row = [](void* data, int row) { return legacy::Emitter<int>::from(data)(row) ? 0 : 1; };
    db_each(&database, on_row, &emit);
  });
}

Coroutine<> wait_at_each_row(db& database) {
  const auto on_row = [](int row) { await_(asyncio::sleep(1ms * row)); };
  co_await portal([&] { for_each_row(database, on_row); });
}

Coroutine<int> from_a_thread() { co_return co_await from_callback<int>(in_another_thread); }

// --- that they do what they say

void check(bool fine, const char* what) {
  std::printf("%s: %s\n", fine ? "ok" : "FAILED", what);
  if (!fine) std::exit(1);
}

Coroutine<> cancelled_download() {
  bool stopped = false;
  auto task = asyncio::create_task(downloaded(stopped));
  co_await asyncio::sleep(0s);
  task.cancel();
  bool cancelled = false;
  try {
    co_await task;
  } catch (const asyncio::CancelledError&) {
    cancelled = true;
  }
  check(stopped && cancelled, "a cancel function");
}

Coroutine<> check_all() {
  const int size = co_await size_of("notes");
  check(size == 5, "once");
  const std::string text = co_await text_of("notes");
  check(text == "text of notes", "error-first");
  std::string missing;
  try {
    co_await text_of("missing");
  } catch (const FileNotFoundError&) {
    missing = "FileNotFoundError";
  }
  check(missing == "FileNotFoundError", "error-first, with an error");
  const std::string page = co_await page_of("home");
  check(page == "page of home", "two callbacks");
  co_await cancelled_download();

  db database{.rows = 3};
  const int rows = co_await count_of(database);
  check(rows == 3, "a C function with a void*");
  const std::string name = co_await name_of(database);
  check(name == "customers", "a C function with a text of its own");
  const int result = co_await read_by_request();
  check(result == -ENOENT, "a void* in a struct");
  Loader loader;
  const std::string listened = co_await listened_to(loader);
  check(listened == "by a listener", "a listener");
  Sensor sensor;
  const int sum = co_await sum_of_ticks(sensor);
  check(sum == 6, "many calls");
  int last = -1;
  for (const int row : rows_of(database)) last = row;
  check(last == 2, "a visitor as a loop");
  const auto begun = asyncio::get_running_loop().time();
  co_await wait_at_each_row(database);
  check(asyncio::get_running_loop().time() - begun >= 3ms, "a visitor that waits");
  const int answer = co_await from_a_thread();
  check(answer == 42, "from another thread");

  const auto read = promisify<std::string>(error_first, read_text);
  const std::string promised = co_await read("notes");
  check(promised == "text of notes", "promisify");
  const auto size_then = to_callback(size_of);
  int called_with = 0;
  auto call = size_then(std::string("notes"), [&](std::exception_ptr, int given) { called_with = given; });
  co_await call;
  co_await asyncio::sleep(0s);
  check(called_with == 5, "to_callback");
}

}  // namespace

int main() { asyncio::run(check_all()); }
