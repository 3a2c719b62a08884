// The same with co_await, and libuv's loop runs it still.
//
//   2-await FROM TO COMMAND [ARGUMENT...]
#include <fcntl.h>
#include <uv.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include <segue/bridge/libuv.hpp>
#include <segue/segue.hpp>

#include "file.hpp"
#include "handles.hpp"

namespace {

using namespace segue;
using asyncio::Coroutine;
using asyncio::TaskGroup;

Coroutine<> copy(uv_loop_t& uv, std::string from, std::string to) {
  File source = co_await File::open(uv, from, O_RDONLY);
  File target = co_await File::open(uv, to, O_WRONLY | O_CREAT | O_TRUNC);
  std::array<char, 65536> buffer;
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

Coroutine<> echo(Stream client) {
  try {
    while (true) {
      const std::string_view text = co_await client.read();
      if (text.empty()) break;
      co_await client.write(text);
    }
  } catch (const OSError&) {  // it has left
  }
}

Coroutine<> serve(uv_loop_t& uv) {
  Stream listener = Stream::listener(uv);
  std::printf("echo on port %d\n", listener.port());
  co_await asyncio::async_with(TaskGroup(), [&](TaskGroup& group) {
    return asyncio::async_for(listener.connections(),
                              [&](Stream client) { group.create_task(echo(std::move(client))); });
  });
}

Coroutine<std::string> read_all(Stream& stream) {
  std::string all;
  while (true) {
    const std::string_view text = co_await stream.read();
    if (text.empty()) break;
    all += text;
  }
  co_return all;
}

Coroutine<> run_child(uv_loop_t& uv, char** command) {
  Stream output = Stream::pipe(uv);
  const Process child(uv, command, output);
  const std::string text = co_await read_all(output);
  const Exit exit = co_await child.exited();
  std::printf("%schild: status %d, signal %d\n", text.c_str(), exit.status, exit.signal);
}

struct Stopped : Exception {
  using Exception::Exception;
};
Coroutine<> stop_at(uv_loop_t& uv, int number) {
  co_await signalled(uv, number);
  throw Stopped();
}

/// The first that throws ends all of them. Gives the exit code.
Coroutine<int> run(uv_loop_t& uv, char** arguments) {
  int exit_code = EXIT_SUCCESS;
  const auto tell = [&](const OSError& error) {
    std::fprintf(stderr, "%s: %s\n", error.filename().c_str(), error.strerror().c_str());
    exit_code = EXIT_FAILURE;
  };
  try {
    co_await asyncio::async_with(TaskGroup(), [&](TaskGroup& group) {
      group.create_task(stop_at(uv, SIGTERM));
      group.create_task(stop_at(uv, SIGINT));
      group.create_task(serve(uv));
      group.create_task(copy(uv, arguments[1], arguments[2]));
      group.create_task(run_child(uv, arguments + 3));
    });
  } catch (const BaseExceptionGroup& group) {
    except_star(group, except_<Stopped>([](const BaseExceptionGroup&) {}),  //
                except_<OSError>([&](const BaseExceptionGroup& errors) {
                  for (const std::exception_ptr& error : errors.exceptions()) tell(*exception_ptr_cast<OSError>(error));
                }));
  }
  co_return exit_code;
}

}  // namespace

int main(int, char** arguments) {
  std::signal(SIGPIPE, SIG_IGN);  // a client may have left
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  uv_loop_t uv;
  check(uv_loop_init(&uv));
  const auto loop = asyncio::new_event_loop();
  bridge::Guest guest(*loop, uv);
  const auto program = loop->create_task(run(uv, arguments));
  program.add_done_callback([&](const auto&) { guest.stop(); });
  uv_run(&uv, UV_RUN_DEFAULT);
  check(uv_loop_close(&uv));
  std::printf("closed\n");
  return program.result();
}
