#include <segue/bridge/asio/reactor.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/threads/to_thread.hpp>

#include "bridge/loop.hpp"

namespace segue::bridge {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Trace;

/// A pair of sockets, with something to receive.
struct Ready {
  Ready() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    EXPECT_EQ(::write(ends[1], "x", 1), 1);
  }
  Ready(const Ready&) = delete;
  Ready& operator=(const Ready&) = delete;
  ~Ready() {
    for (const int end : ends) ::close(end);
  }
  int ends[2];
};

/// On an io_context of the loop's own, and on the program's.
class InAsio : public ::testing::TestWithParam<bool> {
 protected:
  InAsio() {
    if (GetParam()) loop = modern::new_event_loop(make_reactor(program));
  }
  void iterate() {
    loop->stop();
    loop->run_forever();
  }

  Trace trace;
  asio::io_context program;
  modern::EventLoopPtr loop = modern::new_event_loop();
  asio::io_context& context() { return io_context(*loop); }
};
INSTANTIATE_TEST_SUITE_P(Both, InAsio, ::testing::Bool(),
                         [](const auto& which) { return which.param ? "TheProgramsContext" : "ItsOwnContext"; });

TEST_P(InAsio, a_loop_has_one_io_context) {
  asio::io_context& one = context();
  EXPECT_EQ(&one, &context());
  EXPECT_EQ(&one == &program, GetParam());
}

TEST_P(InAsio, watches_from_before_and_after_go_on) {
  const Ready before;
  const Ready after;
  const int old_fd = before.ends[0];
  loop->add_reader(old_fd, [&] { trace.emplace_back("before"); });
  loop->call_soon([&] {
    context();
    loop->add_reader(after.ends[0], [&] {
      trace.emplace_back("after");
      loop->stop();
    });
  });
  loop->run_forever();
  EXPECT_THAT(trace, ElementsAre("before", "before", "after"));
  EXPECT_TRUE(loop->remove_reader(old_fd));
  EXPECT_FALSE(loop->remove_reader(old_fd));
  trace.clear();
  iterate();
  EXPECT_THAT(trace, ElementsAre("after"));
  loop->remove_reader(after.ends[0]);
}

TEST_P(InAsio, the_loop_waits_for_handlers_descriptors_timers_and_threads_alike) {
  const Ready ready;
  std::thread other;
  asio::steady_timer timer(context(), 1ms);
  timer.async_wait([&](const auto&) {
    trace.emplace_back("handler");
    loop->call_later(1ms, [&] {
      trace.emplace_back("timer");
      loop->add_reader(ready.ends[0], [&] {
        trace.emplace_back("descriptor");
        loop->remove_reader(ready.ends[0]);
        other = std::thread([&] {
          loop->call_soon_threadsafe([&] {
            trace.emplace_back("thread");
            loop->stop();
          });
        });
      });
    });
  });
  loop->run_forever();
  other.join();
  EXPECT_THAT(trace, ElementsAre("handler", "timer", "descriptor", "thread"));
}

TEST_P(InAsio, what_a_handler_schedules_runs_in_the_same_iteration) {
  asio::post(context(), [&] {
    trace.emplace_back("handler");
    loop->call_soon([&] { trace.emplace_back("scheduled"); });
  });
  iterate();
  EXPECT_THAT(trace, ElementsAre("handler", "scheduled"));
}

TEST_P(InAsio, handlers_that_queue_each_other_leave_the_loop_its_turns) {
  bool stopped = false;
  const std::function<void()> again = [&] {
    if (!stopped) asio::post(context(), again);
  };
  again();
  int turns = 0;
  const std::function<void()> turn = [&] { ++turns < 3 ? static_cast<void>(loop->call_soon(turn)) : loop->stop(); };
  loop->call_later(1us, turn);
  loop->run_forever();
  EXPECT_EQ(turns, 3);
  stopped = true;
  iterate();
}

TEST_P(InAsio, an_error_in_a_handler_goes_to_the_exception_handler) {
  testing::collect_reports(*loop, trace);
  asio::post(context(), [] { throw std::runtime_error("not segue's"); });
  asio::post(context(), [] { throw ValueError("segue's"); });
  asio::post(context(), [&] { trace.emplace_back("the next one"); });
  iterate();
  EXPECT_THAT(trace, ElementsAre("Exception in Asio handler", "Exception in Asio handler", "the next one"));
}

TEST_P(InAsio, an_error_in_the_handler_that_it_waited_for_does_so_too) {
  testing::collect_reports(*loop, trace);
  asio::steady_timer timer(context(), 1ms);
  timer.async_wait([&](const auto&) {
    loop->call_soon([&] { loop->stop(); });
    throw ValueError("bad");
  });
  loop->run_forever();
  EXPECT_THAT(trace, ElementsAre("Exception in Asio handler"));
}

TEST_P(InAsio, an_interrupt_in_a_handler_leaves_the_loop_which_can_run_again) {
  testing::collect_reports(*loop, trace);
  asio::post(context(), [] { throw KeyboardInterrupt(); });
  asio::post(context(), [&] { trace.emplace_back("the next one"); });
  EXPECT_THROW(iterate(), KeyboardInterrupt);
  EXPECT_THAT(trace, IsEmpty());
  iterate();
  EXPECT_THAT(trace, ElementsAre("the next one"));
}

TEST_P(InAsio, stopping_the_io_context_does_not_stop_the_loop) {
  asio::post(context(), [&] { context().stop(); });
  iterate();
  asio::post(context(), [&] { trace.emplace_back("still"); });
  iterate();
  EXPECT_THAT(trace, ElementsAre("still"));
}

TEST(MakeReactor, LeavesNothingUnderWayInTheProgramsIoContext) {
  asio::io_context io;
  const auto loop = modern::new_event_loop(make_reactor(io));
  loop->call_later(1ms, [&] { loop->stop(); });
  loop->run_forever();
  EXPECT_EQ(io.run(), 0u);  // or it would not return
}

TEST(IoContext, IsRefusedByALoopWithoutAsio) {
  const auto loop = testing::make_loop();
  EXPECT_THROW(io_context(*loop), RuntimeError);
}

TEST(IoContext, RunsACallbackStyleHandlerOnTheLoopsThread) {
  const auto loop = modern::new_event_loop();
  const auto future = loop->create_future<std::thread::id>();
  asio::steady_timer timer(io_context(*loop), 1ms);
  timer.async_wait([future](const boost::system::error_code&) { future.set_result(std::this_thread::get_id()); });
  EXPECT_EQ(loop->run_until_complete(future), std::this_thread::get_id());
}

}  // namespace
}  // namespace segue::bridge
