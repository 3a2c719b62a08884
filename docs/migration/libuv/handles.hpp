// libuv's streams, processes and signals as something to wait for.
//
// libuv has the memory of a handle until the callback of uv_close() has come, and so that callback frees it: who owns a
// Handle lets go of it like of anything else, and waits for nothing.
#pragma once

#include <netinet/in.h>
#include <unistd.h>
#include <uv.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <segue/segue.hpp>

/// What libuv says of a call that has failed, about `what` where that is a file.
inline void check(int result, std::string what = "") {
  if (result < 0) segue::throw_os_error(-result, uv_strerror(result), std::move(what));
}

/// Closes a handle, or what begins with one.
struct Close {
  template <class T>
  void operator()(T* handle) const {
    uv_close(reinterpret_cast<uv_handle_t*>(handle), [](uv_handle_t* closed) { delete reinterpret_cast<T*>(closed); });
  }
};
template <class T>
using Handle = std::unique_ptr<T, Close>;

/// One that `init(handle)` has opened.
template <class T, class Init>
Handle<T> make_handle(const Init& init) {
  auto memory = std::unique_ptr<T>(new T);
  check(init(*memory));
  return Handle<T>(memory.release());
}

/// A connection, a listener, or a pipe.
class Stream {
 public:
  static Stream tcp(uv_loop_t& uv) {
    return Stream(make_handle<State>([&](State& state) { return uv_tcp_init(&uv, &state.uv.tcp); }));
  }
  static Stream pipe(uv_loop_t& uv) {
    return Stream(make_handle<State>([&](State& state) { return uv_pipe_init(&uv, &state.uv.pipe, 0); }));
  }
  /// Listens to a free port of this machine.
  static Stream listener(uv_loop_t& uv) {
    Stream stream = tcp(uv);
    sockaddr_in address{};
    check(uv_ip4_addr("127.0.0.1", 0, &address));
    check(uv_tcp_bind(&stream.state_->uv.tcp, reinterpret_cast<const sockaddr*>(&address), 0));
    check(uv_listen(stream.get(), 128, on_connection));
    return stream;
  }
  int port() const {
    sockaddr_in address{};
    int length = sizeof address;
    check(uv_tcp_getsockname(&state_->uv.tcp, reinterpret_cast<sockaddr*>(&address), &length));
    return ntohs(address.sin_port);
  }
  uv_stream_t* get() const { return &state_->uv.stream; }

  /// Those who connect to a listener.
  auto connections() {
    return segue::bridge::from_callbacks<Stream>([this](auto emit) { state_->connected = emit; });
  }
  /// Good until the next read; empty at the end.
  segue::asyncio::Coroutine<std::string_view> read() {
    const auto start = [this](auto done) {
      state_->received = done;
      check(uv_read_start(get(), lend, on_read));
    };
    const auto stop = [this] {
      uv_read_stop(get());
      return true;  // it will not call
    };
    const auto size = co_await segue::bridge::from_callback<ssize_t>(segue::bridge::negative_errno, start, stop);
    co_return std::string_view(state_->buffer.data(), static_cast<std::size_t>(size));
  }
  /// libuv cancels no write: who is cancelled closes the stream, which ends it.
  segue::asyncio::Coroutine<> write(std::string_view text) {
    uv_write_t request;
    const auto start = [&](uv_write_cb call, void* data) {
      request.data = data;
      const uv_buf_t from = uv_buf_init(const_cast<char*>(text.data()), static_cast<unsigned>(text.size()));
      check(uv_write(&request, get(), &from, 1, call));
    };
    const auto close = [this] { state_.reset(); };
    co_await segue::bridge::from_callback<void(uv_write_t*, int)>(
        segue::bridge::negative_errno | segue::bridge::user_data<&uv_write_t::data>, start, close);
  }

 private:
  struct State {
    uv_any_handle uv;
    std::function<void(ssize_t)> received;
    std::function<void(Stream)> connected;
    std::array<char, 65536> buffer;
  };
  explicit Stream(Handle<State> state) : state_(std::move(state)) {}

  template <class T>
  static State& of(T* handle) {
    return *reinterpret_cast<State*>(handle);
  }
  static void lend(uv_handle_t* handle, std::size_t, uv_buf_t* lent) {
    State& state = of(handle);
    *lent = uv_buf_init(state.buffer.data(), static_cast<unsigned>(state.buffer.size()));
  }
  /// One call a read(): there is one buffer.
  static void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t*) {
    if (size == 0) return;
    uv_read_stop(stream);
    of(stream).received(size == UV_EOF ? 0 : size);
  }
  static void on_connection(uv_stream_t* listener, int status) {
    if (status < 0 || !of(listener).connected) return;
    Stream stream = tcp(*listener->loop);
    if (uv_accept(listener, stream.get()) == 0) of(listener).connected(std::move(stream));
  }

  Handle<State> state_;
};

struct Exit {
  int status;
  int signal;
};
/// A command that runs. Left alone, it is told to end, and libuv has it until it has.
class Process {
 public:
  /// OSError where it cannot be started.
  Process(uv_loop_t& uv, char** command, const Stream& output)
      : state_(new State{{}, segue::asyncio::get_running_loop().create_future<Exit>()}) {
    std::array<uv_stdio_container_t, 3> stdio{};
    stdio[1].flags = static_cast<uv_stdio_flags>(UV_CREATE_PIPE | UV_WRITABLE_PIPE);
    stdio[1].data.stream = output.get();
    stdio[2].flags = UV_INHERIT_FD;
    stdio[2].data.fd = STDERR_FILENO;
    uv_process_options_t options{};
    options.file = command[0];
    options.args = command;
    options.stdio = stdio.data();
    options.stdio_count = static_cast<int>(stdio.size());
    options.exit_cb = on_exit;
    check(uv_spawn(&uv, &state_->uv, &options), command[0]);  // where it fails, the handle is open all the same
  }
  segue::asyncio::Future<Exit> exited() const { return state_->exited; }

 private:
  struct State {
    uv_process_t uv;
    segue::asyncio::Future<Exit> exited;
    bool left_alone = false;
  };
  struct End {
    void operator()(State* state) const {
      state->left_alone = true;
      if (uv_is_active(reinterpret_cast<uv_handle_t*>(&state->uv)) == 0) return Close()(state);
      uv_process_kill(&state->uv, SIGTERM);
    }
  };
  static void on_exit(uv_process_t* process, std::int64_t status, int signal) {
    auto* const state = reinterpret_cast<State*>(process);
    if (state->left_alone) return Close()(state);
    if (!state->exited.done()) state->exited.set_result(Exit{static_cast<int>(status), signal});
  }

  std::unique_ptr<State, End> state_;
};

/// Waits for a signal.
inline segue::asyncio::Coroutine<> signalled(uv_loop_t& uv, int number) {
  const auto handle = make_handle<uv_signal_t>([&](uv_signal_t& made) { return uv_signal_init(&uv, &made); });
  const auto start = [&](uv_signal_cb call, void* data) {
    handle->data = data;
    check(uv_signal_start_oneshot(handle.get(), call, number));
  };
  const auto stop = [] { return true; };  // closing it is enough
  co_await segue::bridge::from_callback<void(uv_signal_t*, int)>(
      segue::bridge::once | segue::bridge::user_data<&uv_signal_t::data>, start, stop);
}
