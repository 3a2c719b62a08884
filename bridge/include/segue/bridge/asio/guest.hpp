// A loop within whoever runs an io_context: the program's own `io.run()` runs the loop, too, an iteration a handler.
//
//   boost::asio::io_context io;
//   const auto loop = new_event_loop();
//   bridge::Guest guest(*loop, io);
//   loop->create_task(main());
//   io.run();                             // until guest.stop(), and whatever else there is to do
//
// What the loop waits for, io waits for: its descriptors, its next timer, a call from another thread. Between
// iterations nobody looks at what is scheduled. So who calls in from outside of the loop's own callbacks, an Asio
// handler as well as another thread, does so by call_soon_threadsafe(), as use_segue and from_callback() do.
//
// An exception of an Asio handler is Asio's matter, and leaves io.run(). One of a callback of the loop goes to the
// loop's exception handler; KeyboardInterrupt and SystemExit leave io.run(), which may be called again.
#pragma once

#include <memory>

#include <boost/asio/io_context.hpp>

#include <segue/modern/loop/event_loop.hpp>

namespace segue::bridge {

class Guest {
 public:
  /// From now on whoever runs `io`, in one thread, runs `loop`; the run() of a second thread throws RuntimeError. Both
  /// outlive the guest, and `io` outlives `loop`, whose io_context it is from then on. RuntimeError where the loop has
  /// another one, or its reactor cannot wait in one.
  Guest(modern::EventLoop& loop, boost::asio::io_context& io);
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;
  ~Guest() { stop(); }

  /// Runs the loop no more, and leaves nothing under way in `io`. The loop's own stop() only ends an iteration, which
  /// ends anyway. Idempotent; also from a callback of the loop.
  void stop() noexcept;

 private:
  class Turns;
  std::shared_ptr<Turns> turns_;
};

}  // namespace segue::bridge
