// GLib: a loop as the guest of a main loop, and a main context that a loop runs. Who includes this links GLib.
//
//   bridge::Guest guest(*loop, *main_loop);                                       // g_main_loop_run() runs both
//   bridge::Guest guest(*loop, *g_main_context_default());                        // GTK's run, an application's
//   auto loop = new_event_loop(bridge::make_reactor(*g_main_context_default()));  // the loop runs both
//
// The guest is a source of G_PRIORITY_DEFAULT: while the loop is busy, sources of lower priority (GTK's drawing, idle
// functions) wait. GLib waits in milliseconds: the loop's timers are up to one late. A main loop inside of one of the
// loop's callbacks, a dialog, runs GLib alone.
#pragma once

#include <glib-unix.h>
#include <glib.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>

#include <segue/bridge/guest.hpp>
#include <segue/bridge/hosted_reactor.hpp>
#include <segue/modern/loop/reactor.hpp>

namespace segue::bridge {

template <>
struct HostOf<GMainContext> {
  static std::unique_ptr<Host> make(Hosted& hosted, GMainContext& context) {
    return std::make_unique<AsHost>(hosted, context, nullptr);
  }
  static void run_once(GMainContext& context) { g_main_context_iteration(&context, TRUE); }

 private:
  friend HostOf<GMainLoop>;
  using time_point = Hosted::time_point;

  struct Source : GSource {
    Hosted* hosted;
    gpointer descriptor;
    bool waits;  // for that
  };

  class AsHost final : public Host {
   public:
    AsHost(Hosted& hosted, GMainContext& context, GMainLoop* loop) : loop_(loop) {
      source_ = static_cast<Source*>(g_source_new(&functions, sizeof(Source)));
      source_->hosted = &hosted;
      source_->waits = true;
      source_->descriptor = g_source_add_unix_fd(source_, hosted.descriptor(), G_IO_IN);
      // Where a source may not recurse, GLib takes its descriptor out of each wait and back again, by system calls.
      g_source_set_can_recurse(source_, TRUE);
      g_source_attach(source_, &context);
    }
    ~AsHost() override {
      g_source_destroy(source_);
      g_source_unref(source_);
    }

    void quit() noexcept override {
      if (loop_ != nullptr) g_main_loop_quit(loop_);
    }

   private:
    GMainLoop* const loop_;
    Source* source_;
  };

  static Source& of(GSource* source) noexcept { return *static_cast<Source*>(source); }
  static bool is_readable(GSource* source) noexcept {
    return (g_source_query_unix_fd(source, of(source).descriptor) & G_IO_IN) != 0;
  }

  // A main loop inside of one of the guest's callbacks does not wait for the guest.
  static void wait_for_descriptor(GSource* source, bool wanted) {
    if (std::exchange(of(source).waits, wanted) == wanted) return;
    g_source_modify_unix_fd(source, of(source).descriptor, wanted ? G_IO_IN : static_cast<GIOCondition>(0));
  }

  // Before GLib waits: whether it need not, or for how many milliseconds at most.
  static gboolean prepare(GSource* source, gint* timeout) {
    Hosted& hosted = *of(source).hosted;
    *timeout = -1;
    wait_for_descriptor(source, !hosted.is_running());
    if (hosted.is_due()) return TRUE;
    if (const time_point when = hosted.due(); when != time_point::max()) {
      const std::int64_t left = std::chrono::ceil<std::chrono::milliseconds>(when - time_point::clock::now()).count();
      *timeout = static_cast<gint>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<gint>::max()));
    }
    return FALSE;
  }
  static gboolean check(GSource* source) { return is_readable(source) || of(source).hosted->is_due() ? TRUE : FALSE; }
  static gboolean dispatch(GSource* source, GSourceFunc, gpointer) {
    of(source).hosted->take(is_readable(source));
    return G_SOURCE_CONTINUE;
  }

  inline static GSourceFuncs functions{prepare, check, dispatch, nullptr, nullptr, nullptr};
};

/// As of its context; an exception that leaves the loop quits it.
template <>
struct HostOf<GMainLoop> {
  static std::unique_ptr<Host> make(Hosted& hosted, GMainLoop& loop) {
    return std::make_unique<HostOf<GMainContext>::AsHost>(hosted, *g_main_loop_get_context(&loop), &loop);
  }
};

/// A reactor for new_event_loop(): the loop runs `context` from then on, which has to outlive it.
inline std::unique_ptr<modern::Reactor> make_reactor(GMainContext& context) {
  return std::make_unique<HostRunningReactor<GMainContext>>(context);
}

}  // namespace segue::bridge
