// A loop within whoever runs an io_context: the program's own `io.run()` runs the loop, too, an iteration a handler.
//
//   boost::asio::io_context io;
//   const auto loop = new_event_loop();
//   bridge::Guest guest(*loop, io);
//   loop->create_task(main());
//   io.run();                             // until the guest stops, and whatever else there is to do
//
// One thread runs it: the run() of a second one throws RuntimeError.
//
// It is the loop's io_context from then on, and outlives it: RuntimeError where the loop has another one, or its
// reactor cannot wait in one. An io_context does not ask before it waits: who calls in from outside of the loop's own
// callbacks, an Asio handler as well as another thread, does so by call_soon_threadsafe(), as use_segue and
// from_callback() do, or calls guest.wake() afterwards.
//
// An exception of an Asio handler is Asio's matter, and leaves io.run(). One of a callback of the loop goes to the
// loop's exception handler; KeyboardInterrupt and SystemExit leave io.run(), which may be called again.
#pragma once

#include <memory>

#include <boost/asio/io_context.hpp>

#include <segue/bridge/guest.hpp>
#include <segue/bridge/hosted_reactor.hpp>
#include <segue/modern/loop/event_loop.hpp>

namespace segue::bridge {

template <>
struct HostOf<boost::asio::io_context> {
  static HostedReactor& reactor(modern::EventLoop& guest, boost::asio::io_context& io);
  static std::unique_ptr<Host> make(Hosted& hosted, boost::asio::io_context& io);

 private:
  class AsHost;
};

}  // namespace segue::bridge
