#include <segue/bridge/asio/guest.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/bridge/asio/reactor.hpp>
#include <segue/bridge/asio/use_segue.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "bridge/loop.hpp"

namespace segue::bridge {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using modern::Coroutine;
using ::testing::ElementsAre;
using testing::Trace;

class AsGuest : public ::testing::Test {
 protected:
  Trace trace;
  asio::io_context io;
  modern::EventLoopPtr loop = modern::new_event_loop();
  Guest guest{*loop, io};
};

TEST_F(AsGuest, the_loop_runs_while_somebody_runs_the_io_context) {
  auto main = [&]() -> Coroutine<> {
    trace.emplace_back("start");
    co_await modern::sleep(1ms);
    trace.emplace_back("slept");
    asio::steady_timer timer(io_context(modern::get_running_loop()), 1ms);
    co_await timer.async_wait(use_segue);
    trace.emplace_back("waited");
    guest.stop();
  };
  EXPECT_EQ(&io_context(*loop), &io);
  const auto task = loop->create_task(main());
  io.run();
  EXPECT_TRUE(task.done());
  EXPECT_THAT(trace, ElementsAre("start", "slept", "waited"));
}

TEST_F(AsGuest, it_takes_an_iteration_a_handler) {
  int turns = 0;
  const std::function<void()> turn = [&] {
    trace.emplace_back("loop");
    ++turns < 3 ? static_cast<void>(loop->call_soon(turn)) : guest.stop();
  };
  loop->call_soon(turn);
  const std::function<void()> host = [&] {
    trace.emplace_back("host");
    if (turns < 3) asio::post(io, host);
  };
  asio::post(io, host);
  io.run();
  EXPECT_THAT(trace, ElementsAre("loop", "host", "loop", "host", "loop", "host"));
}

TEST_F(AsGuest, it_wakes_for_a_descriptor_and_for_another_thread) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  loop->add_reader(ends[0], [&] {
    trace.emplace_back("descriptor");
    loop->remove_reader(ends[0]);
    guest.stop();
  });
  std::thread other;
  // When the loop has nothing to do.
  asio::steady_timer timer(io, 1ms);
  timer.async_wait([&](const auto&) {
    other = std::thread([&] {
      loop->call_soon_threadsafe([&] {
        trace.emplace_back("thread");
        EXPECT_EQ(::write(ends[1], "x", 1), 1);
      });
    });
  });
  io.run();
  other.join();
  EXPECT_THAT(trace, ElementsAre("thread", "descriptor"));
  for (const int end : ends) ::close(end);
}

TEST_F(AsGuest, an_error_of_the_hosts_handler_is_the_hosts_and_one_of_the_loops_callback_the_loops) {
  testing::collect_reports(*loop, trace);
  loop->call_soon([] { throw ValueError("the loop's"); });
  asio::post(io, [] { throw std::runtime_error("the host's"); });
  EXPECT_THROW(io.run(), std::runtime_error);
  EXPECT_THAT(trace, ElementsAre("Exception in callback"));
}

TEST_F(AsGuest, an_interrupt_leaves_the_hosts_run_and_the_loop_goes_on_in_the_next) {
  loop->call_soon([] { throw KeyboardInterrupt(); });
  loop->call_soon([&] {
    trace.emplace_back("next");
    guest.stop();
  });
  EXPECT_THROW(io.run(), KeyboardInterrupt);
  io.run();
  EXPECT_THAT(trace, ElementsAre("next"));
}

TEST_F(AsGuest, it_ends_with_a_loop_that_is_dropped_in_its_own_callback) {
  loop->call_soon([&] {
    trace.emplace_back("dropped");
    loop = nullptr;
  });
  loop->call_later(1ms, [&] { trace.emplace_back("never"); });
  io.run();
  EXPECT_THAT(trace, ElementsAre("dropped"));
}

TEST_F(AsGuest, it_leaves_nothing_under_way) {
  loop->call_later(1h, [] {});
  io.poll();
  guest.stop();
  io.restart();
  io.run();  // or it would not return
  loop->call_soon([&] { trace.emplace_back("by itself"); });
  loop->stop();
  loop->run_forever();
  EXPECT_THAT(trace, ElementsAre("by itself"));
}

TEST(Guest, IsRefusedALoopOfAnotherIoContext) {
  asio::io_context one;
  asio::io_context another;
  const auto loop = modern::new_event_loop(make_reactor(one));
  EXPECT_THROW(Guest(*loop, another), RuntimeError);
  const Guest guest(*loop, one);
}

// The program's io.stop() is not lost where a handler of its runs the loop by itself.
TEST_F(AsGuest, a_stop_is_kept_by_a_handler_that_runs_the_loop) {
  asio::post(io, [&] {
    io.stop();
    loop->run_until_complete(modern::sleep(1ms));
    trace.emplace_back("slept");
  });
  io.run();
  EXPECT_TRUE(io.stopped());
  EXPECT_THAT(trace, ElementsAre("slept"));
}

TEST_F(AsGuest, takes_no_turn_while_another_guest_of_the_same_host_is_in_one) {
  const auto other = modern::new_event_loop();
  const Guest second(*other, io);
  int turns = 0;
  other->call_soon([&] { ++turns; });
  loop->call_soon([&] {
    io.run_for(5ms);  // as a dialog does
    EXPECT_LE(turns, 1);
    loop->stop();
    other->stop();
    io.stop();
  });
  EXPECT_NO_THROW(io.run());
}

}  // namespace
}  // namespace segue::bridge
