// Programs whose main loop is another library's, as the tests see them all: what is called later, or once a descriptor
// is readable, and a run that ends when there is nothing more to do, or by quit(); or one iteration that waits.
#pragma once

#include <glib-unix.h>
#include <glib.h>
#include <uv.h>

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <gtest/gtest.h>

#include <segue/bridge/asio/guest.hpp>
#include <segue/bridge/asio/reactor.hpp>
#include <segue/bridge/glib.hpp>
#include <segue/bridge/libuv.hpp>

namespace segue::bridge::testing {

using Callback = std::function<void()>;

class UvProgram {
 public:
  static constexpr bool asks_before_it_waits = true;
  static constexpr bool may_be_nested = false;

  UvProgram() { EXPECT_EQ(uv_loop_init(&uv), 0); }
  ~UvProgram() {
    uv_run(&uv, UV_RUN_NOWAIT);  // libuv closes handles in its next iteration
    EXPECT_EQ(uv_loop_close(&uv), 0) << "something is left under way";
  }
  uv_loop_t& loop() { return uv; }
  void run() { uv_run(&uv, UV_RUN_DEFAULT); }
  void run_once() { uv_run(&uv, UV_RUN_ONCE); }
  void quit() { uv_stop(&uv); }
  /// In the next iteration, as libuv's timers of 0 ms are not.
  void call_soon(Callback callback) {
    auto* const idle = start(std::move(callback));
    uv_idle_init(&uv, &idle->idle);
    idle->idle.data = idle;
    uv_idle_start(&idle->idle, [](uv_idle_t* idle) { end(idle); });
  }
  void call_later(std::chrono::milliseconds delay, Callback callback) {
    auto* const timer = start(std::move(callback));
    uv_timer_init(&uv, &timer->timer);
    timer->timer.data = timer;
    uv_timer_start(&timer->timer, [](uv_timer_t* timer) { end(timer); }, static_cast<std::uint64_t>(delay.count()), 0);
  }
  void call_once_readable(int fd, Callback callback) {
    auto* const poll = start(std::move(callback));
    uv_poll_init(&uv, &poll->poll, fd);
    poll->poll.data = poll;
    uv_poll_start(&poll->poll, UV_READABLE, [](uv_poll_t* poll, int, int) { end(poll); });
  }

 private:
  struct Call {
    Callback callback;
    union {
      uv_idle_t idle;
      uv_timer_t timer;
      uv_poll_t poll;
    };
  };
  static Call* start(Callback callback) { return new Call{std::move(callback), {}}; }
  template <class Handle>
  static void end(Handle* handle) {
    const Callback callback = static_cast<Call*>(handle->data)->callback;
    uv_close(reinterpret_cast<uv_handle_t*>(handle),
             [](uv_handle_t* closed) { delete static_cast<Call*>(closed->data); });
    callback();
  }

  uv_loop_t uv;
};

class GLibProgram {
 public:
  static constexpr bool asks_before_it_waits = true;
  static constexpr bool may_be_nested = true;

  ~GLibProgram() {
    g_main_loop_unref(main_loop);
    g_main_context_unref(context);
  }
  GMainLoop& loop() { return *main_loop; }
  /// g_main_loop_run() ends by quit() alone.
  void run() { g_main_loop_run(main_loop); }
  void run_once() { g_main_context_iteration(context, TRUE); }
  void quit() { g_main_loop_quit(main_loop); }
  void call_soon(Callback callback) { call_later(std::chrono::milliseconds(0), std::move(callback)); }
  void call_later(std::chrono::milliseconds delay, Callback callback) {
    start(g_timeout_source_new(static_cast<guint>(delay.count())), G_SOURCE_FUNC(call), std::move(callback));
  }
  void call_once_readable(int fd, Callback callback) {
    const auto readable = [](gint, GIOCondition, gpointer data) { return call(data); };
    const GUnixFDSourceFunc function = readable;
    start(g_unix_fd_source_new(fd, G_IO_IN), G_SOURCE_FUNC(function), std::move(callback));
  }

 private:
  void start(GSource* source, GSourceFunc function, Callback callback) {
    const GDestroyNotify destroy = [](gpointer data) { delete static_cast<Callback*>(data); };
    g_source_set_callback(source, function, new Callback(std::move(callback)), destroy);
    g_source_attach(source, context);
    g_source_unref(source);
  }
  static gboolean call(gpointer data) {
    (*static_cast<Callback*>(data))();
    return G_SOURCE_REMOVE;
  }

  GMainContext* const context = g_main_context_new();
  GMainLoop* const main_loop = g_main_loop_new(context, FALSE);
};

class AsioProgram {
 public:
  static constexpr bool asks_before_it_waits = false;
  static constexpr bool may_be_nested = true;

  boost::asio::io_context& loop() { return io; }
  void run() {
    io.restart();
    io.run();
  }
  void run_once() {
    io.restart();
    io.run_one();
  }
  void quit() { io.stop(); }
  void call_soon(Callback callback) { boost::asio::post(io, std::move(callback)); }
  void call_later(std::chrono::milliseconds delay, Callback callback) {
    const auto timer = std::make_shared<boost::asio::steady_timer>(io, delay);
    timer->async_wait([timer, callback](const auto& error) {
      if (!error) callback();
    });
  }
  void call_once_readable(int fd, Callback callback) {
    const auto descriptor = std::make_shared<boost::asio::posix::stream_descriptor>(io, ::dup(fd));
    descriptor->async_wait(descriptor->wait_read, [descriptor, callback](const auto& error) {
      if (!error) callback();
    });
  }

 private:
  boost::asio::io_context io;
};

}  // namespace segue::bridge::testing
