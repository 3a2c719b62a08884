// libuv: a loop as the guest of a uv_loop_t, and a uv_loop_t that a loop runs. Who includes this links libuv.
//
//   bridge::Guest guest(*loop, *uv_default_loop());                         // uv_run() runs both
//   auto loop = new_event_loop(bridge::make_reactor(*uv_default_loop()));   // the loop runs both
//
// libuv's timers count milliseconds: the loop's are up to one late. The handles keep uv_run() from returning until the
// guest stops. libuv closes handles in its next iteration: run it once more, `uv_run(uv, UV_RUN_NOWAIT)`, after the
// guest or the reactor has gone and before uv_loop_close().
#pragma once

#include <uv.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include <segue/bridge/guest.hpp>
#include <segue/bridge/hosted_reactor.hpp>
#include <segue/modern/loop/reactor.hpp>
#include <segue/os_error.hpp>

namespace segue::bridge {

template <>
struct HostOf<uv_loop_t> {
  static std::unique_ptr<Host> make(Hosted& hosted, uv_loop_t& uv) { return std::make_unique<AsHost>(hosted, uv); }
  static void run_once(uv_loop_t& uv) { uv_run(&uv, UV_RUN_ONCE); }

 private:
  using time_point = Hosted::time_point;

  // Before libuv waits, `prepare` tells it until when; after it has waited, `check` takes the turn.
  struct Handles {
    Hosted* hosted;  // null at the end
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;    // while it is active, libuv does not wait
    uv_timer_t timer;  // only ends the wait
    uv_poll_t poll;
    time_point when = time_point::max();  // what `timer` is set to
    bool readable = false;
    int open = 0;  // handles, the last of which frees all
  };

  class AsHost final : public Host {
   public:
    AsHost(Hosted& hosted, uv_loop_t& uv) : uv_(uv), handles_(new Handles{&hosted, {}, {}, {}, {}, {}}) {
      open(uv_prepare_init(&uv, &handles_->prepare), handles_->prepare);
      open(uv_check_init(&uv, &handles_->check), handles_->check);
      open(uv_idle_init(&uv, &handles_->idle), handles_->idle);
      open(uv_timer_init(&uv, &handles_->timer), handles_->timer);
      if (const int error = uv_poll_init(&uv, &handles_->poll, hosted.descriptor()); error != 0) {
        close();
        throw_os_error(-error);
      }
      open(0, handles_->poll);
      uv_prepare_start(&handles_->prepare, before_wait);
      uv_check_start(&handles_->check, after_wait);
      uv_poll_start(&handles_->poll, UV_READABLE, [](uv_poll_t* poll, int, int) { of(poll).readable = true; });
    }
    ~AsHost() override { close(); }

    void quit() noexcept override { uv_stop(&uv_); }

   private:
    template <class Handle>
    void open(int, Handle& handle) {
      handle.data = handles_;
      ++handles_->open;
    }
    void close() noexcept {
      handles_->hosted = nullptr;
      close(handles_->prepare);
      close(handles_->check);
      close(handles_->idle);
      close(handles_->timer);
      close(handles_->poll);
    }
    template <class Handle>
    void close(Handle& handle) noexcept {
      auto* const base = reinterpret_cast<uv_handle_t*>(&handle);
      // One without data was never opened. Another one is closing where the program closes all that it finds.
      if (handle.data == nullptr || uv_is_closing(base) != 0) return;
      uv_close(base, [](uv_handle_t* closed) {
        Handles& handles = of(closed);
        if (--handles.open == 0) delete &handles;
      });
    }

    uv_loop_t& uv_;
    Handles* const handles_;
  };

  template <class Handle>
  static Handles& of(Handle* handle) noexcept {
    return *static_cast<Handles*>(handle->data);
  }

  static void before_wait(uv_prepare_t* prepare) {
    Handles& handles = of(prepare);
    if (handles.hosted->is_due()) {
      if (uv_is_active(reinterpret_cast<uv_handle_t*>(&handles.idle)) == 0)
        uv_idle_start(&handles.idle, [](uv_idle_t*) {});
      return;
    }
    uv_idle_stop(&handles.idle);
    const time_point when = handles.hosted->due();
    if (when != time_point::max()) uv_update_time(prepare->loop);  // it waits from then on, and its callbacks took time
    if (std::exchange(handles.when, when) == when) return;
    if (when == time_point::max()) {
      uv_timer_stop(&handles.timer);
      return;
    }
    const auto at = std::chrono::ceil<std::chrono::milliseconds>(when.time_since_epoch()).count();
    const auto now = static_cast<std::int64_t>(uv_now(prepare->loop));  // of the same clock
    const auto ended = [](uv_timer_t* timer) { of(timer).when = time_point::max(); };
    uv_timer_start(&handles.timer, ended, static_cast<std::uint64_t>(at > now ? at - now : 0), 0);
  }

  static void after_wait(uv_check_t* check) {
    Handles& handles = of(check);
    const bool readable = std::exchange(handles.readable, false);
    if (readable || handles.hosted->is_due()) handles.hosted->take(readable);
  }
};

/// A reactor for new_event_loop(): the loop runs `uv` from then on, which has to outlive it. OSError where libuv cannot
/// watch.
inline std::unique_ptr<modern::Reactor> make_reactor(uv_loop_t& uv) {
  return std::make_unique<HostRunningReactor<uv_loop_t>>(uv);
}

}  // namespace segue::bridge
