// What an iteration of another library's loop takes that has a guest, beside one with a descriptor and a callback of
// its own: either is called in each iteration, and nothing arrives.
#include <segue/bridge/asio/guest.hpp>

#include <glib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <uv.h>

#include <chrono>

#include <benchmark/benchmark.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include <segue/bridge/glib.hpp>
#include <segue/bridge/libuv.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

namespace {

using benchmark::RegisterBenchmark;
using segue::modern::Coroutine;
namespace bridge = segue::bridge;
namespace modern = segue::modern;
namespace asio = boost::asio;

Coroutine<> busy(benchmark::State& state, modern::EventLoop& loop) {
  for (auto _ : state) co_await modern::sleep(std::chrono::seconds(0));
  loop.stop();
}

// What is measured is between two of the task's steps, thus an iteration of either loop.
template <class Loop, class Run>
void measure(benchmark::State& state, Loop& host, Run run) {
  const auto loop = modern::new_event_loop();
  bridge::Guest guest(*loop, host);
  const auto task = loop->create_task(busy(state, *loop));
  while (!guest.stopped()) run();
  state.SetItemsProcessed(state.iterations());
}

struct Descriptor {
  const int fd = ::eventfd(0, EFD_CLOEXEC);
  Descriptor() = default;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { ::close(fd); }
};

// --- libuv ---

void libuv(benchmark::State& state) {
  measure(state, *uv_default_loop(), [] { uv_run(uv_default_loop(), UV_RUN_DEFAULT); });
}

void libuv_alone(benchmark::State& state) {
  const Descriptor descriptor;
  uv_poll_t poll;
  uv_poll_init(uv_default_loop(), &poll, descriptor.fd);
  uv_poll_start(&poll, UV_READABLE, [](uv_poll_t*, int, int) {});
  uv_unref(reinterpret_cast<uv_handle_t*>(&poll));
  uv_idle_t idle;
  uv_idle_init(uv_default_loop(), &idle);
  idle.data = &state;
  uv_idle_start(&idle, [](uv_idle_t* self) {
    if (!static_cast<benchmark::State*>(self->data)->KeepRunning())
      uv_close(reinterpret_cast<uv_handle_t*>(self), nullptr);
  });
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  uv_close(reinterpret_cast<uv_handle_t*>(&poll), nullptr);
  uv_run(uv_default_loop(), UV_RUN_NOWAIT);
  state.SetItemsProcessed(state.iterations());
}

// --- GLib ---

void glib(benchmark::State& state) {
  measure(state, *g_main_context_default(), [] { g_main_context_iteration(nullptr, TRUE); });
}

void glib_alone(benchmark::State& state) {
  GSource* const source = g_idle_source_new();
  g_source_set_priority(source, G_PRIORITY_DEFAULT);
  const GSourceFunc once = [](gpointer data) -> gboolean {
    return static_cast<benchmark::State*>(data)->KeepRunning() ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
  };
  g_source_set_callback(source, once, &state, nullptr);
  const Descriptor descriptor;
  g_source_add_unix_fd(source, descriptor.fd, G_IO_IN);
  g_source_set_can_recurse(source, TRUE);  // or GLib makes three system calls more
  g_source_attach(source, nullptr);
  while (g_source_is_destroyed(source) == FALSE) g_main_context_iteration(nullptr, TRUE);
  g_source_unref(source);
  state.SetItemsProcessed(state.iterations());
}

// --- Asio ---

void in_asio(benchmark::State& state) {
  asio::io_context io(1);
  measure(state, io, [&] { io.run(); });
}

void asio_alone(benchmark::State& state) {
  asio::io_context io(1);
  asio::posix::stream_descriptor descriptor(io, ::eventfd(0, EFD_CLOEXEC));
  descriptor.async_wait(descriptor.wait_read, [](const auto&) {});
  struct Again {
    void operator()() const {
      if (state.KeepRunning()) {
        asio::post(io, *this);
      } else {
        descriptor.cancel();
      }
    }
    asio::posix::stream_descriptor& descriptor;
    asio::io_context& io;
    benchmark::State& state;
  };
  asio::post(io, Again{descriptor, io, state});
  io.run();
  state.SetItemsProcessed(state.iterations());
}

[[maybe_unused]] const bool registered = [] {
  RegisterBenchmark("guest.libuv/segue", libuv);
  RegisterBenchmark("guest.libuv/the host alone", libuv_alone);
  RegisterBenchmark("guest.glib/segue", glib);
  RegisterBenchmark("guest.glib/the host alone", glib_alone);
  RegisterBenchmark("guest.asio/segue", in_asio);
  RegisterBenchmark("guest.asio/the host alone", asio_alone);
  return true;
}();

}  // namespace
