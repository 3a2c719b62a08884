// The same, and the file is copied by a coroutine: segue's loop is a guest of libuv's.
//
//   1-half FROM TO COMMAND [ARGUMENT...]
#include <fcntl.h>
#include <netinet/in.h>
#include <uv.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <list>
#include <string>
#include <utility>

#include <segue/bridge/libuv.hpp>
#include <segue/segue.hpp>

#include "file.hpp"

namespace {

using namespace segue;
using asyncio::Coroutine;

using Fail = std::function<void(const std::string& what, ssize_t error)>;
using Buffer = std::array<char, 65536>;

template <class Handle>
uv_handle_t* base(Handle* handle) {
  return reinterpret_cast<uv_handle_t*>(handle);
}
template <class Handle>
void close_once(Handle* handle, uv_close_cb closed = nullptr) {
  if (uv_is_closing(base(handle)) == 0) uv_close(base(handle), closed);
}
uv_buf_t span(char* data, std::size_t size) { return uv_buf_init(data, static_cast<unsigned>(size)); }
/// For what fails without memory or descriptors alone.
void must(int result) {
  if (result >= 0) return;
  std::fprintf(stderr, "%s\n", uv_strerror(result));
  std::exit(EXIT_FAILURE);
}

Coroutine<> copy(uv_loop_t& uv, std::string from, std::string to) {
  File source = co_await File::open(uv, from, O_RDONLY);
  File target = co_await File::open(uv, to, O_WRONLY | O_CREAT | O_TRUNC);
  Buffer buffer;
  std::size_t copied = 0;
  while (true) {
    const std::size_t size = co_await source.read(buffer);
    if (size == 0) break;
    co_await target.write({buffer.data(), size});
    copied += size;
  }
  co_await target.close();
  std::printf("copied %zu bytes\n", copied);
}

class Echo {
 public:
  explicit Echo(uv_loop_t& uv) { must(uv_tcp_init(&uv, &listener_)); }
  void start() {
    listener_.data = this;
    sockaddr_in address{};
    must(uv_ip4_addr("127.0.0.1", 0, &address));
    must(uv_tcp_bind(&listener_, reinterpret_cast<const sockaddr*>(&address), 0));
    must(uv_listen(reinterpret_cast<uv_stream_t*>(&listener_), 128, on_connection));
    int length = sizeof address;
    must(uv_tcp_getsockname(&listener_, reinterpret_cast<sockaddr*>(&address), &length));
    std::printf("echo on port %d\n", ntohs(address.sin_port));
  }
  void stop() {
    close_once(&listener_);
    for (Connection& connection : connections_) close(connection);
  }

 private:
  struct Connection {
    Echo* echo;
    std::list<Connection>::iterator self;
    uv_tcp_t tcp;
    uv_write_t request;
    Buffer buffer;

    uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&tcp); }
  };
  template <class HandleOrRequest>
  static Connection& of(HandleOrRequest* found) {
    return *static_cast<Connection*>(found->data);
  }
  /// libuv has the connection until it calls back.
  static void close(Connection& connection) {
    close_once(&connection.tcp, [](uv_handle_t* closed) { of(closed).echo->connections_.erase(of(closed).self); });
  }

  static void on_connection(uv_stream_t* listener, int status) {
    if (status < 0) return;
    auto& echo = *static_cast<Echo*>(listener->data);
    Connection& connection = echo.connections_.emplace_back();
    connection.echo = &echo;
    connection.self = std::prev(echo.connections_.end());
    must(uv_tcp_init(listener->loop, &connection.tcp));
    connection.tcp.data = connection.request.data = &connection;
    if (uv_accept(listener, connection.stream()) < 0) return close(connection);
    read(connection);
  }
  static void read(Connection& connection) {
    const auto lend = [](uv_handle_t* handle, std::size_t, uv_buf_t* lent) {
      *lent = span(of(handle).buffer.data(), of(handle).buffer.size());
    };
    if (uv_read_start(connection.stream(), lend, on_read) < 0) close(connection);
  }
  /// One buffer a connection: it reads on when that is written.
  static void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
    if (size == 0) return;
    Connection& connection = of(stream);
    if (size < 0) return close(connection);
    uv_read_stop(stream);
    const uv_buf_t text = span(buffer->base, static_cast<std::size_t>(size));
    if (uv_write(&connection.request, stream, &text, 1, on_written) < 0) close(connection);
  }
  static void on_written(uv_write_t* request, int status) {
    if (status < 0) return close(of(request));
    read(of(request));
  }

  uv_tcp_t listener_;
  std::list<Connection> connections_;
};

class Child {
 public:
  Child(uv_loop_t& uv, char** command, Fail fail) : uv_(uv), command_(command), fail_(std::move(fail)) {
    must(uv_pipe_init(&uv, &output_, 0));
    output_.data = process_.data = this;
  }
  void start() {
    std::array<uv_stdio_container_t, 3> stdio{};
    stdio[1].flags = static_cast<uv_stdio_flags>(UV_CREATE_PIPE | UV_WRITABLE_PIPE);
    stdio[1].data.stream = reinterpret_cast<uv_stream_t*>(&output_);
    stdio[2].flags = UV_INHERIT_FD;
    stdio[2].data.fd = STDERR_FILENO;
    uv_process_options_t options{};
    options.file = command_[0];
    options.args = command_;
    options.stdio = stdio.data();
    options.stdio_count = static_cast<int>(stdio.size());
    options.exit_cb = on_exit;
    if (const int error = uv_spawn(&uv_, &process_, &options); error < 0) {
      close_once(&process_);  // it is open all the same
      return fail_(command_[0], error);
    }
    running_ = true;
    must(uv_read_start(reinterpret_cast<uv_stream_t*>(&output_), lend, on_read));
  }
  void stop() {
    if (std::exchange(stopping_, true)) return;
    if (running_) uv_process_kill(&process_, SIGTERM);
    close_once(&output_);  // its end may be far: the child's children have it, too
  }

 private:
  static Child& of(void* self) { return *static_cast<Child*>(self); }
  static void lend(uv_handle_t* handle, std::size_t, uv_buf_t* lent) {
    Child& child = of(handle->data);
    *lent = span(child.buffer_.data(), child.buffer_.size());
  }
  static void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
    Child& child = of(stream->data);
    if (size > 0) child.text_.append(buffer->base, static_cast<std::size_t>(size));
    if (size >= 0) return;
    close_once(&child.output_);
    child.end_of_output_ = true;
    child.report();
  }
  static void on_exit(uv_process_t* process, std::int64_t status, int signal) {
    Child& child = of(process->data);
    close_once(process);
    child.running_ = false;
    child.status_ = status;
    child.signal_ = signal;
    child.report();
  }
  /// The output may end before the child does, or after it.
  void report() {
    if (running_ || !end_of_output_ || stopping_) return;
    std::printf("%schild: status %d, signal %d\n", text_.c_str(), static_cast<int>(status_), signal_);
  }

  uv_loop_t& uv_;
  char** command_;
  Fail fail_;
  uv_process_t process_{};
  uv_pipe_t output_;
  Buffer buffer_;
  std::string text_;
  std::int64_t status_ = 0;
  int signal_ = 0;
  bool running_ = false;
  bool end_of_output_ = false;
  bool stopping_ = false;
};

class Program {
 public:
  Program(uv_loop_t& uv, char** arguments)
      : loop_(asyncio::new_event_loop()),
        guest_(*loop_, uv),
        echo_(uv),
        copy_(loop_->create_task(copy(uv, arguments[1], arguments[2]))),
        child_(uv, arguments + 3, std::bind_front(&Program::fail, this)) {
    for (uv_signal_t& handle : signals_) {
      must(uv_signal_init(&uv, &handle));
      handle.data = this;
    }
  }
  void start() {
    const auto stop = [](uv_signal_t* handle, int) { static_cast<Program*>(handle->data)->stop(); };
    must(uv_signal_start(&signals_[0], stop, SIGTERM));
    must(uv_signal_start(&signals_[1], stop, SIGINT));
    echo_.start();
    copy_.add_done_callback([this](const auto& copied) { on_copied(copied); });
    child_.start();
  }
  int exit_code() const { return exit_code_; }

 private:
  void fail(const std::string& what, ssize_t error) {
    std::fprintf(stderr, "%s: %s\n", what.c_str(), uv_strerror(static_cast<int>(error)));
    exit_code_ = EXIT_FAILURE;
    stop();
  }
  void on_copied(const asyncio::Future<void>& copied) {
    guest_.stop();  // there is no other coroutine
    try {
      copied.result();
    } catch (const asyncio::CancelledError&) {
    } catch (const OSError& error) {
      fail(error.filename(), -error.errno_code());
    }
  }
  /// uv_run() ends when all that is closed here has been.
  void stop() {
    for (uv_signal_t& handle : signals_) close_once(&handle);
    echo_.stop();
    copy_.cancel();
    child_.stop();
  }

  asyncio::EventLoopPtr loop_;
  bridge::Guest guest_;
  std::array<uv_signal_t, 2> signals_;
  Echo echo_;
  asyncio::Task<void> copy_;
  Child child_;
  int exit_code_ = EXIT_SUCCESS;
};

}  // namespace

int main(int, char** arguments) {
  std::signal(SIGPIPE, SIG_IGN);  // a client may have left
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  uv_loop_t uv;
  must(uv_loop_init(&uv));
  Program program(uv, arguments);
  program.start();
  uv_run(&uv, UV_RUN_DEFAULT);
  must(uv_loop_close(&uv));
  std::printf("closed\n");
  return program.exit_code();
}
