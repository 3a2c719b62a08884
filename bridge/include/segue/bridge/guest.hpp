// A loop within the loop of another library, which is its host: the program goes on running that one, and it runs both.
//
//   const auto loop = new_event_loop();
//   bridge::Guest guest(*loop, *uv_default_loop());   // <segue/bridge/libuv.hpp>; as well <segue/bridge/glib.hpp>,
//   loop->create_task(main());                        // <segue/bridge/asio/guest.hpp>, and HostOf<L> of one's own
//   uv_run(uv_default_loop(), UV_RUN_DEFAULT);        // until the guest stops, and whatever else there is to do
//   guest.rethrow();
//
// What the loop waits for, its host waits for: by the one descriptor of its reactor, and by the time of its next timer.
// A turn is one iteration, after which the host has its own. docs/guest.md has who owns what, and what ends what.
#pragma once

#include <exception>
#include <memory>

#include <segue/modern/loop/event_loop.hpp>

namespace segue::bridge {

class HostedReactor;

/// What a host runs. All is called in the host's thread, never from within each other.
class Hosted {
 public:
  using time_point = modern::EventLoop::time_point;

  /// The descriptor that is readable (level-triggered) while there is something for a turn.
  virtual int descriptor() const noexcept = 0;
  /// When to take a turn though the descriptor is not readable: `time_point::min()` at once, `max()` not at all. A host
  /// that can asks before each wait, another one after each turn.
  virtual time_point due() noexcept = 0;
  /// Whether it runs by itself, within one of the host's callbacks, and takes no turns meanwhile.
  virtual bool is_running() const noexcept = 0;
  /// Whether due() has come.
  bool is_due() noexcept;
  /// A turn. `readable` says whether the host found the descriptor so since the last one. Throws where the host
  /// `takes_exceptions()`.
  virtual void take(bool readable) = 0;

 protected:
  ~Hosted() = default;
};

/// The loop of another library. From its constructor on it has turns taken; its destructor, which one of these turns
/// may call, leaves nothing under way.
class Host {
 public:
  Host() = default;
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  virtual ~Host() = default;

  /// Whether exceptions may pass through its frames, as they may not through those of C.
  virtual bool takes_exceptions() const noexcept { return false; }
  /// One has left the loop: ends the host's run, where it can, so that the program comes to Guest::rethrow().
  virtual void quit() noexcept {}
};

/// How the host is made of a library's loop: specialised for each L, it has
/// - `static std::unique_ptr<Host> make(Hosted& hosted, L& loop)`;
/// - for HostRunningReactor, `static void run_once(L& loop)`: one iteration, which waits until something has happened;
/// - where the guest waits by a reactor of its own, `static HostedReactor& reactor(EventLoop& guest, L& loop)`.
template <class L>
struct HostOf;

class Guest {
 public:
  /// From now on whoever runs `host`, in one thread, runs `loop`. `host` outlives the guest; `loop`, which may be
  /// closed or dropped before, ends it. RuntimeError where the loop is closed, has a host already, or cannot wait in
  /// one: its reactor has no descriptor, as the one with virtual time.
  template <class L>
  Guest(modern::EventLoop& loop, L& host) {
    HostedReactor* reactor = nullptr;
    if constexpr (requires { HostOf<L>::reactor(loop, host); }) reactor = &HostOf<L>::reactor(loop, host);
    const Make make = [](Hosted& hosted, void* to) { return HostOf<L>::make(hosted, *static_cast<L*>(to)); };
    start(loop, reactor, make, &host);
  }
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;
  /// Stops. What nobody has asked rethrow() for goes to the unraisable hook.
  ~Guest();

  /// Runs the loop no more, and leaves nothing under way in the host. Idempotent; also from a callback of the loop. The
  /// loop's own stop() does the same at the end of the iteration, and so does close().
  void stop() noexcept;
  bool stopped() const noexcept;

  /// A turn soon, from any thread: for who has scheduled something from one of the host's callbacks. Needed in an
  /// io_context alone: libuv and GLib ask before they wait, and call_soon_threadsafe() does it by itself.
  void wake() noexcept;

  /// Throws what has left the loop, once: KeyboardInterrupt or SystemExit, which a host of C cannot let through. The
  /// next run of the host goes on with the loop.
  void rethrow();

 private:
  friend class HostedReactor;

  class Turns;
  using Make = std::unique_ptr<Host> (*)(Hosted&, void*);
  void start(modern::EventLoop& loop, HostedReactor* reactor, Make make, void* host);

  std::shared_ptr<Turns> turns_;
};

}  // namespace segue::bridge
