// StreamReader limits and errors on a hand-fed reader; a loopback server; flow control.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segue/asyncio.hpp>

#include "trace.hpp"

using namespace segue;
using namespace trace;
using namespace std::chrono_literals;
using asyncio::Coroutine;
using asyncio::StreamReader;
using asyncio::StreamWriter;

namespace {

/// Python's bytes, as they are printed: b'text\n'.
struct Bytes {
  std::string data;
};

std::string to_string(const Bytes& bytes) {
  std::string text = "b'";
  for (const char c : bytes.data) text += c == '\n' ? "\\n" : std::string(1, c);
  return text + "'";
}

class FakeTransport : public asyncio::ReadTransport {
 public:
  void pause_reading() override { log.emplace_back("pause"); }
  void resume_reading() override { log.emplace_back("resume"); }
  std::vector<std::string> log;
};

template <class Aw>
Coroutine<> run(const char* label, Aw aw) {
  try {
    const std::string bytes = co_await std::move(aw);
    ev(label, "->", Bytes{bytes});
  } catch (const asyncio::IncompleteReadError& e) {
    ev(label, "-> IncompleteReadError partial", Bytes{e.partial}, "expected", e.expected);
  } catch (const asyncio::LimitOverrunError& e) {
    ev(label, "-> LimitOverrunError consumed", e.consumed);
  } catch (const BaseException& e) {
    ev(label, "->", type_name(e));
  }
}

StreamReader reader(std::size_t limit = 8, std::string_view data = "", bool eof = false) {
  StreamReader r(limit);
  if (!data.empty()) r.feed_data(data);
  if (eof) r.feed_eof();
  return r;
}

StreamReader fed(std::string_view data, bool eof = false) { return reader(8, data, eof); }
StreamReader ended() { return reader(8, "", true); }

void feed_soon(const StreamReader& r, std::string data) {
  asyncio::get_running_loop().call_soon([r, data = std::move(data)] { r.feed_data(data); });
}

void feed_eof_soon(const StreamReader& r) {
  asyncio::get_running_loop().call_soon([r] { r.feed_eof(); });
}

Coroutine<> a_read() {
  ev("A read");
  StreamReader r = fed("abcdef");
  co_await run("A read(0)", r.read(0));
  co_await run("A read(4)", r.read(4));
  co_await run("A read(100) gives what is there", r.read(100));
  r.feed_data("xy");
  feed_soon(r, "z");
  feed_eof_soon(r);
  co_await run("A read(-1) waits for the end", r.read(-1));
  ev("A at_eof", r.at_eof());
  co_await run("A read at end", r.read(5));
  co_await run("A readline at end", r.readline());
}

Coroutine<> b_readexactly() {
  ev("B readexactly");
  StreamReader r = fed("abc", true);
  co_await run("B 2", r.readexactly(2));
  co_await run("B 5", r.readexactly(5));
  co_await run("B after", r.read());
  co_await run("B 0", ended().readexactly(0));
  co_await run("B -1", fed("a").readexactly(-1));
  r = reader(4);
  feed_soon(r, "0123456789");
  co_await run("B larger than the limit is fine", r.readexactly(10));
}

Coroutine<> c_readline() {
  ev("C readline");
  StreamReader r = fed("l1\nl2\nrest", true);
  for (int i = 0; i < 4; ++i) co_await run("C", r.readline());
  r = reader(4, "123456\nab\n", true);
  co_await run("C over the limit: ValueError and the line is dropped", r.readline());
  co_await run("C next", r.readline());
  r = reader(4, "123456789");
  co_await run("C no newline yet, over the limit", r.readline());
  r.feed_data("ab\n");
  co_await run("C after", r.readline());
}

Coroutine<> d_readuntil() {
  ev("D readuntil");
  StreamReader r = fed("key=val;k2=v2", true);
  co_await run("D =", r.readuntil("="));
  co_await run("D ;", r.readuntil(";"));
  co_await run("D ; incomplete", r.readuntil(";"));
  co_await run("D left", r.read());
  r = reader(4, "123456;rest");
  co_await run("D found beyond the limit: nothing is consumed", r.readuntil(";"));
  co_await run("D data still there", r.readexactly(7));
  r = reader(4, "1234567");
  co_await run("D not found, over the limit", r.readuntil(";;"));
  co_await run("D empty separator", r.readuntil(""));
  r = reader(20, "part--");
  feed_soon(r, "end--!tail");
  co_await run("D separator split over chunks", r.readuntil("--!"));
}

Coroutine<> e_iteration() {
  ev("E iteration");
  const StreamReader r = fed("a\nb\nc", true);
  std::vector<Bytes> lines;
  auto line = co_await r.next_or_none();
  while (line) {
    lines.push_back(Bytes{*line});
    line = co_await r.next_or_none();
  }
  ev("E", lines);
}

Coroutine<> f_errors() {
  asyncio::EventLoop& loop = asyncio::get_running_loop();
  ev("F errors");
  StreamReader r = fed("buffered");
  r.set_exception(ConnectionResetError("gone"));
  co_await run("F read", r.read(3));
  co_await run("F readline", r.readline());
  ev("F", type_name(r.exception()));
  r = reader();
  auto t = asyncio::create_task(r.read(1));
  co_await asyncio::sleep(0s);
  co_await run("F second reader refused", r.read(1));
  loop.call_soon([r] { r.set_exception(OSError("late")); });
  co_await run("F waiting reader gets it", t);
  r = reader();
  t = asyncio::create_task(r.readline());
  co_await asyncio::sleep(0s);
  t.cancel();
  co_await run("F cancelled", t);
  r.feed_data("ok\n");
  co_await run("F usable afterwards", r.readline());
}

Coroutine<> g_flow_control() {
  ev("G the reader pauses its transport above twice the limit");
  const StreamReader r(4);
  const auto tr = std::make_shared<FakeTransport>();
  r.set_transport(tr);
  r.feed_data("12345678");
  ev("G at 8", tr->log);
  r.feed_data("9");
  ev("G at 9", tr->log);
  co_await r.read(4);
  ev("G at 5", tr->log);
  co_await r.read(1);
  ev("G at 4", tr->log);
}

Coroutine<> h_conversation() {
  ev("H a loopback conversation");
  const auto seen = std::make_shared<std::vector<std::string>>();  // bytes, and a text: as they are printed

  const auto serve = [seen](StreamReader rd, StreamWriter wr) -> Coroutine<> {
    const auto closed = asyncio::finally_([&] { wr.close(); });
    while (true) {
      std::string line = co_await rd.readline();
      if (line.empty()) break;
      seen->push_back(to_string(Bytes{line}));
      line.pop_back();
      wr.write("<" + line + ">\n");
      co_await wr.drain();
    }
    wr.write("bye\n");
    wr.close();
    co_await wr.wait_closed();
    seen->push_back(repr("server side closed"));
  };
  const auto srv = co_await asyncio::start_server(serve, "127.0.0.1", 0);
  const int port = srv.sockets()[0].port;
  const auto converse = [&]() -> Coroutine<> {
    const auto [rd, wr] = co_await asyncio::open_connection("127.0.0.1", port);
    const auto closed = asyncio::finally_([&] { wr.close(); });
    wr.write("one\n");
    const std::vector<std::string> lines = {"tw", "o\n"};
    wr.writelines(lines);
    co_await wr.drain();
    co_await run("H", rd.readline());
    co_await run("H", rd.readline());
    ev("H can eof", wr.can_write_eof(), "closing", wr.is_closing());
    wr.write_eof();
    co_await run("H", rd.readline());
    co_await run("H", rd.read());
    ev("H at_eof", rd.at_eof());
    wr.close();
    ev("H closing", wr.is_closing());
    co_await wr.wait_closed();
    ev("H serving", srv.is_serving());
  };
  co_await asyncio::async_with(srv, converse);
  co_await asyncio::sleep(10ms);
  std::string all;
  for (const std::string& line : *seen) all += (all.empty() ? "" : ", ") + line;
  ev("H", "[" + all + "]", srv.is_serving());
}

int make_socket(int option, int size) {
  const int made = ::socket(AF_INET, SOCK_STREAM, 0);
  ::setsockopt(made, SOL_SOCKET, option, &size, sizeof size);
  return made;
}

Coroutine<> i_drain() {
  ev("I drain waits for a slow peer; a big write keeps its order");
  constexpr std::size_t total = std::size_t{1} << 20U;
  const auto progress = std::make_shared<std::vector<std::string>>();

  const auto slow = [progress](StreamReader rd, StreamWriter wr) -> Coroutine<> {
    const auto closed = asyncio::finally_([&] { wr.close(); });
    std::size_t n = 0;
    co_await asyncio::sleep(20ms);
    progress->emplace_back("peer starts reading");
    while (n < total) {
      const std::string d = co_await rd.read(1 << 16);
      if (d.empty()) break;
      n += d.size();
    }
    wr.write(std::to_string(n));
    co_await wr.drain();
    wr.close();
  };
  // small kernel buffers, so that they cannot hold the whole megabyte
  const int ls = make_socket(SO_RCVBUF, 8192);
  sockaddr_in address{};
  socklen_t size = sizeof address;
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(ls, reinterpret_cast<const sockaddr*>(&address), size);
  ::getsockname(ls, reinterpret_cast<sockaddr*>(&address), &size);
  const asyncio::ServerOptions listening{.sock = ls};
  const auto srv = co_await asyncio::start_server(slow, listening);
  const auto fill = [&]() -> Coroutine<> {
    const int cs = make_socket(SO_SNDBUF, 8192);
    ::connect(cs, reinterpret_cast<const sockaddr*>(&address), size);
    const asyncio::ConnectionOptions connected{.sock = cs};
    const auto [rd, wr] = co_await asyncio::open_connection(connected);
    const auto closed = asyncio::finally_([&] { wr.close(); });
    wr.transport()->set_write_buffer_limits(1024);
    for (int i = 0; i < 16; ++i) wr.write(std::string(total / 16, 'x'));
    progress->emplace_back("written");
    co_await wr.drain();
    progress->emplace_back("drained");
    co_await run("I", rd.read());
    wr.close();
    co_await wr.wait_closed();
  };
  co_await asyncio::async_with(srv, fill);
  ev("I", *progress);
}

Coroutine<std::string> refused(int port) {
  co_await asyncio::open_connection("127.0.0.1", port);
  co_return "connected";
}

Coroutine<> j_refused() {
  ev("J refused connection");
  const auto nobody = [](const StreamReader&, const StreamWriter&) {};
  const auto s = co_await asyncio::start_server(nobody, "127.0.0.1", 0);
  const int p = s.sockets()[0].port;
  s.close();
  co_await s.wait_closed();
  co_await run("J", refused(p));
}

Coroutine<> main_() {
  co_await a_read();
  co_await b_readexactly();
  co_await c_readline();
  co_await d_readuntil();
  co_await e_iteration();
  co_await f_errors();
  co_await g_flow_control();
  co_await h_conversation();
  co_await i_drain();
  co_await j_refused();
}

}  // namespace

int main() { asyncio::run(main_()); }
